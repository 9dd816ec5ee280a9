//! The clip that is measured: the same pictures as a coded source for workers and as raw frames for everyone else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_protocol::profile::SourceFormat;

use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::probe::probe;
use crate::segmenter::Segmenter;
use crate::tool;

use super::BenchError;

/// Frames a second of the generated clip.
const FPS: u32 = 30;
/// x264's quality of the coded source: high, so that the pictures keep their detail.
const SOURCE_CRF: &str = "16";

/// What to make.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// A video, or nothing for a generated one: a zoom into the Mandelbrot set with film grain.
    pub input: Option<&'a Path>,
    /// Rows; the aspect ratio is kept.
    pub height: u16,
    /// Length at most.
    pub length: Duration,
    /// Length of a segment.
    pub segment: Duration,
}

/// A clip of one size, cut into segments.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Its format.
    pub format: SourceFormat,
    /// All its frames as Y4M, as the worker's decoder gives them.
    pub raw: PathBuf,
    /// Coded segments (H.264) with their number of frames.
    pub segments: Vec<(Arc<[u8]>, u32)>,
}

impl Clip {
    /// Makes it in `folder`: scaled by FFmpeg and coded as H.264 with a closed key frame at each segment's start.
    ///
    /// # Errors
    /// An input that is no video, FFmpeg missing or without libx264, a folder that cannot be written.
    pub async fn make(
        folder: &Path,
        wanted: &Wanted<'_>,
        worker: &WorkerCommand,
    ) -> Result<Self, BenchError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| BenchError::File { path, source }
        };
        let folder = folder.join(format!(
            "{}p-{}ms",
            wanted.height,
            wanted.segment.as_millis()
        ));
        tokio::fs::create_dir_all(&folder)
            .await
            .map_err(file(&folder))?;
        let (source, raw) = (folder.join("source.mkv"), folder.join("raw.y4m"));
        code(&source, wanted, worker).await?;
        let found = probe(&source, worker).await?;
        let cut = Segmenter::new(&folder.join("segments"), wanted.segment)
            .cut(&found, worker)
            .await?;
        let mut segments = Vec::with_capacity(cut.len());
        for segment in cut {
            let bytes = tokio::fs::read(&segment.path)
                .await
                .map_err(file(&segment.path))?;
            segments.push((bytes.into(), segment.frames));
        }
        let mut decode = ffmpeg::strict_reader(&source, &[]);
        decode.args(["-y", "-fps_mode", "passthrough", "-f", "yuv4mpegpipe"]);
        run(decode.arg(ffmpeg::local(&raw)), "decoding the clip").await?;
        Ok(Self {
            format: found.source_format()?,
            raw,
            segments,
        })
    }

    /// Frames of all segments.
    pub fn frames(&self) -> u32 {
        self.segments.iter().map(|s| s.1).sum()
    }

    /// Columns and rows of a rendition with so many rows: at most the source's, its aspect ratio, even columns.
    pub fn scaled(&self, height: u16) -> (u16, u16) {
        let format = &self.format;
        if height >= format.height {
            return (format.width, format.height);
        }
        let exact = f64::from(format.width) * f64::from(height) / f64::from(format.height);
        (2 * (exact / 2.0).round().max(8.0) as u16, height)
    }

    /// Frames a second.
    pub fn fps(&self) -> f64 {
        f64::from(self.format.fps_num) / f64::from(self.format.fps_den)
    }

    /// Seconds of video.
    pub fn seconds(&self) -> f64 {
        f64::from(self.frames()) / self.fps()
    }

    /// The frames that a length in seconds is nearest to; at least one.
    pub fn frames_in(&self, length: Duration) -> u16 {
        (length.as_secs_f64() * self.fps())
            .round()
            .clamp(1.0, 65_535.0) as u16
    }
}

async fn code(path: &Path, wanted: &Wanted<'_>, worker: &WorkerCommand) -> Result<(), BenchError> {
    let (mut command, fps) = match wanted.input {
        Some(input) => {
            let found = probe(input, worker).await?;
            (ffmpeg::reader(input, found.reach), found.fps)
        }
        None => {
            let mut command = ffmpeg::command("ffmpeg");
            // Sixteen to nine, even.
            let width = (u32::from(wanted.height) * 16 / 9 + 1) & !1;
            let picture = format!(
                "mandelbrot=size={width}x{}:rate={FPS},noise=alls=6:allf=t:all_seed=1",
                wanted.height
            );
            command.args(["-nostdin", "-hide_banner", "-v", "error"]);
            command.args(["-f", "lavfi", "-i", &picture]);
            (command, (FPS, 1))
        }
    };
    let per_second = f64::from(fps.0) / f64::from(fps.1);
    let group = (wanted.segment.as_secs_f64() * per_second).round().max(1.0) as u32;
    let rate = format!("{}/{}", fps.0, fps.1);
    let (group, length) = (group.to_string(), wanted.length.as_secs_f64().to_string());
    let scale = format!("scale=-2:{}:flags=bicubic,setsar=1", wanted.height);
    command.args(["-y", "-map", "0:V:0", "-t", &length]);
    command.args(["-r", &rate, "-fps_mode", "cfr"]);
    command.args(["-vf", &scale, "-pix_fmt", "yuv420p"]);
    command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", SOURCE_CRF]);
    command.args(["-g", &group, "-keyint_min", &group, "-sc_threshold", "0"]);
    command.args(["-flags", "+cgop", "-f", "matroska"]);
    run(command.arg(ffmpeg::local(path)), "making the clip").await
}

/// Runs FFmpeg to its end.
pub(super) async fn run(command: &mut std::process::Command, what: &str) -> Result<(), BenchError> {
    let command = std::mem::replace(command, std::process::Command::new("true"));
    let program = format!("{}, {what}", command.get_program().to_string_lossy());
    let said = tool::run(command).await?;
    match said.success {
        true => Ok(()),
        false => Err(BenchError::Failed {
            program,
            detail: ffmpeg::last_words(&said.words),
        }),
    }
}
