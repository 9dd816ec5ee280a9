//! Publishes a live stream: each segment inspected and stored as it arrives, whatever becomes of the ones before.

mod job;
mod relay;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_encoder::live::{Address, Cut, LiveError, LiveEvent, LiveSegment, StreamKey, receive};
use assay_encoder::{InspectRequest, Ladder, Priority, Workers, leaf_count};
use assay_protocol::profile::Profiles;
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::blobs::BlobFolder;
use crate::clip::{ClipError, SEGMENT, profiles};
use crate::settings::Offer;
use job::{StreamJob, look, words};
use relay::{Looked, relay};

/// A sender with closed key frames further apart is dropped: viewers see a stream at least this late.
const LONGEST: Duration = Duration::from_secs(10);
/// Events between the receiver and the publisher. Half a minute of segments: as long as a node takes to start.
const EVENTS: usize = 16;
/// How long a segment may take to be inspected since it came in: what is later than the playlist waits for is worth nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// First segments that may be damaged before a stream counts as none.
const TRIES: u32 = 5;

/// A live stream that is about to be published.
pub(crate) struct LiveStream {
    address: Address,
    events: mpsc::Receiver<LiveEvent>,
    receiver: JoinHandle<Result<(), LiveError>>,
    folder: PathBuf,
    job: StreamJob,
    first: Option<(Box<LiveSegment>, Instant)>,
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

impl LiveStream {
    /// Receives from an address. The first time, waits for a sender, because the job that is created must say what is sent.
    ///
    /// # Errors
    /// An address that is taken, or a stream that cannot be published.
    pub async fn open(
        address: Address,
        key: Option<StreamKey>,
        ladder: &Ladder,
        workers: &Workers,
        folder: &Path,
    ) -> Result<Self, ClipError> {
        let in_folder = |source| ClipError::Io {
            path: folder.into(),
            source,
        };
        tokio::fs::create_dir_all(folder).await.map_err(in_folder)?;
        let (sender, mut events) = mpsc::channel(EVENTS);
        let from = address.clone();
        let cut = Cut {
            target: SEGMENT,
            longest: LONGEST,
        };
        let worker = workers.command().clone();
        let mut receiver =
            tokio::spawn(async move { receive(&from, key.as_ref(), cut, &worker, sender).await });
        match &address.listens() {
            Some(_) => tracing::info!("send the stream to {address}"),
            None => tracing::info!("fetching {address}"),
        }
        let (job, first) = match StreamJob::remembered(folder, ladder).await {
            Some(job) => (job, None),
            None => {
                tracing::info!("waiting for its first segment: the job is created for its format");
                let first = first_job(&mut events, &address, ladder, workers, folder).await?;
                let Some((job, segment, came)) = first else {
                    let ended = (&mut receiver).await;
                    ended.map_err(|e| in_folder(std::io::Error::other(e)))??;
                    return Err(ClipError::NoStream(address.to_string()));
                };
                job.remember(folder).await?;
                (job, Some((segment, came)))
            }
        };
        Ok(Self {
            address,
            events,
            receiver,
            folder: folder.into(),
            job,
            first,
        })
    }

    /// What it is transcoded to.
    pub fn profiles(&self) -> &Profiles {
        &self.job.profiles
    }

    /// Publishes until the stream has ended or nobody takes segments any more.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn run(
        mut self,
        blobs: &BlobFolder,
        workers: &Workers,
        segments: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        let inspector = Inspector {
            address: &self.address,
            folder: &self.folder,
            job: &self.job,
            blobs,
            workers,
        };
        let (events, first) = (&mut self.events, self.first.take());
        let inspect = |segment, known| inspector.inspect(segment, known);
        let tell = |event: &LiveEvent| tell(inspector.address, event);
        relay(events, first, PATIENCE, inspect, tell, &segments).await;
        tracing::info!("end of {}", self.address);
        if segments.is_closed() {
            return Ok(());
        }
        match (&mut self.receiver).await {
            Ok(ended) => Ok(ended?),
            Err(_) => Ok(()),
        }
    }
}

/// What looks at segments.
struct Inspector<'a> {
    address: &'a Address,
    folder: &'a Path,
    job: &'a StreamJob,
    blobs: &'a BlobFolder,
    workers: &'a Workers,
}

impl Inspector<'_> {
    /// Decodes and stores a segment; of a sender that is not known, sees first whether it fits. Whatever is wrong with one
    /// segment, the stream goes on.
    async fn inspect(&self, segment: Box<LiveSegment>, known: bool) -> Looked {
        if !known {
            match self.fits(&segment).await {
                Ok(true) => {}
                Ok(false) => return Looked::Foreign,
                Err(e) => return self.left_out(&e),
            }
        }
        let bytes: Arc<[u8]> = segment.bytes.into();
        let request = InspectRequest {
            source: bytes.clone(),
            profiles: self.job.profiles.clone(),
        };
        // Before what this node transcodes for others: that can wait.
        let inspected = match self.workers.inspect(&request, Priority::Sample).await {
            Ok(inspected) => inspected,
            Err(e) => return self.left_out(&e),
        };
        // Nobody could be assigned it.
        if let Err(fault) = leaf_count(&self.job.profiles, inspected.frame_count) {
            return self.left_out(&fault);
        }
        let source = Source {
            hash: blake3::hash(&bytes).as_bytes().into(),
            len: bytes.len() as u64,
            frames_root: inspected.frames_root,
            frame_count: inspected.frame_count,
        };
        let blobs = self.blobs.clone();
        match tokio::task::spawn_blocking(move || blobs.put(&bytes)).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return self.left_out(&e),
            Err(e) => return self.left_out(&e),
        }
        Looked::Good(Box::new(Offer {
            source: Some(source),
            timing: Some(segment.timing),
            sounds: segment.sounds,
            came: None,
        }))
    }

    fn left_out(&self, why: &dyn std::fmt::Display) -> Looked {
        tracing::warn!("a segment of {} is left out: {why}", self.address);
        Looked::Bad
    }

    /// Whether a sender's stream is what the job was created for; says what is wrong if it is not.
    async fn fits(&self, segment: &LiveSegment) -> Result<bool, ClipError> {
        let probe = look(segment, self.workers, self.folder).await?;
        let (found, shown) = (probe.source_format()?, probe.shown_size());
        if self.job.fits(&found, shown) {
            if let Some((told, is)) = self.job.other_rate(&found) {
                tracing::warn!(
                    "the stream has about {is:.0} frames a second, the job is for {told:.0}: playlists and bitrates go by the job. \
                     For another job remove {}",
                    StreamJob::file(self.folder).display()
                );
            }
            return Ok(true);
        }
        tracing::error!(
            "the stream is {} now, the job is for {}; nothing is published until it is that again. For another job remove {}",
            words(&found, Some(shown)),
            self.job.words(),
            StreamJob::file(self.folder).display()
        );
        Ok(false)
    }
}

fn tell(address: &Address, event: &LiveEvent) {
    match event {
        LiveEvent::Connected { from } => tracing::info!(%from, "a stream has come to {address}"),
        LiveEvent::LeftOut { what } => tracing::warn!(
            "of the stream of {address} {what} is not passed on; have its audio sent as AAC, MP3 or Opus"
        ),
        LiveEvent::Lost { reason } => tracing::warn!("the stream of {address} is gone: {reason}"),
        LiveEvent::Segment { .. } => {}
    }
}

/// The job for the first segment that says what it is, with it; none if the stream ends before.
async fn first_job(
    events: &mut mpsc::Receiver<LiveEvent>,
    address: &Address,
    ladder: &Ladder,
    workers: &Workers,
    folder: &Path,
) -> Result<Option<(StreamJob, Box<LiveSegment>, Instant)>, ClipError> {
    let mut damaged = 0;
    while let Some(event) = events.recv().await {
        let LiveEvent::Segment { segment, came } = event else {
            tell(address, &event);
            continue;
        };
        let probe = match look(&segment, workers, folder).await {
            Ok(probe) => probe,
            Err(e) if damaged < TRIES => {
                damaged += 1;
                tracing::warn!("a segment of {address} says not what it is: {e}");
                continue;
            }
            Err(e) => return Err(e),
        };
        let job = StreamJob {
            profiles: profiles(&probe, ladder)?,
            shown: Some(probe.shown_size()),
            ladder: Some(ladder.clone()),
        };
        return Ok(Some((job, segment, came)));
    }
    Ok(None)
}
