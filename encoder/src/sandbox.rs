//! Walls around everything that reads video of strangers.
//!
//! A worker puts them up before it looks at the first byte, so FFmpeg, its child, stands behind them too: no file but
//! the system's libraries, FFmpeg itself and what the job names ([`Access`]); no socket of any kind; no tracing of other
//! processes; and of the kernel's calls only those that decoding needs. On Linux files are Landlock's business
//! (kernel 5.13 or newer) and calls seccomp's. Elsewhere there are no walls; [`Walls`] says which ones stand.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The program that runs, also when its file has been replaced meanwhile; it may always be started.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// What a worker and its FFmpeg may open besides programs and libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Programs that may be started.
    pub run: Vec<PathBuf>,
    /// Files that may be read.
    pub read: Vec<PathBuf>,
    /// Folders in which files may be made, written and read.
    pub write: Vec<PathBuf>,
}

/// What a worker on this machine cannot do, found by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// It cannot read a file that it was not given.
    pub reading: bool,
    /// It cannot write one.
    pub writing: bool,
    /// It cannot open a socket.
    pub network: bool,
    /// It cannot start a program that it was not given.
    pub programs: bool,
}

impl Walls {
    /// All of them.
    pub const ALL: Self = Self {
        reading: true,
        writing: true,
        network: true,
        programs: true,
    };

    /// What a decoder that was taken over could do on this machine, in words; empty where all walls stand.
    pub fn open(&self) -> Vec<&'static str> {
        [
            (self.reading, "read files"),
            (self.writing, "write files"),
            (self.network, "reach the network"),
            (self.programs, "start programs"),
        ]
        .into_iter()
        .filter_map(|(stands, words)| (!stands).then_some(words))
        .collect()
    }
}

/// Confines the calling thread and all that it starts from now on: call it before the first thread.
///
/// A wall that this system does not know is left out.
///
/// # Errors
/// A wall that the system knows and refuses.
#[cfg(target_os = "linux")]
pub(crate) fn enter(access: &Access) -> io::Result<()> {
    files::restrict(access)?;
    calls::restrict()
}

/// No walls here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn enter(_: &Access) -> io::Result<()> {
    Ok(())
}

/// Takes from this process what only a parent of processes needs: to be called right before it becomes FFmpeg.
///
/// # Errors
/// As [`enter`].
#[cfg(target_os = "linux")]
pub(crate) fn end_of_line() -> io::Result<()> {
    calls::restrict_further()
}

/// No walls here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_of_line() -> io::Result<()> {
    Ok(())
}
