//! Why a ladder cannot be used.

use std::path::PathBuf;

use assay_protocol::profile::ProfileError;

use super::presets::names;

/// Where a file is no TOML, or not what was expected, and why, in one line.
pub fn toml_words(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let place = text.lines().next().filter(|line| line.contains("line "));
    let why = error.message().replace('\n', ", ");
    place.map_or(why.clone(), |place| format!("{place}: {why}"))
}

/// Why a ladder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LadderError {
    /// Neither a preset's name nor a file that can be read.
    #[error("profile {path}: {source}; it is also none of the presets {}", names().join(", "))]
    Read {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a setting that does not exist or has another type.
    #[error("{}", toml_words(.0))]
    Parse(Box<toml::de::Error>),
    /// No length of a chunk, or two.
    #[error(
        "chunk_ms or chunk_frames says how long a chunk is: one of them is needed, and not both"
    )]
    ChunkLength,
    /// A number outside its range.
    #[error("{place}{field} is {found}, expected {expected}")]
    Range {
        /// Empty, or which rendition.
        place: String,
        /// The setting.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The range in words.
        expected: &'static str,
    },
    /// Any of these, with the file that it is in.
    #[error("profile {name}: {source}")]
    In {
        /// The file's or the preset's name.
        name: String,
        /// What is wrong with it.
        source: Box<LadderError>,
    },
    /// More than a worker has room for.
    #[error(
        "a chunk of {chunk_frames} frames of this source has {found} bytes of raw frames, expected at most {max}; make \
         it shorter"
    )]
    Chunk {
        /// Source frames in a chunk.
        chunk_frames: u16,
        /// Bytes of the longest chunk's frames.
        found: u64,
        /// What a worker takes.
        max: u64,
    },
    /// The exact numbers for a source are not a profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The encoder does not take them.
    #[error(transparent)]
    Encoder(#[from] assay_chunk::ChunkError),
}
