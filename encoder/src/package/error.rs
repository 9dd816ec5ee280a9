//! Why chunks were not packaged.

use std::path::PathBuf;

use super::MAX_PENDING;

/// Why chunks were not packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file cannot be written.
    #[error("writing {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A playlist of before cannot be read.
    #[error("reading {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A segment with another number of renditions or chunks than its profiles and frames say.
    #[error("segment {seq}: {found} {what}, expected {expected}")]
    Count {
        /// The segment.
        seq: u32,
        /// What was counted.
        what: &'static str,
        /// Given.
        found: usize,
        /// Expected.
        expected: usize,
    },
    /// A chunk that is not the AV1 it should be.
    #[error("segment {seq}, rendition {rendition}, chunk {chunk}: {detail}")]
    Chunk {
        /// The segment.
        seq: u32,
        /// The rendition.
        rendition: usize,
        /// The chunk.
        chunk: usize,
        /// What is wrong.
        detail: String,
    },
    /// A segment that was written already.
    #[error("segment {seq} was packaged before; the next is {next}")]
    Repeated {
        /// The segment.
        seq: u32,
        /// The next expected.
        next: u32,
    },
    /// Too many segments wait for an earlier one.
    #[error("{waiting} segments wait for segment {next}, at most {MAX_PENDING} may")]
    Pending {
        /// Waiting segments.
        waiting: usize,
        /// The missing one.
        next: u32,
    },
    /// The MP4 writer refused.
    #[error("MP4 writer: {0}")]
    Mp4(String),
}

impl PackageError {
    /// Nothing, if a segment only came a second time or after it was given up.
    ///
    /// # Errors
    /// Every other error.
    pub fn forgive_repeated(self) -> Result<(), Self> {
        match self {
            Self::Repeated { .. } => Ok(()),
            other => Err(other),
        }
    }
}
