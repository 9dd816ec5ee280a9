//! Why a chunk was not encoded.

/// Settings or frames that the encoder does not take, or a failure inside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// A setting outside its range, found before the encoder sees it.
    #[error("{field} is {found}, expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The range in words.
        expected: &'static str,
    },
    /// A chunk has at least one frame.
    #[error("a chunk of no frames, expected 1 or more")]
    NoFrames,
    /// A frame of another length than its format says.
    #[error("frame {index} is {found} bytes long, expected {expected}")]
    FrameLength {
        /// Index in the chunk.
        index: usize,
        /// Bytes given.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// rav1e's own validation refused the configuration.
    #[error("rav1e refuses the settings: {0}")]
    Refused(rav1e::config::InvalidConfig),
    /// rav1e stopped with a status that a correct run never gives.
    #[error("rav1e stopped after {packets} of {frames} frames: {status}")]
    Encoder {
        /// Frames sent.
        frames: usize,
        /// Packets received.
        packets: usize,
        /// What it said.
        status: String,
    },
}
