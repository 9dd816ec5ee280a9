//! Source bytes on disk under their BLAKE3 hash, served to who may have them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use assay_p2p::{BlobSource, BlobStore};
use assay_protocol::B256;

/// A folder of blobs; the name of a file is the hash of its content.
#[derive(Clone, Debug)]
pub struct BlobFolder {
    folder: PathBuf,
}

impl BlobFolder {
    /// Uses `folder`, making it if it is not there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.into(),
        })
    }

    fn path(&self, hash: B256) -> PathBuf {
        self.folder.join(hex::encode(hash))
    }

    /// Stores bytes whole or not at all, and gives their hash.
    pub fn put(&self, bytes: &[u8]) -> io::Result<B256> {
        let hash = B256::from(*blake3::hash(bytes).as_bytes());
        let path = self.path(hash);
        if !path.exists() {
            // The same bytes may be written twice at a time.
            static PARTS: AtomicU64 = AtomicU64::new(0);
            let number = PARTS.fetch_add(1, Ordering::Relaxed);
            let part = path.with_extension(format!("{number}.part"));
            fs::write(&part, bytes)?;
            fs::rename(&part, &path)?;
        }
        Ok(hash)
    }

    /// The bytes of that hash; what does not have it any more is removed and counts as absent.
    pub fn get(&self, hash: B256) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(hash);
        match fs::read(&path) {
            Ok(bytes) if blake3::hash(&bytes).as_bytes() == &hash.0 => Ok(Some(bytes)),
            Ok(_) => fs::remove_file(&path).map(|()| None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The hashes of everything that is here, with the bytes that each has.
    pub fn list(&self) -> io::Result<Vec<(B256, u64)>> {
        let blob = |entry: fs::DirEntry| {
            let hash = entry.file_name().to_str()?.parse().ok()?;
            Some((hash, entry.metadata().ok()?.len()))
        };
        let entries = fs::read_dir(&self.folder)?;
        Ok(entries.filter_map(|entry| blob(entry.ok()?)).collect())
    }

    /// Removes a blob.
    pub fn remove(&self, hash: B256) -> io::Result<()> {
        match fs::remove_file(self.path(hash)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// All sources of a node: its own and others', in two folders, so that it is known after a restart which is which.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    /// What it publishes: as much as there is of it.
    pub published: BlobFolder,
    /// What it has fetched: bounded, see [`crate::stock`].
    pub fetched: BlobFolder,
}

impl Blobs {
    /// The two in a node's folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            published: BlobFolder::open(&folder.join("blobs"))?,
            fetched: BlobFolder::open(&folder.join("fetched"))?,
        })
    }

    /// The bytes of that hash, whosever they are.
    pub fn get(&self, hash: B256) -> io::Result<Option<Vec<u8>>> {
        match self.published.get(hash)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.fetched.get(hash),
        }
    }
}

/// Until when blobs that are here are needed.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    until: BTreeMap<B256, u64>,
}

impl Leases {
    /// A blob that is here is needed up to and including `block`, if not longer already.
    pub fn begin(&mut self, hash: B256, block: u64) {
        self.until.entry(hash).or_default();
        self.extend(hash, block);
    }

    /// The same for one that may be here.
    pub fn extend(&mut self, hash: B256, block: u64) {
        if let Entry::Occupied(mut until) = self.until.entry(hash) {
            *until.get_mut() = block.max(*until.get());
        }
    }

    /// Whether it is needed.
    pub fn has(&self, hash: &B256) -> bool {
        self.until.contains_key(hash)
    }

    /// What is needed.
    pub fn hashes(&self) -> impl Iterator<Item = B256> {
        self.until.keys().copied()
    }

    /// Gives up what was needed before `block` only.
    pub fn expire(&mut self, block: u64) -> Vec<B256> {
        let over = self.until.extract_if(.., |_, until| *until < block);
        over.map(|(hash, _)| hash).collect()
    }
}

struct BlobFile {
    file: File,
    len: u64,
}

impl BlobSource for BlobFile {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }
}

impl BlobStore for BlobFolder {
    fn open(&self, hash: B256) -> io::Result<Option<Box<dyn BlobSource>>> {
        match File::open(self.path(hash)) {
            Ok(file) => {
                let len = file.metadata()?.len();
                Ok(Some(Box::new(BlobFile { file, len })))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl BlobStore for Blobs {
    fn open(&self, hash: B256) -> io::Result<Option<Box<dyn BlobSource>>> {
        match BlobStore::open(&self.published, hash)? {
            Some(blob) => Ok(Some(blob)),
            None => BlobStore::open(&self.fetched, hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_needs_any_more_leaves_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobFolder::open(folder.path()).unwrap();
        let [old, new] = [b"old", b"new"].map(|bytes| blobs.put(bytes).unwrap());
        fs::write(folder.path().join("unfinished.part"), b"").unwrap();
        let mut leases = Leases::default();
        for (hash, _) in blobs.list().unwrap() {
            leases.begin(hash, 10);
        }
        leases.extend(B256::ZERO, 10);
        assert!(!leases.has(&B256::ZERO), "what is not here takes no room");
        leases.extend(new, 20);
        leases.extend(new, 15);
        assert!(leases.expire(10).is_empty());
        assert_eq!(leases.expire(11), [old]);
        blobs.remove(old).unwrap();
        assert_eq!(blobs.list().unwrap(), [(new, 3)]);
        assert_eq!(leases.expire(21), [new]);
    }

    #[test]
    fn damaged_blobs_are_absent() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobFolder::open(folder.path()).unwrap();
        let hash = blobs.put(b"segment").unwrap();
        assert_eq!(blobs.get(hash).unwrap().as_deref(), Some(&b"segment"[..]));
        fs::write(folder.path().join(hex::encode(hash)), b"tampered").unwrap();
        assert_eq!(blobs.get(hash).unwrap(), None);
        assert!(BlobStore::open(&blobs, hash).unwrap().is_none());
    }
}
