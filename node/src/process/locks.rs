//! What a node holds while it runs, so that a second one stops before it has cost anything.
//!
//! A process that was killed holds its locks until the system has taken its memory back, which is some time after `kill` has
//! returned. So whoever starts a node anew waits for one that is dying, and for no other.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::ProcessError;
use crate::keys::KeyError;

/// Names the process that holds the folder.
const LOCK: &str = "node.lock";
/// Stores that lock themselves. They are opened after [`LOCK`], and a dying process closes them after it.
const STORES: [&str; 3] = ["journal.redb", "winners.redb", "transactions.redb"];
/// Longest time for which a dying process is waited for, all its locks together.
const DYING: Duration = Duration::from_secs(3);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The locks of a node; the system gives them back when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Locks {
    _folder: File,
    _keys: File,
}

impl Locks {
    /// Takes the folder and the keys for this process.
    ///
    /// # Errors
    /// [`ProcessError::Running`] and [`ProcessError::KeysInUse`] where another one has them.
    pub async fn take(folder: &Path, keys: &Path) -> Result<Self, ProcessError> {
        let deadline = Instant::now() + DYING;
        let (lock, before) = lock(folder, deadline).await?;
        let keys = lock_keys(keys, &before, deadline).await?;
        for store in STORES {
            // One that is not there, or is held by no dying process, is the store's own business.
            if let Ok(store) = File::open(folder.join(store)) {
                let _ = hold(&store, &before, deadline).await;
            }
        }
        Ok(Self {
            _folder: lock,
            _keys: keys,
        })
    }
}

/// What has become of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Runs,
    /// Killed or ending: it gives everything back soon.
    Dying,
    Gone,
}

/// Looks at a process, where the system lets one.
fn life(pid: &str) -> Life {
    let is_number = pid.parse::<u32>().is_ok();
    if !is_number || !Path::new("/proc/self").exists() {
        return Life::Runs;
    }
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Life::Gone;
    };
    // The name, in brackets, may hold anything; state and flags are the first and the seventh field after it (proc(5)).
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = fields.split_whitespace();
    let ended = fields.next().is_some_and(|state| "ZXx".contains(state));
    const PF_EXITING: u64 = 0x4;
    let flags: u64 = fields.nth(5).and_then(|f| f.parse().ok()).unwrap_or(0);
    if ended || flags & PF_EXITING != 0 || is_killed(pid) {
        return Life::Dying;
    }
    Life::Runs
}

/// Whether a process has been sent a signal that it cannot refuse.
fn is_killed(pid: &str) -> bool {
    const SIGKILL: u64 = 1 << 8;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = status.lines().filter_map(|line| {
        let (name, mask) = line.split_once(':')?;
        let pending = matches!(name, "SigPnd" | "ShdPnd");
        u64::from_str_radix(mask.trim(), 16)
            .ok()
            .filter(|_| pending)
    });
    pending.fold(0, |all, mask| all | mask) & SIGKILL != 0
}

/// Locks a file or folder, as soon as the process `before` has given it up if that is dying.
async fn hold(file: &File, before: &str, deadline: Instant) -> Result<(), TryLockError> {
    let mut last = false;
    loop {
        // Looked at first: what it holds now it may have given up by the time of the try.
        let life = life(before);
        match file.try_lock() {
            Err(TryLockError::WouldBlock)
                if life != Life::Runs && !last && Instant::now() < deadline =>
            {
                // Of one that is gone nothing is left to wait for.
                last = life == Life::Gone;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Takes the folder for this process; says also who had it before.
async fn lock(folder: &Path, deadline: Instant) -> Result<(File, String), ProcessError> {
    let path = folder.join(LOCK);
    let io = |source| ProcessError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(io)?;
    let mut pid = String::new();
    file.read_to_string(&mut pid).map_err(io)?;
    let before = pid.trim().to_owned();
    match hold(&file, &before, deadline).await {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(ProcessError::Running {
                folder: folder.into(),
                pid: before,
            });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok((file, before))
}

/// Takes the keys for this process, whatever its folder: the journal there knows nothing of what another one signs. The
/// folder itself is locked, so that nothing need be written beside secrets.
async fn lock_keys(keys: &Path, before: &str, deadline: Instant) -> Result<File, ProcessError> {
    let file = |source| KeyError::File {
        path: keys.into(),
        source,
    };
    let folder = File::open(keys).map_err(file)?;
    match hold(&folder, before, deadline).await {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(ProcessError::KeysInUse(keys.into())),
        Err(TryLockError::Error(source)) => Err(file(source).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A folder with an empty folder of keys.
    fn folders() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        (folder, keys)
    }

    fn sleeper() -> Child {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null()).spawn().unwrap()
    }

    #[tokio::test]
    async fn a_folder_has_one_node_at_a_time() {
        let (folder, keys) = folders();
        let first = Locks::take(folder.path(), &keys).await.unwrap();
        let second = Locks::take(folder.path(), &keys).await.unwrap_err();
        let expected = format!("process {}", std::process::id());
        assert!(second.to_string().contains(&expected), "{second}");
        drop(first);
        Locks::take(folder.path(), &keys).await.unwrap();
    }

    #[tokio::test]
    async fn keys_sign_for_one_node_at_a_time() {
        let (folder, keys) = folders();
        let first = Locks::take(&folder.path().join("a"), &keys).await.unwrap();
        let other = folder.path().join("other");
        std::os::unix::fs::symlink(&keys, &other).unwrap();
        let second = Locks::take(&folder.path().join("b"), &other).await;
        assert!(matches!(second, Err(ProcessError::KeysInUse(_))));
        drop(first);
        // A node whose keys lie in its own folder takes both locks.
        Locks::take(&keys, &keys).await.unwrap();
    }

    #[tokio::test]
    async fn a_process_is_waited_for_only_while_it_dies() {
        let mut child = sleeper();
        let pid = child.id().to_string();
        assert_eq!(life(&pid), Life::Runs);
        let (folder, keys) = folders();
        let path = folder.path().join(LOCK);
        std::fs::write(&path, format!("{pid}\n")).unwrap();
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let second = Locks::take(folder.path(), &keys).await;
        assert!(matches!(second, Err(ProcessError::Running { .. })));
        // Killed, and nobody has asked how it ended: it is there, and its locks are not free yet.
        child.kill().unwrap();
        assert_eq!(life(&pid), Life::Dying);
        let waits = Locks::take(folder.path(), &keys);
        let frees = async {
            tokio::time::sleep(4 * PAUSE).await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(waits, frees);
        drop(taken.unwrap());
        child.wait().unwrap();
        assert_eq!(life(&pid), Life::Gone);
        assert_eq!(life("no number"), Life::Runs);
    }
}
