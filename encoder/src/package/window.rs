//! A playlist that has the last part of a stream.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::before;
use super::listing::{
    END, Entry, Place, head, lines, read, sizes_beside, target, without_last_gaps,
};
use super::playlist::ARCHIVE;
use super::{PackageError, write};

pub(super) struct Window {
    path: PathBuf,
    length: Duration,
    /// Entries with the init segment of each.
    entries: VecDeque<(Entry, String)>,
    /// Names that left the window; a player that read an older playlist may still fetch them.
    leaving: VecDeque<String>,
    /// Of its first entry.
    first: Place,
    /// Seconds that no segment was longer than, by the playlist of before.
    pub target: u64,
    keep_files: bool,
    /// Whether an earlier run has left an archive here: its files stay.
    archive: bool,
    /// So many of the first entries are in it.
    archived: usize,
}

impl Window {
    /// Goes on with what is there; otherwise it begins at `first`. `keep_files` leaves what slides out of it on disk.
    ///
    /// # Errors
    /// A playlist that cannot be read.
    pub fn open(
        path: PathBuf,
        length: Duration,
        first: Place,
        keep_files: bool,
    ) -> Result<Self, PackageError> {
        let mut window = Self {
            first,
            length,
            entries: VecDeque::new(),
            leaving: VecDeque::new(),
            target: 0,
            keep_files,
            archive: path.with_file_name(ARCHIVE).exists(),
            archived: 0,
            path,
        };
        if let Some(text) = before(&window.path)? {
            window.first = Place::of_head(&text);
            window.target = target(&text);
            window.entries = read(&text, sizes_beside(&window.path)).into();
        }
        if window.archive {
            window.archived = window.entries.len();
        }
        Ok(window)
    }

    /// Of its first entry.
    pub fn first(&self) -> Place {
        self.first
    }

    /// After its last entry.
    pub fn end(&self) -> Place {
        let mut end = self.first;
        self.entries.iter().for_each(|(entry, _)| end.pass(entry));
        end
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its entries.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(entry, _)| entry)
    }

    /// The init segment of its last entry.
    pub fn map(&self) -> Option<&String> {
        self.entries.back().map(|(_, map)| map)
    }

    /// Whether a segment of it needs the init segment of that name.
    pub fn names(&self, map: &str) -> bool {
        let media = self
            .entries
            .iter()
            .filter(|(entry, _)| entry.bytes.is_some());
        media.into_iter().any(|(_, own)| own == map)
    }

    /// Forgets what it has, and begins elsewhere.
    pub fn begin_at(&mut self, first: Place) {
        self.entries.clear();
        (self.first, self.archived) = (first, 0);
    }

    /// Adds an entry and drops what is older than the window; the names of files that nobody can want any more.
    pub fn push(&mut self, entry: Entry, map: &str) -> Vec<String> {
        self.entries.push_back((entry, map.to_owned()));
        let mut total: f64 = self.entries().map(|entry| entry.seconds).sum();
        while let Some((oldest, _)) = self.entries.front()
            && total - oldest.seconds >= self.length.as_secs_f64()
        {
            total -= oldest.seconds;
            if let Some((oldest, _)) = self.entries.pop_front() {
                self.first.pass(&oldest);
                let stays = self.keep_files || self.archived > 0;
                self.archived = self.archived.saturating_sub(1);
                if oldest.bytes.is_some() && !stays {
                    self.leaving.push_back(oldest.name);
                }
            }
        }
        // RFC 8216, 6.2.2: a file stays as long as the playlist that named it lasted.
        let over = self.leaving.len().saturating_sub(self.entries.len());
        self.leaving.drain(..over).collect()
    }

    /// Removes the media segments that an earlier run has left and nobody can find any more.
    pub fn sweep(&self) {
        if self.keep_files || self.archive {
            return;
        }
        let named: BTreeSet<&str> = self.entries().map(|entry| entry.name.as_str()).collect();
        let folder = self.path.parent().unwrap_or(Path::new(""));
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let name = name.to_str().unwrap_or_default();
            if name.ends_with(".m4s") && !named.contains(name) {
                let _ = std::fs::remove_file(file.path());
            }
        }
    }

    /// Makes the playlist what it should be now; `ended` says that nothing more comes.
    ///
    /// # Errors
    /// The disk.
    pub fn publish(&self, target: u64, ended: bool) -> Result<(), PackageError> {
        let mut text = head(target, self.first, false);
        let mut map = None;
        for (entry, own) in &self.entries {
            lines(&mut text, entry, (map != Some(own)).then_some(own));
            map = Some(own);
        }
        if ended {
            text.truncate(without_last_gaps(&text).len());
            text.push_str(END);
        }
        write(&self.path, text.as_bytes())
    }
}
