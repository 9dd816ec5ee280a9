//! Streams as they are written, in headless Chromium with hls.js: `scripts/player.sh`, a part of the nightly checks.

use crate::support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assay_encoder::package::{Keep, Timing};
use assay_encoder::soundtrack::Soundtrack;
use assay_encoder::{EncodeRequest, Packager, Priority, Segmenter, probe};
use serde_json::Value;
use support::{bytes, ffmpeg, ladder, worker, workers};

/// Where the screenshots go, if anybody wants to see them.
fn out(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("ASSAY_PLAYER_OUT").map_or_else(std::env::temp_dir, PathBuf::from);
    folder.join(name)
}

/// Makes a stream of a file, without the segments in `missing`.
async fn stream(file: &Path, dir: &Path, missing: &[u32]) {
    let found = probe(file, &worker()).await.unwrap();
    let profiles = ladder(&found);
    let source = dir.join("source");
    let segmenter = Segmenter::new(&source, Duration::from_secs(2));
    let segments = segmenter.cut(&found, &worker()).await.unwrap();
    let track = Soundtrack::extract(&found, segments[0].zero, &source, &worker())
        .await
        .unwrap()
        .unwrap();
    let origin = segments[0].start;
    let mut audio = track.open(origin, Duration::ZERO).unwrap();
    let mut packager = Packager::open(&dir.join("hls"), &profiles, 0, Keep::All).unwrap();
    let workers = workers(2);
    for segment in &segments {
        let timing = Timing {
            start: segment.start - origin,
            duration: segment.duration,
            frames: segment.times.clone(),
            discontinuity: false,
            date: None,
        };
        let sounds = audio.until(timing.start + timing.duration).unwrap();
        packager.announce(segment.seq, timing, sounds).unwrap();
        if missing.contains(&segment.seq) {
            packager.skip(segment.seq).unwrap();
            continue;
        }
        let request =
            EncodeRequest::whole(bytes(&segment.path), profiles.clone(), segment.frames, 2);
        let encoded = workers.encode(&request, Priority::Transcode).await.unwrap();
        let leaves: Vec<_> = encoded
            .leaves
            .into_iter()
            .map(|l| l.bytes.unwrap())
            .collect();
        let per = profiles.chunks(segment.frames) as usize;
        let renditions: Vec<_> = leaves.chunks(per).map(<[_]>::to_vec).collect();
        packager
            .add_segment(segment.seq, segment.frames, &renditions)
            .unwrap();
    }
    packager.finish().unwrap();
}

/// Plays to the end; what the player reports.
fn play(hls: &Path, name: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/player/play.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(hls)
        .arg("--screenshot")
        .arg(out(&format!("{name}.png")));
    let played = command.output().unwrap();
    let report = String::from_utf8_lossy(&played.stdout);
    println!("{report}");
    assert!(
        played.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&played.stderr)
    );
    std::fs::write(out(&format!("{name}.json")), &played.stdout).unwrap();
    serde_json::from_slice(&played.stdout).unwrap()
}

fn clip(dir: &Path) -> PathBuf {
    let path = dir.join("clip.mkv");
    ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=30:duration=12 -f lavfi -i sine=d=12 -f lavfi -i sine=frequency=660:d=12 \
         -map 0 -map 1 -map 2 -c:v libx264 -g 60 -bf 2 -c:a aac -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu",
        &path,
    );
    path
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn a_file_with_two_languages() {
    let dir = tempfile::tempdir().unwrap();
    stream(&clip(dir.path()), dir.path(), &[]).await;
    let report = play(&dir.path().join("hls"), "file");
    assert_eq!(report["boundaries"], 5);
    assert_eq!(
        (&report["levels"], &report["audioTracks"]),
        (&Value::from(2), &Value::from(2))
    );
    assert!(report["audioBytes"].as_u64() > Some(10_000));
    let duration = report["duration"].as_f64().unwrap();
    assert!((duration - 12.0).abs() < 0.1, "{duration}");
    assert_eq!(
        report["ranges"].as_array().unwrap().len(),
        1,
        "one range without holes"
    );
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn a_gap_is_jumped_over() {
    let dir = tempfile::tempdir().unwrap();
    stream(&clip(dir.path()), dir.path(), &[2]).await;
    let report = play(&dir.path().join("hls"), "gap");
    assert_eq!(report["boundaries"], 3);
    assert!(report["fatal"].as_array().unwrap().is_empty());
}

/// Plays a file of `seconds` whose sound is coded by `audio` from `input`: all of it, without a hole.
async fn plays_on(name: &str, seconds: f64, input: &str, audio: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    let inputs = 0..=input.matches("-i ").count();
    let maps: String = inputs.map(|input| format!(" -map {input}")).collect();
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc2=size=96x64:rate=15:duration={seconds} {input}{maps} -c:v libx264 -g 30 -bf 2 {audio}"
        ),
        &path,
    );
    stream(&path, dir.path(), &[]).await;
    let report = play(&dir.path().join("hls"), name);
    let played = report["played"].as_f64().unwrap();
    assert!((played - seconds).abs() < 0.5, "{played} of {seconds} s");
    assert_eq!(report["ranges"].as_array().unwrap().len(), 1, "{report}");
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn sound_that_ends_early_begins_late_or_pauses_stops_nothing() {
    let sine = |seconds| format!("-f lavfi -i sine=d={seconds}:r=48000");
    plays_on("short", 12.0, &sine("5"), "-c:a aac").await;
    // The last segment is one frame.
    plays_on("frame", 10.067, &sine("9.96"), "-c:a aac").await;
    plays_on(
        "late",
        12.0,
        &format!("-itsoffset 5 {}", sine("5")),
        "-c:a aac",
    )
    .await;
    let pause = "-bsf:a noise=drop=gt(pts*tb\\,3.5)*lt(pts*tb\\,8.2)";
    for codec in ["aac -ac 1", "aac -ac 6", "libopus", "libopus -ac 6"] {
        let name = codec.replace(' ', "");
        plays_on(&name, 12.0, &sine("12"), &format!("-c:a {codec} {pause}")).await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn what_the_browser_cannot_hear_it_shows() {
    plays_on("mp3", 8.0, "-f lavfi -i sine=d=8", "-c:a libmp3lame").await;
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn two_codecs_of_sound_in_one_stream() {
    let sines = "-f lavfi -i sine=d=8 -f lavfi -i sine=frequency=660:d=8";
    plays_on("codecs", 8.0, sines, "-c:a:0 aac -c:a:1 libopus").await;
}

#[tokio::test]
#[ignore = "needs Chromium and hls.js; scripts/player.sh runs it"]
async fn a_gap_at_the_end_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    stream(&clip(dir.path()), dir.path(), &[5]).await;
    let report = play(&dir.path().join("hls"), "last");
    assert_eq!(report["ended"], true, "{report}");
}
