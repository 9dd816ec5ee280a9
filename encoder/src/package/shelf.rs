//! One track's folder: its files, and a playlist of a window that slides, or of everything, or both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::formats::Formats;
use super::journal::Journal;
use super::listing::{Entry, Place, name};
use super::playlist::{ARCHIVE, INIT, MEDIA};
use super::window::Window;
use super::{PackageError, write};

/// What of a stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Everything, in one playlist that grows.
    All,
    /// The playlist has the last part; older segments are removed, or go on in a second playlist that has everything.
    Window {
        /// At least this long.
        length: Duration,
        /// Whether there is a second one, `archive.m3u8`.
        archive: bool,
    },
}

/// Seconds below which a segment alone says nothing of the rate.
const SHORT: f64 = 0.5;

/// Bits a second that were measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    bits: f64,
    seconds: f64,
    peak: f64,
    /// Bits and seconds of the last segment, with those before it that were short.
    last: (f64, f64),
}

impl Rate {
    fn count(&mut self, bytes: usize, seconds: f64) {
        let bits = bytes as f64 * 8.0;
        self.bits += bits;
        self.seconds += seconds;
        // RFC 8216, section 4.1: a peak lasts half a target duration. So a segment of a frame or two counts with the ones
        // before it.
        self.last = match seconds >= SHORT {
            true => (bits, seconds),
            false => (self.last.0 + bits, self.last.1 + seconds),
        };
        if self.last.1 >= SHORT || self.peak == 0.0 {
            self.peak = self.peak.max(self.last.0 / self.last.1.max(0.001));
        }
    }

    pub fn peak(&self) -> u64 {
        self.peak.ceil() as u64
    }

    pub fn average(&self) -> u64 {
        (self.bits / self.seconds.max(0.001)).ceil() as u64
    }
}

/// After the last entries of a window and of a playlist that has everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    window: Place,
    journal: Place,
}

impl Ends {
    /// Both at one place.
    pub fn at(place: Place) -> Self {
        Self {
            window: place,
            journal: place,
        }
    }

    /// Whichever is further, of each.
    pub fn max(self, other: Self) -> Self {
        Self {
            window: self.window.max(other.window),
            journal: self.journal.max(other.journal),
        }
    }
}

pub(super) struct Shelf {
    dir: PathBuf,
    /// The init segment of the next entry.
    map: String,
    /// Its bytes, until they are written.
    init: Option<Vec<u8>>,
    pub rate: Rate,
    formats: Formats,
    journal: Option<Journal>,
    window: Option<Window>,
}

impl Shelf {
    /// A folder for a track. What an earlier run has left goes on; otherwise it begins at `first`.
    ///
    /// # Errors
    /// A folder or a playlist that cannot be read or written.
    pub fn open(dir: &Path, keep: Keep, first: Ends) -> Result<Self, PackageError> {
        std::fs::create_dir_all(dir).map_err(|source| PackageError::Write {
            path: dir.to_owned(),
            source,
        })?;
        let journal = |name| Journal::open(dir.join(name), first.journal);
        let (window, journal) = match keep {
            Keep::All => (None, Some(journal(MEDIA)?)),
            Keep::Window { length, archive } => {
                let window = Window::open(dir.join(MEDIA), length, first.window, archive)?;
                let journal = archive.then(|| journal(ARCHIVE)).transpose()?;
                (Some(window), journal)
            }
        };
        let mut rate = Rate::default();
        // Whichever has more of what was there.
        let journaled = journal.as_ref().map(Journal::entries).transpose()?;
        let windowed = window.iter().filter(|_| journaled.is_none());
        let entries = windowed.flat_map(Window::entries);
        for entry in entries.chain(journaled.iter().flatten()) {
            if let Some(bytes) = entry.bytes {
                rate.count(bytes, entry.seconds);
            }
        }
        let map = window.as_ref().and_then(Window::map);
        Ok(Self {
            dir: dir.to_owned(),
            map: map.cloned().unwrap_or_else(|| INIT.to_owned()),
            init: None,
            rate,
            formats: Formats::in_folder(dir),
            journal,
            window,
        })
    }

    /// A folder for a new track, which has a gap for each entry of another one.
    ///
    /// # Errors
    /// A folder or a playlist that cannot be read or written.
    pub fn beside(other: &Self, dir: &Path, keep: Keep) -> Result<Self, PackageError> {
        let first = Ends {
            window: other.window.as_ref().map(Window::first).unwrap_or_default(),
            journal: other
                .journal
                .as_ref()
                .map(Journal::first)
                .unwrap_or_default(),
        };
        let mut shelf = Self::open(dir, keep, first)?;
        let gap = |entry: &Entry| Entry {
            bytes: None,
            ..entry.clone()
        };
        if let (Some(journal), Some(other)) = (&mut shelf.journal, &other.journal) {
            for entry in &other.entries()? {
                journal.push(&gap(entry), &shelf.map);
            }
        }
        if let (Some(window), Some(other)) = (&mut shelf.window, &other.window) {
            for entry in other.entries() {
                window.push(gap(entry), &shelf.map);
            }
            window.sweep();
        }
        Ok(shelf)
    }

    /// Whether there is a track's playlist in a folder.
    pub fn is_there(dir: &Path) -> bool {
        dir.join(MEDIA).exists()
    }

    /// Whether an earlier run's playlists go on.
    pub fn goes_on(&self) -> bool {
        let window = self.window.as_ref().is_some_and(|w| !w.is_empty());
        window || self.journal.as_ref().is_some_and(|j| !j.is_empty())
    }

    /// Where the next entry stands.
    pub fn ends(&self) -> Ends {
        Ends {
            window: self.window.as_ref().map(Window::end).unwrap_or_default(),
            journal: self.journal.as_ref().map(|j| j.end).unwrap_or_default(),
        }
    }

    /// Whether the playlist of that name has anything but gaps.
    pub fn is_heard(&self, playlist: &str) -> bool {
        let window = self.window.as_ref().filter(|_| playlist == MEDIA);
        window.map_or(self.rate.bits > 0.0, |window| {
            window.entries().any(|entry| entry.bytes.is_some())
        })
    }

    /// Seconds that none of its segments was longer than.
    pub fn target(&self) -> u64 {
        let window = self.window.as_ref().map_or(0, |window| window.target);
        let journal = self.journal.as_ref().map_or(0, Journal::target);
        window.max(journal)
    }

    /// Brings it to where all tracks of a stream stand: an earlier run was stopped between two of them, or had no such
    /// track. Then removes what no playlist names.
    pub fn level(&mut self, to: Ends, seconds: f64) {
        if let Some(journal) = &mut self.journal {
            journal.begin_at(to.journal);
            for entry in journal.end.lead_to(to.journal, seconds) {
                journal.push(&entry, &self.map);
            }
        }
        if let Some(window) = &mut self.window {
            let end = window.end();
            let behind = to.window.entries.saturating_sub(end.entries);
            if window.is_empty() || behind > window.entries().count() as u64 {
                window.begin_at(to.window);
            } else {
                for entry in end.lead_to(to.window, seconds) {
                    window.push(entry, &self.map);
                }
            }
            window.sweep();
        }
    }

    /// A new init segment, from the next entry on. One that is there already is used again; none is ever overwritten by
    /// another one, because earlier entries need it.
    pub fn init(&mut self, bytes: Vec<u8>) {
        let mut number = 0;
        self.map = loop {
            let name = match number {
                0 => INIT.to_owned(),
                more => format!("init-{more}.mp4"),
            };
            match std::fs::read(self.dir.join(&name)) {
                Ok(there) if there != bytes => number += 1,
                _ => break name,
            }
        };
        self.formats.add(&self.map, &bytes);
        self.init = Some(bytes);
    }

    /// Formats of what is in the playlist of that name, as `CODECS` has them.
    pub fn formats(&self, playlist: &str) -> Vec<&str> {
        match self.window.as_ref().filter(|_| playlist == MEDIA) {
            Some(window) => self.formats.of(|name| window.names(name)),
            None => self.formats.of(|_| true),
        }
    }

    /// What the next entry's file is called.
    fn next(&self) -> String {
        let ends = self.ends();
        let place = self.window.as_ref().map_or(ends.journal, |_| ends.window);
        name(place.entries)
    }

    /// Writes the next entry's file, its init segment first if that is new.
    ///
    /// # Errors
    /// The disk; the init segment is tried again with the next file.
    pub fn file(&mut self, bytes: &[u8]) -> Result<(), PackageError> {
        if let Some(init) = &self.init {
            write(&self.dir.join(&self.map), init)?;
            self.init = None;
        }
        write(&self.dir.join(self.next()), bytes)
    }

    /// Removes the next entry's file: another track's could not be written.
    pub fn discard(&self) {
        let _ = std::fs::remove_file(self.dir.join(self.next()));
    }

    /// Adds an entry to the playlists; [`Self::publish`] makes it visible.
    pub fn push(&mut self, entry: &Entry) {
        let entry = Entry {
            name: self.next(),
            ..entry.clone()
        };
        if let Some(bytes) = entry.bytes {
            self.rate.count(bytes, entry.seconds);
        }
        if let Some(journal) = &mut self.journal {
            journal.push(&entry, &self.map);
        }
        if let Some(window) = &mut self.window {
            for name in window.push(entry, &self.map) {
                let _ = std::fs::remove_file(self.dir.join(name));
            }
        }
    }

    /// Makes the playlists what they should be now; `ended` says that nothing more comes.
    ///
    /// # Errors
    /// The disk. Nothing is lost: the next time tries again.
    pub fn publish(&mut self, target: u64, ended: bool) -> Result<(), PackageError> {
        let window = match &self.window {
            Some(window) => window.publish(target, ended),
            None => Ok(()),
        };
        let journal = match &mut self.journal {
            Some(journal) => journal.publish(target, ended),
            None => Ok(()),
        };
        window.and(journal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_segment_counts_with_the_ones_before_it() {
        let mut rate = Rate::default();
        rate.count(1_000, 2.0);
        assert_eq!((rate.peak(), rate.average()), (4_000, 4_000));
        // Alone it would be 80 kbit/s; a black film's noisy end is no less than the average.
        rate.count(4_000, 0.4);
        assert_eq!((rate.peak(), rate.average()), (16_667, 16_667));
        rate.count(4_000, 0.4);
        assert_eq!(rate.peak(), 25_715);
    }
}
