//! The demonstration's folder: made by it, emptied only if made by it, and one demonstration's at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// Says that a folder is the demo's own; locked by the one that runs.
const MARK: &str = ".assay-demo";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Somebody else's files.
    #[error("{} is not empty and was not made by `assay demo`; name another folder with --out", .0.display())]
    Foreign(PathBuf),
    /// Two at a time would write over each other's files.
    #[error("another `assay demo` writes to {}; name another folder with --out", .0.display())]
    Busy(PathBuf),
    /// The input would be removed before it is read.
    #[error("{input} lies in {folder}, which is emptied at the start; move it, or name another folder with --out",
        input = input.display(), folder = folder.display())]
    Inside {
        /// The video.
        input: PathBuf,
        /// The folder that it is in.
        folder: PathBuf,
    },
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where things go. Nobody else's as long as this lives.
#[derive(Debug)]
pub struct Folders {
    /// Playlist and media.
    pub hls: PathBuf,
    /// Proof files.
    pub proofs: PathBuf,
    /// The nodes' own folders.
    pub nodes: PathBuf,
    /// Source segments.
    pub work: PathBuf,
    _lock: File,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

impl Folders {
    /// Makes `out`, or takes what an earlier demo has made; removes nothing yet.
    pub fn open(out: &Path) -> Result<Self, FolderError> {
        let entries = match fs::read_dir(out) {
            Ok(entries) => entries.count(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
            Err(e) => return Err(io(out)(e)),
        };
        let mark = out.join(MARK);
        if entries > 0 && !mark.exists() {
            return Err(FolderError::Foreign(out.into()));
        }
        fs::create_dir_all(out).map_err(io(out))?;
        let mut options = File::options();
        let opened = options.create(true).append(true).open(&mark);
        let lock = opened.map_err(io(&mark))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::Busy(out.into())),
            Err(TryLockError::Error(e)) => return Err(io(&mark)(e)),
        }
        // Absolute, because proofs and playlists are named in the report.
        let out = out.canonicalize().map_err(io(out))?;
        Ok(Self {
            hls: out.join("hls"),
            proofs: out.join("proofs"),
            nodes: out.join("nodes"),
            work: out.join("work"),
            _lock: lock,
        })
    }

    fn all(&self) -> [&PathBuf; 4] {
        [&self.hls, &self.proofs, &self.nodes, &self.work]
    }

    /// Whether `input` will still be there when the folders are empty.
    pub(crate) fn spare(&self, input: &Path) -> Result<(), FolderError> {
        let resolved = input.canonicalize().map_err(io(input))?;
        match self.all().into_iter().find(|f| resolved.starts_with(f)) {
            None => Ok(()),
            Some(folder) => Err(FolderError::Inside {
                input: input.into(),
                folder: folder.clone(),
            }),
        }
    }

    /// Removes what an earlier demo has left.
    pub(crate) fn empty(&self) -> Result<(), FolderError> {
        for folder in self.all() {
            match fs::remove_dir_all(folder) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(folder)(e)),
                _ => fs::create_dir_all(folder).map_err(io(folder))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_folders_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let folders = Folders::open(&out).unwrap();
        folders.empty().unwrap();
        let old = folders.hls.join("old.mp4");
        fs::write(&old, "x").unwrap();
        drop(folders);
        let folders = Folders::open(&out).unwrap();
        assert!(old.exists());
        folders.empty().unwrap();
        assert!(!old.exists());
        let foreign = folder.path().join("mine");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("thesis.txt"), "x").unwrap();
        assert!(matches!(
            Folders::open(&foreign),
            Err(FolderError::Foreign(_))
        ));
        assert!(foreign.join("thesis.txt").exists());
    }

    #[test]
    fn two_do_not_share_a_folder_and_an_input_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let folders = Folders::open(&out).unwrap();
        folders.empty().unwrap();
        let error = Folders::open(&out).unwrap_err();
        assert!(matches!(error, FolderError::Busy(_)), "{error}");
        let clip = folders.work.join("clip.mkv");
        fs::write(&clip, "x").unwrap();
        let error = folders.spare(&clip).unwrap_err();
        assert!(matches!(error, FolderError::Inside { .. }), "{error}");
        let beside = out.join("clip.mkv");
        fs::rename(&clip, &beside).unwrap();
        folders.spare(&beside).unwrap();
    }
}
