//! Publishes a file: cut once, each segment inspected and stored before it is offered, over and over if wanted. Its audio
//! goes beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::package::Timing;
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

    /// Cuts the file into `folder` and hands its segments over until they have all been taken, or for ever.
    ///
    /// # Errors
    /// A file that cannot be cut, a segment that cannot be decoded, a full disk.
    pub async fn run(
        self,
        folder: &Path,
        blobs: &BlobFolder,
        workers: &Workers,
        pace: Pace,
        segments: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        let cut = Segmenter::new(folder, SEGMENT)
            .cut(&self.probe, workers.command())
            .await?;
        let mut audio = Audio::new(&self.probe, folder, &cut, workers.command()).await;
        let mut sources = Vec::with_capacity(cut.len());
        let mut due = Instant::now();
        for segment in &cut {
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
            sources.push(prepared.source);
            let offer = audio.with(segment, prepared.source).await;
            if !self.offer(offer, &pace, &mut due, &segments).await {
                return Ok(());
            }
        }
        tracing::info!(
            segments = sources.len(),
            repeat = pace.repeat,
            "end of {}",
            self.path.display()
        );
        while pace.repeat && !sources.is_empty() {
            audio.again(&cut);
            for (segment, source) in cut.iter().zip(&sources) {
                let offer = audio.with(segment, *source).await;
                if !self.offer(offer, &pace, &mut due, &segments).await {
                    return Ok(());
                }
            }
        }
        Ok(())
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
        let mut audio = Self {
            track,
            reader: None,
            origin: cut.first().map(|first| first.start).unwrap_or_default(),
            begun: Duration::ZERO,
            again: false,
        };
        audio.open();
        audio
    }

    fn open(&mut self) {
        self.reader = self.track.as_ref().and_then(|track| {
            let reader = track.open(self.origin, self.begun);
            reader
                .inspect_err(|e| tracing::warn!("published without audio: {e}"))
                .ok()
        });
    }

    /// The file begins again.
    fn again(&mut self, cut: &[Segment]) {
        if let Some(last) = cut.last() {
            self.begun += (last.start + last.duration).saturating_sub(self.origin);
        }
        self.again = true;
        self.open();
    }

    /// A segment with its time and what is heard meanwhile.
    async fn with(&mut self, segment: &Segment, source: Source) -> Offer {
        let start = self.begun + segment.start.saturating_sub(self.origin);
        let end = start + segment.duration;
        let mut sounds = Vec::new();
        if let Some(mut reader) = self.reader.take() {
            let read = tokio::task::spawn_blocking(move || (reader.until(end), reader)).await;
            match read {
                Ok((Ok(read), reader)) => {
                    sounds = read;
                    self.reader = Some(reader);
                }
                Ok((Err(e), _)) => tracing::warn!("no more audio: {e}"),
                Err(e) => tracing::warn!("no more audio: {e}"),
            }
        }
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
