//! Files of redb that open again whenever their process is killed, or their disk has failed for a while.
//!
//! After one failed write redb refuses everything until its file is closed and opened again. A disk that was full for a second
//! must not silence a node until somebody restarts it, so a [`RedbFile`] does that itself, under the lock that it has held on
//! the file since it was opened.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend,
    StorageError, WriteTransaction,
};

/// Bytes of a file that redb keeps in memory; it would keep a gigabyte, and the system keeps it all the same.
const CACHE: usize = 64 << 10;

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// An open database, locked against other processes until it is dropped.
#[derive(Debug)]
pub struct RedbFile {
    /// `None` after it could not be opened again.
    database: RwLock<Option<Database>>,
    storage: Arc<Watched>,
}

impl RedbFile {
    /// Opens a file, and makes it first where there is none.
    ///
    /// # Errors
    /// What redb or the system says; [`DatabaseError::DatabaseAlreadyOpen`] where another process, or this one, has it open.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        if !path.exists() {
            make(path)?;
        }
        let file = LockedFile::open(path)?;
        // Nothing would be known of what was in it.
        if file.len().map_err(StorageError::Io)? == 0 {
            let empty = Error::new(ErrorKind::InvalidData, "the file is empty");
            return Err(DatabaseError::Storage(StorageError::Io(empty)));
        }
        Self::over(file)
    }

    /// A database in whatever storage, which is made where it is empty.
    ///
    /// # Errors
    /// What redb or the storage says.
    pub fn over(storage: impl StorageBackend) -> Result<Self, DatabaseError> {
        let storage = Arc::new(Watched {
            inner: Box::new(storage),
            failed: AtomicBool::new(false),
        });
        let database = builder().create_with_backend(Lent(storage.clone()))?;
        Ok(Self {
            database: RwLock::new(Some(database)),
            storage,
        })
    }

    /// The database, opened again if something has failed since the last time. Its transactions must end before this is
    /// dropped.
    ///
    /// # Errors
    /// Where it cannot be opened again yet.
    pub fn database(&self) -> Result<Opened<'_>, redb::Error> {
        if self.storage.failed.load(Ordering::Acquire) {
            self.reopen()?;
        }
        let database = self.database.read();
        Ok(Opened(database.unwrap_or_else(PoisonError::into_inner)))
    }

    fn reopen(&self) -> Result<(), DatabaseError> {
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here first.
        if !self.storage.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        *database = None;
        self.storage.failed.store(false, Ordering::Release);
        match builder().create_with_backend(Lent(self.storage.clone())) {
            Ok(again) => {
                tracing::info!("a journal is open again after its disk had failed");
                *database = Some(again);
                Ok(())
            }
            Err(error) => {
                self.storage.failed.store(true, Ordering::Release);
                Err(error)
            }
        }
    }
}

/// The right to use a database, which stays open meanwhile.
#[derive(Debug)]
pub struct Opened<'a>(RwLockReadGuard<'a, Option<Database>>);

impl Opened<'_> {
    fn get(&self) -> Result<&Database, redb::Error> {
        self.0.as_ref().ok_or(redb::Error::PreviousIo)
    }

    /// Begins to write; waits for other writers.
    ///
    /// # Errors
    /// What redb says.
    pub fn begin_write(&self) -> Result<WriteTransaction, redb::Error> {
        Ok(self.get()?.begin_write()?)
    }

    /// Begins to read.
    ///
    /// # Errors
    /// What redb says.
    pub fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(self.get()?.begin_read()?)
    }
}

/// Storage that remembers that it has failed.
#[derive(Debug)]
struct Watched {
    inner: Box<dyn StorageBackend>,
    failed: AtomicBool,
}

impl Watched {
    fn heed<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        if done.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        done
    }
}

/// What redb gets of it: closing that gives up no lock.
#[derive(Debug)]
struct Lent(Arc<Watched>);

impl StorageBackend for Lent {
    fn len(&self) -> Result<u64, Error> {
        self.0.heed(self.0.inner.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.heed(self.0.inner.read(offset, out))
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.0.heed(self.0.inner.set_len(len))
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.0.heed(self.0.inner.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.0.heed(self.0.inner.write(offset, data))
    }
}

/// A file that no other process opens meanwhile.
#[derive(Debug)]
struct LockedFile(File);

impl LockedFile {
    fn open(path: &Path) -> Result<Self, DatabaseError> {
        let io = |error: Error| DatabaseError::Storage(StorageError::Io(error));
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(io)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(DatabaseError::DatabaseAlreadyOpen),
            // A file system without locks.
            Err(TryLockError::Error(e)) if e.kind() != ErrorKind::Unsupported => Err(io(e)),
            _ => Ok(Self(file)),
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // A child that is just being started may hold the file a moment longer.
        let _ = self.0.unlock();
    }
}

impl StorageBackend for LockedFile {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.0.write_all_at(data, offset)
    }
}

/// Makes an empty database, whole or not at all: a process killed within redb's first write leaves a file that redb does
/// not open again.
fn make(path: &Path) -> Result<(), DatabaseError> {
    let io = |error: Error| DatabaseError::Storage(StorageError::Io(error));
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
    use redb::TableDefinition;

    use super::*;

    const TABLE: TableDefinition<u64, u64> = TableDefinition::new("numbers");

    /// A file whose disk is full while a number of writes is left to be refused.
    #[derive(Debug)]
    struct Full(LockedFile, Arc<std::sync::atomic::AtomicU32>);

    impl StorageBackend for Full {
        fn len(&self) -> Result<u64, Error> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
            self.0.read(offset, out)
        }

        fn set_len(&self, len: u64) -> Result<(), Error> {
            self.0.set_len(len)
        }

        fn sync_data(&self) -> Result<(), Error> {
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
            let left = |left: u32| left.checked_sub(1);
            match self
                .1
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, left)
            {
                Ok(_) => Err(Error::from(ErrorKind::StorageFull)),
                Err(_) => self.0.write(offset, data),
            }
        }
    }

    fn put(file: &RedbFile, key: u64) -> Result<(), redb::Error> {
        let database = file.database()?;
        let write = database.begin_write()?;
        write.open_table(TABLE)?.insert(key, key)?;
        Ok(write.commit()?)
    }

    fn has(file: &RedbFile, key: u64) -> Result<bool, redb::Error> {
        let database = file.database()?;
        let read = database.begin_read()?;
        Ok(read.open_table(TABLE)?.get(key)?.is_some())
    }

    #[test]
    fn a_full_disk_costs_what_was_written_while_it_was_full_and_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        make(&path).unwrap();
        let refused = Arc::default();
        let full = Full(LockedFile::open(&path).unwrap(), Arc::clone(&refused));
        let file = RedbFile::over(full).unwrap();
        put(&file, 1).unwrap();
        for round in 0..3 {
            // The second refusal is met by the attempt to open it again.
            refused.store(2, Ordering::Release);
            put(&file, 100 + round).unwrap_err();
            let locked = RedbFile::open(&path);
            assert!(matches!(locked, Err(DatabaseError::DatabaseAlreadyOpen)));
            while refused.load(Ordering::Acquire) > 0 {
                let _ = put(&file, 200 + round);
            }
            put(&file, 300 + round).unwrap();
            assert!(has(&file, 1).unwrap() && has(&file, 300 + round).unwrap());
            assert!(!has(&file, 100 + round).unwrap());
        }
        drop(file);
        let file = RedbFile::open(&path).unwrap();
        assert!(has(&file, 1).unwrap() && has(&file, 302).unwrap());
    }

    #[test]
    fn a_file_is_made_beside_the_remains_of_a_killed_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let part = folder.path().join("journal.redb.part");
        std::fs::write(&part, vec![7; 4_096]).unwrap();
        for _ in 0..2 {
            let file = RedbFile::open(&path).unwrap();
            let twice = RedbFile::open(&path);
            assert!(matches!(twice, Err(DatabaseError::DatabaseAlreadyOpen)));
            drop(file);
        }
        assert!(path.exists() && !part.exists());
    }

    #[test]
    fn an_emptied_file_is_not_taken_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        drop(RedbFile::open(&path).unwrap());
        std::fs::write(&path, b"").unwrap();
        assert!(RedbFile::open(&path).is_err());
    }
}
