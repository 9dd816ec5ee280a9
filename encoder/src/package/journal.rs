//! A playlist that has everything and only grows.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::listing::{
    BEGIN, END, Entry, Place, head, lines, read, sizes_beside, target, without_last_gaps,
};
use super::{PackageError, write};

/// A playlist that only grows: it is appended to, and written anew only if its longest segment grows, and at its end.
///
/// What could not be written is written the next time: after a full disk it has as many entries as the other tracks'.
pub(super) struct Journal {
    path: PathBuf,
    /// What the file says; 0 before there is one.
    target: u64,
    first: Place,
    /// The init segment that it named last.
    map: String,
    /// Lines that are not in the file yet.
    owed: String,
    ended: bool,
    /// After its last entry.
    pub end: Place,
}

impl Journal {
    /// Goes on with what is there, as if it had not ended; otherwise it begins at `first`.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: PathBuf, first: Place) -> Result<Self, PackageError> {
        let text = before(&path)?;
        let mut journal = Self {
            path,
            target: 0,
            first,
            map: String::new(),
            owed: String::new(),
            ended: false,
            end: first,
        };
        if let Some(text) = text {
            if text.contains(END) {
                write(&journal.path, text.replace(END, "").as_bytes())?;
            }
            journal.target = target(&text).max(1);
            journal.first = Place::of_head(&text);
            journal.end = Place::of_end(&text);
        }
        Ok(journal)
    }

    /// Of its first entry.
    pub fn first(&self) -> Place {
        self.first
    }

    /// Its entries.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, PackageError> {
        let written = before(&self.path)?;
        let text = written.unwrap_or_else(|| head(1, self.first, true)) + &self.owed;
        let entries = read(&text, sizes_beside(&self.path)).into_iter();
        Ok(entries.map(|(entry, _)| entry).collect())
    }

    /// Whether it has or will have entries.
    pub fn is_empty(&self) -> bool {
        self.end == self.first
    }

    /// Seconds that none of its segments was longer than.
    pub fn target(&self) -> u64 {
        self.target
    }

    /// Begins elsewhere; only before its first entry.
    pub fn begin_at(&mut self, first: Place) {
        if self.is_empty() {
            (self.first, self.end) = (first, first);
        }
    }

    /// Adds an entry; [`Self::publish`] writes it.
    pub fn push(&mut self, entry: &Entry, map: &String) {
        let new = (self.map != *map).then_some(map);
        lines(&mut self.owed, entry, new);
        self.map.clone_from(map);
        self.end.pass(entry);
    }

    /// Writes what is owed, and the end if nothing more comes.
    ///
    /// # Errors
    /// The disk; the same is tried again the next time.
    pub fn publish(&mut self, target: u64, ended: bool) -> Result<(), PackageError> {
        if self.is_empty() {
            return Ok(());
        }
        // Below half a second it rounds to nothing, which no head says.
        let target = target.max(1);
        if target > self.target {
            let old = before(&self.path)?.unwrap_or_default();
            let body = old.split_once(BEGIN).map_or("", |(_, body)| body);
            let whole = head(target, self.first, true) + body + &self.owed;
            write(&self.path, whole.as_bytes())?;
            self.target = target;
        } else {
            append(&self.path, &self.owed)?;
        }
        self.owed.clear();
        if ended && !self.ended {
            let whole = before(&self.path)?.unwrap_or_default();
            write(
                &self.path,
                [without_last_gaps(&whole), END].concat().as_bytes(),
            )?;
            self.ended = true;
        }
        Ok(())
    }
}

/// A playlist of before, if there is one.
pub(super) fn before(path: &Path) -> Result<Option<String>, PackageError> {
    match std::fs::read_to_string(path) {
        // One without its head was never whole.
        Ok(text) => Ok(text.contains(BEGIN).then_some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PackageError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Adds all of a text, or nothing.
fn append(path: &Path, text: &str) -> Result<(), PackageError> {
    let failed = |source| PackageError::Write {
        path: path.to_owned(),
        source,
    };
    if text.is_empty() {
        return Ok(());
    }
    let mut options = std::fs::File::options();
    let mut file = options.append(true).open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    // One write: a reader sees all of it or nothing.
    file.write_all(text.as_bytes()).map_err(|e| {
        let _ = file.set_len(len);
        failed(e)
    })
}
