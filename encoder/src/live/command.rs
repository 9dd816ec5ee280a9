//! What FFmpeg is told that receives: to copy one picture track and the sound beside it into a transport stream.

use std::process::Command;
use std::time::Duration;

use crate::ffmpeg;
use crate::transport::{CLOCK, WRAP};

/// FFmpeg looks at no more than this before it says what the streams are.
pub(super) const ANALYSE: Duration = Duration::from_secs(2);
/// The decoders that FFmpeg may use for that: those of what can be passed on.
const DECODERS: &str = "h264,hevc,aac,aac_latm,mp3,mp3float,opus";
/// Seconds that a sender's decode times may step back without being those of another clock.
const JITTER: f64 = 0.1;

/// FFmpeg from this input to a transport stream.
pub(super) fn command(input: &[&str]) -> Command {
    let mut command = ffmpeg::command("ffmpeg");
    let (analyse, pixels) = (ANALYSE.as_micros().to_string(), ffmpeg::max_pixels());
    command.args(["-nostdin", "-hide_banner", "-v", "warning"]);
    command.args(["-fflags", "+genpts", "-analyzeduration", &analyse]);
    command.args(["-codec_whitelist", DECODERS, "-max_pixels", &pixels]);
    command.args(input);
    // What has no video is told so by the cutter.
    command.args(["-map", "0:V:0?"]).args(ffmpeg::sounds());
    command.args(["-c", "copy"]);
    let turns = turns();
    command.args(["-bsf:v", &turns, "-bsf:a", &turns]);
    command.args(["-muxdelay", "0", "-muxpreload", "0"]);
    command.args(["-pes_payload_size", "0", "-flush_packets", "1"]);
    command.args(["-f", "mpegts", "pipe:1"]);
    command
}

/// A filter that leaves times as they are, which FFmpeg does not: those after a clock was set back it would all write right
/// behind the last one before, one tick apart. Times of a transport stream begin again after 2^33 ticks, so a step back becomes a
/// step forward by a whole turn less as much, and has the same bits. Small steps are a sender's jitter.
fn turns() -> String {
    let turns = format!("round({WRAP}/{CLOCK}/TB)*st(0\\,ld(0)+lt(DTS\\,PREV_INDTS-{JITTER}/TB))");
    format!("setts=dts=DTS+{turns}:pts=PTS+{turns}")
}
