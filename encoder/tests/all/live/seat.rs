//! Senders that know the key and give nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Heard, KEY, Sender, free_port};

/// A message at time 0 in chunks of 128 bytes (RTMP 5.3).
fn message(kind: u8, stream: u8, body: &[u8]) -> Vec<u8> {
    message_at(0, kind, stream, body)
}

/// The same at a time in milliseconds.
pub fn message_at(time: u32, kind: u8, stream: u8, body: &[u8]) -> Vec<u8> {
    let (len, time) = ((body.len() as u32).to_be_bytes(), time.to_be_bytes());
    let mut bytes = vec![3, time[1], time[2], time[3], len[1], len[2], len[3]];
    bytes.extend_from_slice(&[kind, stream, 0, 0, 0]);
    for (index, part) in body.chunks(128).enumerate() {
        if index > 0 {
            bytes.push(0xc3);
        }
        bytes.extend_from_slice(part);
    }
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&[2, 0, text.len() as u8], text.as_bytes()].concat()
}

fn number(number: f64) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes()].concat()
}

/// Wishes to publish with the key, and is let.
pub fn admitted(port: u16) -> TcpStream {
    let begun = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(_) => assert!(begun.elapsed() < Duration::from_secs(30)),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    stream.write_all(&[&[3][..], &[0; 1536]].concat()).unwrap();
    let mut greeting = [0; 1 + 2 * 1536];
    stream.read_exact(&mut greeting).unwrap();
    stream.write_all(&greeting[1..=1536]).unwrap();
    let app = [&[3, 0, 3][..], b"app", &text("live"), &[0, 0, 9]].concat();
    let connect = [text("connect"), number(1.0), app].concat();
    let publish = [
        text("publish"),
        number(2.0),
        vec![5],
        text(KEY),
        text("live"),
    ]
    .concat();
    stream.write_all(&message(20, 0, &connect)).unwrap();
    stream.write_all(&message(20, 1, &publish)).unwrap();
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&said).contains("Publish.Start") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0);
        said.extend_from_slice(&buffer[..read]);
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_gives_no_picture_leaves_its_place() {
    let port = free_port();
    let url = format!("rtmp://127.0.0.1:{port}/live");
    let mut heard = Heard::of(&url.parse().unwrap());
    let mut idle = tokio::task::spawn_blocking(move || admitted(port))
        .await
        .unwrap();
    // It answers pings that nobody sent, as long as anybody listens.
    std::thread::spawn(move || {
        let pong = message(4, 0, &[0, 7, 0, 0, 0, 0]);
        while idle.write_all(&pong).is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(heard.lost[0].contains("no picture"), "{:?}", heard.lost);
    let _sender = Sender::start(30, "flv", &format!("{url}/{KEY}"));
    heard.until(|heard| !heard.segments.is_empty()).await;
    assert_eq!(heard.lost.len(), 1, "{:?}", heard.lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_null_packets_leaves_its_place() {
    let port = free_port();
    let mut heard = Heard::of(&format!("srt://127.0.0.1:{port}").parse().unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut sender = Command::new("ffmpeg");
    sender.args("-v quiet -f data -i pipe:0 -map 0 -c copy -f data".split_whitespace());
    sender.arg(format!("srt://127.0.0.1:{port}?passphrase={KEY}"));
    let mut sender = sender.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = sender.stdin.take().unwrap();
    let idle = Sender(sender);
    std::thread::spawn(move || {
        let mut packet = [0xff; 188];
        packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
        while pipe.write_all(&packet.repeat(7)).is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(heard.lost[0].contains("no picture"), "{:?}", heard.lost);
    drop(idle);
    let url = format!("srt://127.0.0.1:{port}?passphrase={KEY}");
    let begun = Instant::now();
    while heard.segments.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        // It is refused where nobody listens yet.
        let _sender = Sender::start(5, "mpegts", &url);
        let heard = heard.until(|heard| heard.segments.len() > 1);
        let _ = tokio::time::timeout(Duration::from_secs(7), heard).await;
    }
}
