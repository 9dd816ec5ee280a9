//! Y4M, whose header is believed within bounds.

use crate::support::{ffmpeg, worker, workers};

use std::path::Path;
use std::time::Duration;

use assay_encoder::{InputError, InspectRequest, Priority, Segmenter, probe};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};

/// One grey frame of 16 by 16 behind this header.
fn grey(header: &str) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 W16 H16 {header}\nFRAME\n").into_bytes();
    bytes.resize(bytes.len() + 384, 128);
    bytes
}

#[tokio::test]
async fn frame_rates_have_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.y4m");
    let format = async |rate: &str| {
        std::fs::write(&path, grey(&format!("F{rate}"))).unwrap();
        probe(&path, &worker()).await.unwrap().source_format()
    };
    for rate in [
        "4294967295:1",
        "1:4294967295",
        "1000000:1",
        "1001:1",
        "1:1001",
    ] {
        let text = format(rate).await.unwrap_err().to_string();
        let (num, den) = rate.split_once(':').unwrap();
        let expected = format!("its frame rate is {num}/{den}, expected 1/1000 to 1000 frames");
        assert!(text.contains(&expected), "{text}");
    }
    for (rate, expected) in [
        ("1000:1", (1000, 1)),
        ("1:1000", (1, 1000)),
        ("4294967295:4294967295", (u32::MAX, u32::MAX)),
        ("30000:1001", (30_000, 1001)),
        ("0:0", (25, 1)),
    ] {
        let found = format(rate).await.unwrap();
        assert_eq!((found.fps_num, found.fps_den), expected, "{rate}");
    }
}

async fn refused(path: &Path) -> String {
    let found = match probe(path, &worker()).await {
        Ok(found) => found,
        Err(error) => return error.to_string(),
    };
    let segmenter = Segmenter::new(&path.with_extension("segments"), Duration::from_secs(2));
    let error: InputError = segmenter.cut(&found, &worker()).await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn a_header_without_an_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.y4m");
    let bytes = grey(&format!("F25:1 X{} A1:1", "a".repeat(2000)));
    std::fs::write(&path, &bytes).unwrap();
    let text = refused(&path).await;
    assert!(
        text.ends_with("Y4M: a header of more than 1024 bytes"),
        "{text}"
    );
    let request = InspectRequest {
        source: bytes.into(),
        profiles: Profiles {
            chunk_frames: 1,
            source: SourceFormat::plain(16, 16, 25),
            renditions: vec![Rendition::plain(16, 16, 10, 100)],
        },
    };
    let refused = workers(1).inspect(&request, Priority::Sample).await;
    let text = refused.unwrap_err().to_string();
    assert!(
        text.ends_with("Y4M: a header of more than 1024 bytes"),
        "{text}"
    );
}

#[tokio::test]
async fn rows_that_ffmpeg_wrote_short_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for frames in [1, 3] {
        let path = dir.path().join(format!("{frames}.y4m"));
        ffmpeg(
            &format!(
                "-f lavfi -i testsrc2=size=64x48,scale=61:47 -pix_fmt yuv420p10le -strict -1 -frames:v {frames}"
            ),
            &path,
        );
        let text = refused(&path).await;
        assert!(
            text.contains("frame 0 has a byte too few in each row of chroma"),
            "{text}"
        );
    }
}
