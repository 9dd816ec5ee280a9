//! The protocol's profiles as the chunk encoder's settings.

pub use assay_chunk::PIPELINE;
use assay_chunk::{RenditionSettings, SourceFormat};
use assay_protocol::profile::{self, Profiles, Rendition};
use assay_protocol::{B256, keccak256};

/// `encoderId`: keccak of the pipeline's description.
pub fn encoder_id() -> B256 {
    keccak256(PIPELINE)
}

/// The source format as the chunk encoder takes it.
pub fn source_format(source: &profile::SourceFormat) -> SourceFormat {
    SourceFormat {
        width: source.width,
        height: source.height,
        bit_depth: source.bit_depth,
        full_range: source.full_range,
        colour: source.colour,
        fps_num: source.fps_num,
        fps_den: source.fps_den,
    }
}

/// A rendition as the chunk encoder takes it.
pub fn rendition_settings(rendition: &Rendition) -> RenditionSettings {
    RenditionSettings {
        width: rendition.width,
        height: rendition.height,
        speed: rendition.speed,
        quantizer: rendition.quantizer,
        low_latency: rendition.low_latency,
        tile_cols_log2: rendition.tile_cols_log2,
        tile_rows_log2: rendition.tile_rows_log2,
        bitrate_kbps: rendition.bitrate_kbps,
        frame_step: rendition.frame_step,
    }
}

/// Bytes of the raw frames of a chunk, in a segment of so many frames.
pub fn chunk_bytes(profiles: &Profiles, frame_count: u32) -> u64 {
    let frames = frame_count.min(profiles.chunk_frames.into());
    u64::from(frames).saturating_mul(profiles.frame_bytes() as u64)
}

/// Checks profiles against everything this encoder needs, beyond the protocol's own ranges.
pub fn check(profiles: &Profiles) -> Result<(), assay_chunk::ChunkError> {
    let source = source_format(&profiles.source);
    source.validate()?;
    profiles
        .renditions
        .iter()
        .try_for_each(|r| rendition_settings(r).validate(&source))
}
