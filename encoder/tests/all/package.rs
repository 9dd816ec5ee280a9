//! What the packager refuses, and what it does about gaps.

use crate::support;

use std::sync::Arc;

use assay_encoder::package::{Chunks, Keep, PackageError};
use assay_encoder::y4m::{Header, write_frame};
use assay_encoder::{EncodeRequest, Packager, Priority, synth};
use assay_protocol::profile::{Profiles, SourceFormat};
use support::{frames, rendition, workers};

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
