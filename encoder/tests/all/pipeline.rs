//! A clip goes in, HLS comes out, and every frame is in it.

use crate::support;

use std::process::Command;
use std::time::Duration;

use assay_encoder::{EncodeRequest, InspectRequest, Packager, Priority, Segmenter, probe};
use support::{bytes, clip, frames, ladder, worker, workers};

#[tokio::test]
async fn a_clip_becomes_hls_with_every_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(
        dir.path(),
        "clip.mkv",
        "320x180",
        5,
        "-c:v libx264 -preset ultrafast -g 60 -bf 2 -flags +cgop",
    );
    let found = probe(&path, &worker()).await.unwrap();
    assert_eq!(
        (found.codec.as_str(), found.width, found.height, found.fps),
        ("h264", 320, 180, (30, 1))
    );
    let profiles = ladder(&found);
    let segments = Segmenter::new(&dir.path().join("segments"), Duration::from_secs(2))
        .cut(&found, &worker())
        .await
        .unwrap();
    assert_eq!(
        segments.iter().map(|s| s.frames).collect::<Vec<_>>(),
        [60, 60, 30]
    );

    let workers = workers(2);
    let out = dir.path().join("out");
    let mut packager = Packager::new(&out, &profiles).unwrap();
    let mut chunks = Vec::new();
    for segment in &segments {
        let source = bytes(&segment.path);
        let request = InspectRequest {
            source: source.clone(),
            profiles: profiles.clone(),
        };
        let inspected = workers
            .inspect(&request, Priority::Transcode)
            .await
            .unwrap();
        assert_eq!(inspected.frame_count, segment.frames);
        let whole =
            EncodeRequest::whole(source.clone(), profiles.clone(), inspected.frame_count, 2);
        let encoded = workers.encode(&whole, Priority::Transcode).await.unwrap();
        assert_eq!(encoded.source.frames_root, inspected.frames_root);
        assert_eq!(
            encoded.leaves.len() as u32,
            profiles.leaf_count(segment.frames).unwrap()
        );
        // A verifier's lone leaf is the transcoder's.
        let last = encoded.leaves.last().unwrap();
        let one = EncodeRequest::one(source, profiles.clone(), segment.frames, last.leaf).unwrap();
        let again = workers.encode(&one, Priority::Sample).await.unwrap();
        assert_eq!(
            (again.leaves[0].output_hash, &again.leaves[0].bytes),
            (last.output_hash, &None)
        );
        assert_eq!(
            again.protocol_leaves()[0],
            *encoded.protocol_leaves().last().unwrap()
        );
        let per = profiles.chunks(segment.frames) as usize;
        let leaves: Vec<Vec<u8>> = encoded
            .leaves
            .into_iter()
            .map(|l| l.bytes.unwrap())
            .collect();
        chunks.push(leaves.chunks(per).map(<[_]>::to_vec).collect::<Vec<_>>());
    }
    // Out of order: 2, 0, 1.
    for index in [2usize, 0, 1] {
        packager
            .add_segment(index as u32, segments[index].frames, &chunks[index])
            .unwrap();
    }
    assert_eq!(packager.pending(), 0);
    assert!(packager.add_segment(1, 60, &chunks[1]).is_err());
    let playlist = packager.finish().unwrap();

    for (name, width) in [("0_180p", 320), ("1_90p", 160)] {
        let media = out.join(name).join("index.m3u8");
        let text = std::fs::read_to_string(&media).unwrap();
        assert!(
            text.contains("#EXT-X-ENDLIST") && text.contains("#EXT-X-MAP:URI=\"init.mp4\""),
            "{text}"
        );
        assert_eq!(frames(&media), 150, "{}", media.display());
        let mut command = Command::new("ffprobe");
        command.args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name,width:packet=pts_time",
            "-of",
            "csv=p=0",
        ]);
        let report = String::from_utf8(command.arg(&media).output().unwrap().stdout).unwrap();
        assert!(report.contains(&format!("av1,{width}")), "{report}");
        let times: Vec<f64> = report
            .lines()
            .filter_map(|l| l.trim_matches(',').parse().ok())
            .collect();
        let even = times
            .iter()
            .enumerate()
            .all(|(i, t)| (t - i as f64 / 30.0).abs() < 0.001);
        assert!(even && times.len() == 150, "{times:?}");
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&media)
            .args(["-f", "null", "-"]);
        let decoded = command.output().unwrap();
        assert!(
            decoded.status.success() && decoded.stderr.is_empty(),
            "{decoded:?}"
        );
    }
    let text = std::fs::read_to_string(playlist).unwrap();
    assert!(
        text.contains("CODECS=\"av01.0.0") && text.contains("RESOLUTION=320x180"),
        "{text}"
    );
    assert!(
        text.contains("BANDWIDTH=") && text.contains("FRAME-RATE=30"),
        "{text}"
    );

    // dav1d decodes a chunk as it is hashed.
    let obu = dir.path().join("chunk.obu");
    std::fs::write(&obu, &chunks[0][0][0]).unwrap();
    let mut dav1d = Command::new("dav1d");
    dav1d
        .args(["-q", "--muxer", "null", "-o", "/dev/null", "-i"])
        .arg(&obu);
    assert!(dav1d.status().unwrap().success());
}
