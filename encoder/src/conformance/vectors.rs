//! The vectors, as they stand in `encoder/vectors`.

use std::collections::BTreeMap;

use assay_protocol::B256;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use serde::{Deserialize, Serialize};

use super::ConformanceError;

/// When a vector is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// Each time a node starts, too: small pictures, every kind of setting.
    Start,
    /// By `assay doctor` and in the tests: the presets.
    Doctor,
}

/// One conformance vector. Its input is made by [`synth::frame`](crate::synth::frame), widened where it has 10 bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The pipeline it belongs to.
    pub encoder_id: B256,
    /// When it is computed.
    pub occasion: Occasion,
    /// Source frames in a chunk.
    pub chunk_frames: u16,
    /// Frames of the input.
    pub frames: u32,
    /// Size and format of the input.
    pub source: SourceFormat,
    /// What is encoded.
    pub renditions: Vec<Rendition>,
    /// The input's frames root.
    pub frames_root: B256,
    /// What comes out, leaf by leaf.
    pub leaves: Vec<VectorLeaf>,
}

/// The output of one leaf; its bytes stand in the file beside, one leaf after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorLeaf {
    /// BLAKE3 of the bytes.
    pub hash: B256,
    /// Their number.
    pub len: u32,
}

impl Vector {
    /// What the encoder is asked for.
    pub fn profiles(&self) -> Profiles {
        Profiles {
            chunk_frames: self.chunk_frames,
            source: self.source,
            renditions: self.renditions.clone(),
        }
    }
}

macro_rules! vectors {
    ($($name:literal)+) => {
        /// Name, description, bytes of all leaves.
        const VECTORS: &[(&str, &str, &[u8])] = &[$((
            $name,
            include_str!(concat!("../../vectors/", $name, ".json")),
            include_bytes!(concat!("../../vectors/", $name, ".obus")),
        )),+];
    };
}

vectors! {
    "basic" "ten_bit" "tiles_low_latency" "odd_sizes" "bitrate" "speeds" "full_range"
    "presets/144p_8" "presets/144p_10" "presets/240p_8" "presets/240p_10"
    "presets/360p_8" "presets/360p_10" "presets/480p_8" "presets/480p_10"
    "presets/720p_8" "presets/720p_10" "presets/1080p_8" "presets/1080p_10"
    "presets/ladder-720p_8" "presets/ladder-720p_10"
    "presets/ladder-1080p_8" "presets/ladder-1080p_10"
    "presets/bitrate-720p_8" "presets/bitrate-720p_10"
    "presets/demo_8" "presets/demo_10"
}

/// The vectors built into this program, by name.
pub fn vectors() -> Result<BTreeMap<&'static str, Vector>, ConformanceError> {
    let read = |&(name, text, _): &(&'static str, &str, &[u8])| {
        let vector = serde_json::from_str(text)
            .map_err(|source| ConformanceError::Unreadable { name, source })?;
        Ok((name, vector))
    };
    VECTORS.iter().map(read).collect()
}

/// The bytes that leaf `leaf` of a vector must have; empty where there is no such leaf.
pub fn bytes(name: &str, vector: &Vector, leaf: usize) -> &'static [u8] {
    let all = VECTORS
        .iter()
        .find(|v| v.0 == name)
        .map_or(&[][..], |v| v.2);
    let len = |leaf: &VectorLeaf| leaf.len as usize;
    let begin: usize = vector.leaves.iter().take(leaf).map(len).sum();
    let end = begin + vector.leaves.get(leaf).map_or(0, len);
    all.get(begin..end).unwrap_or_default()
}
