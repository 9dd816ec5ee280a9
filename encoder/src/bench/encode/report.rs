//! What the comparison says.

use serde::Serialize;

use crate::bench::machine::Machine;
use crate::bench::quality::Quality;
use crate::bench::spread::Spread;
use crate::bench::usage::Usage;

/// The comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// The command line compared with.
    pub rav1e: String,
    /// The clip: a path, or `generated`.
    pub clip: String,
    /// Cores used by each.
    pub cores: usize,
    /// One for each size and speed.
    pub cases: Vec<Case>,
    /// Other encoders, for orientation.
    pub others: Vec<OtherCase>,
}

/// One size at one speed.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Frames.
    pub frames: u32,
    /// Frames in a chunk.
    pub chunk_frames: u16,
    /// Segments at a time, and chunks of one at a time.
    pub segments_at_a_time: usize,
    /// Chunks of one segment at a time.
    pub threads: u16,
    /// The whole path, by quantizer.
    pub path: Vec<Point>,
    /// The command line, by quantizer.
    pub command_line: Vec<Point>,
    /// Tiles at which the command line was fastest.
    pub tiles: u16,
    /// Frames a second of the command line at each number of tiles tried; the fastest run decides.
    pub tiles_tried: Vec<(u16, Spread)>,
    /// Frames a second of the path over the command line's at equal PSNR; the goal is 1.3.
    pub speedup: f64,
    /// The same at equal SSIM.
    pub speedup_ssim: f64,
    /// CPU seconds of the command line over the path's at equal PSNR: less disturbed by other processes.
    pub cpu_speedup: f64,
    /// Bits of the path against the command line at equal PSNR, percent; the goal is at most 1.
    pub bd_rate_psnr: f64,
    /// The same at equal SSIM.
    pub bd_rate_ssim: f64,
    /// rav1e alone at the middle quantizer.
    pub bare: Timing,
    /// The path's frames a second over rav1e's alone on the same chunks; the goal is 0.92.
    pub of_bare: Spread,
    /// Percent of the path's CPU time that rav1e alone does not take; the goal is at most 8.
    pub not_rav1e_percent: Spread,
    /// Percent of the path's CPU time that workers report for decoding and hashing.
    pub decode_percent: f64,
}

/// Time of several runs of the same.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// Frames a second on the clock.
    pub fps: Spread,
    /// Seconds on the clock.
    pub wall_seconds: Spread,
    /// CPU seconds.
    pub cpu_seconds: Spread,
}

/// One quantizer of one encoder.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Base quantizer, or constant rate factor.
    pub quantizer: String,
    /// Bytes of coded frames.
    pub bytes: u64,
    /// Bits a second of video.
    pub bit_rate: f64,
    /// Against the frames it was made of.
    pub quality: Quality,
    /// Time.
    pub timing: Timing,
}

/// Another encoder.
#[derive(Clone, Debug, Serialize)]
pub struct OtherCase {
    /// What it is.
    pub name: String,
    /// Rows.
    pub height: u16,
    /// By constant rate factor.
    pub points: Vec<Point>,
    /// Bits against the `rav1e` command line's fastest speed tried, at equal PSNR, percent; none where they share no quality.
    pub bd_rate_psnr: Option<f64>,
}

impl Timing {
    pub(super) fn of(runs: &[Usage], frames: u32) -> Self {
        let wall = |u: &Usage| u.wall_seconds;
        Self {
            fps: Spread::of(runs.iter().map(|u| f64::from(frames) / u.wall_seconds)),
            wall_seconds: Spread::of(runs.iter().map(wall)),
            cpu_seconds: Spread::of(runs.iter().map(|u| u.cpu_seconds)),
        }
    }
}
