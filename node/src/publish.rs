//! Publishes a file: cut once, each segment inspected and stored before it is offered, over and over if wanted. Its audio
//! goes beside it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::probe::Probe;
use assay_encoder::segmenter::Segment;
use assay_encoder::{Ladder, Workers};
use assay_protocol::profile::Profiles;
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::audio::{Audio, soundtrack};
use crate::blobs::BlobFolder;
use crate::clip::{ClipError, CutVideo, inspect};
use crate::settings::Offer;

/// A file that is about to be published.
pub(crate) struct VideoFile {
    path: PathBuf,
    probe: Probe,
    /// Folder of its segments.
    folder: PathBuf,
    cut: Vec<Segment>,
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
    /// Looks at a file and cuts it into `folder`.
    ///
    /// # Errors
    /// A file that is none, has no place on the ladder, or cannot be cut.
    pub async fn open(
        path: &Path,
        ladder: &Ladder,
        workers: &Workers,
        folder: &Path,
    ) -> Result<Self, ClipError> {
        let video = CutVideo::open(path, folder, workers.command(), ladder).await?;
        Ok(Self {
            path: path.into(),
            probe: video.probe,
            folder: folder.into(),
            cut: video.segments,
            profiles: video.profiles,
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

    /// Hands its segments over from the one numbered `from` on, counted over all repetitions, until they have all been
    /// taken, or for ever. One that cannot be decoded is a gap.
    ///
    /// # Errors
    /// A full disk.
    pub async fn run(
        self,
        blobs: &BlobFolder,
        workers: &Workers,
        pace: Pace,
        from: u64,
        segments: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        let cut = &self.cut;
        let count = cut.len() as u64;
        if from > 0 {
            tracing::info!(segments = count, done = from, "{}", self.path.display());
        }
        let track = soundtrack(&self.probe, cut, &self.folder, workers.command()).await;
        let mut audio = Audio::new(track, cut);
        // `None` of a segment that cannot be decoded.
        let mut sources = BTreeMap::new();
        let mut due = Instant::now();
        let mut place = from;
        while let Some((lap, index)) = position(place, count, pace.repeat) {
            let segment = &cut[index];
            if let Entry::Vacant(unknown) = sources.entry(index) {
                let source = match self.store(segment, blobs, workers).await {
                    Ok(source) => Some(source),
                    // The others can be shown all the same.
                    Err(e) if e.is_of_bytes() && cut.len() > 1 => {
                        tracing::warn!("a gap: {e}");
                        None
                    }
                    Err(e) => return Err(e),
                };
                unknown.insert(source);
                if sources.len() == cut.len() && sources.values().all(Option::is_none) {
                    tracing::error!("no segment of {} can be decoded", self.path.display());
                    return Ok(());
                }
            }
            let source = sources.get(&index).copied().flatten();
            if index == 0 || place == from {
                audio.begin(cut, lap, index).await;
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
