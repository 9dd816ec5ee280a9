//! Measurements: what encoding, checking and memory cost on this machine, beside what people could use instead.
//! `assay bench` prints them.
//!
//! Every figure of CPU time is of whole processes, children included, as the kernel accounts it; where two things are
//! compared their runs alternate, so that what else the machine does hits both.

pub mod bare;
pub mod beside;
pub mod chunk_length;
pub mod clip;
pub mod cost;
pub mod curve;
pub mod encode;
mod error;
pub mod machine;
pub mod memory;
pub mod path;
pub mod quality;
pub mod rivals;
pub mod spread;
pub mod usage;
pub mod verify;

pub use error::BenchError;

/// A folder for clips and outputs; gone when dropped.
///
/// # Errors
/// No folder for temporary files that can be written.
pub fn scratch() -> Result<tempfile::TempDir, BenchError> {
    tempfile::tempdir().map_err(|source| BenchError::File {
        path: std::env::temp_dir(),
        source,
    })
}
