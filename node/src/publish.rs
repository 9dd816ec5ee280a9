//! Publishes a file: cut once, each segment inspected and stored before it is offered, over and over if wanted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::Workers;
use assay_encoder::probe::{Probe, probe};
use assay_encoder::segmenter::Segmenter;
use assay_protocol::profile::Profiles;
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::blobs::BlobFolder;
use crate::clip::{ClipError, SEGMENT, inspect, ladder};

/// A file that is about to be published.
pub(crate) struct Publication {
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

impl Publication {
    /// Looks at a file.
    pub async fn open(path: &Path, workers: &Workers) -> Result<Self, ClipError> {
        let probe = probe(path, workers.command()).await?;
        let profiles = ladder(&probe)?;
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
        segments: mpsc::Sender<Source>,
    ) -> Result<(), ClipError> {
        let cut = Segmenter::new(folder, SEGMENT)
            .cut(&self.probe, workers.command())
            .await?;
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
            if !self
                .offer(prepared.source, &pace, &mut due, &segments)
                .await
            {
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
            for source in &sources {
                if !self.offer(*source, &pace, &mut due, &segments).await {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Hands one segment over when its time has come; whether anybody still takes them.
    async fn offer(
        &self,
        source: Source,
        pace: &Pace,
        due: &mut Instant,
        segments: &mpsc::Sender<Source>,
    ) -> bool {
        if pace.live {
            sleep_until(*due).await;
        }
        let taken = segments.send(source).await.is_ok();
        // What was late stays late: a slow network must not be given the backlog at once.
        *due = (*due).max(Instant::now()) + self.duration(source.frame_count);
        taken
    }

    fn duration(&self, frames: u32) -> Duration {
        let (numerator, denominator) = self.probe.fps;
        Duration::from_secs_f64(
            f64::from(frames) * f64::from(denominator) / f64::from(numerator.max(1)),
        )
    }
}
