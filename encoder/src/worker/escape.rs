//! What a decoder that was taken over would try, done by the worker, by FFmpeg, and by this program in FFmpeg's place.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{getppid, test_kill_process};

use super::launch;
use crate::ffmpeg;
use crate::request::Escape;
use crate::sandbox::{THIS_PROGRAM, Walls};

/// Marks a process that stands where FFmpeg would.
const MARK: &str = "--reach-parent";

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
        signals: !reached_by_child(),
    };
    let _ = std::fs::remove_file(&new);
    walls
}

/// Whether what stands in FFmpeg's place can do something to the worker; it could do it to any process of this user.
fn reached_by_child() -> bool {
    let mut command = Command::new(THIS_PROGRAM);
    command.args(std::env::args_os().skip(1)).arg(MARK);
    let tied = launch::tied(&command).ok();
    !tied.is_some_and(|mut command| command.status().is_ok_and(|status| status.success()))
}

/// Whether this process is to try it.
pub(super) fn asked() -> bool {
    std::env::args_os().any(|word| word == MARK)
}

/// Tries it, and fails if it can.
pub(super) fn reach_parent() -> ExitCode {
    let reached = getppid().is_none_or(|parent| {
        let signalled = test_kill_process(parent).is_ok();
        signalled || moved(parent)
    });
    ExitCode::from(u8::from(reached))
}

/// Whether another process was told which cores it may use: the same ones.
#[cfg(target_os = "linux")]
fn moved(process: rustix::process::Pid) -> bool {
    use rustix::thread::{sched_getaffinity, sched_setaffinity};
    let cores = sched_getaffinity(Some(process));
    cores.is_ok_and(|cores| sched_setaffinity(Some(process), &cores).is_ok())
}

/// Nobody can there.
#[cfg(not(target_os = "linux"))]
fn moved(_: rustix::process::Pid) -> bool {
    false
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
