//! A file whose key frames are too far apart, or open, or that no container takes as it is, coded anew with closed ones: nearly
//! lossless H.264, each picture once and at its time.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use assay_protocol::profile::MAX_FRAMES;

use super::packets::{self, Untold};
use super::plan::Plan;
use super::{Segment, Segmenter, timing};
use crate::child::WorkerCommand;
use crate::ffmpeg;
use crate::input::InputError;
use crate::probe::{self, Probe};
use crate::sandbox::Access;
use crate::tool;

/// The quantizer at which nobody sees a difference.
const QUALITY: &str = "10";
/// Longest time for coding a file anew, and CPU time.
const TIME: Duration = Duration::from_secs(7_200);
/// Frames at the beginning of a recording that refer to what was before it, and cannot be decoded.
const LEADING: u32 = 16;

impl Segment {
    /// Has its last frame shown until `end`.
    fn last_until(&mut self, end: Duration, fps: (u32, u32)) {
        if self.times.is_empty() {
            self.times = timing::even(self.frames, fps);
        }
        self.duration = end.saturating_sub(self.start).max(self.duration);
    }
}

impl Segmenter {
    fn anew(&self) -> PathBuf {
        self.dir.join("anew.mkv")
    }

    /// Whether a file is what this has made.
    pub(super) fn is_anew(&self, probe: &Probe) -> bool {
        probe.path == self.anew()
    }

    /// [`Segmenter::cut`] calls what calls it.
    fn cut_again<'a>(
        &'a self,
        copy: &'a Probe,
        worker: &'a WorkerCommand,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Segment>, InputError>> + Send + 'a>> {
        Box::pin(self.cut(copy, worker))
    }

    /// Cuts a file's copy with closed key frames. The copy's clock begins with its first frame, and it does not say how long
    /// the last one is shown: both are the file's.
    ///
    /// # Errors
    /// Where FFmpeg has no H.264 encoder, takes too long, or leaves out frames.
    pub(super) async fn cut_anew(
        &self,
        probe: &Probe,
        plan: &Plan,
        worker: &WorkerCommand,
    ) -> Result<Vec<Segment>, InputError> {
        let cut = self.code_and_cut(probe, plan, worker).await;
        let _ = tokio::fs::remove_file(self.anew()).await;
        let mut segments = cut?;
        let begins = plan.groups.first().map(|g| g.start).unwrap_or_default();
        for segment in &mut segments {
            segment.start += begins;
            segment.zero = plan.zero;
        }
        let ends = segments.last_mut().zip(plan.groups.last());
        if let Some((segment, group)) = ends.filter(|_| plan.lasts) {
            segment.last_until(group.start + group.duration, probe.fps);
        }
        Ok(segments)
    }

    async fn code_and_cut(
        &self,
        probe: &Probe,
        plan: &Plan,
        worker: &WorkerCommand,
    ) -> Result<Vec<Segment>, InputError> {
        let fail = |detail: String| InputError::Cut {
            path: probe.path.clone(),
            detail: format!("coded anew: {detail}"),
        };
        let path = self.anew();
        // AVI has the times of decoding only.
        let mut command = match probe.container.as_str() {
            "avi" => ffmpeg::plain_reader(&probe.path, probe.reach),
            _ => ffmpeg::reader(&probe.path, probe.reach),
        };
        command.args(["-y", "-map", "0:V:0", "-fps_mode", "passthrough"]);
        // On the file's own clock, not on the grid of its rate.
        command.args(["-enc_time_base", "-1", "-vf", &clock(probe, plan)]);
        if plan.untold.is_some() {
            command.arg("-copyts");
        }
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", QUALITY]);
        command.args(["-flags", "+cgop", "-sc_threshold", "0"]);
        // By time: frames may come by tens in one second, and by one in ten in the next.
        let due = format!("gte(t,prev_forced_t+{})", self.target.as_secs_f64());
        let due = format!("expr:isnan(prev_forced_t)+{due}");
        command.args(["-force_key_frames", &due, "-g", &MAX_FRAMES.to_string()]);
        command.args(["-sws_flags", ffmpeg::SWS_FLAGS, "-pix_fmt"]);
        command.arg(match probe.bit_depth {
            10 => "yuv420p10le",
            _ => "yuv420p",
        });
        command.args(["-f", "matroska"]).arg(ffmpeg::local(&path));
        let frames: u32 = plan.groups.iter().map(|group| group.frames).sum();
        let access = Access {
            // No coding takes more than samples do.
            largest: tool::room(probe.frame_bytes() * u64::from(frames)).min(self.largest),
            ..self.access(probe)
        };
        let said = tool::confined_for(TIME, worker, &command, access).await?;
        if !said.success {
            return Err(fail(ffmpeg::last_words(&said.words)));
        }
        let copy = Probe {
            fps: probe.fps,
            ..probe::probe(&path, worker).await?
        };
        let segments = self.cut_again(&copy, worker).await?;
        let found: u32 = segments.iter().map(|segment| segment.frames).sum();
        if !plan.holes && found + LEADING + plan.empty < frames {
            return Err(fail(format!("{found} of {frames} frames are left")));
        }
        Ok(segments)
    }
}

/// FFmpeg's filter that has each frame shown a millisecond after the one before at least, which is what Matroska tells apart, and
/// those at the beginning whose times the file does not say at its rate before the first one whose time it says.
fn clock(probe: &Probe, plan: &Plan) -> String {
    let rising = "setpts='if(N,max(PTS,PREV_OUTPTS+ceil(0.001/TB)),PTS)'";
    match plan.untold {
        None => rising.into(),
        Some(Untold { frames, until }) => {
            let (until, frame) = (packets::seconds(until), timing::frame(probe.fps) / 1e6);
            let at = format!("({until:.6}-({frames}-N)*{frame:.9})/TB");
            format!("setpts='if(lt(N,{frames}),{at},PTS)',{rising}")
        }
    }
}
