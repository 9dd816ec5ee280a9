//! The whole way: probed, cut, decoded in workers to exactly the frames that FFmpeg makes of the whole file, encoded,
//! packaged.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use assay_encoder::{
    EncodeRequest, InspectRequest, Packager, Priority, Probe, Segment, Segmenter, Workers, probe,
};
use assay_protocol::frames::{ChunkHasher, segment_tree};
use assay_protocol::profile::Profiles;

use crate::support::{bytes, ffmpeg, rendition, worker, workers};

/// Twelve frames, 15 a second: with a key frame every five, segments of 5, 5 and 2 frames.
pub const PICTURE: &str = "-f lavfi -i testsrc2=size=160x90:rate=15:duration=0.8";
pub const X264: &str = "-c:v libx264 -preset ultrafast -g 5 -keyint_min 5 -sc_threshold 0";
pub const H264: &str =
    "-c:v libx264 -preset ultrafast -g 5 -bf 1 -flags +cgop -sc_threshold 0 -pix_fmt yuv420p";

/// What went the whole way.
pub struct Way {
    pub probe: Probe,
    pub profiles: Profiles,
    pub segments: Vec<Segment>,
}

/// Frames of the whole file, as FFmpeg decodes it in one piece.
pub fn whole(path: &Path, profiles: &Profiles) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin", "-v", "quiet", "-threads", "1", "-flags", "bitexact", "-i",
    ]);
    command
        .arg(path)
        .args(["-map", "0:V:0", "-fps_mode", "passthrough"]);
    let depth = if profiles.source.bit_depth > 8 {
        "yuv420p10le"
    } else {
        "yuv420p"
    };
    command.args(["-pix_fmt", depth]);
    let flags = "bicubic+accurate_rnd+full_chroma_int+bitexact";
    command.args(["-sws_flags", flags, "-f", "rawvideo", "-"]);
    let raw = command.output().unwrap().stdout;
    raw.chunks(profiles.frame_bytes())
        .map(<[u8]>::to_vec)
        .collect()
}

fn frames_root(frames: &[Vec<u8>], chunk_frames: u16) -> [u8; 32] {
    let chunk = |frames: &[Vec<u8>]| {
        let mut hasher = ChunkHasher::new();
        frames.iter().for_each(|frame| hasher.update(frame));
        hasher.finish()
    };
    let roots: Vec<_> = frames.chunks(chunk_frames.into()).map(chunk).collect();
    segment_tree(&roots).root().0
}

/// Takes a file the whole way.
pub async fn go(path: &Path, workers: &Workers) -> Way {
    let name = path.display();
    let found = probe(path, &worker()).await.unwrap();
    // A rendition is at most 16 times smaller than its source.
    let least = found.height.div_ceil(16).next_multiple_of(2);
    let height = found.height.min(least.max(90)) as u16;
    let profiles = found.profiles(4, &[height], &rendition(0, 0)).unwrap();
    let segmenter = Segmenter::new(&path.with_extension("segments"), Duration::from_millis(300));
    let segments = segmenter.cut(&found, &worker()).await.unwrap();
    let mut expected = whole(path, &profiles).into_iter();
    let mut packager = Packager::new(&path.with_extension("out"), &profiles).unwrap();
    for (segment, source) in segments.iter().map(|s| (s, bytes(&s.path))) {
        let request = InspectRequest {
            source: source.clone(),
            profiles: profiles.clone(),
        };
        let inspected = workers
            .inspect(&request, Priority::Transcode)
            .await
            .unwrap();
        let count = inspected.frame_count;
        assert_eq!(count, segment.frames, "{name}: {segment:?}");
        assert!(
            [0, count as usize].contains(&segment.times.len()),
            "{name}: {segment:?}"
        );
        let own: Vec<_> = expected.by_ref().take(count as usize).collect();
        assert_eq!(
            inspected.frames_root.0,
            frames_root(&own, 4),
            "{name}: {segment:?}"
        );
        let whole = EncodeRequest::whole(source, profiles.clone(), count, 1);
        let encoded = workers.encode(&whole, Priority::Transcode).await.unwrap();
        let chunks = encoded
            .leaves
            .into_iter()
            .map(|leaf| leaf.bytes.unwrap())
            .collect();
        packager.add_segment(segment.seq, count, &[chunks]).unwrap();
    }
    assert_eq!(expected.count(), 0, "{name}: frames that no segment has");
    packager.finish().unwrap();
    Way {
        probe: found,
        profiles,
        segments,
    }
}

/// Makes each file with FFmpeg and takes it the whole way.
pub async fn all(cases: &[(&str, &str)]) -> Vec<Way> {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let mut ways = Vec::new();
    for (name, how) in cases {
        let path = dir.path().join(name);
        ffmpeg(how, &path);
        ways.push(go(&path, &workers).await);
    }
    ways
}

pub fn counts(way: &Way) -> Vec<u32> {
    way.segments.iter().map(|s| s.frames).collect()
}
