//! One chunk of one rendition: raw frames and settings in, AV1 bytes out.
//!
//! A pure function without threads, files, clock or network, so that it also builds for machines that have none of
//! them. Same frames, same settings, same [`PIPELINE`]: same bytes, on every CPU.
//!
//! ```
//! use assay_chunk::{encode_chunk, RenditionSettings, SourceFormat};
//!
//! let source = SourceFormat { width: 32, height: 32, bit_depth: 8, full_range: false, colour: [2; 3], fps_num: 30, fps_den: 1 };
//! let small = RenditionSettings { width: 16, height: 16, speed: 10, quantizer: 100, ..RenditionSettings::default() };
//! let frame = vec![128u8; source.frame_bytes()];
//! let chunk = encode_chunk(&[&frame, &frame], &source, &small)?;
//! assert_eq!(chunk.units.len(), 2);
//! assert_eq!(chunk.units.iter().map(|&n| n as usize).sum::<usize>(), chunk.obus.len());
//! # Ok::<(), assay_chunk::ChunkError>(())
//! ```
#![forbid(unsafe_code)]

mod colour;
mod encode;
mod error;
mod kernel;
mod level;
mod pipeline;
mod scale;
mod settings;

pub use encode::{EncodedChunk, context, encode_chunk, encode_frames};
pub use error::ChunkError;
pub use kernel::{Grid, Kernel};
pub use pipeline::PIPELINE;
pub use scale::{Sample, Scaler};
pub use settings::{MAX_SCALE, RenditionSettings, SourceFormat};
