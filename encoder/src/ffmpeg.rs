//! How FFmpeg and ffprobe are called: no environment, no network, no terminal.

use std::path::Path;
use std::process::{Command, Stdio};

use assay_protocol::profile::SourceFormat;

/// Demuxers a worker lets untrusted bytes reach: containers, none that opens other files or addresses.
const DEMUXERS: &str =
    "matroska,webm,mov,mp4,mpegts,flv,avi,nut,ivf,obu,ogg,h264,hevc,m4v,yuv4mpegpipe";
/// Scaler flags under which FFmpeg's own conversions do not depend on the CPU.
const SWS_FLAGS: &str = "bicubic+accurate_rnd+full_chroma_int+bitexact";
const FALLBACK_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A command with an empty environment but `PATH`.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env(
        "PATH",
        std::env::var_os("PATH").unwrap_or_else(|| FALLBACK_PATH.into()),
    );
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// FFmpeg decoding a segment from its standard input to Y4M on its standard output.
///
/// Frames come upright (FFmpeg applies the container's rotation, by transposition for quarter turns), one output
/// frame for each decoded frame, bit-exact, in the profile's pixel format, from one thread.
pub fn decoder(source: &SourceFormat, max_pixels: u64) -> Command {
    let mut command = command("ffmpeg");
    let pixels = max_pixels.to_string();
    let format = if source.bit_depth > 8 {
        "yuv420p10le"
    } else {
        "yuv420p"
    };
    command.args(["-nostdin", "-hide_banner", "-v", "error"]);
    command.args(["-protocol_whitelist", "pipe", "-format_whitelist", DEMUXERS]);
    command.args([
        "-max_pixels",
        &pixels,
        "-threads",
        "1",
        "-flags",
        "bitexact",
        "-i",
        "pipe:0",
    ]);
    command.args([
        "-map",
        "0:V:0",
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        format,
        "-sws_flags",
        SWS_FLAGS,
    ]);
    command.args([
        "-threads",
        "1",
        "-flags",
        "bitexact",
        "-strict",
        "-1",
        "-f",
        "yuv4mpegpipe",
        "pipe:1",
    ]);
    command.stdin(Stdio::piped());
    command
}

/// ffprobe on a local file.
pub fn prober(path: &Path) -> Command {
    let mut command = command("ffprobe");
    command.args([
        "-hide_banner",
        "-v",
        "warning",
        "-protocol_whitelist",
        "file",
    ]);
    command.arg("-i").arg(local(path));
    command
}

/// FFmpeg reading a local file; the caller adds what to do with it.
pub fn reader(path: &Path) -> Command {
    let mut command = command("ffmpeg");
    command.args([
        "-nostdin",
        "-hide_banner",
        "-v",
        "warning",
        "-protocol_whitelist",
        "file,pipe",
    ]);
    command
        .arg("-fflags")
        .arg("+genpts")
        .arg("-i")
        .arg(local(path));
    command
}

/// A path that FFmpeg cannot take for an option or an address.
pub fn local(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    name
}

/// The last line of a program's error output that says something, shortened.
pub fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or("no message");
    // Without the component and its address in memory: `[h264 @ 0x55…] `.
    let line = line
        .strip_prefix('[')
        .and_then(|l| l.split_once("] "))
        .map_or(line, |(_, rest)| rest);
    line.trim_start_matches("file:").chars().take(300).collect()
}
