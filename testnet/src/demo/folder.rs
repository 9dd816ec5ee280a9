//! The demonstration's folder: made by it, and emptied only if made by it.

use std::fs;
use std::path::{Path, PathBuf};

/// Says that a folder is the demo's own.
const MARK: &str = ".assay-demo";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Somebody else's files.
    #[error("{} is not empty and was not made by `assay demo`; name another folder with --out", .0.display())]
    Foreign(PathBuf),
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Where things go.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Playlist and media.
    pub hls: PathBuf,
    /// Proof files.
    pub proofs: PathBuf,
    /// The nodes' own folders.
    pub nodes: PathBuf,
    /// Source segments.
    pub work: PathBuf,
}

impl Folders {
    /// Makes `out`, or empties what an earlier demo left in it.
    pub fn prepare(out: &Path) -> Result<Self, FolderError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Io { path, source }
        };
        let entries = match fs::read_dir(out) {
            Ok(entries) => entries.count(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => 0,
            Err(source) => {
                return Err(FolderError::Io {
                    path: out.into(),
                    source,
                });
            }
        };
        let mark = out.join(MARK);
        if entries > 0 && !mark.exists() {
            return Err(FolderError::Foreign(out.into()));
        }
        fs::create_dir_all(out).map_err(io(out))?;
        fs::write(&mark, "").map_err(io(&mark))?;
        // Absolute, because proofs and playlists are named in the report.
        let out = out.canonicalize().map_err(io(out))?;
        let folders = Self {
            hls: out.join("hls"),
            proofs: out.join("proofs"),
            nodes: out.join("nodes"),
            work: out.join("work"),
        };
        for folder in [&folders.hls, &folders.proofs, &folders.nodes, &folders.work] {
            match fs::remove_dir_all(folder) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(folder)(e)),
                _ => fs::create_dir_all(folder).map_err(io(folder))?,
            }
        }
        Ok(folders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_folders_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let folders = Folders::prepare(&out).unwrap();
        fs::write(folders.hls.join("old.mp4"), "x").unwrap();
        let folders = Folders::prepare(&out).unwrap();
        assert!(!folders.hls.join("old.mp4").exists());
        let foreign = folder.path().join("mine");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("thesis.txt"), "x").unwrap();
        assert!(matches!(
            Folders::prepare(&foreign),
            Err(FolderError::Foreign(_))
        ));
        assert!(foreign.join("thesis.txt").exists());
    }
}
