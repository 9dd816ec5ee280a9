//! The whole transcoder path beside the `rav1e` command line, rav1e alone, and other encoders, all in one run.

mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::workers::Workers;

use super::BenchError;
use super::bare;
use super::clip::{Clip, Wanted};
use super::curve::{Curve, CurveError};
use super::machine::Machine;
use super::path::{self, Load};
use super::quality::compare;
use super::rivals::{self, CommandLine, Settings, coded_bytes};
use super::spread::Spread;
use super::usage::Usage;
pub use report::{Case, OtherCase, Point, Report, Timing};

/// What to compare.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A video, or nothing for the generated clip.
    pub input: Option<PathBuf>,
    /// Length of the clip at most.
    pub length: Duration,
    /// Rows of each size.
    pub heights: Vec<u16>,
    /// rav1e's speed presets.
    pub speeds: Vec<u8>,
    /// Quantizers of the curves.
    pub quantizers: Vec<u8>,
    /// Length of a chunk, and so from key frame to key frame.
    pub chunk: Duration,
    /// Length of a segment.
    pub segment: Duration,
    /// Cores used by each.
    pub cores: usize,
    /// Runs of each; they alternate.
    pub repetitions: usize,
    /// The `rav1e` program, where it is not on the PATH.
    pub rav1e: Option<PathBuf>,
    /// Whether to run SVT-AV1 and x264 too.
    pub others: bool,
}

/// Tiles tried for the command line.
const TILES: [u16; 3] = [1, 2, 4];
/// Runs of each at least; they alternate.
const TRIALS: usize = 3;

/// Makes the comparison in `folder`; `told` hears what is being done.
///
/// # Errors
/// A clip, a tool or a worker that fails; chunks that are not the library's.
pub async fn run(
    plan: &Plan,
    workers: &Workers,
    folder: &Path,
    told: impl Fn(&str),
) -> Result<Report, BenchError> {
    let rav1e = CommandLine::find(plan.rav1e.as_deref()).await?;
    let machine = Machine::describe().await;
    let (mut cases, mut others) = (Vec::<Case>::new(), Vec::new());
    for &height in &plan.heights {
        told(&format!("{height}p: making the clip"));
        let wanted = Wanted {
            input: plan.input.as_deref(),
            height,
            length: plan.length,
            segment: plan.segment,
        };
        let clip = Clip::make(folder, &wanted, workers.command()).await?;
        let bench = Bench {
            plan,
            workers,
            folder,
            clip: &clip,
            rav1e: &rav1e,
        };
        for &speed in &plan.speeds {
            cases.push(bench.case(speed, &told).await?);
        }
        if plan.others {
            let fastest = cases.iter().filter(|c| c.height == height);
            let fastest = fastest.max_by_key(|c| c.speed);
            for other in rivals::available().await? {
                told(&format!("{height}p: {}", other.name));
                others.push(bench.other(&other, fastest).await?);
            }
        }
    }
    Ok(Report {
        machine,
        rav1e: rav1e.version,
        clip: plan
            .input
            .as_ref()
            .map_or("generated".into(), |p| p.display().to_string()),
        cores: plan.cores,
        cases,
        others,
    })
}

struct Bench<'a> {
    plan: &'a Plan,
    workers: &'a Workers,
    folder: &'a Path,
    clip: &'a Clip,
    rav1e: &'a CommandLine,
}

impl Bench<'_> {
    async fn case(&self, speed: u8, told: &impl Fn(&str)) -> Result<Case, BenchError> {
        let (plan, clip, height) = (self.plan, self.clip, self.clip.format.height);
        let (frames, chunk_frames) = (clip.frames(), clip.frames_in(plan.chunk));
        let needed = u32::from(chunk_frames) * plan.cores as u32;
        if frames < needed {
            let found = frames;
            return Err(BenchError::Short { found, needed });
        }
        let coded = |of: &str, quantizer: u8| {
            let name = format!("{of}-{height}-{speed}-{quantizer}");
            self.folder.join(name)
        };
        let settings = |quantizer, tiles| Settings {
            speed,
            quantizer,
            key_frames: chunk_frames,
            threads: plan.cores,
            tiles,
        };
        let middle = plan.quantizers[plan.quantizers.len() / 2];
        told(&format!(
            "{height}p speed {speed}: the command line with {TILES:?} tiles"
        ));
        let mut trials = TILES.map(|tiles| (tiles, Vec::new()));
        for _ in 0..plan.repetitions.max(TRIALS) {
            for (tiles, runs) in &mut trials {
                let output = coded("tiles", middle).with_extension("ivf");
                let settings = settings(middle, *tiles);
                let usage = self.rav1e.encode(clip, settings, &output).await?;
                runs.push(f64::from(frames) / usage.wall_seconds);
            }
        }
        let tiles_tried = trials
            .map(|(tiles, runs)| (tiles, Spread::of(runs)))
            .to_vec();
        let tiles = fastest(&tiles_tried);

        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut bare, mut of_bare, mut not_rav1e, mut decode) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let load = Load::filling(plan.cores, clip);
        for &quantizer in &plan.quantizers {
            told(&format!("{height}p speed {speed}: quantizer {quantizer}"));
            let profiles = path::same_size(clip, chunk_frames, speed, quantizer);
            let (our_file, their_file) = (
                coded("path", quantizer).with_extension("obu"),
                coded("cli", quantizer).with_extension("ivf"),
            );
            let (mut our_runs, mut their_runs, mut our_bytes) = (Vec::new(), Vec::new(), 0);
            for repetition in 0..plan.repetitions.max(1) {
                let made = path::transcode(self.workers, clip, &profiles, load).await?;
                their_runs.push(
                    self.rav1e
                        .encode(clip, settings(quantizer, tiles), &their_file)
                        .await?,
                );
                if quantizer == middle {
                    let alone = bare::encode(clip, &profiles, plan.cores)?;
                    same(&alone.hashes, &made)?;
                    of_bare.push(alone.usage.wall_seconds / made.usage.wall_seconds);
                    not_rav1e
                        .push(100.0 * (1.0 - alone.usage.cpu_seconds / made.usage.cpu_seconds));
                    decode.push(100.0 * made.decode_cpu.as_secs_f64() / made.usage.cpu_seconds);
                    bare.push(alone.usage);
                }
                if repetition == 0 {
                    made.write(0, &our_file)?;
                    our_bytes = made.bytes();
                }
                our_runs.push(made.usage);
            }
            ours.push(
                self.point(quantizer.to_string(), our_bytes, &our_file, &our_runs)
                    .await?,
            );
            let bytes = coded_bytes(&their_file).await?;
            theirs.push(
                self.point(quantizer.to_string(), bytes, &their_file, &their_runs)
                    .await?,
            );
        }
        let against = |of: fn(&Point) -> (f64, f64), what: &str| {
            ratio(&ours, &theirs, of).map_err(|source| BenchError::Curve {
                what: format!("{height}p speed {speed}, {what}"),
                source,
            })
        };
        Ok(Case {
            width: clip.format.width,
            height,
            speed,
            frames,
            chunk_frames,
            segments_at_a_time: load.segments,
            threads: load.threads,
            speedup: 1.0
                / against(
                    |p| (p.quality.psnr_db, p.timing.wall_seconds.median),
                    "time at equal PSNR",
                )?,
            speedup_ssim: 1.0
                / against(
                    |p| (p.quality.ssim_db(), p.timing.wall_seconds.median),
                    "time at equal SSIM",
                )?,
            cpu_speedup: 1.0
                / against(
                    |p| (p.quality.psnr_db, p.timing.cpu_seconds.median),
                    "CPU time at equal PSNR",
                )?,
            bd_rate_psnr: 100.0
                * (against(|p| (p.quality.psnr_db, p.bit_rate), "bits at equal PSNR")? - 1.0),
            bd_rate_ssim: 100.0
                * (against(|p| (p.quality.ssim_db(), p.bit_rate), "bits at equal SSIM")? - 1.0),
            path: ours,
            command_line: theirs,
            tiles,
            tiles_tried,
            bare: Timing::of(&bare, frames),
            of_bare: Spread::of(of_bare),
            not_rav1e_percent: Spread::of(not_rav1e),
            decode_percent: Spread::of(decode).median,
        })
    }

    async fn other(
        &self,
        other: &rivals::Other,
        beside: Option<&Case>,
    ) -> Result<OtherCase, BenchError> {
        let clip = self.clip;
        let (keys, height) = (clip.frames_in(self.plan.chunk), clip.format.height);
        let mut points = Vec::new();
        for crf in other.qualities() {
            let output = self.folder.join("other.mkv");
            let (usage, bytes) = other
                .encode(clip, crf, keys, self.plan.cores, &output)
                .await?;
            points.push(self.point(crf.into(), bytes, &output, &[usage]).await?);
        }
        let bits = |p: &Point| (p.quality.psnr_db, p.bit_rate);
        let bd_rate_psnr = beside
            .and_then(|case| ratio(&points, &case.command_line, bits).ok())
            .map(|ratio| 100.0 * (ratio - 1.0));
        Ok(OtherCase {
            name: other.name.into(),
            height,
            points,
            bd_rate_psnr,
        })
    }

    async fn point(
        &self,
        quantizer: String,
        bytes: u64,
        file: &Path,
        runs: &[Usage],
    ) -> Result<Point, BenchError> {
        let frames = self.clip.frames();
        Ok(Point {
            quantizer,
            bytes,
            bit_rate: 8.0 * bytes as f64 / self.clip.seconds(),
            quality: compare(file, &self.clip.raw, frames).await?,
            timing: Timing::of(runs, frames),
        })
    }
}

/// The number of tiles with the fastest run: what else the machine does only slows runs down, and must not choose for the
/// command line.
fn fastest(tried: &[(u16, Spread)]) -> u16 {
    let fastest = tried.iter().max_by(|a, b| a.1.max.total_cmp(&b.1.max));
    fastest.map_or(1, |(tiles, _)| *tiles)
}

fn ratio(
    ours: &[Point],
    theirs: &[Point],
    of: fn(&Point) -> (f64, f64),
) -> Result<f64, CurveError> {
    Curve::new(ours.iter().map(of))?.against(&Curve::new(theirs.iter().map(of))?)
}

/// The library's chunks must be the workers': else another thing was measured.
fn same(hashes: &[assay_protocol::B256], made: &path::Transcoded) -> Result<(), BenchError> {
    let leaves = made.segments.iter().flat_map(|s| &s.leaves);
    for (chunk, (found, leaf)) in hashes.iter().zip(leaves).enumerate() {
        if *found != leaf.output_hash {
            return Err(BenchError::Differs {
                chunk,
                found: found.to_string(),
                expected: leaf.output_hash.to_string(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noisy_run_does_not_choose_the_tiles() {
        let tried = [
            (1, Spread::of([20.0, 21.0, 20.5])),
            (2, Spread::of([9.0, 30.0, 12.0])),
            (4, Spread::of([25.0, 24.0, 26.0])),
        ];
        assert_eq!((fastest(&tried), fastest(&[])), (2, 1));
    }
}
