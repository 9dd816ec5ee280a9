//! Renditions of fewer frames and of a bitrate: what is shown, for how long, and how large it is.

use crate::support;

use std::process::Command;

use assay_chunk::{RenditionSettings, SourceFormat, encode_chunk};
use assay_encoder::{EncodeRequest, Packager, Priority, synth};
use support::{frames, raw, workers};

/// Presentation times of a playlist's frames, and the sum of its segments' durations, in seconds.
pub fn times(playlist: &std::path::Path) -> (Vec<f64>, f64) {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_entries", "packet=pts_time"]);
    let output = command.args(["-of", "csv=p=0"]).arg(playlist).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let time = |line: &str| line.trim_matches(',').parse().ok();
    let durations = std::fs::read_to_string(playlist).unwrap();
    let duration = |line: &str| -> Option<f64> {
        let value = line.strip_prefix("#EXTINF:")?;
        value.split(',').next()?.parse().ok()
    };
    let end = durations.lines().filter_map(duration).sum();
    (text.lines().filter_map(time).collect(), end)
}

#[tokio::test]
async fn every_third_frame_is_shown_three_times_as_long() {
    let mut profiles = support::profiles(64, 64);
    profiles.chunk_frames = 6;
    profiles.renditions[1].frame_step = 3;
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles).unwrap();
    for (seq, count) in [(0, 12), (1, 13), (2, 5)] {
        let request = EncodeRequest::whole(raw(64, 64, count), profiles.clone(), count, 1);
        let encoded = workers(1)
            .encode(&request, Priority::Transcode)
            .await
            .unwrap();
        let per = profiles.chunks(count) as usize;
        let chunks: Vec<_> = encoded
            .leaves
            .iter()
            .map(|l| l.bytes.clone().unwrap())
            .collect();
        let chunks: Vec<_> = chunks.chunks(per).map(<[_]>::to_vec).collect();
        let shown: usize = encoded.leaves[per..].iter().map(|l| l.units.len()).sum();
        assert_eq!(shown as u32, profiles.renditions[1].frames(count));
        packager.add_segment(seq, count, &chunks).unwrap();
    }
    packager.finish().unwrap();
    let full = dir.path().join("0_64p/index.m3u8");
    let third = dir.path().join("1_32p/index.m3u8");
    assert_eq!((frames(&full), frames(&third)), (30, 4 + 5 + 2));
    let ((all, end), (kept, kept_end)) = (times(&full), times(&third));
    // 0 3 6 9 | 12 15 18 21 24 | 25 28: the fifth of the second segment is cut short by its end.
    let expected = [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 28].map(|n| all[n]);
    let near = |a: f64, b: f64| (a - b).abs() < 0.002;
    assert!(
        kept.len() == 11 && kept.iter().zip(expected).all(|(&a, b)| near(a, b)),
        "{kept:?}"
    );
    assert!(near(end, 1.0) && near(kept_end, 1.0), "{end} {kept_end}");
    let master = std::fs::read_to_string(dir.path().join("master.m3u8")).unwrap();
    assert!(
        master.contains("FRAME-RATE=30") && master.contains("FRAME-RATE=10"),
        "{master}"
    );
}

/// A chunk of a bitrate has about as many bits, and does not know what was encoded before it.
#[test]
fn a_bitrate_is_kept_in_each_chunk_by_itself() {
    let source = SourceFormat {
        width: 192,
        height: 108,
        bit_depth: 8,
        full_range: false,
        colour: [2; 3],
        fps_num: 30,
        fps_den: 1,
    };
    let all: Vec<Vec<u8>> = (0..30).map(|i| synth::frame(192, 108, i)).collect();
    let views: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let encode = |kbps, step| {
        let settings = RenditionSettings {
            width: 192,
            height: 108,
            quantizer: 255,
            bitrate_kbps: kbps,
            frame_step: step,
            ..RenditionSettings::default()
        };
        encode_chunk(&views, &source, &settings).unwrap()
    };
    for (kbps, step) in [(150, 1), (300, 1), (150, 2)] {
        let chunk = encode(kbps, step);
        assert_eq!(chunk.units.len(), 30 / usize::from(step));
        // One second.
        let found = chunk.obus.len() as f64 * 8.0 / 1000.0;
        let ratio = found / f64::from(kbps);
        println!("{kbps} kbit/s, step {step}: {found:.0}");
        assert!(
            (0.5..1.5).contains(&ratio),
            "{found:.0} kbit/s of {kbps}, step {step}"
        );
    }
    assert_eq!(encode(150, 2), encode(150, 2));
}

#[test]
fn what_is_left_out_is_as_if_it_had_never_been() {
    let source = |fps_num| SourceFormat {
        width: 64,
        height: 48,
        bit_depth: 8,
        full_range: false,
        colour: [2; 3],
        fps_num,
        fps_den: 1,
    };
    let settings = |step| RenditionSettings {
        width: 64,
        height: 48,
        bitrate_kbps: 100,
        frame_step: step,
        ..RenditionSettings::default()
    };
    let all: Vec<Vec<u8>> = (0..10).map(|i| synth::frame(64, 48, i)).collect();
    let views: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let kept: Vec<&[u8]> = views.iter().copied().step_by(3).collect();
    let left_out = encode_chunk(&views, &source(30), &settings(3)).unwrap();
    assert_eq!(left_out.units.len(), 4);
    assert_eq!(
        left_out,
        encode_chunk(&kept, &source(10), &settings(1)).unwrap()
    );
}

#[test]
fn the_ends_of_the_range_encode_and_what_is_beyond_is_refused() {
    let frames: Vec<Vec<u8>> = (0..3).map(|i| synth::frame(64, 48, i)).collect();
    let views: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let encode = |(fps_num, fps_den), frame_step, bitrate_kbps| {
        let source = SourceFormat {
            width: 64,
            height: 48,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num,
            fps_den,
        };
        let settings = RenditionSettings {
            width: 64,
            height: 48,
            bitrate_kbps,
            frame_step,
            ..RenditionSettings::default()
        };
        encode_chunk(&views, &source, &settings)
    };
    for fps in [
        (1000, 1),
        (1, 1000),
        (u32::MAX, u32::MAX / 1000 + 1),
        (u32::MAX, u32::MAX),
    ] {
        for (step, kbps) in [
            (1, 0),
            (255, 0),
            (1, 1),
            (1, 65_535),
            (255, 1),
            (255, 65_535),
        ] {
            // The encoder has 32 bits for the duration of a frame.
            let kept = step == 1 || fps.1 <= u32::MAX / 255;
            let encoded = encode(fps, step, kbps);
            assert_eq!(encoded.is_ok(), kept, "{fps:?} {step} {kbps}: {encoded:?}");
        }
    }
    for fps in [
        (u32::MAX, 1),
        (1, u32::MAX),
        (1_000_000, 1),
        (1001, 1),
        (1, 1001),
    ] {
        let refused = encode(fps, 1, 0).unwrap_err().to_string();
        assert!(refused.contains("expected 1/1000 to 1000"), "{refused}");
    }
}
