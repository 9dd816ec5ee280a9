//! The step between the worker and FFmpeg: this program once more, which ties itself to the worker's life and becomes FFmpeg.
//!
//! Both can only be done by the new process itself, between its birth and FFmpeg's first instruction.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::getppid;

use crate::ffmpeg;
use crate::sandbox;

/// Marks the arguments that follow: the worker's process id, the program, its arguments.
const MARK: &str = "--become";

/// A command that becomes `command` and dies with the calling thread, which must be the worker's first.
///
/// # Errors
/// When the program is not on the `PATH`.
pub(super) fn tied(command: &Command) -> io::Result<Command> {
    let program = ffmpeg::find(command.get_program())?;
    let own = std::env::args_os().skip(1).take_while(|word| word != MARK);
    let mut tied = Command::new(this_program()?);
    tied.args(own)
        .arg(MARK)
        .arg(std::process::id().to_string())
        .arg(program)
        .args(command.get_args());
    let kept = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    tied.env_clear().envs(kept);
    Ok(tied)
}

/// This program, also when its file has been replaced meanwhile.
#[cfg(target_os = "linux")]
fn this_program() -> io::Result<std::path::PathBuf> {
    Ok(sandbox::THIS_PROGRAM.into())
}

/// This program's file.
#[cfg(not(target_os = "linux"))]
fn this_program() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// What this process is to become, if it was started for that.
pub(super) fn asked() -> Option<Vec<OsString>> {
    let mut words = std::env::args_os().skip_while(|word| word != MARK);
    words.next()?;
    Some(words.collect())
}

/// Becomes FFmpeg; returns only if that fails.
pub(super) fn become_it(words: &[OsString]) -> io::Error {
    let [parent, program, arguments @ ..] = words else {
        return io::Error::other("a process id and a program were expected");
    };
    match tie(parent).and_then(|()| sandbox::end_of_line()) {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

/// Dies with the worker, or at once if that is dead already.
fn tie(worker: &OsStr) -> io::Result<()> {
    die_with_parent()?;
    let parent = getppid().map(|id| id.as_raw_nonzero().to_string());
    match parent.as_deref() == worker.to_str() {
        true => Ok(()),
        false => Err(io::Error::other("the worker is gone")),
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// No such thing here: a worker that is killed leaves its FFmpeg to a broken pipe.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> io::Result<()> {
    Ok(())
}
