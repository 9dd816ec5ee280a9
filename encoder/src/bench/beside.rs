//! What belongs to the comparison of encoders, measured in the same run: checking, memory, chunk lengths.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::workers::Workers;

use super::rivals::CommandLine;
use super::{BenchError, chunk_length, encode, memory, verify};

/// Base quantizer of what is no curve.
const QUANTIZER: u8 = 100;
/// Segments checked, and segments of each chunk length.
const SEGMENTS: u32 = 2;
/// Leaves for each expected check of the whole network.
const LEAVES_PER_CHECK: f64 = 24.0;
/// Rows and chunks in flight of the goal for memory.
const MEMORY: (u16, u16) = (1080, 2);
/// Milliseconds of the chunks compared.
const LENGTHS: [u64; 4] = [500, 1000, 2000, 4000];

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Checks.
    pub verify: verify::Plan,
    /// Memory.
    pub memory: memory::Plan,
    /// Chunk lengths.
    pub chunk_length: chunk_length::Plan,
}

impl Plan {
    /// What the goals are about, on the clip and with the settings of a comparison: all its sizes as one ladder, its fastest
    /// speed, its smallest size for chunk lengths.
    pub fn of(encode: &encode::Plan) -> Self {
        let speed = encode.speeds.iter().copied().max().unwrap_or(10);
        Self {
            verify: verify::Plan {
                input: encode.input.clone(),
                heights: encode.heights.clone(),
                speed,
                quantizer: QUANTIZER,
                chunk: encode.chunk,
                segment: encode.segment,
                segments: SEGMENTS,
                leaves_per_check: LEAVES_PER_CHECK,
            },
            memory: memory::Plan {
                input: encode.input.clone(),
                height: MEMORY.0,
                chunk: encode.chunk,
                in_flight: MEMORY.1,
                speed,
                quantizer: QUANTIZER,
            },
            chunk_length: chunk_length::Plan {
                input: encode.input.clone(),
                height: encode.heights.iter().copied().min().unwrap_or(360),
                lengths: LENGTHS.map(Duration::from_millis).into(),
                segments: SEGMENTS,
                speed,
                quantizers: encode.quantizers.clone(),
                leaves_per_check: LEAVES_PER_CHECK,
                cores: encode.cores,
            },
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Checks.
    pub verify: verify::Report,
    /// Memory.
    pub memory: memory::Report,
    /// Chunk lengths.
    pub chunk_length: chunk_length::Report,
}

/// A comparison with everything that belongs to it.
#[derive(Clone, Debug, Serialize)]
pub struct Whole {
    /// The comparison.
    #[serde(flatten)]
    pub encode: encode::Report,
    /// The rest, unless it was to be left out.
    #[serde(flatten)]
    pub beside: Option<Report>,
}

/// Makes the comparison, and measures what belongs to it; `told` hears what is being done.
///
/// # Errors
/// A clip, a tool or a worker that fails; chunks that are not the library's.
pub async fn whole(
    plan: &encode::Plan,
    workers: &Workers,
    folder: &Path,
    told: impl Fn(&str),
) -> Result<Whole, BenchError> {
    // Known before minutes have gone by.
    CommandLine::find(plan.rav1e.as_deref()).await?;
    let beside = run(&Plan::of(plan), workers, folder, &told).await?;
    Ok(Whole {
        encode: encode::run(plan, workers, &folder.join("encode"), &told).await?,
        beside: Some(beside),
    })
}

/// Measures it in `folder`; `told` hears what is being done. Memory comes first: what other measurements leave in this
/// process is not what a transcoder needs.
///
/// # Errors
/// A clip, a tool or a worker that fails.
pub async fn run(
    plan: &Plan,
    workers: &Workers,
    folder: &Path,
    told: impl Fn(&str),
) -> Result<Report, BenchError> {
    let of = |name| folder.join(name);
    told("memory");
    let memory = memory::run(&plan.memory, workers, &of("memory")).await?;
    let verify = verify::run(&plan.verify, workers, &of("verify"), &told).await?;
    let lengths = &plan.chunk_length;
    let chunk_length = chunk_length::run(lengths, workers, &of("lengths"), &told).await?;
    Ok(Report {
        verify,
        memory,
        chunk_length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_goals_are_about_is_measured_whatever_is_compared() {
        let plan = Plan::of(&encode::Plan {
            input: Some("clip.mkv".into()),
            length: Duration::from_secs(4),
            heights: vec![360, 720],
            speeds: vec![6, 10, 8],
            quantizers: vec![60, 180],
            chunk: Duration::from_secs(1),
            segment: Duration::from_secs(2),
            cores: 2,
            repetitions: 2,
            rav1e: None,
            others: false,
        });
        let (verify, memory, lengths) = (plan.verify, plan.memory, plan.chunk_length);
        assert_eq!((verify.speed, memory.speed, lengths.speed), (10, 10, 10));
        assert_eq!((verify.heights, lengths.height), (vec![360, 720], 360));
        assert_eq!((verify.leaves_per_check, verify.chunk.as_secs()), (24.0, 1));
        assert_eq!((memory.height, memory.in_flight), (1080, 2));
        let seconds: Vec<_> = lengths.lengths.iter().map(Duration::as_secs_f64).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0]);
        let inputs = [verify.input, memory.input, lengths.input];
        assert!(inputs.iter().all(|input| input == &Some("clip.mkv".into())));
    }
}
