//! Publishes a live stream: each segment inspected and stored as it arrives, whatever becomes of the ones before.

mod job;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_encoder::live::{Address, Cut, LiveError, LiveEvent, LiveSegment, StreamKey, receive};
use assay_encoder::probe::{Probe, probe};
use assay_encoder::{InspectRequest, Ladder, Priority, Workers};
use assay_protocol::profile::{Profiles, SourceFormat};
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::blobs::BlobFolder;
use crate::clip::{ClipError, SEGMENT, profiles};
use crate::settings::Offer;
use job::{JOB, remember, remembered};

/// A sender with closed key frames further apart is dropped: viewers see a stream at least this late.
const LONGEST: Duration = Duration::from_secs(10);
/// Events between the receiver and the publisher. Half a minute of segments: as long as a node takes to start.
const EVENTS: usize = 16;
/// Segments that wait for the node. It takes them at once, but before it has begun; then the oldest are worth least.
const PENDING: usize = 2;
/// Frame rates by custom. What a sender says in milliseconds is off by less than half a percent.
const RATES: [(u32, u32); 14] = [
    (10, 1),
    (12, 1),
    (15, 1),
    (20, 1),
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (120, 1),
];

/// A live stream that is about to be published.
pub(crate) struct LiveStream {
    address: Address,
    events: mpsc::Receiver<LiveEvent>,
    receiver: JoinHandle<Result<(), LiveError>>,
    folder: PathBuf,
    /// What it is transcoded to.
    pub profiles: Profiles,
    first: Option<Box<LiveSegment>>,
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
    /// An address that is taken, or a first segment that cannot be published.
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
        let mut receiver =
            tokio::spawn(async move { receive(&from, key.as_ref(), cut, sender).await });
        match &address.listens() {
            Some(_) => tracing::info!("send the stream to {address}"),
            None => tracing::info!("fetching {address}"),
        }
        let (profiles, first) = match remembered(folder, ladder).await {
            Some(profiles) => (profiles, None),
            None => {
                tracing::info!("waiting for its first segment: the job is created for its format");
                let first = tokio::select! {
                    first = first_segment(&mut events, &address) => first,
                    ended = &mut receiver => {
                        ended.map_err(|e| in_folder(std::io::Error::other(e)))??;
                        None
                    }
                };
                let first = first.ok_or_else(|| ClipError::NoStream(address.to_string()))?;
                let profiles = profiles(&look(&first, workers, folder).await?, ladder)?;
                remember(&profiles, ladder, folder).await?;
                (profiles, Some(first))
            }
        };
        Ok(Self {
            address,
            events,
            receiver,
            folder: folder.into(),
            profiles,
            first,
        })
    }

    /// Publishes until the stream has ended or nobody takes segments any more.
    ///
    /// # Errors
    /// The address cannot be listened on, the disk is full.
    pub async fn run(
        mut self,
        blobs: &BlobFolder,
        workers: &Workers,
        segments: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        let mut pending = VecDeque::new();
        // Whether the present sender's format is the job's.
        let mut fits = None;
        if let Some(first) = self.first.take() {
            fits = Some(true);
            pending.extend(self.prepare(*first, blobs, workers).await?);
        }
        loop {
            tokio::select! {
                room = segments.reserve(), if !pending.is_empty() => match (room, pending.pop_front()) {
                    (Ok(room), Some(offer)) => room.send(offer),
                    _ => return Ok(()),
                },
                event = self.events.recv() => match event {
                    Some(LiveEvent::Segment(segment)) => {
                        let fits = match fits {
                            Some(fits) => fits,
                            None => *fits.insert(self.fits(&segment, workers).await),
                        };
                        if fits {
                            pending.extend(self.prepare(*segment, blobs, workers).await?);
                        }
                        if pending.len() > PENDING {
                            pending.pop_front();
                        }
                    }
                    Some(event) => {
                        tell(&self.address, &event);
                        if let LiveEvent::Connected { .. } = event {
                            fits = None;
                        }
                    }
                    None => break,
                },
            }
        }
        for offer in pending {
            let _ = segments.send(offer).await;
        }
        tracing::info!("end of {}", self.address);
        match (&mut self.receiver).await {
            Ok(ended) => Ok(ended?),
            Err(_) => Ok(()),
        }
    }

    /// Decodes and stores a segment. One that cannot be decoded is left out: the stream goes on.
    async fn prepare(
        &self,
        segment: LiveSegment,
        blobs: &BlobFolder,
        workers: &Workers,
    ) -> Result<Option<Offer>, ClipError> {
        let bytes: Arc<[u8]> = segment.bytes.into();
        let request = InspectRequest {
            source: bytes.clone(),
            profiles: self.profiles.clone(),
        };
        let inspected = match workers.inspect(&request, Priority::Transcode).await {
            Ok(inspected) => inspected,
            Err(e) => {
                tracing::warn!("a segment of {} is left out: {e}", self.address);
                return Ok(None);
            }
        };
        let source = Source {
            hash: blake3::hash(&bytes).as_bytes().into(),
            len: bytes.len() as u64,
            frames_root: inspected.frames_root,
            frame_count: inspected.frame_count,
        };
        let (blobs, path) = (blobs.clone(), self.folder.clone());
        let stored = tokio::task::spawn_blocking(move || blobs.put(&bytes)).await;
        let io = |source| ClipError::Io { path, source };
        match stored {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Err(io(e)),
            Err(e) => return Err(io(std::io::Error::other(e))),
        }
        Ok(Some(Offer {
            source,
            timing: Some(segment.timing),
            sounds: segment.sounds,
        }))
    }

    /// Whether a sender's stream is what the job was created for; says what is wrong if it is not.
    async fn fits(&self, segment: &LiveSegment, workers: &Workers) -> bool {
        let found = match look(segment, workers, &self.folder).await {
            Ok(probe) => probe.source_format().map_err(ClipError::from),
            Err(e) => Err(e),
        };
        let job = &self.profiles.source;
        match found {
            // The rate is a name only: every segment has its own times.
            Ok(found) if same(&found, job) => true,
            Ok(found) => {
                tracing::error!(
                    "the stream is {} now, the job is for {}; nothing is published until it is that again. For another job \
                     remove {}",
                    words(&found),
                    words(job),
                    self.folder.join(JOB).display()
                );
                false
            }
            Err(e) => {
                tracing::error!("the stream cannot be published: {e}");
                false
            }
        }
    }
}

fn same(a: &SourceFormat, b: &SourceFormat) -> bool {
    let nominal = SourceFormat {
        fps_num: b.fps_num,
        fps_den: b.fps_den,
        ..*a
    };
    nominal == *b
}

fn words(format: &SourceFormat) -> String {
    format!(
        "{}x{} of {} bit (colour {:?}, {} range)",
        format.width,
        format.height,
        format.bit_depth,
        format.colour,
        if format.full_range { "full" } else { "limited" }
    )
}

fn tell(address: &Address, event: &LiveEvent) {
    match event {
        LiveEvent::Connected { from } => tracing::info!(%from, "a stream has come to {address}"),
        LiveEvent::Lost { reason } => tracing::warn!("the stream of {address} is gone: {reason}"),
        LiveEvent::Segment(_) => {}
    }
}

async fn first_segment(
    events: &mut mpsc::Receiver<LiveEvent>,
    address: &Address,
) -> Option<Box<LiveSegment>> {
    loop {
        match events.recv().await? {
            LiveEvent::Segment(segment) => return Some(segment),
            event => tell(address, &event),
        }
    }
}

/// What a segment is.
async fn look(segment: &LiveSegment, workers: &Workers, folder: &Path) -> Result<Probe, ClipError> {
    let path = folder.join("first.ts");
    tokio::fs::write(&path, &segment.bytes)
        .await
        .map_err(|source| ClipError::Io {
            path: path.clone(),
            source,
        })?;
    let mut probe = probe(&path, workers.command()).await?;
    probe.fps = rate(segment).unwrap_or(probe.fps);
    Ok(probe)
}

/// The frame rate that a segment's times come nearest to.
fn rate(segment: &LiveSegment) -> Option<(u32, u32)> {
    let seconds = segment.timing.duration.as_secs_f64();
    let found = f64::from(segment.frames) / seconds;
    let off = |&(n, d): &(u32, u32)| (f64::from(n) / f64::from(d) / found - 1.0).abs();
    let near = RATES.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)))?;
    let whole = (found.round().clamp(1.0, 240.0) as u32, 1);
    match seconds > 0.0 && segment.frames > 1 {
        true if off(&near) < 0.005 => Some(near),
        true => Some(whole),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_encoder::package::Timing;

    #[test]
    fn rates_are_those_by_custom() {
        let found = |frames, millis| {
            rate(&LiveSegment {
                bytes: Vec::new(),
                frames,
                timing: Timing {
                    start: Duration::ZERO,
                    duration: Duration::from_millis(millis),
                    frames: Vec::new(),
                    discontinuity: false,
                    date: None,
                },
                sounds: Vec::new(),
            })
        };
        assert_eq!(found(60, 2000), Some((30, 1)));
        assert_eq!(found(60, 2002), Some((30_000, 1001)));
        assert_eq!(found(48, 2003), Some((24_000, 1001)));
        assert_eq!(found(14, 2001), Some((7, 1)));
        assert_eq!(found(1, 40), None);
    }
}
