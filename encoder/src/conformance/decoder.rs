//! Whether the FFmpeg of this machine decodes and converts as everyone's does.

use std::sync::Arc;

use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::{B256, b256};

use super::ConformanceError;
use crate::request::InspectRequest;
use crate::workers::{Priority, Workers};

/// Six frames of H.264, which every FFmpeg decodes, with B-frames, of a size that is no multiple of a macroblock, in Matroska.
struct Segment {
    name: &'static str,
    bytes: &'static [u8],
    bit_depth: u8,
    frames_root: B256,
}

const SIZE: (u16, u16) = (62, 46);
const SEGMENTS: [Segment; 3] = [
    Segment {
        name: "h264",
        bytes: include_bytes!("../../vectors/decode/h264.mkv"),
        bit_depth: 8,
        frames_root: b256!("8d6019cacc9c7edcb06d538c2c51629218bd1bafcf22adc6c7c8e88b6a3cdf45"),
    },
    // From 4:2:2.
    Segment {
        name: "ten_bit",
        bytes: include_bytes!("../../vectors/decode/ten_bit.mkv"),
        bit_depth: 10,
        frames_root: b256!("5ac52ecc3b63006b2ba96e663c77509c340b9bf4a5e704d98fa84081ac48b9e4"),
    },
    // From 4:2:2 and full range.
    Segment {
        name: "converted",
        bytes: include_bytes!("../../vectors/decode/converted.mkv"),
        bit_depth: 8,
        frames_root: b256!("141c68e766742291d9c3d7272160c1fa13f2c509398b923b0a8926e7c16056ce"),
    },
];

/// Decodes segments whose frames are known, as segments are decoded.
///
/// # Errors
/// No FFmpeg, one that is too old, or other frames.
pub async fn check_decoder(workers: &Workers) -> Result<(), ConformanceError> {
    for segment in &SEGMENTS {
        check_segment(workers, segment).await?;
    }
    Ok(())
}

async fn check_segment(workers: &Workers, segment: &Segment) -> Result<(), ConformanceError> {
    let (width, height) = SIZE;
    let request = InspectRequest {
        source: Arc::from(segment.bytes),
        profiles: Profiles {
            chunk_frames: 6,
            source: SourceFormat {
                bit_depth: segment.bit_depth,
                ..SourceFormat::plain(width, height, 25)
            },
            renditions: vec![Rendition::plain(width, height, 10, 100)],
        },
    };
    let inspected = workers
        .inspect(&request, Priority::Accused)
        .await
        .map_err(|source| ConformanceError::NotDecoded {
            name: segment.name,
            source,
        })?;
    let (found, expected) = (inspected.frames_root, segment.frames_root);
    if found != expected {
        return Err(ConformanceError::OtherFrames {
            name: segment.name,
            found,
            expected,
        });
    }
    Ok(())
}
