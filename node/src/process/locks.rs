//! A folder and keys are one process's at a time.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::ProcessError;
use crate::keys::KeyError;

/// Held while the node runs, so that a second one stops before it has cost anything.
const LOCK: &str = "node.lock";
/// Longest time in which a process that was killed still holds its locks.
const DYING: Duration = Duration::from_secs(3);

/// Locks a file or folder, as soon as a process that is just dying has given it up.
fn hold(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < DYING => {
                std::thread::sleep(Duration::from_millis(50));
            }
            done => return done,
        }
    }
}

/// Takes the folder for this process; the system gives it back when the process ends in whatever way.
pub(super) fn lock(folder: &Path) -> Result<File, ProcessError> {
    let path = folder.join(LOCK);
    let io = |source| ProcessError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(io)?;
    match hold(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(ProcessError::Running {
                folder: folder.into(),
                pid: pid.trim().into(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(file)
}

/// Takes the keys for this process, whatever its folder: the journal there knows nothing of what another one signs. The
/// folder itself is locked, so that nothing need be written beside secrets.
pub(super) fn lock_keys(keys: &Path) -> Result<File, ProcessError> {
    let file = |source| KeyError::File {
        path: keys.into(),
        source,
    };
    let folder = File::open(keys).map_err(file)?;
    match hold(&folder) {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(ProcessError::KeysInUse(keys.into())),
        Err(TryLockError::Error(source)) => Err(file(source).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_node_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        let second = lock(folder.path()).unwrap_err();
        let expected = format!("process {}", std::process::id());
        assert!(second.to_string().contains(&expected), "{second}");
        drop(first);
        lock(folder.path()).unwrap();
    }

    #[test]
    fn keys_sign_for_one_node_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let first = lock_keys(&keys).unwrap();
        let other = folder.path().join("other");
        std::os::unix::fs::symlink(&keys, &other).unwrap();
        assert!(matches!(lock_keys(&other), Err(ProcessError::KeysInUse(_))));
        drop(first);
        lock_keys(&keys).unwrap();
        // A node whose keys lie in its own folder takes both locks.
        let _both = (lock(&keys).unwrap(), lock_keys(&keys).unwrap());
    }
}
