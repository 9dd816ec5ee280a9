//! Processes that outlive the command that started them, and the certainty that a process id is still theirs.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::folder::Folder;
use super::network::Operator;
use super::{LauncherError, Plan};

/// A node closes its journals and playlists in this time; then it is killed.
const PATIENCE: Duration = Duration::from_secs(12);

/// A process by what identifies it for ever: its id and the moment of its start, in clock ticks since boot
/// (proc(5), `/proc/PID/stat` field 22). A later process with the same id has another start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Daemon {
    pub name: String,
    pub pid: u32,
    start: u64,
    file: PathBuf,
}

/// State and start of a process; `None` when there is none.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

impl Daemon {
    /// Writes down a process that runs.
    pub fn of(name: &str, pid: u32, folder: &Folder) -> Result<Self, LauncherError> {
        let start = stat(pid).map(|(_, start)| start);
        let start = start.ok_or_else(|| LauncherError::Start {
            name: name.into(),
            source: std::io::Error::other("it has ended at once"),
        })?;
        let file = folder.pid_file(name);
        // Whole or not at all: half a file would name no process.
        let part = file.with_extension("part");
        let written = fs::write(&part, format!("{pid} {start}\n"));
        let written = written.and_then(|()| fs::rename(&part, &file));
        written.map_err(|source| {
            let _ = fs::remove_file(&part);
            LauncherError::Io {
                path: file.clone(),
                source,
            }
        })?;
        Ok(Self {
            name: name.into(),
            pid,
            start,
            file,
        })
    }

    /// Reads what [`Self::of`] wrote.
    pub fn read(name: &str, folder: &Folder) -> Result<Self, LauncherError> {
        let file = folder.pid_file(name);
        let text = fs::read_to_string(&file).map_err(|source| LauncherError::Io {
            path: file.clone(),
            source,
        })?;
        let parsed = text
            .trim()
            .split_once(' ')
            .and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)));
        let (pid, start) = parsed.ok_or_else(|| LauncherError::Content {
            path: file.clone(),
            reason: "expected a process id and its start time".into(),
        })?;
        Ok(Self {
            name: name.into(),
            pid,
            start,
            file,
        })
    }

    /// Starts a node. Its own process group keeps Ctrl-C on this terminal away from it.
    pub fn start(operator: &Operator, plan: &Plan, folder: &Folder) -> Result<Self, LauncherError> {
        let path = folder.log(&operator.name);
        let io = |source| LauncherError::Io {
            path: path.clone(),
            source,
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io)?;
        let errors = log.try_clone().map_err(io)?;
        let mut command = Command::new(&plan.worker.program);
        match operator.cheats {
            true => command.args(["testnet", "cheat-node", "--seed", &plan.seed.to_string()]),
            false => command.arg("node"),
        };
        command.arg("--config").arg(folder.config(&operator.name));
        // What is meant for this command is not meant for the nodes.
        command.env_remove("ASSAY_CONFIG").env_remove("ASSAY_RPC");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.process_group(0).spawn();
        let child = child.map_err(|source| LauncherError::Start {
            name: operator.name.clone(),
            source,
        })?;
        Self::own(&operator.name, child, folder)
    }

    /// Writes down a child, or ends it: nobody else knows of it.
    fn own(name: &str, mut child: Child, folder: &Folder) -> Result<Self, LauncherError> {
        Self::of(name, child.id(), folder).inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })
    }

    /// Whether that very process still runs.
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|(state, start)| start == self.start && state != 'Z')
    }

    /// Signals that very process; whether it was there.
    fn signal(&self, signal: Signal) -> Result<bool, LauncherError> {
        let stays = |reason: rustix::io::Errno| LauncherError::Stays {
            name: self.name.clone(),
            pid: self.pid,
            reason: reason.to_string(),
        };
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(false);
        };
        // The descriptor holds on to one process: what is checked after opening it stays true.
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(e) => return Err(stays(e)),
        };
        if !self.is_alive() {
            return Ok(false);
        }
        match pidfd_send_signal(descriptor, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(e) => Err(stays(e)),
        }
    }

    fn forget(&self) {
        // A file that stays behind names a process that is gone, which everybody checks.
        let _ = fs::remove_file(&self.file);
    }
}

/// Processes that are ended together: by [`Crew::end`], or when the command that started them does not come to its end.
#[derive(Default)]
pub(super) struct Crew {
    daemons: Vec<Daemon>,
}

impl Crew {
    pub fn take(&mut self, daemon: Daemon) {
        self.daemons.push(daemon);
    }

    /// The one of that name, in a crew of its own.
    pub fn split_off(&mut self, name: &str) -> Self {
        let daemons = std::mem::take(&mut self.daemons);
        let (chosen, rest) = daemons.into_iter().partition(|daemon| daemon.name == name);
        self.daemons = rest;
        Self { daemons: chosen }
    }

    /// The name of one that has ended.
    pub fn ended(&self) -> Option<String> {
        let ended = self.daemons.iter().find(|daemon| !daemon.is_alive());
        ended.map(|daemon| daemon.name.clone())
    }

    /// Lets them live on.
    pub fn dismiss(mut self) {
        self.daemons.clear();
    }

    /// Asks all to end, kills those that do not, and removes their files; how many there were.
    pub async fn end(mut self) -> Result<usize, LauncherError> {
        let daemons = std::mem::take(&mut self.daemons);
        let mut asked = 0;
        for daemon in &daemons {
            asked += usize::from(daemon.signal(Signal::TERM)?);
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && daemons.iter().any(Daemon::is_alive) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for daemon in &daemons {
            daemon.signal(Signal::KILL)?;
        }
        let begun = Instant::now();
        while let Some(stays) = daemons.iter().find(|daemon| daemon.is_alive()) {
            if begun.elapsed() > PATIENCE {
                return Err(LauncherError::Stays {
                    name: stays.name.clone(),
                    pid: stays.pid,
                    reason: "it survives SIGKILL".into(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        daemons.iter().for_each(Daemon::forget);
        Ok(asked)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for daemon in &self.daemons {
            if daemon.signal(Signal::KILL).is_ok() {
                daemon.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(&dir.path().join("net")).unwrap();
        folder.empty().unwrap();
        (dir, folder)
    }

    #[tokio::test]
    async fn only_the_very_process_is_ended() {
        let (_dir, folder) = folder();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let daemon = Daemon::of("sleeper", child.id(), &folder).unwrap();
        assert_eq!(Daemon::read("sleeper", &folder).unwrap(), daemon);
        // The same id with another start is somebody else.
        let other = Daemon {
            start: daemon.start + 1,
            ..daemon.clone()
        };
        assert!(daemon.is_alive() && !other.is_alive());
        assert!(!other.signal(Signal::KILL).unwrap());
        assert!(child.try_wait().unwrap().is_none());
        let mut crew = Crew::default();
        crew.take(daemon.clone());
        assert_eq!(crew.end().await.unwrap(), 1);
        assert!(!daemon.is_alive() && !daemon.file.exists());
        child.wait().unwrap();
        let mut again = Crew::default();
        again.take(daemon);
        assert_eq!(again.end().await.unwrap(), 0);
    }

    #[test]
    fn a_process_that_cannot_be_written_down_is_ended() {
        let (_dir, folder) = folder();
        // A folder where the file belongs stands for a full disk.
        fs::create_dir(folder.pid_file("sleeper")).unwrap();
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(Daemon::own("sleeper", child, &folder).is_err());
        assert_eq!(stat(pid), None);
        let left = fs::read_dir(folder.pid_file("sleeper").parent().unwrap());
        assert_eq!(left.unwrap().count(), 1, "no part of a file stays");
    }

    #[tokio::test]
    async fn a_file_that_names_nobody_is_told_and_keeps_nobody_alive() {
        let (_dir, folder) = folder();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        Daemon::of("sleeper", child.id(), &folder).unwrap();
        let half = folder.pid_file("half");
        fs::write(&half, "12").unwrap();
        assert!(folder.alive().is_err());
        let text = crate::launcher::down(folder.dir()).await.unwrap();
        assert!(text.starts_with("1 processes ended"), "{text}");
        assert!(text.contains("if half still runs"), "{text}");
        assert!(!child.wait().unwrap().success());
        assert!(!half.exists() && folder.alive().unwrap().is_none());
    }

    #[test]
    fn a_crew_that_is_left_alone_ends() {
        let (_dir, folder) = folder();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mut crew = Crew::default();
        crew.take(Daemon::of("sleeper", child.id(), &folder).unwrap());
        assert_eq!(crew.ended(), None);
        drop(crew);
        assert!(!child.wait().unwrap().success());
    }
}
