//! Publishes a file: cut once, each segment inspected and stored before it is offered, over and over if wanted. Its audio
//! goes beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::package::{Sound, Timing};
use assay_encoder::probe::{Probe, probe};
use assay_encoder::segmenter::{Segment, Segmenter};
use assay_encoder::soundtrack::{SoundReader, Soundtrack};
use assay_encoder::{Ladder, WorkerCommand, Workers};
use assay_protocol::profile::Profiles;
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::blobs::BlobFolder;
use crate::clip::{ClipError, SEGMENT, inspect, profiles};
use crate::settings::Offer;

/// A file that is about to be published.
pub(crate) struct VideoFile {
    path: PathBuf,
    probe: Probe,
    /// What it is transcoded to.
    pub profiles: Profiles,
}

/// How it is published.
pub(crate) struct Pace {
    /// Begin again at its end.
    pub repeat: bool,
    /// No faster than it plays.
    pub live: bool,
}

impl VideoFile {
    /// Looks at a file.
    pub async fn open(path: &Path, ladder: &Ladder, workers: &Workers) -> Result<Self, ClipError> {
        let probe = probe(path, workers.command()).await?;
        let profiles = profiles(&probe, ladder)?;
        Ok(Self {
            path: path.into(),
            probe,
            profiles,
        })
    }

    /// What it is as a source to go on with after a restart: another file, or this one changed, is not the same.
    pub fn name(&self) -> String {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let meta = std::fs::metadata(&self.path).ok();
        let changed = meta.as_ref().and_then(|meta| meta.modified().ok());
        let since = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        format!(
            "{} of {} bytes, changed at {}",
            path.display(),
            meta.map_or(0, |meta| meta.len()),
            since.unwrap_or_default().as_secs()
        )
    }

    /// Cuts the file into `folder` and hands its segments over from the one numbered `from` on, counted over all
    /// repetitions, until they have all been taken, or for ever.
    ///
    /// # Errors
    /// A file that cannot be cut, a segment that cannot be decoded, a full disk.
    pub async fn run(
        self,
        folder: &Path,
        blobs: &BlobFolder,
        workers: &Workers,
        pace: Pace,
        from: u64,
        segments: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        let cut = Segmenter::new(folder, SEGMENT)
            .cut(&self.probe, workers.command())
            .await?;
        let count = cut.len() as u64;
        if from > 0 {
            tracing::info!(segments = count, done = from, "{}", self.path.display());
        }
        let mut audio = Audio::new(&self.probe, folder, &cut, workers.command()).await;
        let mut sources = vec![None; cut.len()];
        let mut due = Instant::now();
        let mut place = from;
        while let Some((lap, index)) = position(place, count, pace.repeat) {
            let segment = &cut[index];
            let source = match sources[index] {
                Some(source) => source,
                None => *sources[index].insert(self.store(segment, blobs, workers).await?),
            };
            if index == 0 || place == from {
                audio.begin(&cut, lap, index).await;
            }
            let offer = audio.with(segment, source).await;
            if !self.offer(offer, &pace, &mut due, &segments).await {
                return Ok(());
            }
            place += 1;
        }
        tracing::info!(segments = count, "end of {}", self.path.display());
        Ok(())
    }

    /// Decodes a segment and keeps its bytes.
    async fn store(
        &self,
        segment: &Segment,
        blobs: &BlobFolder,
        workers: &Workers,
    ) -> Result<Source, ClipError> {
        let prepared = inspect(&self.path, segment, &self.profiles, workers).await?;
        let (blobs, bytes) = (blobs.clone(), prepared.bytes);
        let stored = tokio::task::spawn_blocking(move || blobs.put(&bytes)).await;
        let io = |source| ClipError::Io {
            path: segment.path.clone(),
            source,
        };
        stored
            .map_err(|e| io(std::io::Error::other(e)))?
            .map_err(io)?;
        Ok(prepared.source)
    }

    /// Hands one segment over when its time has come; whether anybody still takes them.
    async fn offer(
        &self,
        offer: Offer,
        pace: &Pace,
        due: &mut Instant,
        segments: &mpsc::Sender<Offer>,
    ) -> bool {
        if pace.live {
            sleep_until(*due).await;
        }
        let frames = offer.source.map_or(0, |source| source.frame_count);
        let timing = offer.timing.as_ref();
        let length = timing.map_or_else(|| self.duration(frames), |timing| timing.duration);
        let taken = segments.send(offer).await.is_ok();
        // What was late stays late: a slow network must not be given the backlog at once.
        *due = (*due).max(Instant::now()) + length;
        taken
    }

    fn duration(&self, frames: u32) -> Duration {
        let (numerator, denominator) = self.probe.fps;
        Duration::from_secs_f64(
            f64::from(frames) * f64::from(denominator) / f64::from(numerator.max(1)),
        )
    }
}

/// Which repetition and which segment of `count` is the one at `place`; none behind the file's end.
fn position(place: u64, count: u64, repeat: bool) -> Option<(u32, usize)> {
    let lap = place.checked_div(count)?;
    (repeat || lap == 0).then(|| (lap as u32, (place % count) as usize))
}

/// A file's clock and its audio, in step with its segments.
struct Audio {
    track: Option<Soundtrack>,
    reader: Option<SoundReader>,
    /// When the file's first picture is shown, by its own clock.
    origin: Duration,
    /// When it is shown in the stream: later each time that the file begins again.
    begun: Duration,
    again: bool,
}

impl Audio {
    async fn new(probe: &Probe, folder: &Path, cut: &[Segment], worker: &WorkerCommand) -> Self {
        let track = Soundtrack::extract(probe, folder, worker).await;
        let track = track.unwrap_or_else(|e| {
            tracing::warn!("published without audio: {e}");
            None
        });
        if let (None, Some(audio)) = (&track, &probe.audio) {
            tracing::warn!(
                "its audio is {}, which is not passed on: AAC, MP3 and Opus are",
                audio.codec
            );
        }
        Self {
            track,
            reader: None,
            origin: cut.first().map(|first| first.start).unwrap_or_default(),
            begun: Duration::ZERO,
            again: false,
        }
    }

    fn open(&mut self) {
        self.reader = self.track.as_ref().and_then(|track| {
            let reader = track.open(self.origin, self.begun);
            reader
                .inspect_err(|e| tracing::warn!("published without audio: {e}"))
                .ok()
        });
    }

    /// Goes to the segment at `index` of a repetition; what is heard before it belongs to nobody.
    async fn begin(&mut self, cut: &[Segment], lap: u32, index: usize) {
        let last = cut.last();
        let length = last.map(|last| (last.start + last.duration).saturating_sub(self.origin));
        self.begun = length.unwrap_or_default() * lap;
        self.again = lap > 0 && index == 0;
        self.open();
        if let Some(segment) = cut.get(index).filter(|_| index > 0) {
            let start = self.begun + segment.start.saturating_sub(self.origin);
            self.until(start).await;
        }
    }

    /// What is heard until then.
    async fn until(&mut self, end: Duration) -> Vec<Option<Sound>> {
        let Some(mut reader) = self.reader.take() else {
            return Vec::new();
        };
        match tokio::task::spawn_blocking(move || (reader.until(end), reader)).await {
            Ok((Ok(read), mut reader)) => {
                // Once, however often the file is repeated.
                for what in reader.untaken().iter().filter(|_| self.begun.is_zero()) {
                    tracing::warn!("{what} is not passed on: AAC, MP3 and Opus are");
                }
                self.reader = Some(reader);
                return read;
            }
            Ok((Err(e), _)) => tracing::warn!("no more audio: {e}"),
            Err(e) => tracing::warn!("no more audio: {e}"),
        }
        Vec::new()
    }

    /// A segment with its time and what is heard meanwhile.
    async fn with(&mut self, segment: &Segment, source: Source) -> Offer {
        let start = self.begun + segment.start.saturating_sub(self.origin);
        let sounds = self.until(start + segment.duration).await;
        Offer {
            source: Some(source),
            came: None,
            timing: Some(Timing {
                start,
                duration: segment.duration,
                frames: segment.times.clone(),
                discontinuity: std::mem::take(&mut self.again),
                date: None,
            }),
            sounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_on_where_it_was_and_ends_unless_it_is_repeated() {
        assert_eq!(position(0, 3, false), Some((0, 0)));
        assert_eq!(position(2, 3, false), Some((0, 2)));
        assert_eq!(position(3, 3, false), None);
        assert_eq!(position(7, 3, true), Some((2, 1)));
        assert_eq!(position(0, 0, true), None);
    }
}
