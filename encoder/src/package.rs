//! Chunks as CMAF segments with HLS playlists that a browser plays.
//!
//! ```text
//! DIR/master.m3u8          multivariant playlist
//! DIR/0_360p/index.m3u8    media playlist of rendition 0
//! DIR/0_360p/init.mp4      init segment
//! DIR/0_360p/00000.m4s     one media segment for each source segment
//! ```

mod playlist;
mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use assay_protocol::profile::Profiles;

use track::Track;

/// Segments that may wait for an earlier one.
const MAX_PENDING: usize = 256;

/// Why chunks were not packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file cannot be written.
    #[error("writing {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A segment with another number of renditions or chunks than its profiles and frames say.
    #[error("segment {seq}: {found} {what}, expected {expected}")]
    Count {
        /// The segment.
        seq: u32,
        /// What was counted.
        what: &'static str,
        /// Given.
        found: usize,
        /// Expected.
        expected: usize,
    },
    /// A chunk that is not the AV1 it should be.
    #[error("segment {seq}, rendition {rendition}, chunk {chunk}: {detail}")]
    Chunk {
        /// The segment.
        seq: u32,
        /// The rendition.
        rendition: usize,
        /// The chunk.
        chunk: usize,
        /// What is wrong.
        detail: String,
    },
    /// A segment that was written already.
    #[error("segment {seq} was packaged before; the next is {next}")]
    Repeated {
        /// The segment.
        seq: u32,
        /// The next expected.
        next: u32,
    },
    /// Too many segments wait for an earlier one.
    #[error("{waiting} segments wait for segment {next}, at most {MAX_PENDING} may")]
    Pending {
        /// Waiting segments.
        waiting: usize,
        /// The missing one.
        next: u32,
    },
    /// The MP4 writer refused.
    #[error("MP4 writer: {0}")]
    Mp4(String),
}

/// A rendition's chunks of one segment, as low-overhead OBU streams.
pub type Chunks = Vec<Vec<u8>>;

/// Writes segments in order, whatever order they come in.
pub struct Packager {
    dir: PathBuf,
    profiles: Profiles,
    tracks: Vec<Track>,
    next: u32,
    pending: BTreeMap<u32, Vec<track::Media>>,
    /// Segments that will never come.
    gaps: BTreeSet<u32>,
    /// Whether the segment before the next one is missing.
    after_gap: bool,
    finished: bool,
}

impl Packager {
    /// Creates the folder and one sub-folder for each rendition.
    pub fn new(dir: &Path, profiles: &Profiles) -> Result<Self, PackageError> {
        let mut tracks = Vec::new();
        for (index, rendition) in profiles.renditions.iter().enumerate() {
            let track = Track::new(index, rendition, &profiles.source);
            let path = dir.join(track.name());
            std::fs::create_dir_all(&path)
                .map_err(|source| PackageError::Write { path, source })?;
            tracks.push(track);
        }
        let (dir, profiles) = (dir.to_owned(), profiles.clone());
        Ok(Self {
            dir,
            profiles,
            tracks,
            next: 0,
            pending: BTreeMap::new(),
            gaps: BTreeSet::new(),
            after_gap: false,
            finished: false,
        })
    }

    /// The same for a stream that begins with segment `first`: a publisher that was started again.
    pub fn begin_at(self, first: u32) -> Self {
        Self {
            next: first,
            ..self
        }
    }

    /// A segment that nobody delivered: those after it need not wait, and the playlist gets a discontinuity.
    ///
    /// # Errors
    /// When what waited for it cannot be written.
    pub fn skip(&mut self, seq: u32) -> Result<(), PackageError> {
        if seq >= self.next && !self.pending.contains_key(&seq) {
            self.gaps.insert(seq);
        }
        self.drain()
    }

    /// Takes one source segment: for each rendition its chunks, in order. Writes what is next in order.
    ///
    /// # Errors
    /// A segment whose chunks do not show exactly what is kept of `frames` source frames is refused whole and can be
    /// given again.
    pub fn add_segment(
        &mut self,
        seq: u32,
        frames: u32,
        renditions: &[Chunks],
    ) -> Result<(), PackageError> {
        if seq < self.next || self.pending.contains_key(&seq) {
            return Err(PackageError::Repeated {
                seq,
                next: self.next,
            });
        }
        if self.pending.len() >= MAX_PENDING && seq != self.next {
            return Err(PackageError::Pending {
                waiting: self.pending.len(),
                next: self.next,
            });
        }
        let count = |what, found, expected| match found == expected {
            true => Ok(()),
            false => Err(PackageError::Count {
                seq,
                what,
                found,
                expected,
            }),
        };
        count("renditions", renditions.len(), self.tracks.len())?;
        let mut media = Vec::new();
        for (rendition, (track, chunks)) in self.tracks.iter().zip(renditions).enumerate() {
            count(
                "chunks",
                chunks.len(),
                self.profiles.chunks(frames) as usize,
            )?;
            let mut whole = track::Media::default();
            for (chunk, bytes) in chunks.iter().enumerate() {
                let source = self.profiles.frames_of(chunk as u32, frames).len() as u32;
                let bad = |detail| PackageError::Chunk {
                    seq,
                    rendition,
                    chunk,
                    detail,
                };
                whole.append(bytes, source, track.step).map_err(bad)?;
            }
            let header = track.header().unwrap_or(&whole.header);
            if *header != whole.header {
                let detail = "its sequence header differs from the track's".to_owned();
                return Err(PackageError::Chunk {
                    seq,
                    rendition,
                    chunk: 0,
                    detail,
                });
            }
            media.push(whole);
        }
        self.pending.insert(seq, media);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), PackageError> {
        let mut wrote = false;
        loop {
            if let Some(media) = self.pending.remove(&self.next) {
                let gap = std::mem::take(&mut self.after_gap);
                self.write_segment(self.next, media, gap)?;
                wrote = true;
            } else if self.gaps.remove(&self.next) {
                self.after_gap = true;
            } else {
                break;
            }
            self.next += 1;
        }
        if wrote {
            self.write_playlists()
        } else {
            Ok(())
        }
    }

    fn write_segment(
        &mut self,
        seq: u32,
        media: Vec<track::Media>,
        gap: bool,
    ) -> Result<(), PackageError> {
        for (track, media) in self.tracks.iter_mut().zip(media) {
            let folder = self.dir.join(track.name());
            let name = format!("{seq:05}.m4s");
            let (init, segment) = track.mux(&name, media, gap)?;
            if let Some(init) = init {
                write(&folder.join(playlist::INIT), &init)?;
            }
            write(&folder.join(&name), &segment)?;
        }
        Ok(())
    }

    fn write_playlists(&self) -> Result<(), PackageError> {
        for track in &self.tracks {
            let path = self.dir.join(track.name()).join(playlist::MEDIA);
            write(&path, &playlist::media(track, self.finished))?;
        }
        write(
            &self.playlist(),
            &playlist::multivariant(&self.tracks, &self.profiles.source),
        )
    }

    /// The multivariant playlist's path.
    pub fn playlist(&self) -> PathBuf {
        self.dir.join(playlist::MULTIVARIANT)
    }

    /// Segments that wait for an earlier one.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what still waits, past gaps, with a discontinuity at each, and ends the playlists.
    pub fn finish(&mut self) -> Result<PathBuf, PackageError> {
        self.finished = true;
        for (seq, media) in std::mem::take(&mut self.pending) {
            let gap = std::mem::take(&mut self.after_gap) || seq != self.next;
            self.write_segment(seq, media, gap)?;
            self.next = seq + 1;
        }
        self.write_playlists()?;
        Ok(self.playlist())
    }
}

/// Replaces a file in one step, so that a player never reads half a playlist.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    let failed = |source| PackageError::Write {
        path: path.to_owned(),
        source,
    };
    let partial = path.with_extension("part");
    let mut file = std::fs::File::create(&partial).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(failed)
}
