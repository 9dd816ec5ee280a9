//! Files that a muxer or a recorder made strangely, and that play all the same: no frame is lost, and sound keeps its place.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use assay_encoder::ffmpeg::Reach;
use assay_encoder::package::Timing;
use assay_encoder::{EncodeRequest, InspectRequest, Packager, Priority, Segment, Segmenter, probe};

use super::way::{H264, PICTURE, all, counts, go, whole};
use crate::frame_rate::times;
use crate::sound::heard;
use crate::support::{bytes, ffmpeg, rendition, worker, workers};

/// Of so many seconds, 25 frames a second.
fn picture(seconds: u32) -> String {
    format!("-f lavfi -i testsrc2=size=128x72:rate=25:duration={seconds}")
}

fn sine(seconds: u32) -> String {
    format!("-f lavfi -i sine=duration={seconds}")
}

async fn cut(path: &Path) -> Vec<Segment> {
    let found = probe(path, &worker()).await.unwrap();
    let segmenter = Segmenter::new(&path.with_extension("cut"), Duration::from_secs(2));
    segmenter.cut(&found, &worker()).await.unwrap()
}

/// Segments that were coded anew decode to as many frames as they say, and to those of the file, as near as nobody sees.
async fn same_pictures(path: &Path, segments: &[Segment]) {
    let found = probe(path, &worker()).await.unwrap();
    let profiles = found.profiles(4, &[72], &rendition(0, 0)).unwrap();
    let mut decoded = Vec::new();
    for segment in segments {
        let request = InspectRequest {
            source: bytes(&segment.path),
            profiles: profiles.clone(),
        };
        let inspected = workers(1).inspect(&request, Priority::Transcode).await;
        assert_eq!(inspected.unwrap().frame_count, segment.frames);
        decoded.extend(whole(&segment.path, &profiles));
    }
    let expected = whole(path, &profiles);
    assert_eq!(decoded.len(), expected.len(), "{}", path.display());
    for (index, (found, expected)) in decoded.iter().zip(&expected).enumerate() {
        let off = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b));
        let sum: u64 = found.iter().zip(expected).map(off).sum();
        let mean = sum as f64 / found.len() as f64;
        assert!(mean < 2.0, "{}: frame {index}: {mean}", path.display());
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn a_time_that_comes_twice_moves_no_other_frame() {
    let dir = tempfile::tempdir().unwrap();
    let x264 = "-c:v libx264 -preset ultrafast -bf 0 -g 200 -pix_fmt yuv420p -c:a aac";
    // Frame 10 comes with frame 9, or 62.5 µs after it; frame 25 four seconds after frame 24.
    let millis = "-bsf:v setts=ts='N*40+gte(N,25)*4000-eq(N,10)*40'";
    let fine = "-video_track_timescale 16000 -bsf:v setts=ts='N*640+gte(N,25)*64000-eq(N,10)*639'";
    for (name, how) in [("in.mkv", millis), ("of.flv", millis), ("as.mp4", fine)] {
        let path = dir.path().join(name);
        ffmpeg(&format!("{} {} {x264} {how}", picture(2), sine(6)), &path);
        let found = probe(&path, &worker()).await.unwrap();
        let profiles = found.profiles(10, &[72], &rendition(0, 0)).unwrap();
        let out = path.with_extension("out");
        let mut packager = Packager::new(&out, &profiles).unwrap();
        for segment in cut(&path).await {
            let (source, count) = (bytes(&segment.path), segment.frames);
            let request = EncodeRequest::whole(source, profiles.clone(), count, 1);
            let encoded = workers(1).encode(&request, Priority::Transcode).await;
            let leaves = encoded.unwrap().leaves.into_iter();
            let chunks: Vec<_> = leaves.map(|leaf| leaf.bytes.unwrap()).collect();
            let timing = Timing {
                start: Duration::ZERO,
                duration: segment.duration,
                frames: segment.times,
                discontinuity: false,
                date: None,
            };
            packager.announce(segment.seq, timing, Vec::new()).unwrap();
            packager.deliver(segment.seq, count, &[chunks]).unwrap();
        }
        packager.finish().unwrap();
        let (shown, _) = times(&out.join("0_72p/index.m3u8"));
        assert_eq!(shown.len(), 50, "{name}");
        for (index, time) in shown.iter().enumerate() {
            let due = match index {
                10 => 9,
                25.. => index + 100,
                _ => index,
            };
            let off = time - shown[0] - due as f64 / 25.0;
            assert!(off.abs() < 0.003, "{name}: frame {index} is off by {off} s");
        }
    }
}

#[tokio::test]
async fn avi_with_b_frames_has_its_own_rate() {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let (stream, path) = (dir.path().join("a.ts"), dir.path().join("a.avi"));
    ffmpeg(&format!("{PICTURE} {H264}"), &stream);
    ffmpeg(&format!("-i {} -c copy", stream.display()), &path);
    let way = go(&path, &workers).await;
    assert_eq!(way.probe.fps, (15, 1));
    assert_eq!(counts(&way), [5, 5, 2]);
    assert!(way.segments.iter().all(|segment| segment.times.is_empty()));
}

#[tokio::test]
async fn a_beginning_without_times_has_those_before_the_first_one() {
    let dir = tempfile::tempdir().unwrap();
    let below = "-avoid_negative_ts disabled -output_ts_offset -1";
    let x264 = "-c:v libx264 -bf 2 -g 50 -flags +cgop -pix_fmt yuv420p -c:a aac";
    for (name, inputs, start) in [
        ("heard.mkv", format!("{} {}", picture(4), sine(4)), 23),
        ("silent.mkv", picture(4), 0),
    ] {
        let path = dir.path().join(name);
        ffmpeg(&format!("{inputs} {x264} {below}"), &path);
        let segments = cut(&path).await;
        same_pictures(&path, &segments).await;
        let found: Vec<_> = segments
            .iter()
            .map(|s| (s.frames, s.start.as_millis(), s.duration.as_millis()))
            .collect();
        assert_eq!(
            found,
            [(50, start, 2000), (50, start + 2000, 2000)],
            "{name}"
        );
        assert!(segments.iter().all(|segment| segment.times.is_empty()));
        if start > 0 {
            // Both begin together; the packet before is of the encoder's delay.
            let sound = heard(&path, &dir.path().join("sound")).await;
            assert!(sound.abs() < 0.003, "{sound}");
        }
    }
}

#[tokio::test]
async fn packed_b_frames_are_coded_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("xvid.avi");
    ffmpeg(&format!("{} -c:v libxvid -bf 2 -g 50", picture(4)), &path);
    let segments = cut(&path).await;
    assert!(segments.len() > 1, "{segments:?}");
    same_pictures(&path, &segments).await;
    assert!(segments.iter().all(|segment| segment.times.is_empty()));
}

#[tokio::test]
async fn what_no_container_takes_is_coded_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.apng");
    ffmpeg(&picture(4), &path);
    let segments = cut(&path).await;
    let counts: Vec<_> = segments.iter().map(|s| s.frames).collect();
    assert_eq!(counts, [50, 50]);
    same_pictures(&path, &segments).await;
    let odd = dir.path().join("odd.apng");
    ffmpeg(&format!("{} -vf scale=97:65", picture(1)), &odd);
    let found = probe(&odd, &worker()).await.unwrap();
    let segmenter = Segmenter::new(&dir.path().join("odd"), Duration::from_secs(2));
    let refused = segmenter.cut(&found, &worker()).await.unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("no container takes its apng") && refused.contains("odd size"),
        "{refused}"
    );
}

#[tokio::test]
async fn sound_may_begin_long_before_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let x264 = "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p -c:a aac";
    for (name, late, seconds, reach) in [
        ("late.flv", 3, 20, Reach::Usual),
        ("late.ts", 12, 4, Reach::Far),
        ("late.mkv", 12, 4, Reach::Far),
    ] {
        let path = dir.path().join(name);
        let (seen, sine) = (picture(seconds), sine(late + seconds));
        ffmpeg(
            &format!("-itsoffset {late} {seen} {sine} {x264} -max_interleave_delta 0"),
            &path,
        );
        let found = probe(&path, &worker()).await.unwrap();
        assert_eq!((found.reach, found.fps), (reach, (25, 1)), "{name}");
        let segments = cut(&path).await;
        let frames: u32 = segments.iter().map(|segment| segment.frames).sum();
        assert_eq!(frames, seconds * 25, "{name}");
        let start = segments[0].start.as_secs_f64();
        assert!((start - f64::from(late)).abs() < 0.03, "{name}: {start}");
        // Less than a frame of sound behind the picture.
        let sound = heard(&path, &dir.path().join("sound")).await;
        assert!((0.0..0.024).contains(&sound), "{name}: {sound}");
    }
}

#[tokio::test]
async fn a_name_need_not_be_utf_8() {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let path = dir.path().join(OsStr::from_bytes(b"bad\xff.mp4"));
    ffmpeg(&format!("{PICTURE} {H264}"), &path);
    assert_eq!(counts(&go(&path, &workers).await), [5, 5, 2]);
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn times_survive_coding_anew() {
    // Every third frame is 13 ms late, which no rate has; frames 9 and 10 come together.
    let odd = "setts=ts='N*40+13*eq(mod(N,3),1)-eq(N,10)*53'";
    let how = "-c:v libx264 -preset ultrafast -bf 0 -g 200 -pix_fmt yuv420p -bsf:v";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    ffmpeg(&format!("{} {how} {odd}", picture(4)), &path);
    let found = probe(&path, &worker()).await.unwrap();
    let segmenter = Segmenter::new(&dir.path().join("cut"), Duration::from_secs(2));
    let segmenter = segmenter.with_longest(Duration::from_secs(3));
    let segments = segmenter.cut(&found, &worker()).await.unwrap();
    assert!(segments.len() > 1);
    let shown: Vec<_> = segments
        .iter()
        .flat_map(|s| s.times.iter().map(|&time| (s.start + time).as_millis()))
        .collect();
    let due = |n: u128| match n {
        10 => 361,
        n => n * 40 + if n % 3 == 1 { 13 } else { 0 },
    };
    assert_eq!(shown, (0..100).map(due).collect::<Vec<_>>());
}

#[tokio::test]
async fn all_of_gif_is_there() {
    let ways = all(&[("a.gif", PICTURE)]).await;
    assert_eq!(counts(&ways[0]).iter().sum::<u32>(), 12);
}
