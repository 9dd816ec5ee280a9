//! Why a file cannot be published: each case one line that says what is wrong and where.

use std::path::PathBuf;
use std::time::Duration;

use assay_protocol::profile::MAX_FRAMES;

use crate::tool::ToolError;

/// What is wrong with an input file.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is not there or cannot be opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder, a device.
    #[error("{}: not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Zero bytes.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// FFmpeg knows no such format, or it is a picture or a text.
    #[error("{}: not a video: {detail}", path.display())]
    NotVideo {
        /// The file.
        path: PathBuf,
        /// What it is, or FFmpeg's last words.
        detail: String,
    },
    /// No video stream in it.
    #[error("{}: no video stream, only {found}", path.display())]
    NoVideo {
        /// The file.
        path: PathBuf,
        /// What streams there are.
        found: String,
    },
    /// A video stream that holds nothing decodable.
    #[error("{}: no decodable video frame: {detail}", path.display())]
    NoFrames {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The file ends too early.
    #[error("{}: cut off {place}: {detail}", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Where: byte, frame, time as far as known.
        place: String,
        /// How that is known.
        detail: String,
    },
    /// Key frames too far apart to cut without re-encoding.
    #[error(
        "{}: {frames} frames from frame {first} on, over {:.1} s, without a closed key frame; a segment has at most \
         {MAX_FRAMES} in less than {} s: encode it anew with closed key frames closer together",
        path.display(), span.as_secs_f64(), longest.as_secs_f64()
    )]
    LongGop {
        /// The file.
        path: PathBuf,
        /// First frame of the group of pictures.
        first: u32,
        /// Its frames.
        frames: u32,
        /// From its first frame to its last.
        span: Duration,
        /// What that must be less than.
        longest: Duration,
    },
    /// Something this encoder does not take.
    #[error("{}: {what} is {found}, expected {expected}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What.
        what: &'static str,
        /// Found.
        found: String,
        /// Expected.
        expected: String,
    },
    /// FFmpeg could not cut it.
    #[error("{}: cannot be cut into segments: {detail}", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// FFmpeg's last words.
        detail: String,
    },
    /// None of its audio can be taken out.
    #[error("{}: its audio cannot be taken out: {detail}", path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// FFmpeg's last words.
        detail: String,
    },
    /// A segment cannot be written.
    #[error("writing {}: {source}", path.display())]
    Write {
        /// The segment.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// FFmpeg is missing or hangs.
    #[error(transparent)]
    Tool(#[from] ToolError),
}
