//! All tracks of a stream, in step: each has as many entries as every other, whatever the disk does.

use std::path::{Path, PathBuf};

use assay_protocol::profile::{Profiles, SourceFormat};

use super::listing::{Entry, Place};
use super::playlist::{ARCHIVE, MEDIA, MULTIVARIANT, multivariant};
use super::shelf::{Ends, Keep, Shelf};
use super::sound::{self, Sound, SoundTrack};
use super::timing::Span;
use super::track::{Media, Track};
use super::{MAX_SOUNDS, PackageError, write};

/// A file that was written: its bytes, and its length in seconds where that is not the video's.
type File = Option<(usize, Option<f64>)>;

pub(super) struct Tracks {
    dir: PathBuf,
    keep: Keep,
    /// Ticks a second.
    timescale: u32,
    pub videos: Vec<(Track, Shelf)>,
    /// Audio; without a track while an earlier run's has not been heard again.
    sounds: Vec<(Option<SoundTrack>, Shelf)>,
    /// Whether an earlier run's playlists go on.
    pub goes_on: bool,
    /// Media segments written; numbers the fragments.
    written: u32,
    /// Seconds that no segment of any track was longer than: players want one figure for all.
    target: u64,
    /// Most of the source's frames in a second so far.
    fastest: f64,
}

impl Tracks {
    /// Takes up what an earlier run has left in `dir`; otherwise entries are numbered from `first` on.
    ///
    /// # Errors
    /// Folders and playlists that cannot be read or written.
    pub fn open(
        dir: &Path,
        profiles: &Profiles,
        timescale: u32,
        first: u32,
        keep: Keep,
    ) -> Result<Self, PackageError> {
        let begin = Ends::at(Place {
            entries: first.into(),
            discontinuities: 0,
        });
        let mut videos = Vec::new();
        for (index, rendition) in profiles.renditions.iter().enumerate() {
            let track = Track::new(index, rendition, timescale, &profiles.source);
            let shelf = Shelf::open(&dir.join(track.name()), keep, begin)?;
            videos.push((track, shelf));
        }
        let mut sounds = Vec::new();
        for index in 0..MAX_SOUNDS {
            let folder = dir.join(sound::folder(index));
            if !Shelf::is_there(&folder) {
                break;
            }
            sounds.push((None, Shelf::open(&folder, keep, begin)?));
        }
        let mut tracks = Self {
            dir: dir.to_owned(),
            keep,
            timescale,
            videos,
            sounds,
            goes_on: false,
            written: 0,
            target: 0,
            fastest: 0.0,
        };
        tracks.go_on();
        Ok(tracks)
    }

    fn shelves(&mut self) -> impl Iterator<Item = &mut Shelf> {
        let videos = self.videos.iter_mut().map(|(_, shelf)| shelf);
        videos.chain(self.sounds.iter_mut().map(|(_, shelf)| shelf))
    }

    /// Brings all to where the furthest of an earlier run stands.
    fn go_on(&mut self) {
        let (mut target, mut ends) = (0, None::<Ends>);
        for shelf in self.shelves() {
            target = target.max(shelf.target());
            // An empty one stands where this run's first segment would, which may be further than what goes on.
            if shelf.goes_on() {
                ends = Some(ends.map_or(shelf.ends(), |ends| ends.max(shelf.ends())));
            }
        }
        self.target = target;
        if let Some(ends) = ends {
            self.goes_on = true;
            let seconds = target.max(1) as f64;
            self.shelves().for_each(|shelf| shelf.level(ends, seconds));
        }
    }

    /// Whether a segment needs another decoder than the one before, of pictures or of sound.
    pub fn change(&self, media: &[Media], sounds: &[Option<Sound>]) -> bool {
        let mut seen = self.videos.iter().zip(media);
        let mut heard = self.sounds.iter().zip(sounds);
        seen.any(|((track, _), media)| track.changes(media))
            || heard.any(|((track, _), sound)| match (track, sound) {
                (Some(track), Some(sound)) => track.changes(&sound.format),
                _ => false,
            })
    }

    /// Writes the files of a segment, then the entries; where a file fails, all tracks get a gap. Video has these durations of the
    /// source's frames.
    ///
    /// # Errors
    /// Why it is a gap.
    pub fn write(
        &mut self,
        entry: &Entry,
        span: Span,
        durations: &[u32],
        media: &[Media],
        sounds: &[Option<Sound>],
    ) -> Result<(), PackageError> {
        self.written += 1;
        self.fastest = fastest(durations, self.timescale).max(self.fastest);
        let files = self.hear(sounds).and_then(|()| {
            let mut files = self.write_videos(span.start, durations, media)?;
            files.extend(self.write_sounds(span, entry.discontinuity, sounds)?);
            Ok(files)
        });
        match files {
            Ok(files) => {
                self.push(entry, &files);
                Ok(())
            }
            Err(e) => {
                self.shelves().for_each(|shelf| shelf.discard());
                self.gap(entry);
                Err(e)
            }
        }
    }

    /// Adds a gap to every track.
    pub fn gap(&mut self, entry: &Entry) {
        for (track, _) in &mut self.sounds {
            track.iter_mut().for_each(|track| track.pass(None));
        }
        self.push(entry, &[]);
    }

    /// Adds an entry to every track; one without a file gets a gap.
    fn push(&mut self, entry: &Entry, files: &[File]) {
        let mut files = files.iter().copied();
        let mut target = self.target;
        for shelf in self.shelves() {
            let file = files.next().flatten();
            let seconds = file.and_then(|(_, seconds)| seconds);
            let entry = Entry {
                bytes: file.map(|(bytes, _)| bytes),
                seconds: seconds.unwrap_or(entry.seconds),
                ..entry.clone()
            };
            // RFC 8216, 4.3.3.1: rounded to the nearest second, no segment is longer.
            target = target.max(entry.seconds.round() as u64);
            shelf.push(&entry);
        }
        self.target = target;
    }

    /// Makes room for audio tracks that are heard for the first time: they begin where the video does, with gaps.
    fn hear(&mut self, sounds: &[Option<Sound>]) -> Result<(), PackageError> {
        let Some((_, video)) = self.videos.first() else {
            return Ok(());
        };
        for (index, sound) in sounds.iter().enumerate().take(MAX_SOUNDS) {
            let Some(sound) = sound else { continue };
            // Also for the tracks before it that are left out: they keep their numbers.
            while self.sounds.len() <= index {
                let folder = self.dir.join(sound::folder(self.sounds.len()));
                let shelf = Shelf::beside(video, &folder, self.keep)?;
                self.sounds.push((None, shelf));
            }
            if let Some((track @ None, _)) = self.sounds.get_mut(index) {
                *track = Some(SoundTrack::new(index, &sound.format));
            }
        }
        Ok(())
    }

    fn write_videos(
        &mut self,
        start: u64,
        durations: &[u32],
        media: &[Media],
    ) -> Result<Vec<File>, PackageError> {
        let mut files = Vec::new();
        for ((track, shelf), media) in self.videos.iter_mut().zip(media) {
            if let Some(init) = track.begin(media)? {
                shelf.init(init);
            }
            let bytes = track.mux(self.written, start, durations, media)?;
            shelf.file(&bytes)?;
            files.push(Some((bytes.len(), None)));
        }
        Ok(files)
    }

    fn write_sounds(
        &mut self,
        span: Span,
        jump: bool,
        sounds: &[Option<Sound>],
    ) -> Result<Vec<File>, PackageError> {
        let seconds = |ticks| ticks as f64 / f64::from(self.timescale);
        let time = (seconds(span.start), seconds(span.end));
        let mut files = Vec::new();
        for (index, (track, shelf)) in self.sounds.iter_mut().enumerate() {
            let Some(track) = track else {
                files.push(None);
                continue;
            };
            let sound = sounds.get(index).and_then(Option::as_ref);
            if let Some(init) = track.begin(sound)? {
                shelf.init(init);
            }
            let piece = track.piece(sound, time, jump);
            if piece.frames.is_empty() {
                track.pass(None);
                files.push(None);
                continue;
            }
            let bytes = track.mux(self.written, &piece)?;
            let seconds = piece.samples() as f64 / f64::from(piece.format.rate.max(1));
            shelf.file(&bytes)?;
            track.pass(Some(&piece));
            files.push(Some((bytes.len(), Some(seconds))));
        }
        Ok(files)
    }

    /// Makes all playlists what they should be now; `ended` says that nothing more comes.
    ///
    /// # Errors
    /// The first one that cannot be written; the others are, and the next time tries again.
    pub fn publish(&mut self, source: &SourceFormat, ended: bool) -> Result<(), PackageError> {
        let target = self.target;
        let mut result = Ok(());
        for shelf in self.shelves() {
            result = result.and(shelf.publish(target, ended));
        }
        result.and(self.publish_multivariant(source))
    }

    fn publish_multivariant(&self, source: &SourceFormat) -> Result<(), PackageError> {
        let ready = |(track, _): &&(Track, Shelf)| track.header().is_some();
        if !self.videos.iter().any(|video| ready(&video)) {
            return Ok(());
        }
        let all = |media| {
            let videos = self.videos.iter().filter(ready);
            let videos: Vec<_> = videos
                .map(|(track, shelf)| (track, shelf.rate, shelf.formats(media)))
                .collect();
            let sounds = self.sounds.iter();
            // Players wait for ever for a track that has nothing but gaps.
            let sounds = sounds.filter(|(_, shelf)| shelf.is_heard(media));
            let sounds: Vec<_> = sounds
                .filter_map(|(track, shelf)| {
                    Some((track.as_ref()?, shelf.rate, shelf.formats(media)))
                })
                .collect();
            multivariant(&videos, &sounds, source, self.fastest, media)
        };
        if let Keep::Window { archive: true, .. } = self.keep {
            write(&self.dir.join(ARCHIVE), &all(ARCHIVE))?;
        }
        write(&self.dir.join(MULTIVARIANT), &all(MEDIA))
    }
}

/// Frames a second where they follow each other fastest, from durations in ticks. A tenth may be shorter, where times that came
/// twice were moved apart; the mean of those about as short evens out what containers round.
fn fastest(durations: &[u32], timescale: u32) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let Some(&short) = sorted.get(sorted.len() / 10) else {
        return 0.0;
    };
    let alike = |ticks: &&u32| (short..=short.saturating_add(short / 4)).contains(*ticks);
    let alike: Vec<_> = sorted.iter().filter(alike).collect();
    let ticks: f64 = alike.iter().map(|ticks| f64::from(**ticks)).sum();
    f64::from(timescale) * alike.len() as f64 / ticks.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_frames_make_the_rate() {
        assert_eq!(fastest(&[], 1000), 0.0);
        assert_eq!(fastest(&[40; 50], 1000), 25.0);
        // Half of a segment at 60 frames a second in milliseconds, the rest still.
        let half: Vec<_> = (0..60)
            .map(|i| [17, 17, 16][i % 3])
            .chain([500, 500])
            .collect();
        assert!((fastest(&half, 1000) - 60.0).abs() < 0.1);
        // A time that came twice.
        let twice: Vec<_> = [1, 79].into_iter().chain([40; 28]).collect();
        assert_eq!(fastest(&twice, 1000), 25.0);
    }
}
