//! The FFmpeg that receives live streams stands behind a worker's walls, and ends with whoever started it.

use crate::live::{CUT, KEY, Sender, free_port};
use crate::processes::{both, dead, signal};
use crate::support::marked;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use assay_encoder::live::{LiveEvent, StreamKey, receive};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where the test that is to be killed receives.
const ADDRESS: &str = "ASSAY_RECEIVE_FROM";

/// Receives with this mark on the worker; ends with the first segment.
fn receiver(address: String, mark: &'static str) -> JoinHandle<Option<()>> {
    let (sender, mut events) = mpsc::channel(4);
    tokio::spawn(async move {
        let (address, key) = (address.parse().unwrap(), StreamKey::new(KEY));
        let worker = marked(mark);
        let received = receive(&address, key.as_ref(), CUT, &worker, sender);
        let segment = async {
            loop {
                if let LiveEvent::Segment { .. } = events.recv().await? {
                    return Some(());
                }
            }
        };
        tokio::select! {
            ended = received => {
                ended.unwrap();
                None
            }
            came = segment => came,
        }
    })
}

/// A line of a process's `/proc` entry, without its name.
fn line(process: u32, file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    lines.next().unwrap_or_default().trim().to_owned()
}

/// Two filters, no new privileges, and the worker's limits.
async fn is_confined(ffmpeg: u32) {
    let filters = |process| line(process, "status", "Seccomp_filters:").parse::<u32>();
    assert_eq!(line(ffmpeg, "status", "Seccomp:"), "2");
    let own = filters(std::process::id()).unwrap();
    assert_eq!(filters(ffmpeg).unwrap(), own + 2);
    assert_eq!(line(ffmpeg, "status", "NoNewPrivs:"), "1");
    // The worker sets it once FFmpeg runs.
    let mut cpu = Vec::new();
    for _ in 0..500 {
        let limits = line(ffmpeg, "limits", "Max cpu time");
        let limits = limits.split_whitespace();
        cpu = limits.filter_map(|word| word.parse::<u64>().ok()).collect();
        if cpu.first() != cpu.last() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(matches!(cpu[..], [60..600, 86_400]), "{cpu:?}");
    let memory = line(ffmpeg, "limits", "Max address space");
    assert!(memory.starts_with("1073741824 "), "{memory}");
    assert!(line(ffmpeg, "limits", "Max core file size").starts_with("0 "));
}

/// Waits until somebody listens.
async fn listening(port: u16) {
    for _ in 0..3000 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody listens on port {port}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rtmp_is_received_behind_walls() {
    let port = free_port();
    let receiver = receiver(format!("rtmp://127.0.0.1:{port}/live"), "--walled-rtmp");
    listening(port).await;
    let _sender = Sender::start(60, "flv", &format!("rtmp://127.0.0.1:{port}/live/{KEY}"));
    let (_, ffmpeg) = both("--walled-rtmp").await;
    is_confined(ffmpeg).await;
    assert_eq!(receiver.await.unwrap(), Some(()));
    assert!(dead(ffmpeg).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn srt_is_received_behind_walls() {
    let port = free_port();
    let receiver = receiver(format!("srt://127.0.0.1:{port}"), "--walled-srt");
    let (_, ffmpeg) = both("--walled-srt").await;
    is_confined(ffmpeg).await;
    let url = format!("srt://127.0.0.1:{port}?passphrase={KEY}");
    let _sender = Sender::start(60, "mpegts", &url);
    assert_eq!(receiver.await.unwrap(), Some(()));
    assert!(dead(ffmpeg).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_fetched_behind_walls() {
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let receiver = receiver(format!("http://127.0.0.1:{port}/x.ts"), "--walled-pull");
    let (_, ffmpeg) = both("--walled-pull").await;
    is_confined(ffmpeg).await;
    receiver.abort();
    assert!(dead(ffmpeg).await);
}

/// A process that receives from an address.
fn parent(address: &str) -> std::process::Child {
    let mut parent = std::process::Command::new(std::env::current_exe().unwrap());
    parent.args([
        "--ignored",
        "--exact",
        "live_walls::a_receiver_to_be_killed",
    ]);
    parent.env(ADDRESS, address);
    let parent = parent.stdout(std::process::Stdio::null());
    parent.spawn().unwrap()
}

/// Has the FFmpeg of such a process hang, and kills the process.
async fn ends_with(mut parent: std::process::Child, mark: &str) {
    let (worker, ffmpeg) = both(mark).await;
    signal(ffmpeg, Signal::STOP);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(dead(worker).await && dead(ffmpeg).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_receives_rtmp_ends_with_its_parent_even_if_it_hangs() {
    let port = free_port();
    let url = format!("rtmp://127.0.0.1:{port}/live");
    let parent = parent(&url);
    listening(port).await;
    let _sender = Sender::start(60, "flv", &format!("{url}/{KEY}"));
    ends_with(parent, "--orphan-rtmp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_receives_srt_ends_with_its_parent_even_if_it_hangs() {
    let url = format!("srt://127.0.0.1:{}", free_port());
    ends_with(parent(&url), "--orphan-srt").await;
}

#[tokio::test]
#[ignore = "the tests above start it in a process of its own"]
async fn a_receiver_to_be_killed() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let mark = match address.starts_with("srt") {
        true => "--orphan-srt",
        false => "--orphan-rtmp",
    };
    let _ = receiver(address, mark).await;
}
