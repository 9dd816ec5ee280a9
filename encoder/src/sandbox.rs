//! Walls around everything that reads video of strangers.
//!
//! A worker puts them up before it looks at the first byte, so FFmpeg, its child, stands behind them too: no file but
//! the system's libraries, FFmpeg itself and what the job names ([`Access`]); no socket, unless the job is to fetch or to
//! listen ([`Sockets`]); no tracing of other processes and no signal to them; and of the kernel's calls only those that
//! decoding needs. On Linux files are Landlock's business (kernel 5.13 or newer) and calls seccomp's. Elsewhere there are
//! no walls; [`Walls`] says which ones stand.

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
    #[serde(with = "paths")]
    pub run: Vec<PathBuf>,
    /// Files that may be read.
    #[serde(with = "paths")]
    pub read: Vec<PathBuf>,
    /// Folders in which files may be made, written and read.
    #[serde(with = "paths")]
    pub write: Vec<PathBuf>,
    /// Bytes of the largest file that may be written.
    pub largest: u64,
    /// Sockets that may be opened.
    pub sockets: Sockets,
}

/// Paths as their bytes: serde's own way of writing them takes UTF-8 only.
mod paths {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| path.as_os_str()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let paths = Vec::<OsString>::deserialize(from)?;
        Ok(paths.into_iter().map(PathBuf::from).collect())
    }
}

/// Sockets of the internet that a worker and its FFmpeg may open; others never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sockets {
    /// None.
    #[default]
    None,
    /// For datagrams: what SRT is made of.
    Udp,
    /// For connections to this port: a proxy's. Older kernels than Linux 6.7 do not look at the port.
    Proxy(u16),
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
    /// Its FFmpeg cannot send signals to other processes, nor move them to other cores.
    pub signals: bool,
}

impl Walls {
    /// All of them.
    pub const ALL: Self = Self {
        reading: true,
        writing: true,
        network: true,
        programs: true,
        signals: true,
    };

    /// What a decoder that was taken over could do on this machine, in words; empty where all walls stand.
    pub fn open(&self) -> Vec<&'static str> {
        [
            (self.reading, "read files"),
            (self.writing, "write files"),
            (self.network, "reach the network"),
            (self.programs, "start programs"),
            (self.signals, "end other programs"),
        ]
        .into_iter()
        .filter_map(|(stands, words)| (!stands).then_some(words))
        .collect()
    }

    /// The same as a sentence for whoever runs this program; none where all walls stand.
    pub fn warning(&self) -> Option<String> {
        let open = self.open();
        (!open.is_empty()).then(|| {
            format!(
                "this system does not confine video decoders: one that was taken over could {}; Linux 5.13 or newer with \
                 Landlock and seccomp does",
                open.join(", ")
            )
        })
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
    calls::restrict(access.sockets)
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::ffmpeg;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    fn median(mut times: Vec<Duration>) -> Duration {
        times.sort_unstable();
        times[times.len() / 2]
    }

    #[test]
    #[ignore = "a measurement, of which SECURITY.md has the result"]
    fn what_walls_cost() {
        let program = ffmpeg::find("ffmpeg".as_ref()).unwrap();
        let access = Access {
            run: vec![program.clone()],
            ..Access::default()
        };
        let start = || {
            let begun = Instant::now();
            let mut command = Command::new(&program);
            command.arg("-version").stdout(Stdio::null());
            assert!(command.status().unwrap().success());
            begun.elapsed()
        };
        let mut times = [(); 3].map(|()| Vec::new());
        for _ in 0..100 {
            times[0].push(start());
            // Walls are a thread's and its children's.
            let behind = || {
                let begun = Instant::now();
                enter(&access).unwrap();
                (begun.elapsed(), start())
            };
            let (up, started) = std::thread::scope(|scope| scope.spawn(behind).join().unwrap());
            times[1].push(up);
            times[2].push(started);
        }
        let [free, up, behind] = times.map(median);
        println!(
            "walls stand after {up:.1?}; ffmpeg -version: {free:.1?} without, {behind:.1?} behind them"
        );
        assert!(up < Duration::from_secs(1));
    }
}
