//! What a worker is asked and what it answers; the same request serves transcoder and verifier.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assay_protocol::B256;
use assay_protocol::profile::{Profiles, Rendition};
use assay_protocol::receipt::Leaf;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::sandbox::{Access, Sockets};

/// Decode a segment and hash its frames.
#[derive(Clone, Debug)]
pub struct InspectRequest {
    /// The segment: any container FFmpeg knows, or Y4M.
    pub source: Arc<[u8]>,
    /// What the frames must be, and how they are cut into chunks.
    pub profiles: Profiles,
}

/// One leaf to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafRequest {
    /// Its index: `rendition · chunks + chunk`.
    pub leaf: u32,
    /// The settings to encode with: the profile's, for whoever is honest.
    pub settings: Rendition,
}

/// Decode a segment, hash its frames, encode some of its leaves.
#[derive(Clone, Debug)]
pub struct EncodeRequest {
    /// The segment: any container FFmpeg knows, or Y4M.
    pub source: Arc<[u8]>,
    /// What the frames must be, and how they are cut into chunks.
    pub profiles: Profiles,
    /// Frames in the segment, as assigned; another number is a [`Fault`](crate::Fault).
    pub frame_count: u32,
    /// What to encode.
    pub leaves: Vec<LeafRequest>,
    /// Leaves encoded at the same time, at most: as many as slots are free, now or while it runs. Changes no bit.
    pub threads: u16,
    /// Whether the answer carries the bytes, or their hash and length only.
    pub want_bytes: bool,
    /// SIMD level to force. Changes no bit, or the determinism claim is false.
    pub level: Option<SimdLevel>,
}

impl EncodeRequest {
    /// Everything: each leaf of the segment with the profile's settings, bytes wanted. No leaf where no segment may have
    /// so many; such a request is refused ([`leaf_count`](crate::leaf_count)).
    pub fn whole(source: Arc<[u8]>, profiles: Profiles, frame_count: u32, threads: u16) -> Self {
        let chunks = profiles.chunks(frame_count).max(1);
        let leaves = (0..profiles.leaf_count(frame_count).unwrap_or_default())
            .filter_map(|leaf| {
                let settings = *profiles.renditions.get((leaf / chunks) as usize)?;
                Some(LeafRequest { leaf, settings })
            })
            .collect();
        Self {
            source,
            profiles,
            frame_count,
            leaves,
            threads,
            want_bytes: true,
            level: None,
        }
    }

    /// A verifier's: one leaf with the profile's settings, hash only. `None` when there is no such leaf.
    pub fn one(source: Arc<[u8]>, profiles: Profiles, frame_count: u32, leaf: u32) -> Option<Self> {
        let mut request = Self::whole(source, profiles, frame_count, 1);
        request.leaves.retain(|l| l.leaf == leaf);
        request.want_bytes = false;
        (!request.leaves.is_empty()).then_some(request)
    }
}

/// SIMD levels of rav1e on x86-64, by the names it takes in `RAV1E_CPU_TARGET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SimdLevel {
    /// No assembly.
    Scalar,
    /// SSE2.
    Sse2,
    /// SSSE3.
    Ssse3,
    /// SSE4.1.
    Sse41,
    /// AVX2.
    Avx2,
    /// AVX-512 of Ice Lake.
    Avx512,
}

impl SimdLevel {
    /// All, slowest first.
    pub const ALL: [Self; 6] = [
        Self::Scalar,
        Self::Sse2,
        Self::Ssse3,
        Self::Sse41,
        Self::Avx2,
        Self::Avx512,
    ];

    /// rav1e's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "rust",
            Self::Sse2 => "sse2",
            Self::Ssse3 => "ssse3",
            Self::Sse41 => "sse4.1",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512icl",
        }
    }
}

/// What decoding gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// Frames decoded.
    pub frame_count: u32,
    /// Frames root of each chunk.
    pub chunk_roots: Vec<B256>,
    /// Root over them: the assignment's `framesRoot`.
    pub frames_root: B256,
    /// CPU time of FFmpeg and of hashing.
    pub decode_cpu: Duration,
}

/// One encoded leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodedLeaf {
    /// Its index.
    pub leaf: u32,
    /// Rendition it belongs to.
    pub rendition: u8,
    /// Chunk it belongs to.
    pub chunk: u32,
    /// BLAKE3 of the bytes.
    pub output_hash: B256,
    /// Their number.
    pub output_len: u32,
    /// Bytes of each temporal unit, one a frame.
    pub units: Vec<u32>,
    /// The low-overhead OBU stream, when wanted.
    pub bytes: Option<Vec<u8>>,
}

/// What encoding gave besides the leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// The decoded source.
    pub source: Inspected,
    /// CPU time of scaling and encoding, over all threads. After a crash, that of the second try alone.
    pub encode_cpu: Duration,
}

impl Finished {
    /// All CPU time, decode and encode.
    pub fn cpu(&self) -> Duration {
        self.source.decode_cpu + self.encode_cpu
    }
}

/// What encoding gave, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    /// The decoded source.
    pub source: Inspected,
    /// The leaves asked for.
    pub leaves: Vec<EncodedLeaf>,
    /// CPU time of scaling and encoding, over all threads. After a crash, that of the second try alone.
    pub encode_cpu: Duration,
}

impl Encoded {
    /// All CPU time, decode and encode.
    pub fn cpu(&self) -> Duration {
        self.source.decode_cpu + self.encode_cpu
    }

    /// The leaves as a receipt lists them.
    pub fn protocol_leaves(&self) -> Vec<Leaf> {
        self.leaves
            .iter()
            .map(|leaf| leaf.to_protocol(&self.source))
            .collect()
    }
}

impl EncodedLeaf {
    /// As a receipt lists it. A chunk that `source` does not have gives a zero root; the worker never answers so.
    pub fn to_protocol(&self, source: &Inspected) -> Leaf {
        Leaf {
            rendition: self.rendition,
            chunk: self.chunk,
            frames_root: source
                .chunk_roots
                .get(self.chunk as usize)
                .copied()
                .unwrap_or_default(),
            output_len: self.output_len,
            output_hash: self.output_hash,
        }
    }
}

/// What a child is started for: the first message it reads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Decode and encode; the source's bytes follow.
    Video(Job),
    /// Run FFmpeg or ffprobe, on files or on a stream that is arriving.
    Tool(ToolJob),
    /// Try to break out.
    Escape(Escape),
}

impl Order {
    /// How much can be encoded at the same time.
    pub(crate) fn threads(&self) -> usize {
        match self {
            Self::Video(Job {
                encode: Some(job), ..
            }) => job.threads.into(),
            _ => 1,
        }
    }
}

/// A tool to run, with the worker's own output as its output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ToolJob {
    pub limits: Limits,
    /// The program's path; it may be run whatever `access` says.
    pub program: OsString,
    pub arguments: Vec<OsString>,
    pub access: Access,
    pub feed: Feed,
}

/// What a tool gets on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Feed {
    /// Nothing: its arguments name what it reads.
    Nothing,
    /// These bytes, which others must not read in its arguments.
    Script(Vec<u8>),
    /// What the worker gets after the order.
    Stream,
}

/// What to try behind the walls.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Escape {
    /// A file that anyone may read.
    pub file: PathBuf,
    /// A folder that anyone may write to.
    pub folder: PathBuf,
    /// A loopback port at which somebody listens.
    pub port: u16,
    /// A program that anyone may start.
    pub program: PathBuf,
    /// The sockets that are allowed all the same.
    pub sockets: Sockets,
}

/// A segment to decode, before its bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub limits: Limits,
    /// Added to the niceness the worker is started with.
    pub niceness: u8,
    pub profiles: Vec<u8>,
    pub encode: Option<EncodeJob>,
}

/// The part of a job that an inspection lacks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EncodeJob {
    pub frame_count: u32,
    pub leaves: Vec<LeafRequest>,
    /// Leaves encoded at the same time at most: one, and one for each [`ONE_MORE`] that comes after the source.
    pub threads: u16,
    pub want_bytes: bool,
}

/// A byte that comes after the source: one more leaf may be encoded at the same time.
pub(crate) const ONE_MORE: u8 = b'+';
/// Another one: one less, from the end of a leaf on, which is answered.
pub(crate) const ONE_LESS: u8 = b'-';
