//! Live streams: cut as they come, by RTMP and SRT from a real sender that goes and comes back, and fetched over HTTP.

mod cuts;
mod fetched;
mod once;
mod seat;
mod sent;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assay_encoder::live::{Address, Cut, LiveEvent, LiveSegment, StreamKey, receive};
use tokio::sync::mpsc;

use crate::support::worker;

pub const CUT: Cut = Cut {
    target: Duration::from_secs(1),
    longest: Duration::from_secs(5),
};
pub const KEY: &str = "a-key-that-nobody-guesses";

/// A sender that ends with the test.
pub struct Sender(Child);

impl Sender {
    /// The file as it is, at its pace.
    pub fn of_file(path: &Path, format: &str, url: &str) -> Self {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "quiet", "-re", "-i"]);
        command.arg(path).args(["-c", "copy", "-f", format, url]);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub fn start(seconds: u32, format: &str, url: &str) -> Self {
        let input = format!(
            "-nostdin -v quiet -re -f lavfi -i testsrc2=size=128x96:rate=25 -re -f lavfi -i sine -t {seconds} -c:v libx264 \
             -preset ultrafast -g 25 -c:a aac -f {format}"
        );
        let mut command = Command::new("ffmpeg");
        command.args(input.split_whitespace()).arg(url);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Arguments of the children of this process and of their children, but those of senders.
fn arguments_of_children() -> String {
    let children = |of: &str| {
        let tasks = std::fs::read_dir(format!("/proc/{of}/task"));
        let lists = tasks.into_iter().flatten().flatten();
        let lists = lists.map(|task| std::fs::read_to_string(task.path().join("children")));
        let ids: String = lists.map(Result::unwrap_or_default).collect();
        ids.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let own = children(&std::process::id().to_string());
    let below: Vec<_> = own.iter().flat_map(|child| children(child)).collect();
    let arguments = own.iter().chain(&below).map(|process| {
        std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
    });
    arguments
        .filter(|arguments| !arguments.contains("testsrc2"))
        .collect()
}

struct Heard {
    events: mpsc::Receiver<LiveEvent>,
    segments: Vec<LiveSegment>,
    connected: u32,
    lost: Vec<String>,
}

impl Heard {
    fn of(address: &Address) -> Self {
        let (sender, events) = mpsc::channel(4);
        let address = address.clone();
        tokio::spawn(async move {
            let key = StreamKey::new(KEY);
            receive(&address, key.as_ref(), CUT, &worker(), sender)
                .await
                .unwrap();
        });
        Self {
            events,
            segments: Vec::new(),
            connected: 0,
            lost: Vec::new(),
        }
    }

    async fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !enough(self) {
            let left = Duration::from_secs(60).saturating_sub(begun.elapsed());
            match tokio::time::timeout(left, self.events.recv())
                .await
                .unwrap()
            {
                Some(LiveEvent::Segment { segment, .. }) => self.segments.push(*segment),
                Some(LiveEvent::Connected { .. }) => self.connected += 1,
                Some(LiveEvent::LeftOut { what }) => panic!("{what} is not passed on"),
                Some(LiveEvent::Lost { reason }) => self.lost.push(reason),
                None => return,
            }
        }
    }

    /// Time goes on without holes, and jumps once: where the sender came back.
    fn check(&self) {
        let jumps: Vec<_> = self
            .segments
            .iter()
            .map(|s| s.timing.discontinuity)
            .collect();
        assert_eq!(jumps.iter().filter(|&&jump| jump).count(), 1, "{jumps:?}");
        assert!(!jumps[0]);
        for pair in self.segments.windows(2) {
            let end = pair[0].timing.start + pair[0].timing.duration;
            let off = pair[1].timing.start.abs_diff(end);
            assert!(off < Duration::from_millis(2), "{off:?}");
            assert!(pair[1].timing.date > pair[0].timing.date);
        }
        let heard = self
            .segments
            .iter()
            .filter(|s| s.sounds.iter().any(Option::is_some));
        assert!(heard.count() >= self.segments.len() - 1);
    }
}

async fn goes_and_comes_back(address: &str, gone: &str, sender: impl Fn(&str) -> Sender) {
    let address: Address = address.parse().unwrap();
    let mut heard = Heard::of(&address);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut wrong = sender("another-key-altogether");
    let begun = Instant::now();
    let first = loop {
        // The wrong one must have had its chance.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if wrong.0.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(5) {
            drop(wrong);
            break sender(KEY);
        }
    };
    heard.until(|heard| heard.segments.len() >= 2).await;
    let arguments = arguments_of_children();
    assert!(
        arguments.contains("mpegts") && !arguments.contains(KEY),
        "{arguments}"
    );
    assert_eq!((heard.connected, &heard.lost), (1, &Vec::new()));
    // It breaks off in the middle of a segment.
    drop(first);
    let before = heard.segments.len();
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(heard.lost[0].contains(gone), "{:?}", heard.lost);
    let _second = sender(KEY);
    heard
        .until(|heard| heard.segments.len() >= before + 3)
        .await;
    assert_eq!(heard.connected, 2);
    heard.check();
    assert!(
        !format!("{:?}", heard.lost).contains(KEY),
        "{:?}",
        heard.lost
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_rtmp_with_the_key() {
    let port = free_port();
    let url = move |key: &str| format!("rtmp://127.0.0.1:{port}/live/{key}");
    let sender = move |key: &str| Sender::start(30, "flv", &url(key));
    // As it is killed, what it has not read may make the system break the connection.
    let address = format!("rtmp://127.0.0.1:{port}/live");
    goes_and_comes_back(&address, "the ", sender).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_srt_with_the_key() {
    let port = free_port();
    let url = move |key: &str| format!("srt://127.0.0.1:{port}?passphrase={key}");
    let sender = move |key: &str| Sender::start(30, "mpegts", &url(key));
    let address = format!("srt://127.0.0.1:{port}");
    goes_and_comes_back(&address, "the sender has gone", sender).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_say_nothing_do_not_keep_a_sender_out() {
    let port = free_port();
    let address = format!("rtmp://127.0.0.1:{port}/live");
    let mut heard = Heard::of(&address.parse().unwrap());
    let connect = || TcpStream::connect(("127.0.0.1", port));
    let begun = Instant::now();
    let mut strangers = Vec::new();
    // They come again as fast as they are sent away, the first ones before the listener is there.
    while strangers.len() < 100 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        match connect() {
            Ok(stranger) => strangers.push(stranger),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let url = format!("rtmp://127.0.0.1:{port}/live/{KEY}");
    let _sender = Sender::start(30, "flv", &url);
    heard.until(|heard| heard.connected == 1).await;
}
