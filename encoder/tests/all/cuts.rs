//! Where files are cut that have odd rates, very many segments, or parameter sets at their beginning only.

use std::path::Path;
use std::time::Duration;

use assay_encoder::{InputError, Segment, Segmenter, probe};

use crate::support::{ffmpeg, frames, worker};

const X264: &str = "-c:v libx264 -preset ultrafast -bf 0 -pix_fmt yuv420p";

async fn cut(path: &Path, target: u64, longest: u64) -> Result<Vec<Segment>, InputError> {
    let found = probe(path, &worker()).await.unwrap();
    let folder = path.with_extension("segments");
    Segmenter::new(&folder, Duration::from_secs(target))
        .with_longest(Duration::from_secs(longest))
        .cut(&found, &worker())
        .await
}

fn counts(segments: &[Segment]) -> Vec<u32> {
    segments.iter().map(|segment| segment.frames).collect()
}

/// So many seconds of 30 frames, and then a frame each second, twelve seconds in all.
fn burst(size: &str, seconds: u32) -> String {
    let chosen = format!("select=lt(t\\,{seconds})+not(mod(n\\,30))");
    format!(
        "-f lavfi -i testsrc2=rate=30:duration=12,{chosen},scale={size} -fps_mode vfr -enc_time_base 1:1000"
    )
}

#[tokio::test]
async fn a_burst_of_frames_is_no_long_group_of_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("burst.mkv");
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 120";
    ffmpeg(&format!("{} {vp9}", burst("97:65", 4)), &path);
    // Of an odd size, so that it cannot be coded anew: 120 frames in 4 s, and 8 within 7.
    let segments = cut(&path, 2, 8).await.unwrap();
    assert_eq!(counts(&segments), [120, 8]);
    let refused = cut(&path, 2, 6).await.unwrap_err().to_string();
    assert!(
        refused.contains("8 frames from frame 120 on, over 7.0 s") && refused.contains("6 s"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_file_of_no_constant_rate_is_coded_anew_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("burst.mkv");
    ffmpeg(&format!("{} {X264} -g 1000", burst("96:64", 2)), &path);
    let segments = cut(&path, 2, 4).await.unwrap();
    assert_eq!(counts(&segments), [60, 2, 2, 2, 2, 2]);
}

#[tokio::test]
async fn more_places_than_one_argument_names_are_cut_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.mp4");
    let grey = "-f lavfi -i color=size=32x32:rate=1:duration=10100";
    ffmpeg(&format!("{grey} {X264} -g 1"), &path);
    let segments = cut(&path, 1, 60).await.unwrap();
    assert_eq!(counts(&segments), [1; 10_100]);
    // Where the second run begins.
    for seq in [0, 9_998, 9_999, 10_000, 10_001, 10_099] {
        assert_eq!(frames(&segments[seq].path), 1, "{seq}");
    }
    let folder = std::fs::read_dir(path.with_extension("segments")).unwrap();
    assert_eq!(folder.count(), 10_100);
}

#[tokio::test]
async fn parameter_sets_at_the_beginning_only_are_in_each_segment() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let picture = "-f lavfi -i testsrc2=size=96x64:rate=15:duration=6";
    ffmpeg(&format!("{picture} {X264} -g 30"), &at("all.h264"));
    let stream = std::fs::read(at("all.h264")).unwrap();
    let starts = (0..stream.len() - 3).filter(|&i| stream[i..i + 3] == [0, 0, 1]);
    let starts: Vec<usize> = starts.collect();
    let (mut once, mut seen) = (Vec::new(), Vec::new());
    for (&start, end) in starts.iter().zip(starts[1..].iter().chain([&stream.len()])) {
        let kind = stream[start + 3] & 31;
        let set = kind == 7 || kind == 8;
        if !set || !seen.contains(&kind) {
            once.extend(&stream[start..*end]);
        }
        seen.push(kind);
    }
    assert!(once.len() < stream.len());
    std::fs::write(at("once.h264"), once).unwrap();
    let raw = at("once.h264");
    ffmpeg(
        &format!("-r 15 -i {} -c copy", raw.display()),
        &at("once.ts"),
    );
    let segments = cut(&at("once.ts"), 2, 60).await.unwrap();
    assert_eq!(counts(&segments), [30; 3]);
    for segment in &segments {
        assert_eq!(frames(&segment.path), 30);
    }
}

/// What a recorder has that is started in the middle: frames before the first key frame's that refer to what it has not.
#[tokio::test]
async fn a_short_recording_that_begins_in_an_open_group_is_whole_if_its_end_is() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let picture = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=6,noise=alls=60:allf=t";
    let open = "open-gop=1:keyint=60:min-keyint=60:bframes=4:b-pyramid=2:b-adapt=0:scenecut=0";
    let x264 = format!("-c:v libx264 -pix_fmt yuv420p -x264-params {open}");
    ffmpeg(&format!("{picture} {x264}"), &at("all.ts"));
    let all = std::fs::read(at("all.ts")).unwrap();
    let packets = all.len() / 188;
    let recorded = &all[packets / 3 * 188..];
    std::fs::write(at("recorded.ts"), recorded).unwrap();
    let segments = cut(&at("recorded.ts"), 60, 90).await.unwrap();
    assert_eq!(segments.len(), 1);
    assert!(frames(&segments[0].path) > 60);

    // Somewhere in a frame that others refer to: of five frames there is one, or two.
    let mut told = 0;
    for percent in (80..100).step_by(4) {
        let cut_at = recorded.len() / 188 * percent / 100 * 188;
        std::fs::write(at("cut.ts"), &recorded[..cut_at]).unwrap();
        match cut(&at("cut.ts"), 60, 90).await {
            Ok(segments) => assert_eq!(segments.len(), 1),
            Err(InputError::CutOff { .. }) => told += 1,
            Err(error) => panic!("{percent} %: {error}"),
        }
    }
    assert!(told > 0);
}

#[tokio::test]
async fn what_ffmpeg_writes_has_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let noise = "-f lavfi -i nullsrc=s=160x96:r=30:d=3,geq=random(1)*255:128:128";
    // Copied, and coded anew.
    for (name, group) in [("short.mkv", 15), ("long.mkv", 1000)] {
        let path = dir.path().join(name);
        ffmpeg(&format!("{noise} {x264} -g {group}"), &path);
        let found = probe(&path, &worker()).await.unwrap();
        let segmenter = Segmenter::new(&dir.path().join("s"), Duration::from_secs(1));
        let segmenter = segmenter.with_longest(Duration::from_secs(2));
        let refused = segmenter
            .clone()
            .with_largest(50_000)
            .cut(&found, &worker())
            .await;
        let text = refused.unwrap_err().to_string();
        assert!(
            text.contains("ended at a file of more than 50000 bytes"),
            "{text}"
        );
        let cut = segmenter.cut(&found, &worker()).await.unwrap();
        assert_eq!(cut.iter().map(|segment| segment.frames).sum::<u32>(), 90);
        let size = |segment: &Segment| std::fs::metadata(&segment.path).unwrap().len();
        assert!(cut.iter().any(|segment| size(segment) > 50_000));
    }
}
