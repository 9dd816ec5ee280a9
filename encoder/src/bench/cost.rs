//! What an operator's machine can carry, and the price at which it pays.

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_protocol::profile::{Profiles, Rendition};
use serde::Serialize;

use crate::fault::{WorkerError, leaf_count};
use crate::ladder::Ladder;
use crate::workers::Workers;

use super::BenchError;
use super::clip::{Clip, Wanted};
use super::machine::Machine;
use super::path::{self, Load};

/// Wei in one ETH.
const WEI: f64 = 1e18;
const JOULES_PER_KWH: f64 = 3.6e6;
/// As nodes cut.
const SEGMENT: Duration = Duration::from_secs(2);

/// What to measure and to assume.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A video, or nothing for the generated clip.
    pub input: Option<PathBuf>,
    /// Rows of the source.
    pub source_height: u16,
    /// What is made of it.
    pub ladder: Ladder,
    /// Length of the clip.
    pub length: Duration,
    /// Cores used.
    pub cores: usize,
    /// What the machine and its power cost.
    pub prices: Prices,
}

/// What the machine and its power cost, in any one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Prices {
    /// Power drawn with all cores busy, watts.
    pub watts: f64,
    /// A kilowatt-hour.
    pub per_kwh: f64,
    /// An hour of the machine, without power.
    pub per_hour: f64,
    /// One ETH; none leaves wei out.
    pub eth: Option<f64>,
}

/// What the machine carries, and at which price.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// The clip: a path, or `generated`.
    pub clip: String,
    /// Cores used.
    pub cores: usize,
    /// Columns and rows of the source.
    pub source: (u16, u16),
    /// Frames a second of the source.
    pub fps: f64,
    /// Each rendition alone.
    pub renditions: Vec<RungCost>,
    /// The ladder as a whole: decoded once.
    pub ladder: Capacity,
    /// What was assumed.
    pub prices: Prices,
    /// What follows.
    pub economy: Economy,
}

/// One rendition alone, decoding included.
#[derive(Clone, Debug, Serialize)]
pub struct RungCost {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Base quantizer.
    pub quantizer: u8,
    /// Bits a second.
    pub bit_rate: f64,
    /// What it takes.
    pub capacity: Capacity,
}

/// How much of the machine a stream takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// Frames a second with all cores busy.
    pub frames_per_second: f64,
    /// CPU seconds of a frame.
    pub cpu_seconds_per_frame: f64,
    /// Cores that one stream keeps busy in real time.
    pub cores_per_stream: f64,
    /// Streams in real time, all cores busy; less than 1: not even one.
    pub streams: f64,
}

/// What a pixel costs. Output pixels, as the protocol pays them: of all renditions together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Economy {
    /// Output pixels a second, all cores busy.
    pub pixels_per_second: f64,
    /// Joules of a million output pixels.
    pub joules_per_megapixel: f64,
    /// An hour of the machine with its power.
    pub cost_per_hour: f64,
    /// An hour of video, the whole ladder.
    pub cost_per_stream_hour: f64,
    /// Break-even price of a million pixels in the currency, with the machine always busy.
    pub per_megapixel: f64,
    /// Break-even price of a pixel in wei, where an ETH has a price.
    pub wei_per_pixel: Option<f64>,
}

impl Economy {
    /// From what the machine does and what it costs.
    pub fn of(pixels_per_second: f64, streams: f64, prices: &Prices) -> Self {
        let power = prices.watts * 3600.0 / JOULES_PER_KWH * prices.per_kwh;
        let cost_per_hour = prices.per_hour + power;
        let per_pixel = cost_per_hour / (3600.0 * pixels_per_second);
        Self {
            pixels_per_second,
            joules_per_megapixel: prices.watts / pixels_per_second * 1e6,
            cost_per_hour,
            cost_per_stream_hour: cost_per_hour / streams,
            per_megapixel: per_pixel * 1e6,
            wei_per_pixel: prices.eth.map(|eth| per_pixel / eth * WEI),
        }
    }
}

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
    told("making the clip");
    let wanted = Wanted {
        input: plan.input.as_deref(),
        height: plan.source_height,
        length: plan.length,
        segment: SEGMENT,
    };
    let clip = Clip::make(folder, &wanted, workers.command()).await?;
    let size = (clip.format.width.into(), clip.format.height.into());
    let whole = plan.ladder.profiles(clip.format, size)?;
    // Before the renditions are measured one by one.
    for (_, frames) in &clip.segments {
        leaf_count(&whole, *frames).map_err(WorkerError::from)?;
    }
    let mut renditions = Vec::new();
    for rendition in &whole.renditions {
        told(&format!("{}x{} alone", rendition.width, rendition.height));
        let alone = Profiles {
            renditions: vec![*rendition],
            ..whole.clone()
        };
        let (capacity, bytes) = measure(workers, &clip, &alone, plan.cores).await?;
        renditions.push(RungCost {
            width: rendition.width,
            height: rendition.height,
            speed: rendition.speed,
            quantizer: rendition.quantizer,
            bit_rate: 8.0 * bytes as f64 / clip.seconds(),
            capacity,
        });
    }
    told("the whole ladder");
    let (ladder, _) = measure(workers, &clip, &whole, plan.cores).await?;
    let pixels = |r: &Rendition| f64::from(r.width) * f64::from(r.height) / f64::from(r.frame_step);
    let pixels: f64 = whole.renditions.iter().map(pixels).sum();
    let pixels_per_second = pixels * ladder.frames_per_second;
    Ok(Report {
        machine,
        clip: plan
            .input
            .as_ref()
            .map_or("generated".into(), |p| p.display().to_string()),
        cores: plan.cores,
        source: (clip.format.width, clip.format.height),
        fps: clip.fps(),
        renditions,
        ladder,
        prices: plan.prices,
        economy: Economy::of(pixels_per_second, ladder.streams, &plan.prices),
    })
}

async fn measure(
    workers: &Workers,
    clip: &Clip,
    profiles: &Profiles,
    cores: usize,
) -> Result<(Capacity, u64), BenchError> {
    let load = Load::filling(cores, clip);
    let made = path::transcode(workers, clip, profiles, load).await?;
    let frames = f64::from(clip.frames());
    // By CPU time: what other processes and the last chunk's idle cores take is not the ladder's.
    let per_frame = made.usage.cpu_seconds / frames;
    let frames_per_second = cores as f64 / per_frame;
    let capacity = Capacity {
        frames_per_second,
        cpu_seconds_per_frame: per_frame,
        cores_per_stream: per_frame * clip.fps(),
        streams: frames_per_second / clip.fps(),
    };
    Ok((capacity, made.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn break_even() {
        let prices = Prices {
            watts: 100.0,
            per_kwh: 0.30,
            per_hour: 0.07,
            eth: Some(2_000.0),
        };
        // 0.03 of power and 0.07 of machine an hour for 3.6e9 pixels.
        let economy = Economy::of(1e6, 0.5, &prices);
        assert!((economy.cost_per_hour - 0.10).abs() < 1e-12);
        assert!((economy.cost_per_stream_hour - 0.20).abs() < 1e-12);
        assert!((economy.joules_per_megapixel - 100.0).abs() < 1e-9);
        assert!((economy.per_megapixel - 0.10 / 3600.0).abs() < 1e-15);
        // 0.1 / 3.6e9 / 2000 · 1e18
        let wei = economy.wei_per_pixel.unwrap();
        assert!((wei - 13_888.888).abs() < 0.01, "{wei}");
        assert_eq!(
            Economy::of(
                1e6,
                0.5,
                &Prices {
                    eth: None,
                    ..prices
                }
            )
            .wei_per_pixel,
            None
        );
    }
}
