//! What people could use instead: the `rav1e` command line, and SVT-AV1 and x264 through FFmpeg.

use std::path::Path;

use serde::Serialize;

use crate::ffmpeg;
use crate::tool;

use super::BenchError;
use super::clip::{Clip, run};
use super::machine::version;
use super::usage::{Meter, Usage};

/// The version that is compared with: the one that workers link.
pub const RAV1E_VERSION: &str = "0.8.1";

/// The `rav1e` command line, checked.
#[derive(Clone, Debug)]
pub struct CommandLine {
    program: String,
    /// What it says it is.
    pub version: String,
}

/// Settings of one run of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Speed preset, 0 to 10.
    pub speed: u8,
    /// Base quantizer, 1 to 255.
    pub quantizer: u8,
    /// Frames from key frame to key frame, no more and no fewer.
    pub key_frames: u16,
    /// Threads.
    pub threads: usize,
    /// Tiles at least.
    pub tiles: u16,
}

impl CommandLine {
    /// Finds it: `path`, or `rav1e` on the PATH.
    ///
    /// # Errors
    /// None there, or of another version.
    pub async fn find(path: Option<&Path>) -> Result<Self, BenchError> {
        let program = path.map_or("rav1e".into(), |p| p.to_string_lossy().into_owned());
        let wrong = |found| BenchError::Rav1e {
            found,
            expected: RAV1E_VERSION,
        };
        let Some(line) = version(&program, "--version").await else {
            return Err(wrong(format!("{program} cannot be started")));
        };
        let is = |word: &str| word == RAV1E_VERSION;
        match line.split_whitespace().any(is) {
            true => Ok(Self {
                program,
                version: line,
            }),
            false => Err(wrong(format!("{program} is {line:?}"))),
        }
    }

    /// Encodes the clip's raw frames into `output` (IVF), scene detection off.
    ///
    /// # Errors
    /// What it says when it fails.
    pub async fn encode(
        &self,
        clip: &Clip,
        settings: Settings,
        output: &Path,
    ) -> Result<Usage, BenchError> {
        let mut command = ffmpeg::command(&self.program);
        let keys = settings.key_frames.to_string();
        command.arg(&clip.raw).arg("--output").arg(output);
        command.args(["--speed", &settings.speed.to_string()]);
        command.args(["--quantizer", &settings.quantizer.to_string()]);
        command.args(["--keyint", &keys, "--min-keyint", &keys]);
        command.arg("--no-scene-detection");
        command.args(["--threads", &settings.threads.to_string()]);
        command.args(["--tiles", &settings.tiles.to_string()]);
        command.args(["--quiet", "-y"]);
        let meter = Meter::start();
        run(&mut command, "encoding").await?;
        Ok(meter.stop())
    }
}

/// An encoder of FFmpeg's at a preset for real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// What people call it.
    pub name: &'static str,
    encoder: &'static str,
    preset: &'static str,
    /// Constant quality, better first.
    crf: [&'static str; 4],
}

/// SVT-AV1 and x264.
pub const OTHERS: [Other; 2] = [
    Other {
        name: "SVT-AV1, preset 10",
        encoder: "libsvtav1",
        preset: "10",
        crf: ["28", "36", "44", "52"],
    },
    Other {
        name: "x264, veryfast",
        encoder: "libx264",
        preset: "veryfast",
        crf: ["20", "24", "28", "32"],
    },
];

/// Names of the encoders that this FFmpeg has.
///
/// # Errors
/// No FFmpeg.
pub async fn available() -> Result<Vec<Other>, BenchError> {
    let mut command = ffmpeg::command("ffmpeg");
    command.args(["-hide_banner", "-encoders"]);
    let said = tool::run(command).await?;
    let text = String::from_utf8_lossy(&said.output);
    let has = |other: &Other| {
        let mut words = text.lines().filter_map(|l| l.split_whitespace().nth(1));
        words.any(|word| word == other.encoder)
    };
    Ok(OTHERS.into_iter().filter(has).collect())
}

impl Other {
    /// Qualities to encode at.
    pub fn qualities(&self) -> [&'static str; 4] {
        self.crf
    }

    /// Encodes the clip's raw frames into `output` (Matroska); returns time and bytes of the coded frames.
    ///
    /// # Errors
    /// What FFmpeg says when it fails.
    pub async fn encode(
        &self,
        clip: &Clip,
        crf: &str,
        key_frames: u16,
        threads: usize,
        output: &Path,
    ) -> Result<(Usage, u64), BenchError> {
        let (keys, threads) = (key_frames.to_string(), threads.to_string());
        let mut command = ffmpeg::command("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-y"]);
        command.arg("-i").arg(ffmpeg::local(&clip.raw));
        command.args(["-c:v", self.encoder, "-preset", self.preset, "-crf", crf]);
        command.args(["-g", &keys, "-threads", &threads]);
        if self.encoder == "libsvtav1" {
            // It takes its own number of processors.
            command.args(["-svtav1-params", &format!("lp={threads}")]);
        } else {
            command.args(["-keyint_min", &keys, "-sc_threshold", "0"]);
        }
        command.args(["-f", "matroska"]);
        let meter = Meter::start();
        run(command.arg(ffmpeg::local(output)), "encoding").await?;
        let usage = meter.stop();
        Ok((usage, coded_bytes(output).await?))
    }
}

/// Bytes of all video packets of a file: what is compared, without containers.
///
/// # Errors
/// A file that ffprobe cannot read.
pub async fn coded_bytes(path: &Path) -> Result<u64, BenchError> {
    let mut command = ffmpeg::command("ffprobe");
    command.args([
        "-v",
        "error",
        "-show_entries",
        "packet=size",
        "-of",
        "csv=p=0",
    ]);
    command.arg(ffmpeg::local(path));
    let said = tool::run(command).await?;
    let text = String::from_utf8_lossy(&said.output);
    let sizes = text
        .lines()
        .filter_map(|l| l.trim_matches(',').parse::<u64>().ok());
    match sizes.sum::<u64>() {
        0 => Err(BenchError::Failed {
            program: format!("ffprobe, counting {}", path.display()),
            detail: ffmpeg::last_words(&said.words),
        }),
        bytes => Ok(bytes),
    }
}
