//! Video without video: sources are names, and encoding is a hash of source, chunk, rendition and quantizer.

use std::collections::BTreeMap;

use assay_protocol::frames::segment_tree;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::Leaf;
use assay_protocol::{B256, keccak256};
use assay_roles::broadcaster::Source;
use assay_roles::transcoder::Encoded;

/// How much worse a cheat's quantizer is.
const WORSE: u8 = 60;

/// What a transcoder does to one leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Craft {
    Right,
    WorseQuantizer,
    WrongFramesRoot,
}

/// The run's sources and the pipeline that everybody runs.
#[derive(Debug)]
pub(super) struct Media {
    profiles: Profiles,
    frames: u32,
    seed: u64,
    sources: BTreeMap<B256, Vec<B256>>,
}

/// The demo's ladder: two renditions, chunks of 15 frames.
pub(super) fn ladder() -> Profiles {
    let top = Rendition::plain(640, 360, 10, 100);
    let half = Rendition {
        width: 320,
        height: 180,
        ..top
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat::plain(640, 360, 30),
        renditions: vec![top, half],
    }
}

impl Media {
    pub fn new(seed: u64, frames: u32) -> Self {
        Self {
            profiles: ladder(),
            frames,
            seed,
            sources: BTreeMap::new(),
        }
    }

    /// The source of a segment, known to [`Media::chunk_roots`] from now on.
    pub fn source(&mut self, seq: u32) -> Source {
        let name = [&b"source"[..], &self.seed.to_be_bytes(), &seq.to_be_bytes()];
        let hash = keccak256(name.concat());
        let chunks = self.profiles.chunks(self.frames);
        let roots: Vec<_> = (0..chunks)
            .map(|chunk| keccak256([hash.as_slice(), &chunk.to_be_bytes()].concat()))
            .collect();
        let frames_root = segment_tree(&roots).root();
        self.sources.insert(hash, roots);
        Source {
            hash,
            len: 100_000,
            frames_root,
            frame_count: self.frames,
        }
    }

    /// What decoding a source gives.
    pub fn chunk_roots(&self, source: &B256) -> Option<&Vec<B256>> {
        self.sources.get(source)
    }

    /// The right output hash of a leaf.
    pub fn recompute(&self, source: &B256, leaf: &Leaf) -> B256 {
        let rendition = self.profiles.renditions.get(usize::from(leaf.rendition));
        encode(
            source,
            leaf.chunk,
            leaf.rendition,
            rendition.map_or(0, |r| r.quantizer),
        )
    }

    /// All leaves of a segment as `craft` makes them; `None` for a source that does not exist.
    pub fn encode(&self, source: &B256, craft: impl Fn(u32) -> Craft) -> Option<Encoded> {
        let chunk_roots = self.sources.get(source)?.clone();
        let mut leaves = Vec::new();
        for (rendition, settings) in (0u8..).zip(&self.profiles.renditions) {
            for (chunk, root) in (0u32..).zip(&chunk_roots) {
                let craft = craft(leaves.len() as u32);
                let (frames_root, quantizer) = match craft {
                    Craft::Right => (*root, settings.quantizer),
                    Craft::WorseQuantizer => (*root, settings.quantizer + WORSE),
                    Craft::WrongFramesRoot => (keccak256(root), settings.quantizer),
                };
                leaves.push(Leaf {
                    rendition,
                    chunk,
                    frames_root,
                    output_len: 1_000,
                    output_hash: encode(source, chunk, rendition, quantizer),
                });
            }
        }
        Some(Encoded {
            chunk_roots,
            leaves,
        })
    }
}

fn encode(source: &B256, chunk: u32, rendition: u8, quantizer: u8) -> B256 {
    let name = [
        &b"encoded"[..],
        source.as_slice(),
        &chunk.to_be_bytes(),
        &[rendition, quantizer],
    ];
    keccak256(name.concat())
}
