//! Why a request has no answer: what the child found, and what became of the child.

use std::time::Duration;

use assay_protocol::assignment::RefusalReason;
use assay_protocol::profile::{MAX_FRAMES, MAX_LEAVES, Profiles};
use serde::{Deserialize, Serialize};

/// What a worker found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// The profiles are outside what this encoder takes.
    #[error("unsupported profile: {0}")]
    Profile(String),
    /// FFmpeg gave up.
    #[error("undecodable after {frames} frames: {detail}")]
    Undecodable {
        /// Frames decoded before.
        frames: u64,
        /// Its last words.
        detail: String,
    },
    /// No frame came out.
    #[error("no decodable video frame: {detail}")]
    NoFrames {
        /// FFmpeg's last words.
        detail: String,
    },
    /// Frames of another size or depth than the profile's source.
    #[error("the source decodes to {found}, the profile says {expected}")]
    SourceFormat {
        /// What was decoded.
        found: String,
        /// What the profile says.
        expected: String,
    },
    /// Another number of frames than assigned.
    #[error("the source decodes to {found} frames or more, {expected} were assigned")]
    FrameCount {
        /// Frames decoded when it was noticed.
        found: u32,
        /// Frames assigned.
        expected: u32,
    },
    /// More than the caps allow.
    #[error("{what} is {found}, at most {max} allowed")]
    Cap {
        /// What was measured.
        what: String,
        /// Its value.
        found: u64,
        /// The cap.
        max: u64,
    },
    /// A leaf the segment does not have, or with a rendition the profiles do not have.
    #[error("leaf {leaf} asked for, the segment has {leaves}")]
    NoSuchLeaf {
        /// The leaf.
        leaf: u32,
        /// Leaves of the segment.
        leaves: u32,
    },
    /// The encoder refused or failed.
    #[error("leaf {leaf} not encoded: {detail}")]
    Encoder {
        /// The leaf.
        leaf: u32,
        /// What it said.
        detail: String,
        /// Whether it panicked; then the scalar path may still do it.
        crashed: bool,
    },
    /// FFmpeg is not there or cannot be started.
    #[error("ffmpeg cannot be started: {0}; install it (Debian: apt-get install ffmpeg)")]
    NoFfmpeg(String),
    /// The child's own trouble: pipes, limits.
    #[error("worker: {0}")]
    Worker(String),
    /// A segment without a leaf, or with more than one may have.
    #[error(
        "{frames} frames in chunks of {chunk_frames}, in {renditions} renditions, are {leaves} leaves; a segment has 1 to \
         {MAX_LEAVES} of at most {MAX_FRAMES} frames: make chunks longer, or take fewer renditions or shorter groups of pictures"
    )]
    Leaves {
        /// Frames in the segment.
        frames: u32,
        /// Frames in a chunk.
        chunk_frames: u16,
        /// Renditions.
        renditions: usize,
        /// What they would be together.
        leaves: u64,
    },
}

/// Leaves of a segment of `frames` frames.
///
/// # Errors
/// [`Fault::Leaves`] where no segment may have so many.
pub fn leaf_count(profiles: &Profiles, frames: u32) -> Result<u32, Fault> {
    profiles.leaf_count(frames).ok_or_else(|| Fault::Leaves {
        frames,
        chunk_frames: profiles.chunk_frames,
        renditions: profiles.renditions.len(),
        leaves: u64::from(profiles.chunks(frames)) * profiles.renditions.len() as u64,
    })
}

/// Why a request failed, as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The worker said why.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The worker died without an answer, on the scalar path too where encoding was concerned.
    #[error("the worker died ({status}): {detail}")]
    Crashed {
        /// Exit status or signal.
        status: String,
        /// Its last words.
        detail: String,
    },
    /// No answer in time; the worker was killed.
    #[error(
        "no answer from the worker within {wall:?}; it was killed after {frames} decoded frames, with {missing} leaves missing"
    )]
    Timeout {
        /// The time it had.
        wall: Duration,
        /// Frames that it had decoded at least; zero where nothing was to be decoded.
        frames: u32,
        /// Leaves that had not come.
        missing: usize,
    },
    /// Too many requests wait already.
    #[error("{waiting} requests wait already, at most {max} may")]
    Overloaded {
        /// Waiting requests.
        waiting: usize,
        /// The bound.
        max: usize,
    },
    /// The worker program cannot be started.
    #[error("cannot start {program}: {detail}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        detail: String,
    },
    /// The worker's answer is not one.
    #[error("the worker's answer is unreadable: {0}")]
    Answer(String),
}

impl WorkerError {
    /// What a refusal or an `Unverifiable` says about it.
    pub fn reason(&self) -> RefusalReason {
        match self {
            Self::Fault(Fault::Profile(_) | Fault::NoSuchLeaf { .. }) => {
                RefusalReason::UnsupportedProfile
            }
            Self::Fault(
                Fault::Undecodable { .. }
                | Fault::NoFrames { .. }
                | Fault::Cap { .. }
                | Fault::Leaves { .. },
            ) => RefusalReason::Undecodable,
            Self::Fault(Fault::SourceFormat { .. } | Fault::FrameCount { .. }) => {
                RefusalReason::FramesRootDiffers
            }
            Self::Overloaded { .. } => RefusalReason::Overloaded,
            _ => RefusalReason::EncoderFailed,
        }
    }

    /// Whether the scalar path may succeed where this failed.
    pub(crate) fn worth_scalar(&self) -> bool {
        match self {
            // Out of CPU time: without SIMD it takes more.
            Self::Crashed { status, .. } => !status.contains("SIGXCPU"),
            Self::Fault(Fault::Encoder { crashed, .. }) => *crashed,
            _ => false,
        }
    }
}
