//! Whether the FFmpeg of this machine decodes as everyone's does.

use std::sync::Arc;

use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::{B256, b256};

use super::ConformanceError;
use crate::request::InspectRequest;
use crate::workers::{Priority, Workers};

/// Six frames of H.264 with B-frames and a size that is no multiple of a macroblock, in Matroska.
const SEGMENT: &[u8] = include_bytes!("../../vectors/decode/h264.mkv");
const SIZE: (u16, u16) = (62, 46);
const FRAMES_ROOT: B256 = b256!("8d6019cacc9c7edcb06d538c2c51629218bd1bafcf22adc6c7c8e88b6a3cdf45");

/// Decodes a segment whose frames are known, as segments are decoded.
///
/// # Errors
/// No FFmpeg, one that is too old, or other frames.
pub async fn check_decoder(workers: &Workers) -> Result<(), ConformanceError> {
    let (width, height) = SIZE;
    let request = InspectRequest {
        source: Arc::from(SEGMENT),
        profiles: Profiles {
            chunk_frames: 6,
            source: SourceFormat::plain(width, height, 25),
            renditions: vec![Rendition::plain(width, height, 10, 100)],
        },
    };
    let inspected = workers
        .inspect(&request, Priority::Accused)
        .await
        .map_err(ConformanceError::NotDecoded)?;
    match inspected.frames_root {
        FRAMES_ROOT => Ok(()),
        found => Err(ConformanceError::OtherFrames {
            found,
            expected: FRAMES_ROOT,
        }),
    }
}
