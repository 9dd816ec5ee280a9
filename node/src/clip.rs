//! A video to publish: probed, cut into segments, and each segment inspected.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_encoder::input::InputError;
use assay_encoder::ladder::LadderError;
use assay_encoder::live::LiveError;
use assay_encoder::probe::{Probe, probe};
use assay_encoder::segmenter::{Segment, Segmenter};
use assay_encoder::soundtrack::Soundtrack;
use assay_encoder::{
    InspectRequest, Ladder, Priority, WorkerCommand, WorkerError, Workers, leaf_count,
};
use assay_protocol::assignment::RefusalReason;
use assay_protocol::profile::Profiles;
use assay_roles::broadcaster::Source;

use crate::audio::{Audio, soundtrack};
use crate::blobs::BlobFolder;
use crate::settings::Offer;

/// Target length of a segment.
pub(crate) const SEGMENT: Duration = Duration::from_secs(2);

/// Why a clip cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The ladder, or the ladder for this file.
    #[error(transparent)]
    Ladder(#[from] LadderError),
    /// A segment of it.
    #[error("{path}: segment {seq} (frames from {first_frame} on): {source}", path = path.display())]
    Segment {
        /// The file.
        path: PathBuf,
        /// Segment number.
        seq: u32,
        /// First frame of it.
        first_frame: u32,
        /// What is wrong.
        source: WorkerError,
    },
    /// A live source that gave nothing.
    #[error("{0}: the stream ended before its first segment")]
    NoStream(String),
    /// A live source that cannot be received.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ClipError {
    /// Whether a segment's own bytes are at fault, and not this machine.
    pub(crate) fn is_of_bytes(&self) -> bool {
        let Self::Segment { source, .. } = self else {
            return false;
        };
        matches!(
            source.reason(),
            RefusalReason::Undecodable | RefusalReason::FramesRootDiffers
        )
    }
}

/// A clip ready to be published.
#[derive(Clone, Debug)]
pub struct Clip {
    /// What it is.
    pub probe: Probe,
    /// The ladder for it.
    pub profiles: Profiles,
    /// Its segments.
    pub segments: Vec<Segment>,
    /// Decoded frames of all segments.
    pub frames: u64,
    sources: Vec<Prepared>,
    track: Option<Soundtrack>,
}

/// A segment's bytes with what decoding them gave.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub bytes: Arc<[u8]>,
    pub source: Source,
}

/// Reads and decodes one segment of `path`.
pub(crate) async fn inspect(
    path: &Path,
    segment: &Segment,
    profiles: &Profiles,
    workers: &Workers,
) -> Result<Prepared, ClipError> {
    let read = tokio::fs::read(&segment.path).await;
    let bytes = read.map_err(|source| ClipError::Io {
        path: segment.path.clone(),
        source,
    })?;
    let bytes: Arc<[u8]> = bytes.into();
    let request = InspectRequest {
        source: bytes.clone(),
        profiles: profiles.clone(),
    };
    let inspected = workers
        .inspect(&request, Priority::Transcode)
        .await
        .map_err(|source| ClipError::Segment {
            path: path.into(),
            seq: segment.seq,
            first_frame: segment.first_frame,
            source,
        })?;
    let source = Source {
        hash: blake3::hash(&bytes).as_bytes().into(),
        len: bytes.len() as u64,
        frames_root: inspected.frames_root,
        frame_count: inspected.frame_count,
    };
    Ok(Prepared { bytes, source })
}

/// What a ladder makes of a file.
pub fn profiles(probe: &Probe, ladder: &Ladder) -> Result<Profiles, ClipError> {
    Ok(ladder.profiles(probe.source_format()?, probe.shown_size())?)
}

/// Whether each segment may have the leaves that the ladder gives it: nobody could be assigned it, and a job would be for
/// nothing.
fn check_leaves(path: &Path, segments: &[Segment], profiles: &Profiles) -> Result<(), ClipError> {
    segments.iter().try_for_each(|segment| {
        let fault = leaf_count(profiles, segment.frames).err();
        fault.map_or(Ok(()), |fault| {
            Err(ClipError::Segment {
                path: path.into(),
                seq: segment.seq,
                first_frame: segment.first_frame,
                source: fault.into(),
            })
        })
    })
}

/// A file that was looked at and cut.
#[derive(Clone, Debug)]
pub struct CutVideo {
    /// What it is.
    pub probe: Probe,
    /// The ladder for it.
    pub profiles: Profiles,
    /// Its segments.
    pub segments: Vec<Segment>,
}

impl CutVideo {
    /// Probes `path` and cuts it into `folder`.
    ///
    /// # Errors
    /// A file that is no video, has no place on the ladder, cannot be cut, or has a segment of too many leaves.
    pub async fn open(
        path: &Path,
        folder: &Path,
        worker: &WorkerCommand,
        ladder: &Ladder,
    ) -> Result<Self, ClipError> {
        let probe = probe(path, worker).await?;
        let profiles = profiles(&probe, ladder)?;
        let segments = Segmenter::new(folder, SEGMENT).cut(&probe, worker).await?;
        check_leaves(path, &segments, &profiles)?;
        Ok(Self {
            probe,
            profiles,
            segments,
        })
    }
}

impl Clip {
    /// Probes and cuts `path` into `folder`, decodes every segment once; `progress` hears how many are done of how many.
    pub async fn prepare(
        path: &Path,
        folder: &Path,
        workers: &Workers,
        ladder: &Ladder,
        progress: impl Fn(usize, usize),
    ) -> Result<Self, ClipError> {
        let CutVideo {
            probe,
            profiles,
            segments,
        } = CutVideo::open(path, folder, workers.command(), ladder).await?;
        let mut sources = Vec::with_capacity(segments.len());
        for segment in &segments {
            progress(sources.len(), segments.len());
            sources.push(inspect(path, segment, &profiles, workers).await?);
        }
        progress(sources.len(), segments.len());
        let track = soundtrack(&probe, &segments, folder, workers.command()).await;
        let frames = sources
            .iter()
            .map(|s| u64::from(s.source.frame_count))
            .sum();
        Ok(Self {
            probe,
            profiles,
            segments,
            frames,
            sources,
            track,
        })
    }

    /// Stores the source bytes where the broadcaster serves them from.
    pub fn store(&self, blobs: &BlobFolder) -> std::io::Result<()> {
        self.sources
            .iter()
            .try_for_each(|prepared| blobs.put(&prepared.bytes).map(drop))
    }

    /// The clip from its beginning, over and over.
    pub fn reel(&self) -> Reel<'_> {
        Reel {
            clip: self,
            audio: Audio::new(self.track.clone(), &self.segments),
            next: 0,
        }
    }

    /// Frames of the longest segment.
    pub fn longest(&self) -> u32 {
        let frames = self.sources.iter().map(|s| s.source.frame_count);
        frames.max().unwrap_or_default()
    }

    /// Segments in one pass.
    pub fn len(&self) -> u32 {
        self.sources.len() as u32
    }

    /// Whether it has no segment.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// A clip that is published for ever: its segments with their times and their audio.
pub struct Reel<'a> {
    clip: &'a Clip,
    audio: Audio,
    next: u32,
}

impl Reel<'_> {
    /// The next segment; none of a clip without segments.
    pub async fn next(&mut self) -> Option<Offer> {
        let count = self.clip.len();
        let lap = self.next.checked_div(count)?;
        let index = (self.next % count) as usize;
        let segment = self.clip.segments.get(index)?;
        let source = self.clip.sources.get(index)?.source;
        if index == 0 {
            self.audio.begin(&self.clip.segments, lap, 0).await;
        }
        self.next += 1;
        Some(self.audio.with(segment, Some(source)).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::profile::{Rendition, SourceFormat};

    #[test]
    fn a_segment_of_too_many_leaves_is_named_before_there_is_a_job() {
        let profiles = Profiles {
            chunk_frames: 1,
            source: SourceFormat::plain(64, 64, 30),
            renditions: vec![Rendition::plain(64, 64, 10, 100); 16],
        };
        let segment = |seq, frames| Segment {
            seq,
            path: PathBuf::new(),
            first_frame: 50 * seq,
            frames,
            start: Duration::ZERO,
            zero: 0,
            duration: Duration::ZERO,
            times: Vec::new(),
        };
        let check = |last| {
            let segments = [segment(0, 50), segment(1, last)];
            check_leaves(Path::new("many.mp4"), &segments, &profiles)
        };
        assert!(check(50).is_ok());
        let refused = check(51).unwrap_err().to_string();
        let named = "many.mp4: segment 1 (frames from 50 on): 51 frames in chunks of 1, in 16 renditions, are 816 leaves";
        assert!(
            refused.starts_with(named) && refused.contains("chunks longer"),
            "{refused}"
        );
    }
}
