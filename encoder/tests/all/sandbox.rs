//! What stands behind the walls cannot get out: not the worker, not FFmpeg, not by what a file says.

use crate::support;

use std::net::TcpListener;
use std::process::Command;

use assay_encoder::{InspectRequest, Priority, Walls, WorkerError, probe};
use support::{clip, profiles, worker, workers};

#[tokio::test]
async fn a_worker_cannot_break_out() {
    assert_eq!(workers(1).walls().await.unwrap(), Walls::ALL);
    assert_eq!(Walls::ALL.warning(), None);
}

/// What it fetches comes through a proxy, whose port alone it may call.
#[tokio::test]
async fn a_receiver_cannot_break_out_either() {
    assert_eq!(workers(1).walls_of_receivers().await.unwrap(), Walls::ALL);
    let open = Walls {
        network: false,
        signals: false,
        ..Walls::ALL
    };
    let words = "could reach the network, end other programs;";
    assert!(open.warning().unwrap().contains(words));
}

/// Set for the test that another one starts in FFmpeg's place.
const BEHIND: &str = "ASSAY_BEHIND_THE_INNER_WALL";

#[test]
fn nobody_is_signalled_by_way_of_a_pipe() {
    let mut command = Command::new(worker().program);
    command
        .args(["--become", &std::process::id().to_string()])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::pipes_have_no_owner", "--nocapture"])
        .env(BEHIND, "1");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("refused: 4"), "{said}");
}

/// Does nothing unless the test above starts it.
#[test]
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn pipes_have_no_owner() {
    if std::env::var_os(BEHIND).is_none() {
        return;
    }
    const F_SETSIG: libc::c_int = 10;
    const F_SETOWN_EX: libc::c_int = 15;
    const FIOSETOWN: libc::c_ulong = 0x8901;
    let parent = std::os::unix::process::parent_id() as i32;
    let mut owner = [1, parent];
    // SAFETY: no call takes a pointer but those that are given one to numbers that live long enough.
    let answers = unsafe {
        assert!(libc::fcntl(0, libc::F_GETFL) >= 0, "all of fcntl is gone");
        [
            libc::fcntl(0, libc::F_SETOWN, parent),
            libc::fcntl(0, F_SETOWN_EX, owner.as_mut_ptr()),
            libc::fcntl(0, F_SETSIG, libc::SIGKILL),
            libc::ioctl(0, FIOSETOWN, owner.as_mut_ptr()),
        ]
    };
    assert_eq!(answers, [-1; 4]);
    assert_eq!(
        std::io::Error::last_os_error().raw_os_error(),
        Some(libc::ENOSYS)
    );
    println!("refused: {}", answers.len());
}

/// Scripts that FFmpeg would follow if nothing held it: playlists and lists that name a file or an address.
fn scripts(file: &str, port: u16) -> Vec<(&'static str, String)> {
    let list = |uri: &str| {
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{uri}\n#EXT-X-ENDLIST\n")
    };
    let http = format!("http://127.0.0.1:{port}/x.ts");
    vec![
        ("file.m3u8", list(&format!("file://{file}"))),
        ("http.m3u8", list(&http)),
        ("concat.m3u8", list(&format!("concat:{file}|{http}"))),
        (
            "file.ffconcat",
            format!("ffconcat version 1.0\nfile '{file}'\n"),
        ),
        (
            "http.ffconcat",
            format!("ffconcat version 1.0\nfile '{http}'\n"),
        ),
        (
            "x.sdp",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
            ),
        ),
    ]
}

#[tokio::test]
async fn scripts_reach_no_file_and_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let secret = clip(
        dir.path(),
        "secret.ts",
        "64x64",
        1,
        "-c:v libx264 -preset ultrafast",
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let scripts = scripts(&secret.display().to_string(), port);
    for (name, script) in scripts {
        let request = InspectRequest {
            source: script.clone().into_bytes().into(),
            profiles: profiles(64, 64),
        };
        let error = workers(1).inspect(&request, Priority::Sample).await;
        assert!(
            matches!(error, Err(WorkerError::Fault(_))),
            "{name}: {error:?}"
        );
        let path = dir.path().join(name).with_extension("mkv");
        std::fs::write(&path, script).unwrap();
        let error = probe(&path, &worker()).await;
        assert!(error.is_err(), "{name}: {error:?}");
    }
    assert!(listener.accept().is_err(), "somebody called");
}
