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

/// Bytes of address space that an encoder takes for each luma sample of its pictures, 8 bits deep: 625 MB for 1080p.
const ENCODER: u64 = 320;

impl Limits {
    /// Bytes of a chunk's raw frames: one chunk is encoded while the next is decoded, and an encoder takes as much as both.
    pub fn max_chunk(&self) -> u64 {
        self.memory / 4
    }

    /// How many encoders of such pictures have room, each with the decoded frames of its chunk, `chunk` bytes, beside the chunk
    /// that is being decoded and the program.
    pub(crate) fn encoders(&self, width: u16, height: u16, bit_depth: u8, chunk: u64) -> usize {
        let samples = u64::from(width) * u64::from(height);
        let each = samples * ENCODER * if bit_depth > 8 { 2 } else { 1 };
        let room = (self.memory / 8 * 7).saturating_sub(chunk) / (each + chunk).max(1);
        usize::try_from(room).unwrap_or(usize::MAX).max(1)
    }
}

impl Default for Limits {
    /// Room for 4K in two threads: a 1080p encoder context takes about 625 MB. Frames and source bytes are what an
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_have_room_beside_each_other() {
        let limits = Limits::default();
        // Of a second at 30 frames.
        let encoders = |width: u16, height: u16, depth: u8| {
            let samples = u64::from(width) * u64::from(height);
            let chunk = 30 * samples * 3 / 2 * if depth > 8 { 2 } else { 1 };
            limits.encoders(width, height, depth, chunk)
        };
        let found = [
            encoders(1920, 1080, 8),
            encoders(3840, 2160, 8),
            encoders(3840, 2160, 10),
            encoders(640, 360, 8),
        ];
        assert_eq!(found, [9, 2, 1, 89]);
    }
}
