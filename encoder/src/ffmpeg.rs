//! How FFmpeg and ffprobe are called: no environment, no network, no terminal.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assay_protocol::profile::SourceFormat;

use crate::limits::Limits;
use crate::package::MAX_SOUNDS;

/// Demuxers that a worker's segment can need: what the segmenter writes, and Y4M.
const DEMUXERS: &str =
    "matroska,webm,mov,mp4,mpegts,flv,avi,nut,ivf,obu,ogg,h264,hevc,m4v,yuv4mpegpipe";
/// Demuxers for a file of the user's: all that read pictures and sound from the one file they are given. Those that
/// open what it names (playlists, scripts, numbered pictures) would publish other files of this machine.
const CONTAINERS: &str = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpegts,mpeg,mpegvideo,flv,live_flv,avi,nut,ivf,obu,\
                          ogg,asf,mxf,dv,gxf,wtv,rm,h264,hevc,m4v,h263,vc1,av1,mjpeg,gif,apng,yuv4mpegpipe,\
                          png_pipe,jpeg_pipe,webp_pipe,mp3,aac,wav,w64,flac,ac3,eac3,aiff,caf,amr,opus";
/// Scaler flags under which FFmpeg's own conversions do not depend on the CPU.
pub(crate) const SWS_FLAGS: &str = "bicubic+accurate_rnd+full_chroma_int+bitexact";
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

/// Where a program is on the `PATH`.
///
/// # Errors
/// When it is nowhere there, or may not be run.
pub fn find(program: &OsStr) -> io::Result<PathBuf> {
    let runs = |path: &PathBuf| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    let folders = std::env::var_os("PATH").unwrap_or_else(|| FALLBACK_PATH.into());
    let mut found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    found.find(runs).ok_or_else(|| {
        let text = format!("no {} on the PATH", program.to_string_lossy());
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

/// Whether frames come bare. FFmpeg's Y4M has a byte too few in each row of chroma of deep pictures of odd width.
pub(crate) fn bare(source: &SourceFormat) -> bool {
    source.bit_depth > 8 && source.width % 2 == 1
}

/// A filter that lets pictures of one size through, untouched, and ends FFmpeg at others with [`REFUSED`] words.
fn only(width: u16, height: u16) -> String {
    let side = |own| format!("if(eq(iw\\,{width})*eq(ih\\,{height})\\,{own}\\,-{own})");
    format!("crop=w={}:h={}:x=0:y=0:exact=1", side("iw"), side("ih"))
}

/// What FFmpeg says of a picture that is cropped to less than nothing, before its width and between that and its height.
const REFUSED: [&str; 2] = ["size for width '-", "' or height '-"];

/// The size of pictures that were to come bare and were refused, by FFmpeg's words.
pub(crate) fn other_size(words: &[u8]) -> Option<(u32, u32)> {
    let words = String::from_utf8_lossy(words);
    let (width, rest) = words.split_once(REFUSED[0])?.1.split_once(REFUSED[1])?;
    let height = rest.split_once('\'')?.0;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// FFmpeg decoding a segment from its standard input to its standard output: to Y4M, or to [`bare`] frames of the source's
/// size.
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
    command.args(["-threads", "1", "-flags", "bitexact"]);
    if bare(source) {
        command.args(["-vf", &only(source.width, source.height), "-f", "rawvideo"]);
    } else {
        command.args(["-strict", "-1", "-f", "yuv4mpegpipe"]);
    }
    command.arg("pipe:1").stdin(Stdio::piped());
    command
}

/// How far into a file FFmpeg reads until it knows its streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// As far as it does by itself: five seconds, 5 MB.
    #[default]
    Usual,
    /// A minute, 200 MB: where nothing is seen before.
    Far,
}

impl Reach {
    /// Options, before the file.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Usual => &[],
            Self::Far => &["-analyzeduration", "60M", "-probesize", "200M"],
        }
    }
}

/// ffprobe on a local file.
pub fn prober(path: &Path, reach: Reach) -> Command {
    let mut command = command("ffprobe");
    let pixels = max_pixels();
    command.args([
        "-hide_banner",
        "-max_pixels",
        &pixels,
        "-v",
        "warning",
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        CONTAINERS,
    ]);
    command.args(reach.options());
    command.arg("-i").arg(local(path));
    command
}

/// FFmpeg reading a local file; the caller adds what to do with it. Packets that have no time to be shown at get one by their
/// order.
pub fn reader(path: &Path, reach: Reach) -> Command {
    read(path, reach, &["-fflags", "+genpts"])
}

/// The same without such times: a decoder knows better where packets are not what they seem.
pub fn plain_reader(path: &Path, reach: Reach) -> Command {
    read(path, reach, &[])
}

fn read(path: &Path, reach: Reach, options: &[&str]) -> Command {
    let mut command = command("ffmpeg");
    let pixels = max_pixels();
    command.args([
        "-nostdin",
        "-hide_banner",
        "-max_pixels",
        &pixels,
        "-v",
        "warning",
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        CONTAINERS,
    ]);
    command.args(reach.options()).args(options);
    command.arg("-i").arg(local(path));
    command
}

/// FFmpeg reading a segment just cut, with options for decoding, giving up at the first fault.
pub fn strict_reader(path: &Path, decoding: &[&str]) -> Command {
    let mut command = command("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error"]);
    command.args(["-protocol_whitelist", "file"]);
    command.args(["-format_whitelist", DEMUXERS]);
    command.args(["-max_pixels", &max_pixels(), "-threads", "1"]);
    command
        .args(["-xerror", "-err_detect", "explode"])
        .args(decoding);
    command.arg("-i").arg(local(path));
    command
}

/// Arguments that name the audio tracks that are passed on, as many as there are of them.
pub(crate) fn sounds() -> impl Iterator<Item = String> {
    (0..MAX_SOUNDS).flat_map(|track| ["-map".to_owned(), format!("0:a:{track}?")])
}

/// The cap on what is not decoded by a profile: what workers decode by default.
pub(crate) fn max_pixels() -> String {
    Limits::default().max_pixels.to_string()
}

/// A path that FFmpeg cannot take for an option or an address.
pub fn local(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    name
}

/// A numbered file name in a folder whose own name is no pattern.
pub fn pattern(folder: &Path, name: &str) -> std::ffi::OsString {
    let mut bytes = Vec::new();
    for &byte in local(folder).as_encoded_bytes() {
        bytes.push(byte);
        if byte == b'%' {
            bytes.push(byte);
        }
    }
    bytes.push(b'/');
    bytes.extend_from_slice(name.as_bytes());
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// The last line of a program's error output that says something, shortened.
pub fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    // FFmpeg lists all the others.
    if text.contains("Format not on whitelist") {
        return "a container that is not read here".into();
    }
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|l| !l.is_empty() && !l.contains("Last message repeated"))
        .unwrap_or("no message");
    // Without the component and its address in memory: `[h264 @ 0x55…] `.
    let line = line
        .strip_prefix('[')
        .and_then(|l| l.split_once("] "))
        .map_or(line, |(_, rest)| rest);
    line.trim_start_matches("file:").chars().take(300).collect()
}
