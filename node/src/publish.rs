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

/// How often a segment is tried that this machine has trouble with.
const TRIES: u32 = 3;
/// So many of them in a row are no matter of single segments.
const TROUBLES: u32 = 3;

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
    /// Before a segment is tried again that this machine has trouble with.
    pub pause: Duration,
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
    /// taken, or for ever. One that cannot be decoded is a gap, and so is one that this machine cannot read, decode or keep after
    /// some time.
    ///
    /// # Errors
    /// Such trouble with several in a row, or with the only one: the next start goes on there.
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
        let mut troubles = 0;
        while let Some((lap, index)) = position(place, count, pace.repeat) {
            let segment = &cut[index];
            if let Entry::Vacant(unknown) = sources.entry(index) {
                // The others can be shown all the same.
                match self
                    .store_patiently(segment, blobs, workers, pace.pause)
                    .await
                {
                    Ok(source) => {
                        unknown.insert(Some(source));
                        troubles = 0;
                    }
                    Err(e) if e.is_of_bytes() && cut.len() > 1 => {
                        tracing::warn!("a gap: {e}");
                        unknown.insert(None);
                        troubles = 0;
                    }
                    Err(e) if troubles + 1 < TROUBLES && cut.len() > 1 => {
                        tracing::error!("a gap, given up after {TRIES} tries: {e}");
                        troubles += 1;
                    }
                    Err(e) => return Err(e),
                }
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

    /// The same as [`Self::store`], again after a pause where this machine is at fault.
    async fn store_patiently(
        &self,
        segment: &Segment,
        blobs: &BlobFolder,
        workers: &Workers,
        pause: Duration,
    ) -> Result<Source, ClipError> {
        for _ in 1..TRIES {
            match self.store(segment, blobs, workers).await {
                Err(e) if !e.is_of_bytes() => {
                    tracing::warn!("tried again in {} s: {e}", pause.as_secs());
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
        self.store(segment, blobs, workers).await
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

    #[tokio::test]
    async fn trouble_of_this_machine_makes_gaps_and_then_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // Nothing can be read: the segments are not there.
        let segment = |seq: u32| Segment {
            seq,
            path: path("missing"),
            first_frame: 30 * seq,
            frames: 30,
            start: Duration::from_secs(seq.into()),
            zero: 0,
            duration: Duration::from_secs(1),
            times: Vec::new(),
        };
        let probe = Probe {
            path: path("clip.mp4"),
            bytes: 1,
            container: "mp4".into(),
            stream: 0,
            codec: "h264".into(),
            width: 64,
            height: 48,
            turned: false,
            pixel_aspect: (1, 1),
            fps: (30, 1),
            pixel_format: "yuv420p".into(),
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            duration: None,
            audio: Vec::new(),
            reach: assay_encoder::ffmpeg::Reach::default(),
        };
        let ladder = Ladder::preset("360p").unwrap();
        let file = VideoFile {
            path: path("clip.mp4"),
            profiles: crate::clip::profiles(&probe, &ladder).unwrap(),
            probe,
            folder: folder.path().into(),
            cut: (0..8).map(segment).collect(),
        };
        let worker = assay_encoder::WorkerCommand {
            program: path("no-worker"),
            arguments: Vec::new(),
        };
        let workers = Workers::new(worker, assay_encoder::Limits::default(), 1);
        let blobs = BlobFolder::open(&path("blobs")).unwrap();
        let (segments, mut offers) = mpsc::channel(8);
        let pace = Pace {
            repeat: false,
            live: false,
            pause: Duration::from_millis(1),
        };
        let begun = Instant::now();
        let failed = file.run(&blobs, &workers, pace, 0, segments).await;
        assert!(matches!(failed, Err(ClipError::Io { .. })), "{failed:?}");
        assert!(begun.elapsed() >= Duration::from_millis(1) * (TRIES - 1) * TROUBLES);
        let mut gaps = Vec::new();
        while let Some(offer) = offers.recv().await {
            assert!(offer.source.is_none());
            gaps.push(offer.timing.unwrap().start.as_secs());
        }
        assert_eq!(gaps, [0, 1]);
    }
}
