//! Media playlists as text: their heads, their entries, and how far an earlier run had counted.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::playlist::VERSION;

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

/// A place in a playlist: entries before it, and discontinuities among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub entries: u64,
    pub discontinuities: u64,
}

impl Place {
    /// Where a playlist begins, by its head.
    pub fn of_head(text: &str) -> Self {
        Self {
            entries: number(text, SEQUENCE).unwrap_or_default(),
            discontinuities: number(text, DISCONTINUITIES).unwrap_or_default(),
        }
    }

    /// Where it ends.
    pub fn of_end(text: &str) -> Self {
        let mut place = Self::of_head(text);
        for line in text.lines() {
            place.entries += u64::from(line.starts_with("#EXTINF:"));
            place.discontinuities += u64::from(line == JUMP);
        }
        place
    }

    /// Past one more entry.
    pub fn pass(&mut self, entry: &Entry) {
        self.entries += 1;
        self.discontinuities += u64::from(entry.discontinuity);
    }

    /// Entries without files that lead from here to `to`, none if that is no further; as many of them jumps as it takes.
    pub fn lead_to(self, to: Self, seconds: f64) -> impl Iterator<Item = Entry> {
        let jumps = to.discontinuities.saturating_sub(self.discontinuities);
        (self.entries..to.entries).map(move |number| Entry {
            name: name(number),
            seconds,
            bytes: None,
            discontinuity: number - self.entries < jumps,
            date: None,
        })
    }
}

/// The file of an entry. Numbers only grow, whatever is published into a folder: what a name means never changes.
pub(super) fn name(number: u64) -> String {
    format!("{number:05}.m4s")
}

pub(super) const END: &str = "#EXT-X-ENDLIST\n";
/// The last line of a head.
pub(super) const BEGIN: &str = "#EXT-X-INDEPENDENT-SEGMENTS\n";
const TARGET: &str = "#EXT-X-TARGETDURATION:";
const SEQUENCE: &str = "#EXT-X-MEDIA-SEQUENCE:";
const DISCONTINUITIES: &str = "#EXT-X-DISCONTINUITY-SEQUENCE:";
const JUMP: &str = "#EXT-X-DISCONTINUITY";
const GAP: &str = "#EXT-X-GAP\n";

fn number(text: &str, tag: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(tag)?.parse().ok())
}

/// Seconds that no segment is longer than, by a playlist's head.
pub(super) fn target(text: &str) -> u64 {
    number(text, TARGET).unwrap_or(0)
}

/// The head of a playlist that begins at `first`; `event` says that it only grows.
pub(super) fn head(target: u64, first: Place, event: bool) -> String {
    let target = target.max(1);
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n{TARGET}{target}\n");
    if first.entries > 0 || !event {
        let _ = writeln!(text, "{SEQUENCE}{}", first.entries);
    }
    if first.discontinuities > 0 {
        let _ = writeln!(text, "{DISCONTINUITIES}{}", first.discontinuities);
    }
    if event {
        text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
    }
    text.push_str(BEGIN);
    text
}

/// Adds the lines of an entry; `map` is its init segment if that is not the one before.
pub(super) fn lines(text: &mut String, entry: &Entry, map: Option<&String>) {
    if entry.discontinuity {
        let _ = writeln!(text, "{JUMP}");
    }
    if let Some(map) = map {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{map}\"");
    }
    if entry.bytes.is_none() {
        text.push_str(GAP);
    }
    if let Some(date) = entry.date {
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", iso(date));
    }
    let _ = writeln!(text, "#EXTINF:{:.6},\n{}", entry.seconds, entry.name);
}

/// A playlist to its last file, where it has one: who waits for the gaps behind it never comes to the end.
pub(super) fn without_last_gaps(text: &str) -> &str {
    let (mut at, mut end, mut is_gap) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        at += line.len();
        is_gap |= line == GAP;
        // An entry ends with its file's name.
        if !line.starts_with('#') {
            end = if is_gap { end } else { at };
            is_gap = false;
        }
    }
    if end == 0 { text } else { &text[..end] }
}

/// Bytes of the files in a playlist's folder.
pub(super) fn sizes_beside(playlist: &Path) -> impl Fn(&str) -> Option<usize> {
    |name| {
        let meta = std::fs::metadata(playlist.with_file_name(name)).ok()?;
        Some(meta.len() as usize)
    }
}

/// The entries of a playlist of ours, each with its init segment. `size` is that of a file; one that has gone is a gap.
pub(super) fn read(text: &str, size: impl Fn(&str) -> Option<usize>) -> Vec<(Entry, String)> {
    let Ok(playlist) = m3u8_rs::parse_media_playlist_res(text.as_bytes()) else {
        return Vec::new();
    };
    let mut map = String::new();
    let with_map = |segment: m3u8_rs::MediaSegment| {
        if let Some(own) = segment.map {
            map = own.uri;
        }
        let gap = segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP");
        let entry = Entry {
            bytes: size(&segment.uri).filter(|_| !gap),
            name: segment.uri,
            seconds: segment.duration.into(),
            discontinuity: segment.discontinuity,
            date: segment.program_date_time.map(Into::into),
        };
        (entry, map.clone())
    };
    playlist.segments.into_iter().map(with_map).collect()
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
    use std::time::Duration;

    #[test]
    fn times_are_iso() {
        let at = |millis| iso(UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(at(1_796_083_199_999), "2026-11-30T23:59:59.999Z");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let first = Place {
            entries: 7,
            discontinuities: 2,
        };
        let mut text = head(2, first, false);
        let whole = Entry {
            name: name(7),
            seconds: 2.002,
            bytes: Some(3),
            discontinuity: false,
            date: Some(UNIX_EPOCH + Duration::from_millis(951_782_400_123)),
        };
        let missing = Entry {
            name: name(8),
            bytes: None,
            discontinuity: true,
            ..whole.clone()
        };
        let map = "init.mp4".to_owned();
        lines(&mut text, &whole, Some(&map));
        lines(&mut text, &missing, None);
        let end = Place {
            entries: 9,
            discontinuities: 3,
        };
        assert_eq!(
            (target(&text), Place::of_head(&text), Place::of_end(&text)),
            (2, first, end)
        );
        let (mut again, mut last) = (head(2, first, false), None);
        for (entry, map) in read(&text, |_| Some(3)) {
            lines(
                &mut again,
                &entry,
                (last.as_ref() != Some(&map)).then_some(&map),
            );
            last = Some(map);
        }
        assert_eq!(again, text);
    }

    #[test]
    fn what_has_ended_ends_with_a_file() {
        let entry = |number, bytes| Entry {
            name: name(number),
            seconds: 2.0,
            bytes,
            discontinuity: bytes.is_none(),
            date: None,
        };
        let with = |files: &[Option<usize>]| {
            let mut text = head(2, Place::default(), true);
            for (number, bytes) in files.iter().enumerate() {
                lines(&mut text, &entry(number as u64, *bytes), None);
            }
            text
        };
        let whole = with(&[Some(1), None, Some(1)]);
        assert_eq!(without_last_gaps(&whole), whole);
        let ragged = with(&[Some(1), None, Some(1), None, None]);
        assert_eq!(without_last_gaps(&ragged), whole);
        let nothing = with(&[None, None]);
        assert_eq!(without_last_gaps(&nothing), nothing);
    }

    #[test]
    fn what_is_behind_is_led_up() {
        let place = |entries, discontinuities| Place {
            entries,
            discontinuities,
        };
        let mut at = place(3, 1);
        let led: Vec<_> = at.lead_to(place(6, 2), 2.0).collect();
        led.iter().for_each(|entry| at.pass(entry));
        assert_eq!((led.len(), at), (3, place(6, 2)));
        assert_eq!(place(6, 2).lead_to(place(3, 1), 2.0).count(), 0);
    }
}
