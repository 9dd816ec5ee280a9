//! Chunks as CMAF segments with HLS playlists that a browser plays; audio beside them as it came.
//!
//! ```text
//! DIR/master.m3u8          multivariant playlist
//! DIR/0_360p/index.m3u8    media playlist of rendition 0
//! DIR/0_360p/init.mp4      init segment
//! DIR/0_360p/00000.m4s     one media segment for each source segment, by its place in the playlist
//! DIR/audio_0/…            the same for each audio track
//! DIR/archive.m3u8, …      playlists of everything, beside those of a window (see [`Keep`])
//! ```

mod error;
mod formats;
mod fragment;
mod journal;
mod language;
mod listing;
mod playlist;
mod shelf;
mod silence;
mod slots;
mod sound;
mod timing;
mod track;
mod tracks;
mod window;

use std::io::Write;
use std::path::{Path, PathBuf};

use assay_protocol::profile::{Profiles, Rendition};

pub use error::PackageError;
pub use shelf::Keep;
pub(crate) use sound::Extension;
pub use sound::{Sound, SoundCodec, SoundFormat};
pub use timing::Timing;

use listing::Entry;
use slots::{Content, Slot, Slots};
use timing::{Clock, Span};
use tracks::Tracks;

/// Segments that may wait for an earlier one.
const MAX_PENDING: usize = 256;
/// Audio tracks that are passed on; more are left out.
pub const MAX_SOUNDS: usize = 8;

/// A rendition's chunks of one segment, as low-overhead OBU streams.
pub type Chunks = Vec<Vec<u8>>;

/// Most bytes of all chunks of a segment together: more are refused, and need not be fetched.
pub fn most_bytes(profiles: &Profiles, frames: u32) -> u64 {
    let of = |rendition: &Rendition| {
        let pixels = u64::from(rendition.width) * u64::from(rendition.height);
        track::most_bytes(pixels, rendition.frames(frames))
    };
    let renditions = profiles.renditions.iter().map(of);
    renditions.fold(0, u64::saturating_add)
}

/// Writes segments in order, whatever order they come in.
///
/// Whoever knows when a segment is shown [announces](Self::announce) it first, with its audio; otherwise it follows the one
/// before at the nominal frame rate. All tracks have as many entries at any time: where a file cannot be written, each
/// gets a gap.
pub struct Packager {
    dir: PathBuf,
    profiles: Profiles,
    clock: Clock,
    tracks: Tracks,
    slots: Slots,
    /// Whether the time before the next segment is not accounted for.
    jump: bool,
    /// Whether there is an entry of this run.
    begun: bool,
    finished: bool,
}

impl Packager {
    /// Creates the folder and one sub-folder for each rendition; everything is kept.
    pub fn new(dir: &Path, profiles: &Profiles) -> Result<Self, PackageError> {
        Self::open(dir, profiles, 0, Keep::All)
    }

    /// The same for a stream that begins with segment `first`, which is not 0 when a publisher was started again. What
    /// was published into the folder before, of this stream or of another, stays as `keep` says: its playlists go on,
    /// after a discontinuity.
    pub fn open(
        dir: &Path,
        profiles: &Profiles,
        first: u32,
        keep: Keep,
    ) -> Result<Self, PackageError> {
        let clock = Clock::new(&profiles.source);
        let tracks = Tracks::open(dir, profiles, clock.timescale, first, keep)?;
        Ok(Self {
            dir: dir.to_owned(),
            profiles: profiles.clone(),
            clock,
            slots: Slots::new(first),
            jump: tracks.goes_on,
            tracks,
            begun: false,
            finished: false,
        })
    }

    /// Says when a segment is shown, and what is heard meanwhile; before it is added or skipped.
    ///
    /// # Errors
    /// What waited and cannot be written.
    pub fn announce(
        &mut self,
        seq: u32,
        timing: Timing,
        sounds: Vec<Option<Sound>>,
    ) -> Result<(), PackageError> {
        self.slots.announce(seq, timing, sounds);
        self.drain()
    }

    /// Time of the source for which there will be no segment: a gap, right after what was announced last.
    ///
    /// # Errors
    /// The playlists cannot be written.
    pub fn hole(&mut self, timing: Timing) -> Result<(), PackageError> {
        match self.slots.hole(timing) {
            Some(timing) => {
                self.write_gap(&timing);
                self.write_playlists()
            }
            None => Ok(()),
        }
    }

    /// A segment that nobody delivered: those after it need not wait, and the playlist gets a gap where its time is
    /// known and a discontinuity where it is not.
    ///
    /// # Errors
    /// When what waited for it cannot be written.
    pub fn skip(&mut self, seq: u32) -> Result<(), PackageError> {
        self.slots.skip(seq);
        self.drain()
    }

    /// Takes one source segment for good: one that cannot be shown is [skipped](Self::skip), and those after it need not
    /// wait. One that comes a second time, or after it was given up, changes nothing.
    ///
    /// # Errors
    /// Why it cannot be shown.
    pub fn deliver(
        &mut self,
        seq: u32,
        frames: u32,
        renditions: &[Chunks],
    ) -> Result<(), PackageError> {
        let added = self.add_segment(seq, frames, renditions);
        let added = added.or_else(PackageError::forgive_repeated);
        if added.is_err() {
            // What keeps the gap from being written has kept the segment from it too.
            let _ = self.skip(seq);
        }
        added
    }

    /// Takes one source segment: for each rendition its chunks, in order. Writes what is next in order.
    ///
    /// # Errors
    /// A segment whose chunks do not show exactly what is kept of `frames` source frames is refused whole and can be
    /// given again.
    pub fn add_segment(
        &mut self,
        seq: u32,
        frames: u32,
        renditions: &[Chunks],
    ) -> Result<(), PackageError> {
        let next = self.slots.next();
        if self.slots.is_over(seq) {
            return Err(PackageError::Repeated { seq, next });
        }
        let waiting = self.slots.waiting();
        if waiting >= MAX_PENDING && seq != next {
            return Err(PackageError::Pending { waiting, next });
        }
        let count = |what, found, expected| match found == expected {
            true => Ok(()),
            false => Err(PackageError::Count {
                seq,
                what,
                found,
                expected,
            }),
        };
        count("renditions", renditions.len(), self.tracks.videos.len())?;
        let mut media = Vec::new();
        for (rendition, ((track, _), chunks)) in
            self.tracks.videos.iter().zip(renditions).enumerate()
        {
            count(
                "chunks",
                chunks.len(),
                self.profiles.chunks(frames) as usize,
            )?;
            let mut whole = track::Media::default();
            for (chunk, bytes) in chunks.iter().enumerate() {
                let source = self.profiles.frames_of(chunk as u32, frames).len() as u32;
                let bad = |detail| PackageError::Chunk {
                    seq,
                    rendition,
                    chunk,
                    detail,
                };
                let appended = whole.append(bytes, source, track.step, track.pixels());
                appended.map_err(bad)?;
            }
            media.push(whole);
        }
        self.slots.fill(seq, frames, media);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), PackageError> {
        let (mut wrote, mut result) = (false, Ok(()));
        while let Some((_, slot)) = self.slots.pop() {
            wrote |= slot.is_shown();
            result = result.and(self.write_slot(slot));
        }
        if wrote {
            result = result.and(self.write_playlists());
        }
        result
    }

    fn write_slot(&mut self, slot: Slot) -> Result<(), PackageError> {
        let timing = slot.timing.as_ref();
        let mut result = Ok(());
        match (slot.content, timing) {
            (Content::Media { frames, media }, timing) => {
                result = self.write_segment(frames, &media, timing, &slot.sounds);
            }
            (_, Some(timing)) => self.write_gap(timing),
            (_, None) => self.jump = true,
        }
        slot.holes.iter().for_each(|hole| self.write_gap(hole));
        result
    }

    fn write_segment(
        &mut self,
        frames: u32,
        media: &[track::Media],
        timing: Option<&Timing>,
        sounds: &[Option<Sound>],
    ) -> Result<(), PackageError> {
        let span = self.clock.place(timing, Some(frames));
        self.jump |= self.tracks.change(media, sounds);
        let entry = self.entry(span, timing);
        let durations = self.clock.durations(span, timing, frames as usize);
        self.tracks.write(&entry, span, &durations, media, sounds)
    }

    fn write_gap(&mut self, timing: &Timing) {
        let span = self.clock.place(Some(timing), None);
        let entry = self.entry(span, Some(timing));
        self.tracks.gap(&entry);
    }

    /// The entry of what lasts for `span`, without a file; the shelves name it.
    fn entry(&mut self, span: Span, timing: Option<&Timing>) -> Entry {
        let begun = std::mem::replace(&mut self.begun, true);
        Entry {
            name: String::new(),
            seconds: self.clock.seconds(span.end - span.start),
            bytes: None,
            discontinuity: std::mem::take(&mut self.jump) || span.jump && begun,
            date: timing.and_then(|timing| timing.date),
        }
    }

    fn write_playlists(&mut self) -> Result<(), PackageError> {
        self.tracks.publish(&self.profiles.source, self.finished)
    }

    /// The multivariant playlist's path.
    pub fn playlist(&self) -> PathBuf {
        self.dir.join(playlist::MULTIVARIANT)
    }

    /// Whether a segment is neither here nor given up.
    pub fn awaits(&self, seq: u32) -> bool {
        !self.slots.is_over(seq)
    }

    /// Segments that wait for an earlier one.
    pub fn pending(&self) -> usize {
        self.slots.waiting()
    }

    /// Writes what still waits, past gaps, and ends the playlists.
    ///
    /// # Errors
    /// What cannot be written; all else is, and what is not can be tried again.
    pub fn finish(&mut self) -> Result<PathBuf, PackageError> {
        self.finished = true;
        self.flush().map(|()| self.playlist())
    }

    /// Writes what still waits, past gaps; the playlists go on with the next run.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn flush(&mut self) -> Result<(), PackageError> {
        let mut result = Ok(());
        while let Some((_, slot, missing)) = self.slots.pop_anyway() {
            self.jump |= missing;
            result = result.and(self.write_slot(slot));
        }
        let written = self.write_playlists();
        result.and(written)
    }
}

/// Replaces a file in one step, so that a player never reads half a playlist.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    let failed = |source| PackageError::Write {
        path: path.to_owned(),
        source,
    };
    let partial = path.with_extension("part");
    let mut file = std::fs::File::create(&partial).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(failed)
}
