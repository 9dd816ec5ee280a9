//! What comes by RTMP from others than FFmpeg: pictures long after the sound, and several messages in one.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::Path;

use super::seat::{admitted, message_at};
use super::{Heard, free_port};
use crate::support::ffmpeg;

const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const AGGREGATE: u8 = 22;

/// A tag of FLV: kind, time in milliseconds, body.
type Tag = (u8, u32, Vec<u8>);

/// What FFmpeg would send of four seconds of pictures and twelve of sound.
fn tags(dir: &Path) -> Vec<Tag> {
    let path = dir.join("sent.flv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=4 -f lavfi -i sine=d=12 -c:v libx264 -preset ultrafast -g 25 -c:a aac",
        &path,
    );
    let bytes = std::fs::read(&path).unwrap();
    let number = |at: &[u8]| {
        at.iter()
            .fold(0, |number, &byte| number << 8 | u32::from(byte))
    };
    let (mut rest, mut tags) = (&bytes[13..], Vec::new());
    while !rest.is_empty() {
        let len = number(&rest[1..4]) as usize;
        let time = number(&[rest[7], rest[4], rest[5], rest[6]]);
        tags.push((rest[0], time, rest[11..11 + len].to_vec()));
        rest = &rest[11 + len + 4..];
    }
    tags
}

/// Publishes these bytes, and ends.
async fn publish(bytes: Vec<u8>) -> Heard {
    let port = free_port();
    let url = format!("rtmp://127.0.0.1:{port}/live");
    let mut heard = Heard::of(&url.parse().unwrap());
    std::thread::spawn(move || {
        let mut stream = admitted(port);
        stream.write_all(&bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    heard.until(|heard| !heard.lost.is_empty()).await;
    heard
}

fn check(heard: &Heard, what: &str) {
    let counts: Vec<_> = heard.segments.iter().map(|s| s.frames).collect();
    assert_eq!(counts, [25; 4], "{what}: {:?}", heard.lost);
    assert!(
        heard.lost[0].contains("closed the connection"),
        "{what}: {:?}",
        heard.lost
    );
    let heard_all = heard
        .segments
        .iter()
        .all(|s| s.sounds.iter().any(Option::is_some));
    assert!(heard_all, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_picture_may_come_long_after_the_sound() {
    let dir = tempfile::tempdir().unwrap();
    let tags = tags(dir.path());
    for (what, late, head) in [
        ("all of it later", 4000, 4000),
        ("all of it much later", 7500, 7500),
        ("only its head at once", 4000, 0),
    ] {
        let mut late: Vec<Tag> = tags
            .iter()
            .map(|(kind, time, body)| match (kind, &body[..]) {
                (&VIDEO, [0x17, 0, ..]) => (*kind, time + head, body.clone()),
                (&VIDEO, _) => (*kind, time + late, body.clone()),
                _ => (*kind, *time, body.clone()),
            })
            .collect();
        late.sort_by_key(|&(_, time, _)| time);
        let sent = late
            .iter()
            .flat_map(|(kind, time, body)| message_at(*time, *kind, 1, body));
        check(&publish(sent.collect()).await, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_alone_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut heard = Heard::of(&format!("rtmp://127.0.0.1:{port}/live").parse().unwrap());
    let tags = tags(dir.path());
    let sounds = tags.iter().filter(|(kind, ..)| *kind == AUDIO);
    let sent: Vec<u8> = sounds
        .flat_map(|(kind, time, body)| message_at(*time, *kind, 1, body))
        .collect();
    let mut stream = tokio::task::spawn_blocking(move || admitted(port))
        .await
        .unwrap();
    stream.write_all(&sent).unwrap();
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert_eq!(heard.lost, ["the sender gives no picture for 10 s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregate_messages_are_taken_apart() {
    let dir = tempfile::tempdir().unwrap();
    let tags = tags(dir.path());
    let mut sent = Vec::new();
    for group in tags.chunks(10) {
        let parts = group.iter().flat_map(|(kind, time, body)| {
            // Their own times begin anywhere.
            let (len, time) = ((body.len() as u32).to_be_bytes(), (time + 77).to_be_bytes());
            let head = [
                *kind, len[1], len[2], len[3], time[1], time[2], time[3], time[0], 0, 0, 0,
            ];
            let back = (body.len() as u32 + 11).to_be_bytes();
            [&head[..], body, &back].concat()
        });
        let parts: Vec<u8> = parts.collect();
        sent.extend(message_at(group[0].1, AGGREGATE, 1, &parts));
    }
    check(&publish(sent).await, "aggregates");
}
