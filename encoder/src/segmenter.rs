//! Cuts a file at closed-GOP key frames, without re-encoding.

mod plan;
mod raw;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::Probe;
use crate::tool::{self, Said};

use plan::Plan;

/// One source segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its sequence number, from 0.
    pub seq: u32,
    /// Its bytes.
    pub path: PathBuf,
    /// Frame of the file that it starts with.
    pub first_frame: u32,
    /// Frames in it, counted by the demuxer; what it decodes to is counted by an inspection.
    pub frames: u32,
    /// When its first frame is shown, on the file's clock; it begins with what is shown or heard first, of any stream.
    /// Without timestamps, and in Y4M, frames are counted.
    pub start: Duration,
    /// From there to the first frame of the next segment.
    pub duration: Duration,
    /// When each frame is shown, since `start`. Empty where the probe's frame rate says it to half a frame.
    pub times: Vec<Duration>,
}

/// Cuts files into segments of about the same length.
#[derive(Clone, Debug)]
pub struct Segmenter {
    dir: PathBuf,
    target: Duration,
    longest: Duration,
}

impl Segmenter {
    /// Segments of `target` (the design's 2 s) or the next closed key frame, written into `dir`.
    pub fn new(dir: &Path, target: Duration) -> Self {
        /// A group of pictures longer than this is refused: one segment is one unit of loss and of work.
        const LONGEST: Duration = Duration::from_secs(60);
        Self {
            dir: dir.to_owned(),
            target,
            longest: LONGEST,
        }
    }

    /// The same with another cap on the length of a segment.
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Cuts a whole file.
    ///
    /// # Errors
    /// A file that is cut off, has no decodable frame, or has its closed key frames too far apart.
    pub async fn cut(&self, probe: &Probe) -> Result<Vec<Segment>, InputError> {
        let write = |source| InputError::Write {
            path: self.dir.clone(),
            source,
        };
        tokio::fs::create_dir_all(&self.dir).await.map_err(write)?;
        let per = |length: Duration| {
            let frames = length.as_secs_f64() * f64::from(probe.fps.0) / f64::from(probe.fps.1);
            (frames.round() as u32).max(1)
        };
        let (target, longest) = (per(self.target), per(self.longest));
        if probe.container == "yuv4mpegpipe" {
            let (dir, path) = (self.dir.clone(), probe.path.clone());
            let cut = tokio::task::spawn_blocking(move || raw::cut(&path, &dir, target));
            let cut = cut.await.map_err(|e| InputError::Cut {
                path: probe.path.clone(),
                detail: e.to_string(),
            })?;
            let time = |frames: u32| {
                Duration::from_secs_f64(
                    f64::from(frames) * f64::from(probe.fps.1) / f64::from(probe.fps.0),
                )
            };
            return cut.map(|mut segments| {
                for segment in &mut segments {
                    segment.start = time(segment.first_frame);
                    segment.duration = time(segment.frames);
                }
                segments
            });
        }
        let plan = plan::scan(probe, target).await?;
        if let Some((first, frames)) = plan.groups().find(|&(_, frames)| frames > longest) {
            return Err(InputError::LongGop {
                path: probe.path.clone(),
                first,
                frames,
                max: longest,
            });
        }
        let mut failure = String::new();
        for container in containers(probe) {
            let said = tool::run(self.command(probe, &plan, container)).await?;
            let segments = self.segments(&plan, probe.fps).await;
            // FFmpeg ends with success although a container had to drop packets; its complaints tell.
            if said.success && segments.len() == plan.groups().count() && !lossy(&said) {
                self.check_end(probe, &plan, &segments).await?;
                return Ok(segments);
            }
            failure = ffmpeg::last_words(&said.words);
        }
        Err(InputError::Cut {
            path: probe.path.clone(),
            detail: failure,
        })
    }

    fn name(&self, seq: u32) -> PathBuf {
        self.dir.join(format!("segment-{seq:05}"))
    }

    fn command(&self, probe: &Probe, plan: &Plan, container: &str) -> std::process::Command {
        let mut command = ffmpeg::reader(&probe.path);
        command.args([
            "-y",
            "-map",
            "0:V:0",
            "-c",
            "copy",
            "-f",
            "segment",
            "-reset_timestamps",
            "1",
        ]);
        command.args(["-segment_format", container]);
        if container == "mov" {
            // Readable from a pipe, without an index at the end.
            command.args([
                "-segment_format_options",
                "movflags=frag_keyframe+empty_moov+default_base_moof",
            ]);
        }
        let cuts: Vec<String> = plan
            .groups()
            .skip(1)
            .map(|(first, _)| first.to_string())
            .collect();
        if cuts.is_empty() {
            // No time reaches it: one segment.
            command.args(["-segment_time", "1000000"]);
        } else {
            command.args(["-segment_frames", &cuts.join(",")]);
        }
        command.arg(ffmpeg::pattern(&self.dir, "segment-%05d"));
        command
    }

    async fn segments(&self, plan: &Plan, fps: (u32, u32)) -> Vec<Segment> {
        let mut segments = Vec::new();
        for (seq, (first_frame, frames)) in (0u32..).zip(plan.groups()) {
            let path = self.name(seq);
            let (start, duration, times) = plan.times(first_frame, frames, fps);
            if tokio::fs::metadata(&path).await.is_ok_and(|m| m.len() > 0) {
                segments.push(Segment {
                    seq,
                    path,
                    first_frame,
                    frames,
                    start,
                    duration,
                    times,
                });
            }
        }
        segments
    }

    /// Decodes the last segment strictly: a stream without lengths in it shows only there that it was cut off.
    async fn check_end(
        &self,
        probe: &Probe,
        plan: &Plan,
        segments: &[Segment],
    ) -> Result<(), InputError> {
        let Some(last) = segments.last() else {
            return Err(InputError::NoFrames {
                path: probe.path.clone(),
                detail: "no packet".into(),
            });
        };
        let mut command = ffmpeg::strict_reader(&last.path);
        command.args(["-map", "0:V:0", "-fps_mode", "drop", "-f", "null", "-"]);
        let said = tool::run(command).await?;
        if said.success {
            return Ok(());
        }
        let place = plan.end(probe);
        let detail = format!(
            "the last frames do not decode ({})",
            ffmpeg::last_words(&said.words)
        );
        Err(InputError::CutOff {
            path: probe.path.clone(),
            place,
            detail,
        })
    }
}

/// Containers to try: the source's own kind first, as it takes the stream with its quirks.
fn containers(probe: &Probe) -> [&'static str; 3] {
    match probe.container.as_str() {
        _ if probe.rotation != 0 => ["mov", "matroska", "nut"],
        "mpegts" => ["mpegts", "matroska", "nut"],
        "h264" => ["h264", "matroska", "nut"],
        "hevc" => ["hevc", "matroska", "nut"],
        "m4v" => ["m4v", "matroska", "nut"],
        _ => ["matroska", "mpegts", "nut"],
    }
}

fn lossy(said: &Said) -> bool {
    let words = String::from_utf8_lossy(&said.words);
    [
        "Can't write packet",
        "Negative pts not supported",
        "Invalid data found",
    ]
    .iter()
    .any(|w| words.contains(w))
}
