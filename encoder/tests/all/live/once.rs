//! Parameter sets that come once: every segment has them all the same, and nothing else is changed.

use std::path::{Path, PathBuf};

use super::cuts::cut;
use super::{Heard, KEY, Sender, free_port};
use crate::support::{ffmpeg, frames};

/// A codec: its raw format, its encoder, and the types of its units that are slices and parameter sets.
struct Codec {
    name: &'static str,
    encoder: &'static str,
    number: fn(u8) -> u8,
    slices: std::ops::RangeInclusive<u8>,
    sets: std::ops::RangeInclusive<u8>,
}

const CODECS: [Codec; 2] = [
    Codec {
        name: "h264",
        encoder: "libx264 -x264-params aud=1",
        number: |head| head & 0x1f,
        slices: 1..=5,
        sets: 7..=8,
    },
    Codec {
        name: "hevc",
        encoder: "libx265 -x265-params log-level=error:aud=1:open-gop=0",
        number: |head| head >> 1 & 0x3f,
        slices: 0..=31,
        sets: 32..=34,
    },
];

/// Four seconds of pictures, as a transport stream; with parameter sets before each key frame, or before the first alone as with
/// an encoder's `repeat-headers=0`.
fn clip(dir: &Path, codec: &Codec, once: bool) -> PathBuf {
    let raw = dir.join(format!("raw.{}", codec.name));
    let lavfi =
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -preset ultrafast -g 25 -bf 0";
    ffmpeg(
        &format!("{lavfi} -c:v {} -f {}", codec.encoder, codec.name),
        &raw,
    );
    let whole = std::fs::read(&raw).unwrap();
    let starts = whole
        .windows(3)
        .enumerate()
        .filter(|(_, bytes)| bytes.starts_with(&[0, 0, 1]));
    let starts: Vec<_> = starts.map(|(at, _)| at).chain([whole.len()]).collect();
    let (mut kept, mut begun) = (whole[..starts[0]].to_vec(), false);
    for pair in starts.windows(2) {
        let number = (codec.number)(whole[pair[0] + 3]);
        begun |= codec.slices.contains(&number);
        if !(once && begun && codec.sets.contains(&number)) {
            kept.extend_from_slice(&whole[pair[0]..pair[1]]);
        }
    }
    std::fs::write(&raw, kept).unwrap();
    let path = dir.join(format!("{}-{once}.ts", codec.name));
    ffmpeg(
        &format!(
            "-f {} -r 25 -i {} -c copy -muxdelay 0 -pes_payload_size 0 -f mpegts",
            codec.name,
            raw.display()
        ),
        &path,
    );
    path
}

/// Packets of the pictures.
fn pictures(bytes: &[u8]) -> Vec<u8> {
    let (packets, _) = bytes.as_chunks::<188>();
    let of_pictures = packets
        .iter()
        .filter(|packet| packet[1] & 0x1f == 1 && packet[2] == 0);
    of_pictures.flatten().copied().collect()
}

#[test]
fn every_segment_has_the_parameter_sets() {
    let dir = tempfile::tempdir().unwrap();
    for codec in &CODECS {
        let segments = cut(&clip(dir.path(), codec, true)).unwrap();
        let counts: Vec<_> = segments.iter().map(|s| s.frames).collect();
        assert_eq!(counts, [25; 4], "{}", codec.name);
        let path = dir.path().join("alone.ts");
        for (index, segment) in segments.iter().enumerate() {
            std::fs::write(&path, &segment.bytes).unwrap();
            assert_eq!(frames(&path), 25, "{} {index}", codec.name);
        }
    }
}

#[test]
fn a_stream_that_has_them_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    for codec in &CODECS {
        let path = clip(dir.path(), codec, false);
        let segments = cut(&path).unwrap();
        let bytes: Vec<u8> = segments.iter().flat_map(|s| pictures(&s.bytes)).collect();
        assert!(
            bytes == pictures(&std::fs::read(&path).unwrap()),
            "{}",
            codec.name
        );
        assert!(!bytes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_by_srt_with_parameter_sets_once_is_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(dir.path(), &CODECS[0], true);
    let port = free_port();
    let mut heard = Heard::of(&format!("srt://127.0.0.1:{port}").parse().unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let url = format!("srt://127.0.0.1:{port}?passphrase={KEY}");
    let _sender = Sender::of_file(&path, "mpegts", &url);
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(heard.segments.len() > 2, "{:?}", heard.lost);
    for (index, segment) in heard.segments.iter().enumerate() {
        let alone = dir.path().join("alone.ts");
        std::fs::write(&alone, &segment.bytes).unwrap();
        assert_eq!(frames(&alone), segment.frames, "{index}");
    }
}
