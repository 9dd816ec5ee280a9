//! Files that are of use until a block, which their names say. Written durably, removed when nobody can ask for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chain_feed::REORG_BLOCKS;

/// A folder of them. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Dated {
    folder: Arc<Path>,
    ending: &'static str,
}

impl Dated {
    /// The files in `folder` with this ending.
    pub fn new(folder: PathBuf, ending: &'static str) -> Self {
        Self {
            folder: folder.into(),
            ending,
        }
    }

    /// Writes one that is of use until block `until`; it is on disk when this returns.
    pub fn keep(&self, name: &str, until: u64, bytes: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self
            .folder
            .join(format!("{until:016}-{name}.{}", self.ending));
        let draft = path.with_extension("draft");
        std::fs::write(&draft, bytes)?;
        std::fs::File::open(&draft)?.sync_all()?;
        std::fs::rename(draft, path)
    }

    /// Files with the block until which they are of use, the oldest first.
    pub fn files(&self) -> Vec<(u64, PathBuf)> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten();
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let dated = paths.filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let until = name.split_once('-')?.0.parse().ok()?;
            Some((until, path))
        });
        let mut files: Vec<_> = dated.collect();
        files.sort();
        files
    }

    /// The one of that name.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let ending = format!("-{name}.{}", self.ending);
        let mut files = self.files().into_iter();
        let found = files.find(|(_, path)| path.to_string_lossy().ends_with(&ending));
        found.map(|(_, path)| path)
    }

    /// What is in those that are whole, the oldest first.
    pub fn read(&self) -> Vec<Vec<u8>> {
        let whole = |path: &PathBuf| path.extension().is_some_and(|e| e == self.ending);
        let files = self.files().into_iter().map(|(_, path)| path).filter(whole);
        files.filter_map(|path| std::fs::read(path).ok()).collect()
    }

    /// Removes what is of no use any more, also if the last blocks should become others.
    pub fn clear(&self, block: u64) {
        for (until, path) in self.files() {
            if until.saturating_add(REORG_BLOCKS) >= block {
                return;
            }
            if let Err(e) = std::fs::remove_file(&path) {
                tracing::warn!("{}: {e}", path.display());
            }
        }
    }
}
