//! What stands behind the walls cannot get out: not the worker, not FFmpeg, not by what a file says.

use crate::support;

use std::net::TcpListener;

use assay_encoder::{InspectRequest, Priority, Walls, WorkerError, probe};
use support::{clip, profiles, worker, workers};

#[tokio::test]
async fn a_worker_cannot_break_out() {
    assert_eq!(workers(1).walls().await.unwrap(), Walls::ALL);
    assert!(Walls::ALL.open().is_empty());
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
