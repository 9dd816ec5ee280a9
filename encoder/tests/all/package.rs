//! What the packager refuses, and what it does about gaps.

use crate::support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use assay_encoder::package::{Chunks, Keep, PackageError, Sound, Timing};
use assay_encoder::soundtrack::Soundtrack;
use assay_encoder::y4m::{Header, write_frame};
use assay_encoder::{EncodeRequest, Packager, Priority, probe, synth};
use assay_protocol::profile::{Profiles, SourceFormat};
use support::{ffmpeg, frames, rendition, worker, workers};

pub fn profiles() -> Profiles {
    let (colour, fps_num, fps_den) = ([2; 3], 30000, 1001);
    let source = SourceFormat {
        width: 64,
        height: 48,
        bit_depth: 8,
        full_range: false,
        colour,
        fps_num,
        fps_den,
    };
    Profiles {
        chunk_frames: 4,
        source,
        renditions: vec![rendition(64, 48), rendition(32, 24)],
    }
}

pub async fn segment(frames: u32) -> Vec<Chunks> {
    let header = Header {
        width: 64,
        height: 48,
        bit_depth: 8,
        fps: (30000, 1001),
        full_range: false,
    };
    let mut source = header.line().into_bytes();
    (0..frames).for_each(|i| write_frame(&mut source, &synth::frame(64, 48, i)).unwrap());
    let request = EncodeRequest::whole(Arc::from(source), profiles(), frames, 1);
    let encoded = workers(1)
        .encode(&request, Priority::Transcode)
        .await
        .unwrap();
    let chunks: Vec<_> = encoded
        .leaves
        .into_iter()
        .map(|l| l.bytes.unwrap())
        .collect();
    chunks
        .chunks(profiles().chunks(frames) as usize)
        .map(<[_]>::to_vec)
        .collect()
}

/// So many seconds of sound in that layout and codec, as it comes out of a file, and what is told of it.
async fn heard(
    dir: &Path,
    seconds: u32,
    layout: &str,
    codec: &str,
) -> (Vec<Option<Sound>>, Vec<String>) {
    let path = dir.join("in.mkv");
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc2=size=64x48:rate=30:duration={seconds} -f lavfi -i anoisesrc=d={seconds}:r=48000 -c:v libx264 \
             -af aformat=channel_layouts={layout} -c:a {codec}"
        ),
        &path,
    );
    let found = probe(&path, &worker()).await.unwrap();
    let track = Soundtrack::extract(&found, 0, dir, &worker())
        .await
        .unwrap();
    let mut reader = track.unwrap().open(Duration::ZERO, Duration::ZERO).unwrap();
    let sounds = reader.until(Duration::from_secs(9)).unwrap();
    (sounds, reader.untaken())
}

#[tokio::test]
async fn opus_of_more_than_two_channels_is_decoded() {
    let good = segment(30).await;
    for (layout, channels) in [("stereo", "2"), ("5.1", "6"), ("7.1", "8")] {
        let dir = tempfile::tempdir().unwrap();
        let (sounds, told) = heard(dir.path(), 1, layout, "libopus").await;
        assert!(told.is_empty(), "{told:?}");
        let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
        let timing = Timing {
            start: Duration::ZERO,
            duration: Duration::from_secs(1),
            frames: Vec::new(),
            discontinuity: false,
            date: None,
        };
        packager.announce(0, timing, sounds).unwrap();
        packager.add_segment(0, 30, &good).unwrap();
        packager.finish().unwrap();
        let read = |name| std::fs::read(dir.path().join("audio_0").join(name)).unwrap();
        let whole = dir.path().join("whole.mp4");
        std::fs::write(&whole, [read("init.mp4"), read("00000.m4s")].concat()).unwrap();
        let mut command = Command::new("ffprobe");
        command.args(["-v", "warning", "-count_frames", "-of", "csv=p=0"]);
        command.args(["-show_entries", "stream=channels,nb_read_frames"]);
        let output = command.arg(&whole).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.stderr.is_empty(), "{layout}: {output:?}");
        let (found, frames) = text.trim().split_once(',').unwrap();
        assert_eq!(found, channels, "{text}");
        assert!(frames.parse::<u32>().unwrap() >= 50, "{text}");
    }
}

#[tokio::test]
async fn a_first_track_that_is_not_passed_on_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.mkv");
    // The second one's packets have each time twice.
    ffmpeg(
        "-f lavfi -i testsrc2=size=64x48:rate=30:duration=2 -f lavfi -i sine=duration=2:r=48000 -map 0 -map 1 -map 1 -map 1 \
         -c:v libx264 -c:a:0 ac3 -c:a:1 aac -bsf:a:1 setts=ts=floor(N/2)*2048 -c:a:2 pcm_s16le",
        &path,
    );
    let found = probe(&path, &worker()).await.unwrap();
    let codecs: Vec<_> = found.audio.iter().map(|a| a.codec.as_str()).collect();
    assert_eq!(codecs, ["ac3", "aac", "pcm_s16le"]);
    let track = Soundtrack::extract(&found, 0, dir.path(), &worker()).await;
    let track = track.unwrap().unwrap();
    let mut reader = track.open(Duration::ZERO, Duration::ZERO).unwrap();
    let sounds = reader.until(Duration::from_secs(1)).unwrap();
    assert_eq!(sounds.len(), 1);
    let heard = sounds[0].as_ref().unwrap().samples();
    assert!((40_000..=56_000).contains(&heard), "{heard}");
}

#[tokio::test]
async fn aac_without_a_channel_configuration_is_left_out_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let (sounds, told) = heard(dir.path(), 8, "quad", "aac").await;
    assert!(sounds.iter().all(Option::is_none));
    assert!(
        told.len() == 1 && told[0].contains("without a channel"),
        "{told:?}"
    );
    assert!(heard(dir.path(), 1, "5.1", "aac").await.0[0].is_some());
}

#[tokio::test]
async fn wrong_chunks_are_refused_and_right_ones_still_taken() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let good = segment(6).await;
    let refused = |packager: &mut Packager, change: &dyn Fn(&mut Vec<Chunks>)| {
        let mut bad = good.clone();
        change(&mut bad);
        packager.add_segment(0, 6, &bad).unwrap_err()
    };
    let chunk = |error: &PackageError| matches!(error, PackageError::Chunk { .. });
    assert!(chunk(
        &refused(&mut packager, &|s| s[0][1] = vec![0xff; 300])
    ));
    assert!(chunk(&refused(&mut packager, &|s| s[0][1].clear())));
    assert!(chunk(&refused(&mut packager, &|s| s[1][0].truncate(20))));
    assert!(chunk(&refused(&mut packager, &|s| s[0].swap(0, 1))));
    assert!(chunk(
        &refused(&mut packager, &|s| s[0][1] = s[1][1].clone())
    ));
    assert!(matches!(
        refused(&mut packager, &|s| drop(s[0].pop())),
        PackageError::Count { what: "chunks", .. }
    ));
    assert!(matches!(
        refused(&mut packager, &|s| drop(s.pop())),
        PackageError::Count {
            what: "renditions",
            ..
        }
    ));
    packager.add_segment(0, 6, &good).unwrap();
    assert!(matches!(
        packager.add_segment(0, 6, &good),
        Err(PackageError::Repeated { seq: 0, next: 1 })
    ));
    packager.finish().unwrap();
    assert_eq!(frames(&dir.path().join("0_48p/index.m3u8")), 6);
}

#[tokio::test]
async fn a_missing_segment_is_a_discontinuity() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let media = dir.path().join("0_48p/index.m3u8");
    for (seq, count) in [(0, 8), (2, 5), (3, 8)] {
        packager
            .add_segment(seq, count, &segment(count).await)
            .unwrap();
    }
    assert_eq!(packager.pending(), 2);
    let text = std::fs::read_to_string(&media).unwrap();
    assert!(
        text.contains("00000.m4s") && !text.contains("00002.m4s") && !text.contains("ENDLIST"),
        "{text}"
    );
    packager.finish().unwrap();
    let text = std::fs::read_to_string(&media).unwrap();
    assert_eq!(
        (
            text.matches("DISCONTINUITY").count(),
            text.matches(".m4s").count()
        ),
        (1, 3),
        "{text}"
    );
    assert_eq!(frames(&media), 21);
    let master = std::fs::read_to_string(dir.path().join("master.m3u8")).unwrap();
    assert!(master.contains("FRAME-RATE=29.97,"), "{master}");
}

#[tokio::test]
async fn a_stream_goes_on_at_any_segment_and_past_one_that_never_comes() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::open(dir.path(), &profiles(), 7, Keep::All).unwrap();
    let media = dir.path().join("0_48p/index.m3u8");
    let good = segment(6).await;
    assert!(matches!(
        packager.add_segment(6, 6, &good),
        Err(PackageError::Repeated { seq: 6, next: 7 })
    ));
    packager.add_segment(7, 6, &good).unwrap();
    packager.add_segment(10, 6, &good).unwrap();
    packager.skip(9).unwrap();
    assert_eq!(packager.pending(), 1, "segment 8 may still come");
    packager.skip(8).unwrap();
    packager.skip(7).unwrap();
    assert_eq!(packager.pending(), 0);
    let text = std::fs::read_to_string(&media).unwrap();
    assert_eq!(text.matches("DISCONTINUITY").count(), 1, "{text}");
    packager.add_segment(11, 6, &good).unwrap();
    packager.finish().unwrap();
    assert_eq!(frames(&media), 18);
}
