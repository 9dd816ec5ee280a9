//! Source bytes on disk under their BLAKE3 hash, served to who may have them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

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
            let part = path.with_extension("part");
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

/// Until when fetched blobs are needed. What a broadcaster publishes is not in here: it may publish it again, and it is
/// as large as the operator's own file.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    until: BTreeMap<B256, u64>,
}

impl Leases {
    /// A blob is needed up to and including `block`, if not longer already.
    pub fn extend(&mut self, hash: B256, block: u64) {
        let until = self.until.entry(hash).or_default();
        *until = block.max(*until);
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
            leases.extend(hash, 10);
        }
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
