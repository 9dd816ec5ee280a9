//! The media playlist of one track and its files: a window that slides, or everything, or both.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::playlist::{ARCHIVE, INIT, MEDIA, VERSION};
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

/// What the playlists say about one media segment.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// File; of a missing one, what it would have been called.
    pub name: String,
    pub seconds: f64,
    /// Bytes of the file; `None` for a missing one.
    pub bytes: Option<usize>,
    pub discontinuity: bool,
    pub date: Option<SystemTime>,
}

/// Bits a second that were measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    bits: f64,
    seconds: f64,
    peak: f64,
}

impl Rate {
    fn count(&mut self, bytes: usize, seconds: f64) {
        let bits = bytes as f64 * 8.0;
        self.bits += bits;
        self.seconds += seconds;
        // A last segment of a frame or two says nothing of the rate.
        if seconds >= 0.5 || self.peak == 0.0 {
            self.peak = self.peak.max(bits / seconds.max(0.001));
        }
    }

    pub fn peak(&self) -> u64 {
        self.peak.ceil() as u64
    }

    pub fn average(&self) -> u64 {
        (self.bits / self.seconds.max(0.001)).ceil() as u64
    }
}

/// A playlist that only grows: it is appended to, and written anew only if its longest segment grows.
struct Journal {
    path: PathBuf,
    target: u64,
    /// The init segment that it named last.
    map: String,
}

struct Window {
    path: PathBuf,
    length: Duration,
    /// Entries with the init segment of each.
    entries: VecDeque<(Entry, String)>,
    /// Names that left the window; a player that read an older playlist may still fetch them.
    leaving: VecDeque<String>,
    sequence: u64,
    discontinuities: u64,
    keep_files: bool,
}

pub(super) struct Shelf {
    dir: PathBuf,
    map: String,
    pub rate: Rate,
    target: u64,
    journal: Option<Journal>,
    window: Option<Window>,
    /// Whether an earlier run's playlist goes on.
    pub goes_on: bool,
}

impl Shelf {
    /// A folder for a track. `anew` forgets what is there; otherwise numbering goes on after it, and so does the playlist
    /// that has everything.
    pub fn open(dir: &Path, keep: Keep, first: u64, anew: bool) -> Result<Self, PackageError> {
        std::fs::create_dir_all(dir).map_err(|source| PackageError::Write {
            path: dir.to_owned(),
            source,
        })?;
        let here = |name| {
            let path = dir.join(name);
            let text = (!anew).then(|| std::fs::read_to_string(&path).ok());
            (path, text.flatten())
        };
        let journal = |name| -> Result<Journal, PackageError> {
            let (path, text) = here(name);
            match &text {
                Some(text) => write(&path, text.replace(END, "").as_bytes())?,
                None => drop(std::fs::remove_file(&path)),
            }
            Ok(Journal {
                target: text.as_deref().map_or(0, target),
                map: String::new(),
                path,
            })
        };
        let mut shelf = Self {
            dir: dir.to_owned(),
            map: INIT.to_owned(),
            rate: Rate::default(),
            target: 0,
            journal: None,
            window: None,
            goes_on: !anew && dir.join(MEDIA).exists(),
        };
        match keep {
            Keep::All => shelf.journal = Some(journal(MEDIA)?),
            Keep::Window { length, archive } => {
                let (path, text) = here(MEDIA);
                let before = text.as_deref().map(Numbers::read).unwrap_or_default();
                shelf.window = Some(Window {
                    path,
                    length,
                    entries: VecDeque::new(),
                    leaving: VecDeque::new(),
                    sequence: before.sequence.max(first),
                    discontinuities: before.discontinuities,
                    keep_files: archive,
                });
                if archive {
                    shelf.journal = Some(journal(ARCHIVE)?);
                }
            }
        }
        if let Some(journal) = &shelf.journal {
            shelf.target = journal.target;
        }
        Ok(shelf)
    }

    /// A new init segment, from the next entry on.
    pub fn init(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        self.map = name.to_owned();
        write(&self.dir.join(name), bytes)
    }

    /// Writes a media segment and counts it.
    pub fn file(&mut self, name: &str, bytes: &[u8], seconds: f64) -> Result<(), PackageError> {
        self.rate.count(bytes.len(), seconds);
        write(&self.dir.join(name), bytes)
    }

    /// Adds an entry to the playlists; [`Self::publish`] makes it visible in the window.
    pub fn push(&mut self, entry: Entry) -> Result<(), PackageError> {
        // RFC 8216, 4.3.3.1: rounded to the nearest second, no segment is longer.
        self.target = self.target.max(entry.seconds.round() as u64).max(1);
        if let Some(journal) = &mut self.journal {
            let mut text = String::new();
            if self.target > journal.target {
                let old = std::fs::read_to_string(&journal.path).unwrap_or_default();
                let body = old.split_once(BEGIN).map_or("", |(_, body)| body);
                let mut whole = head(self.target, None, true);
                whole.push_str(body);
                write(&journal.path, whole.as_bytes())?;
                journal.target = self.target;
            }
            lines(
                &mut text,
                &entry,
                (journal.map != self.map).then_some(&self.map),
            );
            journal.map.clone_from(&self.map);
            append(&journal.path, &text)?;
        }
        if let Some(window) = &mut self.window {
            window.entries.push_back((entry, self.map.clone()));
            for name in window.slide() {
                let _ = std::fs::remove_file(self.dir.join(name));
            }
        }
        Ok(())
    }

    /// Makes the window's playlist what it should be now; `ended` says that nothing more comes.
    pub fn publish(&self, ended: bool) -> Result<(), PackageError> {
        if let Some(window) = &self.window {
            let mut text = head(
                self.target.max(1),
                Some((window.sequence, window.discontinuities)),
                false,
            );
            let mut map = None;
            for (entry, own) in &window.entries {
                lines(&mut text, entry, (map != Some(own)).then_some(own));
                map = Some(own);
            }
            if ended {
                text.push_str(END);
            }
            write(&window.path, text.as_bytes())?;
        }
        match &self.journal {
            Some(journal) if ended && journal.target > 0 => append(&journal.path, END),
            _ => Ok(()),
        }
    }
}

impl Window {
    /// Drops what is older than the window; the names of files that nobody can want any more.
    fn slide(&mut self) -> Vec<String> {
        let mut total: f64 = self.entries.iter().map(|(entry, _)| entry.seconds).sum();
        while let Some((oldest, _)) = self.entries.front()
            && total - oldest.seconds >= self.length.as_secs_f64()
        {
            total -= oldest.seconds;
            self.sequence += 1;
            if let Some((oldest, _)) = self.entries.pop_front() {
                self.discontinuities += u64::from(oldest.discontinuity);
                if oldest.bytes.is_some() && !self.keep_files {
                    self.leaving.push_back(oldest.name);
                }
            }
        }
        // RFC 8216, 6.2.2: a file stays as long as the playlist that named it lasted.
        let stay = self.entries.len();
        let over = self.leaving.len().saturating_sub(stay);
        self.leaving.drain(..over).collect()
    }
}

/// How far an earlier run's playlist had counted.
#[derive(Default)]
struct Numbers {
    sequence: u64,
    discontinuities: u64,
}

impl Numbers {
    fn read(text: &str) -> Self {
        let after = |tag| number(text, tag).unwrap_or_default();
        let count = |tag| text.lines().filter(|line| line.starts_with(tag)).count() as u64;
        Self {
            sequence: after("#EXT-X-MEDIA-SEQUENCE:") + count("#EXTINF:"),
            discontinuities: after("#EXT-X-DISCONTINUITY-SEQUENCE:")
                + text
                    .lines()
                    .filter(|&line| line == "#EXT-X-DISCONTINUITY")
                    .count() as u64,
        }
    }
}

const END: &str = "#EXT-X-ENDLIST\n";
/// The last line of a head.
const BEGIN: &str = "#EXT-X-INDEPENDENT-SEGMENTS\n";
const TARGET: &str = "#EXT-X-TARGETDURATION:";

fn number(text: &str, tag: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(tag)?.parse().ok())
}

fn target(text: &str) -> u64 {
    number(text, TARGET).unwrap_or(0)
}

fn head(target: u64, numbers: Option<(u64, u64)>, event: bool) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n{TARGET}{target}\n");
    if let Some((sequence, discontinuities)) = numbers {
        let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{sequence}");
        if discontinuities > 0 {
            let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}");
        }
    }
    if event {
        text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
    }
    text.push_str(BEGIN);
    text
}

fn lines(text: &mut String, entry: &Entry, map: Option<&String>) {
    if entry.discontinuity {
        text.push_str("#EXT-X-DISCONTINUITY\n");
    }
    if let Some(map) = map {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{map}\"");
    }
    if entry.bytes.is_none() {
        text.push_str("#EXT-X-GAP\n");
    }
    if let Some(date) = entry.date {
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", iso(date));
    }
    let _ = writeln!(text, "#EXTINF:{:.6},\n{}", entry.seconds, entry.name);
}

fn append(path: &Path, text: &str) -> Result<(), PackageError> {
    let failed = |source| PackageError::Write {
        path: path.to_owned(),
        source,
    };
    // One write: a reader sees all of it or nothing.
    let mut file = std::fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// A time as ISO 8601 in UTC, to the millisecond. Days by Howard Hinnant's `civil_from_days`.
fn iso(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_iso() {
        let at = |millis| iso(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(at(1_796_083_199_999), "2026-11-30T23:59:59.999Z");
    }

    #[test]
    fn an_earlier_run_is_counted() {
        let text = "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXTINF:2,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb\n";
        let numbers = Numbers::read(text);
        assert_eq!((numbers.sequence, numbers.discontinuities), (9, 3));
    }
}
