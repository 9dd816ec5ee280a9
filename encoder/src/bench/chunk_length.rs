//! Chunk length: bits against the cost of sampling.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::workers::Workers;

use super::BenchError;
use super::clip::{Clip, Wanted};
use super::curve::Curve;
use super::machine::Machine;
use super::path::{self, Load};
use super::quality::compare;
use super::verify;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A video, or nothing for the generated clip.
    pub input: Option<PathBuf>,
    /// Rows.
    pub height: u16,
    /// Lengths of chunks; the last one is the length of a segment, and what the others are compared with.
    pub lengths: Vec<Duration>,
    /// Segments measured.
    pub segments: u32,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Quantizers of the curves.
    pub quantizers: Vec<u8>,
    /// Leaves of 2 s for each expected check.
    pub leaves_per_check: f64,
    /// Cores used.
    pub cores: usize,
}

/// Bits and costs by chunk length.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// The clip: a path, or `generated`.
    pub clip: String,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Seconds of a segment.
    pub segment_seconds: f64,
    /// Shortest first.
    pub rows: Vec<Row>,
}

/// One chunk length.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Seconds of a chunk.
    pub seconds: f64,
    /// Frames of a chunk.
    pub frames: u16,
    /// Bytes at the middle quantizer.
    pub bytes: u64,
    /// Bits at equal PSNR against the longest, percent.
    pub bits_percent: f64,
    /// CPU seconds of one check: start, decode, hash, encode.
    pub check_cpu_seconds: f64,
    /// CPU seconds of encoding one chunk, decoding included.
    pub encode_cpu_seconds: f64,
    /// A check over its part of the encode.
    pub check_ratio: f64,
    /// Percent of the encoding's CPU time used by checks, at one for so many leaves: the same chance for each leaf.
    pub per_leaf_percent: f64,
    /// Percent of it at as many checks for each second of video as chunks of 2 s get: the same chance to catch who
    /// spoils a given length of video.
    pub per_second_percent: f64,
    /// Leaves' hashes in receipts, bytes for each hour of one rendition.
    pub receipt_bytes_per_hour: f64,
}

/// Length by which checks are counted, as the network's parameter is meant.
const COUNTED: f64 = 2.0;
/// Bytes of a leaf in a receipt: rendition, chunk, frames root, length, hash.
const LEAF_BYTES: f64 = 73.0;

/// Measures it in `folder`; `told` hears what is being done.
///
/// # Errors
/// A clip, a tool or a worker that fails.
pub async fn run(
    plan: &Plan,
    workers: &Workers,
    folder: &Path,
    told: impl Fn(&str),
) -> Result<Report, BenchError> {
    let machine = Machine::describe().await;
    let segment = plan.lengths.iter().copied().max().unwrap_or_default();
    told("making the clip");
    let wanted = Wanted {
        input: plan.input.as_deref(),
        height: plan.height,
        length: segment * plan.segments,
        segment,
    };
    let clip = Clip::make(folder, &wanted, workers.command()).await?;
    let middle = plan.quantizers[plan.quantizers.len() / 2];
    let mut curves = Vec::new();
    let mut rows = Vec::new();
    for &length in &plan.lengths {
        let seconds = length.as_secs_f64();
        told(&format!("chunks of {seconds} s: bits"));
        let chunk_frames = clip.frames_in(length);
        let (mut points, mut bytes) = (Vec::new(), 0);
        for &quantizer in &plan.quantizers {
            let profiles = path::same_size(&clip, chunk_frames, plan.speed, quantizer);
            let load = Load::filling(plan.cores, &clip);
            let made = path::transcode(workers, &clip, &profiles, load).await?;
            let file = folder.join("chunks.obu");
            made.write(0, &file)?;
            let quality = compare(&file, &clip.raw, clip.frames()).await?;
            points.push((quality.psnr_db, made.bytes() as f64));
            if quantizer == middle {
                bytes = made.bytes();
            }
        }
        let curve = Curve::new(points).map_err(|source| BenchError::Curve {
            what: format!("chunks of {seconds} s"),
            source,
        })?;
        curves.push(curve);
        told(&format!("chunks of {seconds} s: checks"));
        let checks = verify::Plan {
            input: plan.input.clone(),
            heights: vec![plan.height],
            speed: plan.speed,
            quantizer: middle,
            chunk: length,
            segment,
            segments: plan.segments,
            leaves_per_check: plan.leaves_per_check,
        };
        let costs = verify::of(&checks, workers, &clip, |_| {}).await?;
        let leaves = costs.leaves as f64;
        let ratio = costs.check_cpu_seconds / costs.encode_cpu_seconds;
        rows.push(Row {
            seconds,
            frames: chunk_frames,
            bytes,
            bits_percent: 0.0,
            check_cpu_seconds: costs.check_cpu_seconds / leaves,
            encode_cpu_seconds: costs.encode_cpu_seconds / leaves,
            check_ratio: ratio,
            per_leaf_percent: costs.verify_percent,
            per_second_percent: costs.verify_percent * seconds / COUNTED,
            receipt_bytes_per_hour: LEAF_BYTES * 3600.0 / seconds,
        });
    }
    if let Some(longest) = curves.last() {
        for (row, curve) in rows.iter_mut().zip(&curves) {
            let ratio = curve.against(longest).map_err(|source| BenchError::Curve {
                what: format!("chunks of {} s against the longest", row.seconds),
                source,
            })?;
            row.bits_percent = 100.0 * (ratio - 1.0);
        }
    }
    Ok(Report {
        machine,
        clip: plan
            .input
            .as_ref()
            .map_or("generated".into(), |p| p.display().to_string()),
        width: clip.format.width,
        height: clip.format.height,
        speed: plan.speed,
        segment_seconds: segment.as_secs_f64(),
        rows,
    })
}
