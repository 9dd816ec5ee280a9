//! A file's segments on their way out: each with its time and with what is heard meanwhile.

use std::path::Path;
use std::time::Duration;

use assay_encoder::WorkerCommand;
use assay_encoder::package::{Sound, Timing};
use assay_encoder::probe::Probe;
use assay_encoder::segmenter::Segment;
use assay_encoder::soundtrack::{SoundReader, Soundtrack, is_passed_on};
use assay_roles::broadcaster::Source;

use crate::settings::Offer;

/// What the audio of a file that was `cut` is passed on from, taken out of it into `folder`.
pub(crate) async fn soundtrack(
    probe: &Probe,
    cut: &[Segment],
    folder: &Path,
    worker: &WorkerCommand,
) -> Option<Soundtrack> {
    let zero = cut.first().map_or(0, |first| first.zero);
    let track = Soundtrack::extract(probe, zero, folder, worker).await;
    let track = track.unwrap_or_else(|e| {
        tracing::warn!("published without audio: {e}");
        None
    });
    for stream in track.iter().flat_map(Soundtrack::left_out) {
        tracing::warn!("its audio in stream {stream} cannot be taken out, and is not passed on");
    }
    for audio in probe.audio.iter().filter(|audio| !is_passed_on(audio)) {
        tracing::warn!(
            "its audio in stream {} is {} {}, which is not passed on: AAC, MP3 and Opus are, but for AAC of low delay",
            audio.stream,
            audio.codec,
            audio.profile
        );
    }
    track
}

/// A file's clock and its audio, in step with its segments.
pub(crate) struct Audio {
    track: Option<Soundtrack>,
    reader: Option<SoundReader>,
    /// When the file's first picture is shown, by its own clock.
    origin: Duration,
    /// When it is shown in the stream: later each time that the file begins again.
    begun: Duration,
    again: bool,
}

impl Audio {
    /// Of the segments that a file was cut into.
    pub fn new(track: Option<Soundtrack>, cut: &[Segment]) -> Self {
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
    pub async fn begin(&mut self, cut: &[Segment], lap: u32, index: usize) {
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

    /// A segment with its time and what is heard meanwhile; without a source its time is a gap.
    pub async fn with(&mut self, segment: &Segment, source: Option<Source>) -> Offer {
        let start = self.begun + segment.start.saturating_sub(self.origin);
        let sounds = self.until(start + segment.duration).await;
        Offer {
            source,
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
