//! What a decoder that was taken over would try, done by the worker and by FFmpeg.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::launch;
use crate::ffmpeg;
use crate::request::Escape;
use crate::sandbox::Walls;

/// How long FFmpeg waits for a peer that says nothing, in microseconds.
const PATIENCE: &str = "200000";

/// Tries everything; to be called behind the walls.
pub(super) fn attempt(escape: &Escape) -> Walls {
    let new = escape.folder.join(format!("escape-{}", std::process::id()));
    let written = File::create(&new).is_ok();
    let file = ffmpeg::local(&escape.file);
    let address = format!("tcp://127.0.0.1:{}", escape.port);
    let walls = Walls {
        reading: File::open(&escape.file).is_err() && !read_by_ffmpeg(&file),
        writing: !written && !written_by_ffmpeg(&ffmpeg::local(&new)),
        // Whether FFmpeg has called is heard by who listens.
        network: TcpStream::connect(("127.0.0.1", escape.port)).is_err()
            && !read_by_ffmpeg(&address.into()),
        programs: run(&mut Command::new(&escape.program)).is_none(),
    };
    let _ = std::fs::remove_file(&new);
    walls
}

/// Whether FFmpeg gets a byte from an address; not if there is no FFmpeg.
fn read_by_ffmpeg(address: &OsString) -> bool {
    let mut command = ffmpeg::command("ffmpeg");
    command.args(["-v", "quiet", "-rw_timeout", PATIENCE, "-f", "data", "-i"]);
    command.arg(address);
    command.args(["-map", "0", "-c", "copy", "-f", "data", "pipe:1"]);
    let tied = launch::tied(&command).ok();
    tied.and_then(|mut command| run(&mut command))
        .is_some_and(|output| !output.is_empty())
}

/// Whether FFmpeg writes to an address.
fn written_by_ffmpeg(address: &OsString) -> bool {
    let mut command = ffmpeg::command("ffmpeg");
    command.args([
        "-v",
        "quiet",
        "-y",
        "-f",
        "s16le",
        "-i",
        "/dev/null",
        "-f",
        "s16le",
    ]);
    command.arg(address);
    let tied = launch::tied(&command).ok();
    tied.is_some_and(|mut command| command.status().is_ok_and(|status| status.success()))
}

/// What a program says; nothing if it cannot be started.
fn run(command: &mut Command) -> Option<Vec<u8>> {
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.output().ok().map(|output| output.stdout)
}
