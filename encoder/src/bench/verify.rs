//! What checking costs beside encoding: samples as verifiers recompute them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_protocol::profile::{Profiles, Rendition};
use serde::Serialize;

use crate::request::{EncodeRequest, Encoded};
use crate::workers::{Priority, Workers};

use super::BenchError;
use super::clip::{Clip, Wanted};
use super::machine::Machine;
use super::spread::Spread;
use super::usage::Meter;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A video, or nothing for the generated clip.
    pub input: Option<PathBuf>,
    /// Rows of each rendition, the source's first.
    pub heights: Vec<u16>,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Base quantizer.
    pub quantizer: u8,
    /// Length of a chunk.
    pub chunk: Duration,
    /// Length of a segment.
    pub segment: Duration,
    /// Segments measured.
    pub segments: u32,
    /// Leaves for each expected check.
    pub leaves_per_check: f64,
}

/// What checking costs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// The clip: a path, or `generated`.
    pub clip: String,
    /// Renditions, columns and rows, top first.
    pub renditions: Vec<(u16, u16)>,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Frames in a chunk.
    pub chunk_frames: u16,
    /// Frames of each segment.
    pub segment_frames: Vec<u32>,
    /// Leaves of all segments.
    pub leaves: usize,
    /// Leaves for each expected check.
    pub leaves_per_check: f64,
    /// CPU seconds of transcoding all segments, everything included.
    pub encode_cpu_seconds: f64,
    /// CPU seconds of checking each leaf once, alone, in a request of its own: start, decode, hash, encode.
    pub check_cpu_seconds: f64,
    /// Percent of the encoding's CPU time that verifiers use when each leaf is checked by its own request; the goal is
    /// at most 6. Independent verifiers, none of which draws two leaves of a segment.
    pub verify_percent: f64,
    /// The same when one verifier draws all and asks for a segment's leaves together.
    pub verify_percent_batched: f64,
    /// A lone sample of the top rendition, everything included, over encoding that chunk without decoding, in CPU
    /// seconds; mean of each segment's chunks. The goal is at most 1.2.
    pub top_sample_ratio: Spread,
    /// All leaves of the top rendition of a segment in one request, CPU seconds over the sum of one request each.
    pub batch_ratio: f64,
    /// CPU seconds of starting, decoding and hashing a segment: what a batch pays once.
    pub decode_cpu_seconds: Spread,
}

/// Measures it in `folder`; `told` hears what is being done.
///
/// # Errors
/// A clip, a tool or a worker that fails; a sample that is not the transcoder's.
pub async fn run(
    plan: &Plan,
    workers: &Workers,
    folder: &Path,
    told: impl Fn(&str),
) -> Result<Report, BenchError> {
    told("making the clip");
    let wanted = Wanted {
        input: plan.input.as_deref(),
        height: plan.heights.iter().copied().max().unwrap_or(360),
        length: plan.segment * plan.segments,
        segment: plan.segment,
    };
    let mut clip = Clip::make(folder, &wanted, workers.command()).await?;
    clip.segments.truncate(plan.segments as usize);
    of(plan, workers, &clip, told).await
}

/// Measures it with a clip that is there.
///
/// # Errors
/// A worker that fails; a sample that is not the transcoder's.
pub async fn of(
    plan: &Plan,
    workers: &Workers,
    clip: &Clip,
    told: impl Fn(&str),
) -> Result<Report, BenchError> {
    let machine = Machine::describe().await;
    let profiles = ladder(clip, plan);
    let mut sums = Sums::default();
    for (number, (source, frames)) in clip.segments.iter().enumerate() {
        let count = clip.segments.len();
        told(&format!("segment {} of {count}", number + 1));
        let whole = EncodeRequest::whole(source.clone(), profiles.clone(), *frames, 1);
        sums.add(workers, &whole).await?;
    }
    let encode: f64 = sums.encode.iter().sum();
    let alone: f64 = sums.alone.iter().sum();
    let chance = 1.0 / plan.leaves_per_check;
    Ok(Report {
        machine,
        clip: plan
            .input
            .as_ref()
            .map_or("generated".into(), |p| p.display().to_string()),
        renditions: profiles
            .renditions
            .iter()
            .map(|r| (r.width, r.height))
            .collect(),
        speed: plan.speed,
        chunk_frames: profiles.chunk_frames,
        segment_frames: clip.segments.iter().map(|s| s.1).collect(),
        leaves: sums.alone.len(),
        leaves_per_check: plan.leaves_per_check,
        encode_cpu_seconds: encode,
        check_cpu_seconds: alone,
        verify_percent: 100.0 * chance * alone / encode,
        verify_percent_batched: 100.0 * sums.batched(chance) / encode,
        top_sample_ratio: Spread::of(sums.top_ratios),
        batch_ratio: sums.batch / sums.batch_alone,
        decode_cpu_seconds: Spread::of(sums.decode),
    })
}

fn ladder(clip: &Clip, plan: &Plan) -> Profiles {
    let rendition = |&rows: &u16| {
        let (width, height) = clip.scaled(rows);
        Rendition::plain(width, height, plan.speed, plan.quantizer)
    };
    let mut heights = plan.heights.clone();
    heights.sort_by(|a, b| b.cmp(a));
    Profiles {
        chunk_frames: clip.frames_in(plan.chunk),
        source: clip.format,
        renditions: heights.iter().map(rendition).collect(),
    }
}

/// What was measured, segment by segment.
#[derive(Default)]
struct Sums {
    /// Of each segment: all of it.
    encode: Vec<f64>,
    /// Of each segment: what a request costs before its leaves.
    decode: Vec<f64>,
    /// Leaves of each segment.
    leaves: Vec<usize>,
    /// Of each leaf: alone.
    alone: Vec<f64>,
    /// Of each segment: the top rendition's leaves alone, over encoding them.
    top_ratios: Vec<f64>,
    /// Of the top rendition's leaves: in one request, and the sum of one request each.
    batch: f64,
    batch_alone: f64,
}

impl Sums {
    async fn add(&mut self, workers: &Workers, whole: &EncodeRequest) -> Result<(), BenchError> {
        let (encoded, all) = measured(workers, whole).await?;
        self.encode.push(all);
        let mut nothing = whole.clone();
        nothing.leaves.clear();
        self.decode.push(measured(workers, &nothing).await?.1);
        self.leaves.push(whole.leaves.len());
        let mut top = whole.clone();
        top.want_bytes = false;
        let chunks = whole.profiles.chunks(whole.frame_count);
        top.leaves.retain(|leaf| leaf.leaf < chunks);
        let (batch, together) = measured(workers, &top).await?;
        self.batch += together;
        let mut top_alone = 0.0;
        for (place, leaf) in whole.leaves.iter().enumerate() {
            let mut one = top.clone();
            one.leaves = vec![*leaf];
            let (again, cpu) = measured(workers, &one).await?;
            same(&encoded, place, &again)?;
            self.alone.push(cpu);
            if leaf.leaf < chunks {
                top_alone += cpu;
            }
        }
        self.batch_alone += top_alone;
        // The whole request of each sample over what encoding it takes without decoding.
        self.top_ratios
            .push(top_alone / batch.encode_cpu.as_secs_f64());
        Ok(())
    }

    /// Expected CPU seconds when each leaf is drawn with `chance` and a segment's leaves are asked for together.
    fn batched(&self, chance: f64) -> f64 {
        let mut alone = self.alone.iter();
        let segment = |(&decode, &leaves): (&f64, &usize)| {
            let encode: f64 = alone
                .by_ref()
                .take(leaves)
                .map(|cpu| (cpu - decode).max(0.0))
                .sum();
            let any = 1.0 - (1.0 - chance).powi(leaves as i32);
            any * decode + chance * encode
        };
        self.decode.iter().zip(&self.leaves).map(segment).sum()
    }
}

async fn measured(
    workers: &Workers,
    request: &EncodeRequest,
) -> Result<(Encoded, f64), BenchError> {
    let meter = Meter::start();
    let encoded = workers.encode(request, Priority::Sample).await?;
    Ok((encoded, meter.stop().cpu_seconds))
}

/// A verifier's leaf must be the transcoder's.
fn same(whole: &Encoded, place: usize, again: &Encoded) -> Result<(), BenchError> {
    let hash = |of: &Encoded, place: usize| of.leaves.get(place).map(|leaf| leaf.output_hash);
    let (expected, found) = (hash(whole, place), hash(again, 0));
    match found == expected {
        true => Ok(()),
        false => Err(BenchError::Differs {
            chunk: place,
            found: found.unwrap_or_default().to_string(),
            expected: expected.unwrap_or_default().to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_decodes_once() {
        let sums = Sums {
            decode: vec![0.1],
            leaves: vec![2],
            alone: vec![1.1, 2.1],
            ..Sums::default()
        };
        // Always drawn: one decode and both leaves. Drawn half the time: three quarters of a decode.
        assert!((sums.batched(1.0) - 3.1).abs() < 1e-12);
        assert!((sums.batched(0.5) - (0.75 * 0.1 + 1.5)).abs() < 1e-12);
    }
}
