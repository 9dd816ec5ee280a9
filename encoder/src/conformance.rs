//! Proof that this machine gives the bytes everyone else gets.
//!
//! The vectors in `encoder/vectors` hold a profile, an input made by [`synth::frame`], the frames
//! root and the hash of every leaf. A node computes them in the worker, at the machine's own SIMD level and without
//! SIMD, before it signs anything.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use assay_protocol::B256;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use serde::{Deserialize, Serialize};

use crate::fault::WorkerError;
use crate::request::{EncodeRequest, Encoded, SimdLevel};
use crate::settings::encoder_id;
use crate::synth;
use crate::workers::{Priority, Workers};
use crate::y4m::{Header, write_frame};

const VECTORS: [(&str, &str); 4] = [
    ("basic", include_str!("../vectors/basic.json")),
    ("ten_bit", include_str!("../vectors/ten_bit.json")),
    (
        "tiles_low_latency",
        include_str!("../vectors/tiles_low_latency.json"),
    ),
    ("odd_sizes", include_str!("../vectors/odd_sizes.json")),
];

/// One conformance vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The pipeline it belongs to.
    pub encoder_id: B256,
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
    /// BLAKE3 of each leaf, in order.
    pub leaves: Vec<B256>,
}

/// How this machine differs.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// A vector file that does not parse: a broken build.
    #[error("vector {name}: {source}")]
    Unreadable {
        /// The vector.
        name: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Vectors of another pipeline than the one built in.
    #[error("vector {name} is for encoder {expected}, this program's is {found}")]
    Pipeline {
        /// The vector.
        name: &'static str,
        /// The program's encoder id.
        found: B256,
        /// The vector's.
        expected: B256,
    },
    /// Other bytes than everyone else.
    #[error(
        "vector {name} at SIMD level {level}: {what} is {found}, expected {expected}; this machine must not sign"
    )]
    Differs {
        /// The vector.
        name: &'static str,
        /// `default` or rav1e's name of the level.
        level: &'static str,
        /// Frames root or leaf.
        what: String,
        /// What this machine computes.
        found: B256,
        /// What the vector says.
        expected: B256,
    },
    /// No answer at all.
    #[error("vector {name} at SIMD level {level}: {source}")]
    Worker {
        /// The vector.
        name: &'static str,
        /// `default` or rav1e's name of the level.
        level: &'static str,
        /// What became of the worker.
        source: WorkerError,
    },
}

/// The vectors built into this program, by name.
pub fn vectors() -> Result<BTreeMap<&'static str, Vector>, ConformanceError> {
    let read = |&(name, text): &(&'static str, &str)| {
        let vector = serde_json::from_str(text)
            .map_err(|source| ConformanceError::Unreadable { name, source })?;
        Ok((name, vector))
    };
    VECTORS.iter().map(read).collect()
}

/// Computes every vector at the default SIMD level and without SIMD.
///
/// # Errors
/// The first difference, or a worker that gives no answer.
pub async fn check(workers: &Workers) -> Result<(), ConformanceError> {
    for (name, vector) in vectors()? {
        if vector.encoder_id != encoder_id() {
            let (found, expected) = (encoder_id(), vector.encoder_id);
            return Err(ConformanceError::Pipeline {
                name,
                found,
                expected,
            });
        }
        let run = |level| check_at(workers, name, &vector, level);
        tokio::try_join!(run(None), run(Some(SimdLevel::Scalar)))?;
    }
    Ok(())
}

async fn check_at(
    workers: &Workers,
    name: &'static str,
    vector: &Vector,
    level: Option<SimdLevel>,
) -> Result<(), ConformanceError> {
    let label = level.map_or("default", SimdLevel::name);
    let encoded =
        compute(workers, vector, level)
            .await
            .map_err(|source| ConformanceError::Worker {
                name,
                level: label,
                source,
            })?;
    let same = |what: String, found: B256, expected: B256| match found == expected {
        true => Ok(()),
        false => Err(ConformanceError::Differs {
            name,
            level: label,
            what,
            found,
            expected,
        }),
    };
    same(
        "frames root".into(),
        encoded.source.frames_root,
        vector.frames_root,
    )?;
    for (leaf, expected) in encoded.leaves.iter().zip(&vector.leaves) {
        same(format!("leaf {}", leaf.leaf), leaf.output_hash, *expected)?;
    }
    let (found, expected) = (encoded.leaves.len() as u64, vector.leaves.len() as u64);
    let number = |n| B256::left_padding_from(&u64::to_be_bytes(n));
    same("number of leaves".into(), number(found), number(expected))
}

/// Computes a vector's leaves in a worker.
pub async fn compute(
    workers: &Workers,
    vector: &Vector,
    level: Option<SimdLevel>,
) -> Result<Encoded, WorkerError> {
    let (chunk_frames, source, renditions) = (
        vector.chunk_frames,
        vector.source,
        vector.renditions.clone(),
    );
    let profiles = Profiles {
        chunk_frames,
        source,
        renditions,
    };
    let mut request = EncodeRequest::whole(input(vector), profiles, vector.frames, 1);
    request.level = level;
    request.want_bytes = false;
    workers.encode(&request, Priority::Accused).await
}

/// The vector's input as Y4M.
fn input(vector: &Vector) -> Arc<[u8]> {
    let SourceFormat {
        width,
        height,
        bit_depth,
        full_range,
        fps_num,
        fps_den,
        ..
    } = vector.source;
    let (width, height) = (u32::from(width), u32::from(height));
    let header = Header {
        width,
        height,
        bit_depth,
        fps: (fps_num, fps_den),
        full_range,
    };
    let mut bytes = header.line().into_bytes();
    for index in 0..vector.frames {
        let frame = synth::frame(width, height, index);
        let frame = if bit_depth > 8 {
            synth::widen(&frame)
        } else {
            frame
        };
        // Writing to a Vec does not fail.
        let _ = write_frame(&mut bytes.by_ref(), &frame);
    }
    bytes.into()
}
