//! Good files are cut without losing a frame; bad ones get one line that says what is wrong and where.

use crate::support;

use std::path::Path;
use std::time::Duration;

use assay_encoder::soundtrack::Soundtrack;
use assay_encoder::{InputError, InspectRequest, Priority, Segment, Segmenter, probe, synth};
use support::{bytes, clip, ffmpeg, frames, ladder, worker, workers};

async fn cut(path: &Path) -> Result<Vec<Segment>, InputError> {
    let dir = path.with_extension("segments");
    let found = probe(path, &worker()).await?;
    Segmenter::new(&dir, Duration::from_secs(2))
        .cut(&found, &worker())
        .await
}

async fn decoded(path: &Path) -> u32 {
    let profiles = ladder(&probe(path, &worker()).await.unwrap());
    let (workers, mut sum) = (workers(2), 0);
    for segment in cut(path).await.unwrap() {
        let request = InspectRequest {
            source: bytes(&segment.path),
            profiles: profiles.clone(),
        };
        sum += workers
            .inspect(&request, Priority::Transcode)
            .await
            .unwrap()
            .frame_count;
    }
    sum
}

fn line(error: &InputError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 500, "{text:?}");
    text
}

const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 30 -flags +cgop -pix_fmt yuv420p";

#[tokio::test]
async fn every_frame_survives_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=30:open-gop=";
    let cases = [
        ("h264.mp4", H264, 3),
        ("h264.flv", H264, 3),
        ("h264.ts", H264, 3),
        // Frames shown before their key frame: cutting there would lose them.
        (
            "open.mkv",
            "-c:v libx264 -preset ultrafast -bf 3 -g 30 -x264-params open-gop=1",
            1,
        ),
        ("open.mp4", &format!("{x265}1"), 1),
        ("hevc.mp4", &format!("{x265}0"), 3),
        ("ten.mkv", &format!("{x265}0 -pix_fmt yuv420p10le"), 3),
        (
            "vp9.webm",
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30",
            3,
        ),
        ("open.avi", "-c:v mpeg4 -bf 2 -g 30", 1),
        (
            "mpeg4.avi",
            "-c:v mpeg4 -bf 2 -g 30 -flags +cgop -sc_threshold 1000000000",
            3,
        ),
        ("raw.h264", H264, 1),
        ("raw.hevc", &format!("{x265}1"), 1),
        ("raw.y4m", "-pix_fmt yuv420p", 3),
        ("deep.y4m", "-pix_fmt yuv420p10le -strict -1", 3),
    ];
    for (name, encoder, expected) in cases {
        let path = clip(dir.path(), name, "160x96", 5, encoder);
        assert_eq!(decoded(&path).await, 150, "{name}");
        let segments = cut(&path).await.unwrap();
        assert_eq!(segments.len(), expected, "{name}: {segments:?}");
    }
}

#[tokio::test]
async fn a_cut_off_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let source = clip(dir.path(), "whole.mkv", "320x180", 6, H264);
    let cases = [
        ("a.mp4", "-c copy", "bytes of the mdat box at byte"),
        ("b.mp4", "-c copy -movflags +faststart", "past the end"),
        ("c.mp4", "-c copy -movflags frag_keyframe+empty_moov", ""),
        ("d.mkv", "-c copy", "promises more"),
        ("e.flv", "-c copy", "incomplete"),
        ("f.ts", "-c copy", ""),
        ("g.y4m", "-pix_fmt yuv420p", "inside frame"),
    ];
    for (name, how, why) in cases {
        let path = dir.path().join(name);
        ffmpeg(&format!("-i {} {how}", source.display()), &path);
        assert!(cut(&path).await.is_ok(), "{name}");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2 + 1]).unwrap();
        let error = cut(&path).await.unwrap_err();
        assert!(
            matches!(error, InputError::CutOff { .. }),
            "{name}: {error:?}"
        );
        let text = line(&error);
        assert!(text.contains(why) && text.contains("cut off"), "{text}");
    }
}

#[tokio::test]
async fn a_lost_packet_of_a_transport_stream_is_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(dir.path(), "a.ts", "160x96", 6, H264);
    let mut whole = std::fs::read(&path).unwrap();
    // Inside a frame of the middle, and of the last segment.
    for tenth in [5, 9] {
        let from = whole.len() / 188 * tenth / 10;
        let inside = |at: &usize| whole[at * 188 + 1..at * 188 + 3] == [1, 0];
        let lost = 188 * (from..).find(inside).unwrap();
        whole.drain(lost..lost + 188);
        std::fs::write(&path, &whole).unwrap();
        let frames: u32 = cut(&path).await.unwrap().iter().map(|s| s.frames).sum();
        assert_eq!((frames, decoded(&path).await > 170), (180, true));
    }
}

#[tokio::test]
async fn a_last_frame_may_last() {
    let dir = tempfile::tempdir().unwrap();
    let short = clip(dir.path(), "short.mkv", "160x96", 2, H264);
    let long = dir.path().join("long.mkv");
    let lasts = "-c copy -bsf:v setts=duration=if(eq(N\\,59)\\,9/TB\\,DURATION)";
    ffmpeg(&format!("-i {} {lasts}", short.display()), &long);
    assert!(probe(&long, &worker()).await.unwrap().duration.unwrap() > 10.0);
    assert_eq!(cut(&long).await.unwrap()[0].frames, 60);
}

#[tokio::test]
async fn what_is_heard_while_the_last_frame_lasts_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (short, long) = (dir.path().join("short.mp4"), dir.path().join("long.mp4"));
    // Copied; coded anew, where on average there are five frames a second; and at a rate that is constant but for the last.
    for (group, longest, seconds, lasts) in [(30, 60, 2, 9.0), (1000, 1, 2, 9.0), (30, 60, 30, 0.4)]
    {
        let h264 = format!("-c:v libx264 -preset ultrafast -bf 0 -g {group} -pix_fmt yuv420p");
        let seen = format!("-f lavfi -i testsrc2=size=160x96:rate=30:duration={seconds}");
        let heard = format!("-f lavfi -i sine=duration={}", seconds + 10);
        ffmpeg(&format!("{seen} {heard} {h264} -c:a aac"), &short);
        let last: u32 = seconds * 30 - 1;
        let how =
            format!("-c copy -bsf:v setts=duration=if(eq(N\\,{last})\\,{lasts}/TB\\,DURATION)");
        ffmpeg(&format!("-i {} {how}", short.display()), &long);
        let found = probe(&long, &worker()).await.unwrap();
        let folder = dir.path().join("segments");
        let segmenter = Segmenter::new(&folder, Duration::from_secs(1));
        let segmenter = segmenter.with_longest(Duration::from_secs(longest));
        let segments = segmenter.cut(&found, &worker()).await.unwrap();
        let near = |time: Duration, due: f64| (time.as_secs_f64() - due).abs() < 0.05;
        let begins = f64::from(last) / 30.0;
        let last = segments.last().unwrap();
        assert!(near(last.start + last.duration, begins + lasts), "{last:?}");
        assert_eq!(last.times.len(), last.frames as usize);
        let found_at = last.start + *last.times.last().unwrap();
        assert!(near(found_at, begins), "{last:?}");
        let track = Soundtrack::extract(&found, last.zero, &folder, &worker())
            .await
            .unwrap();
        let mut reader = track
            .unwrap()
            .open(segments[0].start, Duration::ZERO)
            .unwrap();
        let heard = reader.until(last.start + last.duration).unwrap();
        let heard = heard[0].as_ref().unwrap();
        let seconds = heard.samples() as f64 / f64::from(heard.format.rate);
        assert!(seconds > begins + lasts - 0.1, "{seconds}");
    }
}

#[tokio::test]
async fn an_index_cut_off_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(dir.path(), "whole.mp4", "320x180", 6, H264);
    let whole = std::fs::read(&path).unwrap();
    // Without faststart the index is the last box.
    std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    let text = line(&cut(&path).await.unwrap_err());
    let place = whole.windows(4).position(|w| w == b"moov").unwrap() - 4;
    assert!(
        text.contains(&format!("moov box at byte {place}")) && text.contains("cut off"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_video_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let told = async |path: &Path| line(&cut(path).await.unwrap_err());
    assert!(told(&at("missing.mp4")).await.contains("No such file"));
    assert!(told(dir.path()).await.contains("not a regular file"));
    std::fs::write(at("empty.mp4"), b"").unwrap();
    assert!(told(&at("empty.mp4")).await.contains("the file is empty"));
    std::fs::write(at("text.txt"), "this is no video\n".repeat(100)).unwrap();
    assert!(told(&at("text.txt")).await.contains("not a video"));
    // Scripts that name other files, under whatever name.
    let secret = clip(dir.path(), "secret.ts", "160x96", 1, H264);
    let scripts = [
        format!("ffconcat version 1.0\nfile '{}'\n", secret.display()),
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.ts\n#EXT-X-ENDLIST\n".into(),
    ];
    for (i, script) in scripts.iter().enumerate() {
        let name = format!("script{i}.mkv");
        std::fs::write(at(&name), script).unwrap();
        let text = told(&at(&name)).await;
        assert!(text.contains("a container that is not read here"), "{text}");
    }
    // Named like an MP4, but none.
    let noise: Vec<u8> = (0..50_000u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    std::fs::write(at("noise.mp4"), noise).unwrap();
    let text = told(&at("noise.mp4")).await;
    assert!(
        text.contains("not a video") && text.matches("noise.mp4").count() == 1,
        "{text}"
    );
    ffmpeg(
        "-f lavfi -i testsrc2=size=64x64 -frames:v 1",
        &at("picture.png"),
    );
    assert!(told(&at("picture.png")).await.contains("not a video"));
    ffmpeg("-f lavfi -i sine=duration=1", &at("sound.wav"));
    assert!(
        told(&at("sound.wav"))
            .await
            .contains("no video stream, only audio")
    );
    // A transport stream whose video packets hold no picture.
    let good = clip(dir.path(), "good.ts", "64x64", 1, H264);
    let mut bad = std::fs::read(good).unwrap();
    for packet in bad.chunks_mut(188).skip(3) {
        packet[20..].fill(0xff);
    }
    std::fs::write(at("none.ts"), bad).unwrap();
    let error = cut(&at("none.ts")).await.unwrap_err();
    assert!(
        matches!(
            error,
            InputError::NoFrames { .. } | InputError::NoVideo { .. }
        ),
        "{error:?}"
    );
    line(&error);
}

#[tokio::test]
async fn rotated_pictures_come_upright() {
    let dir = tempfile::tempdir().unwrap();
    let flat = clip(dir.path(), "flat.mp4", "192x96", 3, H264);
    let turned = dir.path().join("turned.mp4");
    ffmpeg(
        &format!("-i {} -c copy -metadata:s:v:0 rotate=90", flat.display()),
        &turned,
    );
    let found = probe(&turned, &worker()).await.unwrap();
    assert_eq!((found.width, found.height, found.turned), (96, 192, true));
    assert_eq!(decoded(&turned).await, 90);
}

#[tokio::test]
async fn open_and_long_groups_of_pictures_are_coded_anew() {
    let dir = tempfile::tempdir().unwrap();
    // Sound comes first, and so the first picture has a time of its own.
    let heard = "-f lavfi -i sine=duration=7 -itsoffset 0.3";
    let seen = |size: &str| format!("-f lavfi -i testsrc2=size={size}:rate=30:duration=6");
    let open = "log-level=error:keyint=30:min-keyint=30:open-gop=1:bframes=2";
    let cases = [
        (
            "long.mkv",
            "64x64",
            "-c:v libx264 -preset ultrafast -g 1000".to_owned(),
        ),
        (
            "open.mkv",
            "96x64",
            format!("-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params {open}"),
        ),
    ];
    for (name, size, encoder) in cases {
        let path = dir.path().join(name);
        ffmpeg(&format!("{heard} {} {encoder} -c:a aac", seen(size)), &path);
        let found = probe(&path, &worker()).await.unwrap();
        let folder = dir.path().join(format!("{name}.segments"));
        let segmenter = Segmenter::new(&folder, Duration::from_secs(2));
        let whole = segmenter.cut(&found, &worker()).await.unwrap();
        assert_eq!(whole.len(), 1, "{name}");
        let begins = whole[0].start;
        assert!(begins > Duration::from_millis(200), "{name}: {begins:?}");
        let segmenter = segmenter.with_longest(Duration::from_secs(4));
        let segments = segmenter.cut(&found, &worker()).await.unwrap();
        let of = |segment: &assay_encoder::Segment| (segment.frames, frames(&segment.path));
        let counts: Vec<_> = segments.iter().map(of).collect();
        assert_eq!(counts, [(60, 60); 3], "{name}");
        for (seq, segment) in (0u32..).zip(&segments) {
            let due = begins + Duration::from_secs(2) * seq;
            assert!(
                segment.start.abs_diff(due) < Duration::from_millis(2),
                "{name}: {segment:?}"
            );
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "{name}");
        let copy = probe(&segments[1].path, &worker()).await.unwrap();
        assert_eq!(
            (copy.codec.as_str(), copy.bit_depth),
            ("h264", found.bit_depth)
        );
    }
}

#[tokio::test]
async fn a_long_group_of_full_range_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(
        dir.path(),
        "long.webm",
        "64x64",
        6,
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 1000 -color_range pc",
    );
    let found = probe(&path, &worker()).await.unwrap();
    assert!(found.full_range);
    let error = Segmenter::new(&dir.path().join("s"), Duration::from_secs(2))
        .with_longest(Duration::from_secs(4))
        .cut(&found, &worker())
        .await
        .unwrap_err();
    assert!(
        line(&error).contains("180 frames from frame 0 on"),
        "{error}"
    );
}

#[tokio::test]
async fn the_demo_clip_is_a_clip() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["clip.mkv", "clip.y4m"] {
        let path = dir.path().join(name);
        synth::moving_clip(&path, 5).await.unwrap();
        assert_eq!(frames(&path), 150);
        let found = probe(&path, &worker()).await.unwrap();
        assert_eq!((found.width, found.height, found.fps), (640, 360, (30, 1)));
        assert_eq!(
            cut(&path)
                .await
                .unwrap()
                .iter()
                .map(|s| s.frames)
                .collect::<Vec<_>>(),
            [60, 60, 30],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_folder_named_like_a_pattern_is_no_pattern() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("50 %d x%");
    std::fs::create_dir(&folder).unwrap();
    let path = clip(&folder, "a.mp4", "160x96", 1, H264);
    assert_eq!(cut(&path).await.unwrap().len(), 1);
}
