//! What a child process may use.

use std::time::Duration;

use assay_protocol::assignment::MAX_SOURCE;
use assay_protocol::profile::MAX_FRAMES;
use serde::{Deserialize, Serialize};

/// Caps on one request; the child sets the first two on itself, the parent enforces `wall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of the worker, and again of its FFmpeg, in bytes.
    pub memory: u64,
    /// CPU time of the worker, and again of its FFmpeg.
    pub cpu: Duration,
    /// From start to answer.
    pub wall: Duration,
    /// Luma samples of a source frame.
    pub max_pixels: u64,
    /// Frames in a segment.
    pub max_frames: u32,
    /// Bytes of a segment's source.
    pub max_source: u64,
}

impl Limits {
    /// Bytes of a chunk's raw frames: one chunk is encoded while the next is decoded, and an encoder takes as much as both.
    pub fn max_chunk(&self) -> u64 {
        self.memory / 4
    }
}

impl Default for Limits {
    /// Room for 4K in a few threads: a 1080p encoder context takes about 625 MB. Frames and source bytes are what an
    /// assignment may ask for.
    fn default() -> Self {
        Self {
            memory: 8 << 30,
            cpu: Duration::from_secs(1800),
            wall: Duration::from_secs(900),
            max_pixels: 8192 * 4352,
            max_frames: MAX_FRAMES,
            max_source: MAX_SOURCE,
        }
    }
}
