//! Chunks as CMAF segments with HLS playlists that a browser plays; audio beside them as it came.
//!
//! ```text
//! DIR/master.m3u8          multivariant playlist
//! DIR/0_360p/index.m3u8    media playlist of rendition 0
//! DIR/0_360p/init.mp4      init segment
//! DIR/0_360p/00000.m4s     one media segment for each source segment
//! DIR/audio_0/…            the same for each audio track
//! DIR/archive.m3u8, …      playlists of everything, beside those of a window (see [`Keep`])
//! ```

mod error;
mod fragment;
mod playlist;
mod shelf;
mod slots;
mod sound;
mod timing;
mod track;

use std::io::Write;
use std::path::{Path, PathBuf};

use assay_protocol::profile::Profiles;

pub use error::PackageError;
pub use shelf::Keep;
pub use sound::{Sound, SoundCodec, SoundFormat};
pub use timing::Timing;

use shelf::{Entry, Shelf};
use slots::{Content, Slot, Slots};
use sound::SoundTrack;
use timing::{Clock, Span};
use track::Track;

/// Segments that may wait for an earlier one.
const MAX_PENDING: usize = 256;
/// Audio tracks that are passed on; more are left out.
pub const MAX_SOUNDS: usize = 8;

/// A rendition's chunks of one segment, as low-overhead OBU streams.
pub type Chunks = Vec<Vec<u8>>;

/// Writes segments in order, whatever order they come in.
///
/// Whoever knows when a segment is shown [announces](Self::announce) it first, with its audio; otherwise it follows the one
/// before at the nominal frame rate.
pub struct Packager {
    dir: PathBuf,
    profiles: Profiles,
    keep: Keep,
    clock: Clock,
    tracks: Vec<(Track, Shelf)>,
    sounds: Vec<(SoundTrack, Shelf)>,
    slots: Slots,
    first: u32,
    /// Whether the time before the next segment is not accounted for.
    jump: bool,
    /// Media segments written; numbers the fragments.
    written: u32,
    /// Entries of the playlists, gaps included.
    entries: u64,
    holes: u32,
    finished: bool,
}

impl Packager {
    /// Creates the folder and one sub-folder for each rendition; everything is kept.
    pub fn new(dir: &Path, profiles: &Profiles) -> Result<Self, PackageError> {
        Self::open(dir, profiles, 0, Keep::All)
    }

    /// The same for a stream that begins with segment `first`, which is not 0 when a publisher was started again: its
    /// playlists go on then.
    pub fn open(
        dir: &Path,
        profiles: &Profiles,
        first: u32,
        keep: Keep,
    ) -> Result<Self, PackageError> {
        let clock = Clock::new(&profiles.source);
        let mut tracks = Vec::new();
        for (index, rendition) in profiles.renditions.iter().enumerate() {
            let track = Track::new(index, rendition, clock.timescale);
            let shelf = Shelf::open(&dir.join(track.name()), keep, first.into(), first == 0)?;
            tracks.push((track, shelf));
        }
        let goes_on = tracks.iter().any(|(_, shelf)| shelf.goes_on);
        Ok(Self {
            dir: dir.to_owned(),
            profiles: profiles.clone(),
            keep,
            clock,
            tracks,
            sounds: Vec::new(),
            slots: Slots::new(first),
            first,
            jump: goes_on,
            written: 0,
            entries: 0,
            holes: 0,
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
        if let Some(timing) = self.slots.hole(timing) {
            self.write_hole(&timing)?;
            self.write_playlists()?;
        }
        Ok(())
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
        count("renditions", renditions.len(), self.tracks.len())?;
        let mut media = Vec::new();
        for (rendition, ((track, _), chunks)) in self.tracks.iter().zip(renditions).enumerate() {
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
                whole.append(bytes, source, track.step).map_err(bad)?;
            }
            let header = track.header().unwrap_or(&whole.header);
            if *header != whole.header {
                let detail = "its sequence header differs from the track's".to_owned();
                return Err(PackageError::Chunk {
                    seq,
                    rendition,
                    chunk: 0,
                    detail,
                });
            }
            media.push(whole);
        }
        self.slots.fill(seq, frames, media);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), PackageError> {
        let mut wrote = false;
        while let Some((seq, slot)) = self.slots.pop() {
            wrote |= self.write_slot(seq, slot)?;
        }
        match wrote {
            true => self.write_playlists(),
            false => Ok(()),
        }
    }

    /// Writes what a slot holds; whether the playlists changed.
    fn write_slot(&mut self, seq: u32, slot: Slot) -> Result<bool, PackageError> {
        let timing = slot.timing.as_ref();
        let mut wrote = !slot.holes.is_empty();
        match (slot.content, timing) {
            (Content::Media { frames, media }, timing) => {
                self.write_segment(seq, frames, &media, timing, &slot.sounds)?;
                wrote = true;
            }
            (_, Some(timing)) => {
                self.write_gap(&format!("{seq:05}.m4s"), timing)?;
                wrote = true;
            }
            (_, None) => self.jump = true,
        }
        for hole in &slot.holes {
            self.write_hole(hole)?;
        }
        Ok(wrote)
    }

    fn write_segment(
        &mut self,
        seq: u32,
        frames: u32,
        media: &[track::Media],
        timing: Option<&Timing>,
        sounds: &[Option<Sound>],
    ) -> Result<(), PackageError> {
        let span = self.clock.place(timing, Some(frames));
        let entry = self.entry(&format!("{seq:05}.m4s"), span, timing);
        let durations = self.clock.durations(span, timing, frames as usize);
        self.written += 1;
        for ((track, shelf), media) in self.tracks.iter_mut().zip(media) {
            if let Some(init) = track.begin(media)? {
                shelf.init(playlist::INIT, &init)?;
            }
            let bytes = track.mux(self.written, span.start, &durations, media)?;
            shelf.file(&entry.name, &bytes, entry.seconds)?;
            shelf.push(Entry {
                bytes: Some(bytes.len()),
                ..entry.clone()
            })?;
        }
        for (index, sound) in sounds.iter().enumerate().take(MAX_SOUNDS) {
            if let (Some(sound), true) = (sound, self.sounds.len() == index) {
                let track = SoundTrack::new(index, &sound.format);
                let folder = self.dir.join(track.name());
                // A track that comes later than the others is numbered as they are.
                let number = u64::from(self.first) + self.entries - 1;
                let shelf = Shelf::open(&folder, self.keep, number, self.first == 0)?;
                self.sounds.push((track, shelf));
            }
        }
        for (index, (track, shelf)) in self.sounds.iter_mut().enumerate() {
            let Some(sound) = sounds.get(index).and_then(Option::as_ref) else {
                shelf.push(Entry {
                    bytes: None,
                    ..entry.clone()
                })?;
                continue;
            };
            if let Some((name, init)) = track.begin(sound)? {
                shelf.init(&name, &init)?;
            }
            let bytes = track.mux(self.written, sound)?;
            let seconds = sound.samples() as f64 / f64::from(sound.format.rate.max(1));
            shelf.file(&entry.name, &bytes, seconds)?;
            shelf.push(Entry {
                bytes: Some(bytes.len()),
                seconds,
                ..entry.clone()
            })?;
        }
        Ok(())
    }

    fn write_hole(&mut self, timing: &Timing) -> Result<(), PackageError> {
        self.holes += 1;
        let name = format!("hole-{}.m4s", self.holes);
        self.write_gap(&name, timing)
    }

    fn write_gap(&mut self, name: &str, timing: &Timing) -> Result<(), PackageError> {
        let span = self.clock.place(Some(timing), None);
        let entry = self.entry(name, span, Some(timing));
        let videos = self.tracks.iter_mut().map(|(_, shelf)| shelf);
        let sounds = self.sounds.iter_mut().map(|(_, shelf)| shelf);
        for shelf in videos.chain(sounds) {
            shelf.push(entry.clone())?;
        }
        Ok(())
    }

    /// The entry of what lasts for `span`, without a file.
    fn entry(&mut self, name: &str, span: Span, timing: Option<&Timing>) -> Entry {
        let begun = self.entries > 0;
        self.entries += 1;
        Entry {
            name: name.to_owned(),
            seconds: self.clock.seconds(span.end - span.start),
            bytes: None,
            discontinuity: std::mem::take(&mut self.jump) || span.jump && begun,
            date: timing.and_then(|timing| timing.date),
        }
    }

    fn write_playlists(&self) -> Result<(), PackageError> {
        let videos = self.tracks.iter().map(|(_, shelf)| shelf);
        for shelf in videos.chain(self.sounds.iter().map(|(_, shelf)| shelf)) {
            shelf.publish(self.finished)?;
        }
        let videos: Vec<_> = self
            .tracks
            .iter()
            .filter(|(track, _)| track.header().is_some())
            .map(|(track, shelf)| (track, shelf.rate))
            .collect();
        if videos.is_empty() {
            return Ok(());
        }
        let sounds: Vec<_> = self
            .sounds
            .iter()
            .map(|(track, shelf)| (track, shelf.rate))
            .collect();
        let source = &self.profiles.source;
        let all = |media| playlist::multivariant(&videos, &sounds, source, media);
        if let Keep::Window { archive: true, .. } = self.keep {
            write(&self.dir.join(playlist::ARCHIVE), &all(playlist::ARCHIVE))?;
        }
        write(&self.playlist(), &all(playlist::MEDIA))
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
    pub fn finish(&mut self) -> Result<PathBuf, PackageError> {
        self.finished = true;
        while let Some((seq, slot, missing)) = self.slots.pop_anyway() {
            self.jump |= missing;
            self.write_slot(seq, slot)?;
        }
        self.write_playlists()?;
        Ok(self.playlist())
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
