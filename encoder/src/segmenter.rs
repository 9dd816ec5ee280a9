//! Cuts a file at closed-GOP key frames, without re-encoding where they are close enough.

mod anew;
mod packets;
mod plan;
mod raw;
mod timing;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assay_protocol::assignment::MAX_SOURCE;
use assay_protocol::profile::MAX_FRAMES;

use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::Probe;
use crate::sandbox::Access;
use crate::tool::{self, Said};

use plan::{Group, Plan};

/// Segments that are cut in one run of FFmpeg: as numbers of ten digits at most their places have less than 128 KiB, the
/// longest argument on Linux (`MAX_ARG_STRLEN`).
const RUN: usize = 10_000;

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
    /// What the file's own timestamps say at that clock's beginning, in microseconds; for all segments the same.
    pub zero: i64,
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
    largest: u64,
}

impl Segmenter {
    /// Segments end at the first closed key frame from `target` on, and are written into `dir`.
    pub fn new(dir: &Path, target: Duration) -> Self {
        /// A group of pictures longer than this is refused: one segment is one unit of loss and of work.
        const LONGEST: Duration = Duration::from_secs(60);
        Self {
            dir: dir.to_owned(),
            target,
            longest: LONGEST,
            largest: u64::MAX,
        }
    }

    /// The same with another cap on the length of a segment.
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// The same with another cap on the bytes of a file that FFmpeg writes: by default twice the source's and 1 GiB, and where it
    /// codes anew as many as the frames have, and 1 GiB.
    pub fn with_largest(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// Cuts a whole file, in child processes of `worker`.
    ///
    /// # Errors
    /// A file that is cut off or has no decodable frame, or has its closed key frames too far apart and cannot be coded anew.
    pub async fn cut(
        &self,
        probe: &Probe,
        worker: &WorkerCommand,
    ) -> Result<Vec<Segment>, InputError> {
        let write = |source| InputError::Write {
            path: self.dir.clone(),
            source,
        };
        tokio::fs::create_dir_all(&self.dir).await.map_err(write)?;
        let plain = ["yuv420p", "yuv420p10le"].contains(&probe.pixel_format.as_str());
        if probe.container == "yuv4mpegpipe" && plain {
            let (dir, path) = (self.dir.clone(), probe.path.clone());
            let frames = self.target.as_micros() as f64 / timing::frame(probe.fps);
            let target = (frames.round() as u32).clamp(1, MAX_FRAMES);
            let fps = probe.fps;
            let cut =
                tokio::task::spawn_blocking(move || raw::cut(&path, &dir, target, fps, MAX_SOURCE));
            return cut.await.map_err(|e| InputError::Cut {
                path: probe.path.clone(),
                detail: e.to_string(),
            })?;
        }
        let plan = plan::plan(probe, self.target, worker).await?;
        let long = |g: &&Group| g.span >= self.longest || g.frames > MAX_FRAMES;
        if let Some(group) = plan.groups.iter().find(long) {
            return match self.goes_anew(probe) {
                true => self.cut_anew(probe, &plan, worker).await,
                false => Err(InputError::LongGop {
                    path: probe.path.clone(),
                    first: group.first,
                    frames: group.frames,
                    span: group.span,
                    longest: self.longest,
                }),
            };
        }
        let cannot = |why: &str| InputError::Cut {
            path: probe.path.clone(),
            detail: why.to_owned(),
        };
        if plan.empty > 0 {
            return match self.goes_anew(probe) {
                true => self.cut_anew(probe, &plan, worker).await,
                false => Err(cannot(
                    "packets without a picture (packed B-frames), and of an odd size or full range it cannot be coded anew",
                )),
            };
        }
        let mut failed = None;
        for container in containers(probe) {
            if let Err(detail) = self.copy(probe, &plan, container, worker).await? {
                failed.get_or_insert(cannot(&format!(
                    "no container takes its {}: {detail}",
                    probe.codec
                )));
                continue;
            }
            let segments = self.segments(&plan).await;
            self.trim_start(probe, &plan, worker).await?;
            match self.check_end(probe, &plan, &segments, worker).await {
                // Where parameter sets are at the file's beginning only, a container with a header of its own has them in
                // each segment.
                Err(error @ InputError::CutOff { .. })
                    if container == "mpegts" && container == probe.container =>
                {
                    failed.get_or_insert(error);
                }
                checked => return checked.map(|()| segments),
            }
        }
        match failed {
            Some(InputError::Cut { .. }) if self.goes_anew(probe) => {
                self.cut_anew(probe, &plan, worker).await
            }
            Some(InputError::Cut { detail, .. }) if !self.is_anew(probe) => Err(cannot(&format!(
                "{detail}; of an odd size or full range it cannot be coded anew"
            ))),
            failed => Err(failed.unwrap_or_else(|| cannot("no container takes it"))),
        }
    }

    /// Whether a file that cannot be cut as it is can be coded anew.
    fn goes_anew(&self, probe: &Probe) -> bool {
        // H.264 of full range is decoded to another format than this one may be; of odd sizes there is none.
        let even = probe.width.is_multiple_of(2) && probe.height.is_multiple_of(2);
        even && !probe.full_range && !self.is_anew(probe)
    }

    /// Copies all groups to segments of their own, or says why this container does not take them.
    ///
    /// FFmpeg takes the places to cut at as one argument, and Linux has a bound for that: a long video is cut in runs, each
    /// from the file's beginning. What is before a run becomes one file, which the run before, that comes after, writes anew.
    async fn copy(
        &self,
        probe: &Probe,
        plan: &Plan,
        container: &str,
        worker: &WorkerCommand,
    ) -> Result<Result<(), String>, InputError> {
        for first in (0..plan.groups.len()).step_by(RUN).rev() {
            let command = self.command(probe, plan, container, first);
            let said = self.run(&command, probe, worker).await?;
            // FFmpeg ends with success although a container had to drop packets; its complaints tell.
            if !said.success || lossy(&said) {
                return Ok(Err(ffmpeg::last_words(&said.words)));
            }
        }
        let missing = plan.groups.len() - self.segments(plan).await.len();
        Ok(match missing {
            0 => Ok(()),
            _ => Err(format!(
                "{missing} of {} segments are missing",
                plan.groups.len()
            )),
        })
    }

    /// Runs FFmpeg where it has nothing but the file and the segments' folder.
    async fn run(
        &self,
        command: &Command,
        probe: &Probe,
        worker: &WorkerCommand,
    ) -> Result<Said, InputError> {
        Ok(tool::confined(worker, command, self.access(probe)).await?)
    }

    /// Nothing to read but the file, and nothing to write to but the segments' folder.
    fn access(&self, probe: &Probe) -> Access {
        Access {
            read: vec![probe.path.clone()],
            write: vec![self.dir.clone()],
            largest: tool::room(probe.bytes).min(self.largest),
            ..Access::default()
        }
    }

    /// Writes the first segment once more where an edit list hides frames at its beginning: only an MP4 that is written in
    /// one piece carries such a list.
    async fn trim_start(
        &self,
        probe: &Probe,
        plan: &Plan,
        worker: &WorkerCommand,
    ) -> Result<(), InputError> {
        let Some(first) = plan.groups.first().filter(|g| g.hidden > 0) else {
            return Ok(());
        };
        let mut command = ffmpeg::reader(&probe.path, probe.reach);
        let packets = (first.frames + first.hidden).to_string();
        command.args(["-y", "-map", "0:V:0", "-c", "copy", "-frames:v", &packets]);
        command.args(["-avoid_negative_ts", "disabled", "-movflags", "faststart"]);
        command
            .args(["-f", "mov"])
            .arg(ffmpeg::local(&self.name(0)));
        let said = self.run(&command, probe, worker).await?;
        if said.success {
            return Ok(());
        }
        Err(InputError::Cut {
            path: probe.path.clone(),
            detail: ffmpeg::last_words(&said.words),
        })
    }

    fn name(&self, seq: u32) -> PathBuf {
        self.dir.join(format!("segment-{seq:05}"))
    }

    /// Writes the segments from `first` on, a run of them.
    fn command(&self, probe: &Probe, plan: &Plan, container: &str, first: usize) -> Command {
        let mut command = ffmpeg::reader(&probe.path, probe.reach);
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
        // Without it each segment gets a number by chance, which behind the walls takes FFmpeg a tenth of a second of CPU.
        command.args(["-fflags", "+bitexact", "-segment_format", container]);
        if container == "mov" {
            // Readable from a pipe, without an index at the end.
            command.args([
                "-segment_format_options",
                "movflags=frag_keyframe+empty_moov+default_base_moof",
            ]);
        }
        let next = plan.groups.get(first + RUN);
        let packets = next.map_or(plan.packets, |group| group.packet);
        command.args(["-frames:v", &packets.to_string()]);
        // What is before the first cut has a number, too.
        let before = first.saturating_sub(1);
        command.args(["-segment_start_number", &before.to_string()]);
        let starts = plan.groups.iter().take(first + RUN).skip(before + 1);
        let cuts: Vec<String> = starts.map(|group| group.packet.to_string()).collect();
        if cuts.is_empty() {
            // No time reaches it: one segment.
            command.args(["-segment_time", "1000000"]);
        } else {
            command.args(["-segment_frames", &cuts.join(",")]);
        }
        command.arg(ffmpeg::pattern(&self.dir, "segment-%05d"));
        command
    }

    async fn segments(&self, plan: &Plan) -> Vec<Segment> {
        let mut segments = Vec::new();
        for (seq, group) in (0u32..).zip(&plan.groups) {
            let path = self.name(seq);
            if tokio::fs::metadata(&path).await.is_ok_and(|m| m.len() > 0) {
                segments.push(Segment {
                    seq,
                    path,
                    first_frame: group.first,
                    frames: group.frames,
                    start: group.start,
                    zero: plan.zero,
                    duration: group.duration,
                    times: group.times.clone(),
                });
            }
        }
        segments
    }

    /// Decodes the last segment strictly: a stream without lengths in it shows only there that it was cut off. Where that is
    /// also the first, frames at its beginning may lack what they refer to, of which none is a frame that others need.
    async fn check_end(
        &self,
        probe: &Probe,
        plan: &Plan,
        segments: &[Segment],
        worker: &WorkerCommand,
    ) -> Result<(), InputError> {
        let Some(last) = segments.last() else {
            return Err(InputError::NoFrames {
                path: probe.path.clone(),
                detail: "no packet".into(),
            });
        };
        if plan.holes {
            return Ok(());
        }
        let mut said = self.strictly(&last.path, &[], worker).await?;
        if !said.success && plan.leading && segments.len() == 1 {
            let backwards_only = ["-skip_frame", "bidir"];
            said = self.strictly(&last.path, &backwards_only, worker).await?;
        }
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

    /// Decodes a segment until the first mistake.
    async fn strictly(
        &self,
        segment: &Path,
        decoding: &[&str],
        worker: &WorkerCommand,
    ) -> Result<Said, InputError> {
        let mut command = ffmpeg::strict_reader(segment, decoding);
        command.args(["-map", "0:V:0", "-fps_mode", "drop", "-f", "null", "-"]);
        let access = Access {
            read: vec![segment.to_owned()],
            ..Access::default()
        };
        Ok(tool::confined(worker, &command, access).await?)
    }
}

/// Containers to try: the source's own kind first, as it takes the stream with its quirks.
fn containers(probe: &Probe) -> [&'static str; 3] {
    match probe.container.as_str() {
        // The others cannot say that a picture is turned or mirrored.
        _ if probe.turned => ["mov", "matroska", "nut"],
        // Raw pictures of every format.
        "yuv4mpegpipe" => ["nut", "matroska", "mpegts"],
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
        // Of MPEG-TS: nothing finds it there.
        "muxed as a private data stream",
        "Can't write packet",
        "Negative pts not supported",
        "Invalid data found",
    ]
    .iter()
    .any(|w| words.contains(w))
}
