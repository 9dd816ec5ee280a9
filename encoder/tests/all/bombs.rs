//! Sources made to hurt: each ends in one clear error, soon, before memory is taken for what it promises.

use crate::support;

use std::path::Path;
use std::time::{Duration, Instant};

use assay_encoder::{
    Fault, InputError, InspectRequest, Priority, Segmenter, WorkerError, probe, y4m::Header,
};
use support::{bytes, ffmpeg, profiles, worker, workers};

/// Bits of an H.264 header, and its variable-length numbers (ITU-T H.264, section 9.1).
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn fixed(mut self, value: u32, bits: u32) -> Self {
        self.0
            .extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn number(self, value: u32) -> Self {
        let bits = 32 - (value + 1).leading_zeros();
        self.fixed(0, bits - 1).fixed(value + 1, bits)
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.push(true);
        let byte = |bits: &[bool]| {
            let value = bits
                .iter()
                .fold(0u8, |byte, &bit| byte << 1 | u8::from(bit));
            value << (8 - bits.len())
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// A raw H.264 stream that says it has pictures of `blocks` by `blocks` macroblocks, and holds noise.
fn huge(blocks: u32) -> Vec<u8> {
    let sps = Bits::default().fixed(66, 8).fixed(0, 8).fixed(62, 8);
    let sps = sps.number(0).number(0).number(2).number(1).fixed(0, 1);
    let sps = sps.number(blocks - 1).number(blocks - 1).fixed(0b1100, 4);
    let pps = Bits::default()
        .number(0)
        .number(0)
        .fixed(0, 2)
        .number(0)
        .number(0)
        .number(0);
    let pps = pps.fixed(0, 3).number(0).number(0).number(0).fixed(0, 3);
    let mut stream = Vec::new();
    let noise: Vec<u8> = (0..4000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 1)
        .collect();
    let units = [
        (0x67, sps.bytes()),
        (0x68, pps.bytes()),
        (0x65, noise.clone()),
        (0x65, noise),
    ];
    for (kind, unit) in units {
        stream.extend([0, 0, 0, 1, kind]);
        stream.extend(unit);
    }
    stream
}

async fn refused(path: &Path) -> InputError {
    let found = match probe(path, &worker()).await {
        Ok(found) => found,
        Err(error) => return error,
    };
    let segmenter = Segmenter::new(&path.with_extension("segments"), Duration::from_secs(2));
    segmenter.cut(&found, &worker()).await.unwrap_err()
}

async fn fault(source: Vec<u8>, width: u16, height: u16) -> WorkerError {
    let request = InspectRequest {
        source: source.into(),
        profiles: profiles(width, height),
    };
    workers(1)
        .inspect(&request, Priority::Sample)
        .await
        .unwrap_err()
}

fn line(error: impl ToString) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 500, "{text:?}");
    text
}

#[tokio::test]
async fn a_picture_that_is_too_large_is_refused_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let path = dir.path().join("huge.h264");
    std::fs::write(&path, huge(640)).unwrap();
    line(refused(&path).await);
    let error = fault(huge(640), 64, 64).await;
    assert!(
        matches!(error, WorkerError::Fault(Fault::NoFrames { .. })),
        "{error:?}"
    );
    line(error);
    // A picture in a container that tells the truth, until the picture itself says more.
    let path = dir.path().join("picture.mkv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -c:v png",
        &path,
    );
    let mut stream = std::fs::read(&path).unwrap();
    let at: Vec<_> = stream
        .windows(4)
        .enumerate()
        .filter(|(_, w)| w == b"IHDR")
        .map(|(at, _)| at + 4)
        .collect();
    assert_eq!(at.len(), 5);
    for at in at {
        stream[at..at + 8].copy_from_slice(&[0, 0, 0x28, 0, 0, 0, 0x28, 0]);
    }
    line(fault(stream, 64, 64).await);
    let header = Header {
        width: 65_000,
        height: 65_000,
        bit_depth: 8,
        fps: (30, 1),
        full_range: false,
    };
    let path = dir.path().join("huge.y4m");
    std::fs::write(&path, header.line() + "FRAME\n").unwrap();
    let error = line(refused(&path).await);
    assert!(
        error.contains("65000x65000") && error.contains("at most"),
        "{error}"
    );
    let error = fault((header.line() + "FRAME\n").into_bytes(), 64, 64).await;
    assert!(error.to_string().contains("65000x65000"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_picture_that_becomes_too_large_is_not_decoded_for_the_copy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grows.ts");
    let x264 = "-c:v libx264 -preset ultrafast -g 1000 -pix_fmt yuv420p";
    let parts = [
        "testsrc2=size=64x64:rate=10:duration=6",
        "color=size=8192x4400:rate=10:duration=0.4",
    ];
    let mut whole = Vec::new();
    for (part, picture) in parts.into_iter().enumerate() {
        let at = 6 * part;
        let how = format!("-f lavfi -i {picture} {x264} -output_ts_offset {at}");
        ffmpeg(&how, &path);
        whole.extend(std::fs::read(&path).unwrap());
    }
    std::fs::write(&path, whole).unwrap();
    let found = probe(&path, &worker()).await.unwrap();
    let segments = Segmenter::new(&dir.path().join("s"), Duration::from_secs(2))
        .with_longest(Duration::from_secs(4))
        .cut(&found, &worker())
        .await
        .unwrap();
    assert_eq!(segments.iter().map(|s| s.frames).sum::<u32>(), 60);
}

#[tokio::test]
async fn frames_are_counted_while_they_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.mkv");
    ffmpeg(
        "-f lavfi -i color=size=32x32:rate=1000:duration=3.7 -c:v ffv1 -g 1000000",
        &path,
    );
    let text = line(fault(std::fs::read(&path).unwrap(), 32, 32).await);
    assert!(
        text.contains("number of frames is 3601, at most 3600"),
        "{text}"
    );
    // Where that can be mended it is coded anew, and cut.
    let path = dir.path().join("full.mkv");
    ffmpeg(
        "-f lavfi -i color=size=32x32:rate=1000:duration=3.7 -c:v ffv1 -g 1000000 -color_range pc",
        &path,
    );
    let text = line(refused(&path).await);
    assert!(text.contains("3700 frames from frame 0 on"), "{text}");
}

#[tokio::test]
async fn a_loop_without_end_is_played_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("loop.gif");
    ffmpeg(
        "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -loop 0",
        &path,
    );
    let found = probe(&path, &worker()).await.unwrap();
    let segmenter = Segmenter::new(&dir.path().join("s"), Duration::from_secs(2));
    let segments = segmenter.cut(&found, &worker()).await.unwrap();
    assert_eq!(segments.iter().map(|s| s.frames).sum::<u32>(), 5);
}

#[tokio::test]
async fn noise_in_the_middle_is_an_error_or_frames_but_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["noise.mkv", "noise.ts", "noise.mp4"] {
        let path = dir.path().join(name);
        let x264 = "-c:v libx264 -preset ultrafast -g 5 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov";
        ffmpeg(
            &format!("-f lavfi -i testsrc2=size=64x64:rate=15:duration=1 {x264}"),
            &path,
        );
        let mut stream = bytes(&path).to_vec();
        let (from, to) = (stream.len() / 3, stream.len() / 2);
        for (at, byte) in stream[from..to].iter_mut().enumerate() {
            *byte ^= (at as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3];
        }
        let request = InspectRequest {
            source: stream.into(),
            profiles: profiles(64, 64),
        };
        let workers = workers(1);
        let first = workers.inspect(&request, Priority::Sample).await;
        let second = workers.inspect(&request, Priority::Sample).await;
        match (first, second) {
            (Ok(a), Ok(b)) => assert_eq!(a.frames_root, b.frames_root, "{name}"),
            (Err(WorkerError::Fault(a)), Err(WorkerError::Fault(b))) => assert_eq!(a, b, "{name}"),
            other => unreachable!("{name}: {other:?}"),
        }
    }
}
