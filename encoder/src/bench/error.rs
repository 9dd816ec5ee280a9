//! Why there is no measurement.

use std::path::PathBuf;

use crate::fault::WorkerError;
use crate::input::InputError;
use crate::ladder::LadderError;
use crate::tool::ToolError;

use super::curve::CurveError;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The clip.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A ladder that is none, or none for the clip.
    #[error(transparent)]
    Ladder(#[from] LadderError),
    /// A program that is missing or hangs.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A program that failed.
    #[error("{program}: {detail}")]
    Failed {
        /// The program and what for.
        program: String,
        /// Its last words.
        detail: String,
    },
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// No rav1e to compare with, or another one.
    #[error(
        "{found}; version {expected} is needed: cargo install rav1e --version {expected} --locked --root DIR, then --rav1e DIR/bin/rav1e"
    )]
    Rav1e {
        /// What was found.
        found: String,
        /// The version wanted.
        expected: &'static str,
    },
    /// The clip is too short for what is asked.
    #[error(
        "the clip gave {found} frames, at least {needed} are needed; name a longer one or ask for fewer seconds"
    )]
    Short {
        /// Frames there are.
        found: u32,
        /// Frames needed.
        needed: u32,
    },
    /// More cores than there are, or none.
    #[error("--cores {found}; this process may use 1, at most {here}")]
    Cores {
        /// Asked for.
        found: usize,
        /// What it may use.
        here: usize,
    },
    /// Figures that give no curve.
    #[error("{what}: {source}")]
    Curve {
        /// Which.
        what: String,
        /// Why.
        source: CurveError,
    },
    /// What the encoder's own library makes differs from what the workers made: a bug, or a broken machine.
    #[error(
        "chunk {chunk}: the library gives {found}, the worker gave {expected}; run assay doctor"
    )]
    Differs {
        /// The chunk.
        chunk: usize,
        /// BLAKE3 of the library's.
        found: String,
        /// BLAKE3 of the worker's.
        expected: String,
    },
    /// The library refuses.
    #[error("rav1e: {0}")]
    Library(String),
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
