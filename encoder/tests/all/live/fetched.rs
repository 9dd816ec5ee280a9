//! Streams that are fetched, from a server that may mean no good.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Heard;
use crate::support::ffmpeg;

/// Serves a folder to one request after the other; counts those for playlists.
fn serve(folder: &Path) -> (u16, Arc<AtomicU32>) {
    use std::io::{BufRead, BufReader, Write};
    let lists = Arc::new(AtomicU32::new(0));
    let counted = lists.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, folder) = (listener.local_addr().unwrap().port(), folder.to_owned());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let name = first.split([' ', '?', '/']).find(|part| part.contains('.'));
            counted.fetch_add(first.contains(".m3u8").into(), Ordering::Relaxed);
            let body = std::fs::read(folder.join(name.unwrap_or("none"))).unwrap_or_default();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    (port, lists)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=4 -f lavfi -i sine=d=4 -c:v libx264 -g 25 -c:a aac \
                 -f hls -hls_time 1 -hls_playlist_type vod";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8?token=a-secret");
    let mut heard = Heard::of(&address.parse().unwrap());
    // It has an end, and receiving ends with it.
    heard.until(|_| false).await;
    let counts: Vec<_> = heard.segments.iter().map(|s| s.frames).collect();
    assert_eq!(
        (counts, heard.connected),
        (vec![25; 4], 1),
        "{:?}",
        heard.lost
    );
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_stands_still_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v libx264 -g 25 -f hls -hls_time 1 -hls_flags omit_endlist";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (port, lists) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|heard| !heard.lost.is_empty()).await;
    // What had come before is there, but for the frames whose end FFmpeg cannot see.
    let frames: u32 = heard.segments.iter().map(|s| s.frames).sum();
    assert!((45..=50).contains(&frames), "{frames}");
    assert!(heard.lost[0].contains("silent"), "{:?}", heard.lost);
    // Not given up at once, and not for good.
    assert!(lists.load(Ordering::Relaxed) > 3);
    heard.until(|heard| heard.connected == 2).await;
}

/// Whether anybody asks for anything here.
fn trap() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::default());
    let counted: Arc<AtomicU32> = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = stream.read_exact(&mut [0; 1]);
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_cannot_make_us_ask_others_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi =
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v libx264 -g 25 -f hls -hls_time 1";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (inside, heard_inside) = trap();
    let list = dir.path().join("list.m3u8");
    let text = std::fs::read_to_string(&list).unwrap();
    let other = format!(
        "#EXTINF:1,\nhttp://127.0.0.1:{inside}/secret.ts\n#EXTINF:1,\nhttps://localhost:{inside}/secret.ts\n#EXT-X-ENDLIST"
    );
    std::fs::write(&list, text.replace("#EXT-X-ENDLIST", &other)).unwrap();
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard
        .until(|heard| heard.segments.len() >= 2 || !heard.lost.is_empty())
        .await;
    // Its own segments come from where the playlist does.
    assert_eq!(heard.segments[0].frames, 25);
    tokio::time::timeout(Duration::from_secs(5), heard.until(|_| false))
        .await
        .ok();
    assert_eq!(heard_inside.load(Ordering::Relaxed), 0);
}
