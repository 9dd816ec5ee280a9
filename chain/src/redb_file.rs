//! Files of redb that open again whenever their process is killed.

use std::io::ErrorKind;
use std::path::Path;

use redb::{Database, DatabaseError, StorageError};

/// Opens a file, and makes it first where there is none.
///
/// # Errors
/// What redb or the system says; [`DatabaseError::DatabaseAlreadyOpen`] where another process, or this one, has it open.
pub fn open(path: &Path) -> Result<Database, DatabaseError> {
    if !path.exists() {
        make(path)?;
    }
    Database::open(path)
}

/// Makes an empty file, whole or not at all: a process killed within redb's first write leaves a file that redb does
/// not open again.
fn make(path: &Path) -> Result<(), DatabaseError> {
    let io = |error: std::io::Error| DatabaseError::Storage(StorageError::Io(error));
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    drop(Database::create(&part)?);
    // A link, unlike a renaming, never replaces what another process has made meanwhile.
    match std::fs::hard_link(&part, path) {
        Ok(()) => std::fs::remove_file(&part).map_err(io),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::remove_file(&part).map_err(io)
        }
        // A file system without links.
        Err(_) => std::fs::rename(&part, path).map_err(io),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_beside_the_remains_of_a_killed_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let part = folder.path().join("journal.redb.part");
        std::fs::write(&part, vec![7; 4_096]).unwrap();
        for _ in 0..2 {
            let file = open(&path).unwrap();
            let twice = open(&path);
            assert!(matches!(twice, Err(DatabaseError::DatabaseAlreadyOpen)));
            drop(file);
        }
        assert!(path.exists() && !part.exists());
    }
}
