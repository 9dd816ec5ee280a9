//! Proof that this machine gives the bytes everyone else gets.
//!
//! The vectors in `encoder/vectors` hold a profile, an input made by [`synth::frame`], the frames root, and length, hash
//! and bytes of every leaf: one for each preset at both bit depths, and some small ones for every kind of setting. A node
//! computes the small ones in the worker, at the machine's own SIMD level and without SIMD, before it signs anything;
//! `assay doctor` computes all.

mod decoder;
mod level;
mod vectors;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use assay_protocol::B256;
use assay_protocol::profile::SourceFormat;

use crate::fault::WorkerError;
use crate::request::{EncodeRequest, Encoded, SimdLevel};
use crate::settings::encoder_id;
use crate::synth;
use crate::workers::{Priority, Workers};
use crate::y4m::{Header, write_frame};
pub use decoder::check_decoder;
pub use level::{ASSEMBLY, level_in_use};
pub use vectors::{Occasion, Vector, VectorLeaf, bytes, vectors};

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
    /// FFmpeg is missing, too old or broken.
    #[error(
        "the test segment {name} is not decoded: {source}; install FFmpeg 5.1 or newer (Debian: apt-get install ffmpeg)"
    )]
    NotDecoded {
        /// The segment.
        name: &'static str,
        /// What became of the worker.
        source: WorkerError,
    },
    /// A decoder or the conversion of FFmpeg is another one, or broken.
    #[error(
        "the test segment {name} is decoded to frames of root {found}, expected {expected}; this machine must not sign: install another FFmpeg"
    )]
    OtherFrames {
        /// The segment.
        name: &'static str,
        /// Of what FFmpeg gives.
        found: B256,
        /// Of what everyone's gives.
        expected: B256,
    },
}

/// Computes the vectors for [`Occasion::Start`] at the default SIMD level and without SIMD, and decodes a segment.
///
/// # Errors
/// The first difference, or a worker that gives no answer.
pub async fn check(workers: &Workers) -> Result<(), ConformanceError> {
    check_decoder(workers).await?;
    let all = vectors()?.into_iter();
    for (name, vector) in all.filter(|(_, vector)| vector.occasion == Occasion::Start) {
        let run = |level| check_one(workers, name, &vector, level);
        tokio::try_join!(run(None), run(Some(SimdLevel::Scalar)))?;
    }
    Ok(())
}

/// Computes one vector at one SIMD level, or at the default. Gives the CPU time of encoding.
///
/// # Errors
/// The first difference, or a worker that gives no answer.
pub async fn check_one(
    workers: &Workers,
    name: &'static str,
    vector: &Vector,
    level: Option<SimdLevel>,
) -> Result<Duration, ConformanceError> {
    if vector.encoder_id != encoder_id() {
        let (found, expected) = (encoder_id(), vector.encoder_id);
        return Err(ConformanceError::Pipeline {
            name,
            found,
            expected,
        });
    }
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
    for (index, (leaf, expected)) in encoded.leaves.iter().zip(&vector.leaves).enumerate() {
        let what = || {
            let found = leaf.bytes.as_deref().unwrap_or_default();
            let place = first_difference(found, bytes(name, vector, index), &leaf.units);
            format!("leaf {index} ({place})")
        };
        if leaf.output_hash != expected.hash {
            same(what(), leaf.output_hash, expected.hash)?;
        }
    }
    let (found, expected) = (encoded.leaves.len() as u64, vector.leaves.len() as u64);
    let number = |n| B256::left_padding_from(&u64::to_be_bytes(n));
    same("number of leaves".into(), number(found), number(expected))?;
    Ok(encoded.encode_cpu)
}

/// Where bytes begin to differ, and in which frame that is.
fn first_difference(found: &[u8], expected: &[u8], units: &[u32]) -> String {
    let equal = found.iter().zip(expected).take_while(|(a, b)| a == b);
    let at = equal.count();
    let mut end = 0usize;
    let frame = units.iter().take_while(|&&len| {
        end += len as usize;
        end <= at
    });
    format!(
        "{} bytes, expected {}, from byte {at} on, in frame {}",
        found.len(),
        expected.len(),
        frame.count()
    )
}

/// Computes a vector's leaves in a worker.
pub async fn compute(
    workers: &Workers,
    vector: &Vector,
    level: Option<SimdLevel>,
) -> Result<Encoded, WorkerError> {
    let mut request = EncodeRequest::whole(input(vector), vector.profiles(), vector.frames, 1);
    request.level = level;
    workers.encode(&request, Priority::Accused).await
}

/// The vector's input as Y4M.
pub fn input(vector: &Vector) -> Arc<[u8]> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_by_its_byte_and_frame() {
        let units = [3, 2, 4];
        let place = |found: &[u8]| first_difference(found, b"abcdefghi", &units);
        assert_eq!(
            place(b"abXdefghi"),
            "9 bytes, expected 9, from byte 2 on, in frame 0"
        );
        assert_eq!(
            place(b"abcXefghi"),
            "9 bytes, expected 9, from byte 3 on, in frame 1"
        );
        assert_eq!(
            place(b"abcdefgh"),
            "8 bytes, expected 9, from byte 8 on, in frame 2"
        );
    }

    #[test]
    fn each_file_has_the_bytes_of_its_leaves() {
        for (name, vector) in vectors().unwrap() {
            assert_eq!(vector.encoder_id, encoder_id(), "{name}");
            for (index, leaf) in vector.leaves.iter().enumerate() {
                let bytes = bytes(name, &vector, index);
                let hash = B256::from(*blake3::hash(bytes).as_bytes());
                assert_eq!(
                    (bytes.len() as u32, hash),
                    (leaf.len, leaf.hash),
                    "{name} {index}"
                );
            }
        }
    }
}
