//! `assay bench`: what this machine does, beside what one could use instead, and what it costs.

mod action;
mod plot;
mod tables;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_encoder::bench::{
    BenchError, beside, chunk_length, cost, encode, machine, memory, scratch, verify,
};
use assay_encoder::{Ladder, Limits, WorkerCommand, Workers};

use super::{USAGE, fail, note, say};
use action::Action;

/// Measurements of encoding, checking, memory and costs.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// The video to measure with; the default is generated: a zoom into the Mandelbrot set with film grain.
    #[arg(long, value_name = "FILE", global = true)]
    input: Option<PathBuf>,
    /// Cores to use; the default is all, and there are no more.
    #[arg(long, value_name = "N", global = true)]
    cores: Option<u16>,
    /// Writes the report as JSON to FILE, or prints it instead of the tables.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", global = true)]
    json: Option<PathBuf>,
}

/// Runs one; ends with 2 where the person who typed it can mend it.
pub async fn run(arguments: Arguments) -> ExitCode {
    let cores = match machine::cores(arguments.cores) {
        Ok(cores) => cores,
        Err(e) => return fail(e, USAGE),
    };
    let bench = match Bench::new(&arguments, cores) {
        Ok(bench) => bench,
        Err(e) => return fail(format!("no worker: {e}"), 1),
    };
    match bench.run(arguments.action).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Argument(text)) => fail(text, USAGE),
        Err(Ended::Bench(e)) => {
            let mendable = matches!(
                e,
                BenchError::Input(_)
                    | BenchError::Ladder(_)
                    | BenchError::Rav1e { .. }
                    | BenchError::Short { .. }
                    | BenchError::File { .. }
                    | BenchError::Tool(_)
            );
            fail(e, if mendable { USAGE } else { 1 })
        }
    }
}

enum Ended {
    Argument(&'static str),
    Bench(BenchError),
}

impl From<BenchError> for Ended {
    fn from(error: BenchError) -> Self {
        Self::Bench(error)
    }
}

struct Bench {
    input: Option<PathBuf>,
    cores: usize,
    json: Option<PathBuf>,
    workers: Workers,
}

impl Bench {
    fn new(arguments: &Arguments, cores: usize) -> std::io::Result<Self> {
        Ok(Self {
            input: arguments.input.clone(),
            cores,
            json: arguments.json.clone(),
            workers: Workers::new(WorkerCommand::this_program()?, Limits::default(), cores)
                .for_measurement(),
        })
    }

    async fn run(&self, action: Action) -> Result<(), Ended> {
        let folder = scratch()?;
        let (dir, input, workers) = (folder.path(), self.input.clone(), &self.workers);
        match action {
            Action::Encode {
                seconds,
                speeds,
                sizes,
                quantizers,
                chunk,
                segment,
                repetitions,
                rav1e,
                no_others,
                only_encode,
            } => {
                at_least_two(&quantizers)?;
                let plan = encode::Plan {
                    input,
                    length: seconds,
                    heights: sizes,
                    speeds,
                    quantizers,
                    chunk,
                    segment,
                    cores: self.cores,
                    repetitions: repetitions.into(),
                    rav1e,
                    others: !no_others,
                };
                let report = match only_encode {
                    true => beside::Whole {
                        encode: encode::run(&plan, workers, dir, told).await?,
                        beside: None,
                    },
                    false => beside::whole(&plan, workers, dir, told).await?,
                };
                self.give(&report, tables::whole)
            }
            Action::Verify {
                sizes,
                speed,
                quantizer,
                chunk,
                segment,
                segments,
                leaves_per_check,
            } => {
                let plan = verify::Plan {
                    input,
                    heights: sizes,
                    speed,
                    quantizer,
                    chunk,
                    segment,
                    segments,
                    leaves_per_check: leaves_per_check.max(1.0),
                };
                let report = verify::run(&plan, workers, dir, told).await?;
                self.give(&report, tables::verify)
            }
            Action::Memory {
                size,
                chunk,
                chunks,
                speed,
                quantizer,
            } => {
                let plan = memory::Plan {
                    input,
                    height: size,
                    chunk,
                    in_flight: chunks,
                    speed,
                    quantizer,
                };
                let report = memory::run(&plan, workers, dir).await?;
                self.give(&report, tables::memory)
            }
            Action::ChunkLength {
                size,
                lengths,
                segments,
                speed,
                quantizers,
                leaves_per_check,
                plot,
            } => {
                at_least_two(&quantizers)?;
                let mut lengths = lengths;
                lengths.sort();
                let plan = chunk_length::Plan {
                    input,
                    height: size,
                    lengths,
                    segments,
                    speed,
                    quantizers,
                    leaves_per_check: leaves_per_check.max(1.0),
                    cores: self.cores,
                };
                let report = chunk_length::run(&plan, workers, dir, told).await?;
                if let Some(path) = plot {
                    write(&path, plot::chunk_length(&report))?;
                }
                self.give(&report, tables::chunk_length)
            }
            Action::Cost {
                source,
                profile,
                sizes,
                speed,
                quantizer,
                chunk,
                seconds,
                watts,
                price_per_kwh,
                price_per_hour,
                eth_price,
            } => {
                let ladder = match profile {
                    Some(profile) => Ladder::load(&profile),
                    None => Ladder::alike(&sizes, speed, quantizer, chunk),
                };
                let ladder = ladder.map_err(BenchError::Ladder)?;
                let most = ladder.renditions.iter().map(|rung| rung.height).max();
                let plan = cost::Plan {
                    input,
                    source_height: source.unwrap_or(most.unwrap_or(0).clamp(720, 4320)),
                    ladder,
                    length: seconds,
                    cores: self.cores,
                    prices: cost::Prices {
                        watts,
                        per_kwh: price_per_kwh,
                        per_hour: price_per_hour,
                        eth: eth_price,
                    },
                };
                let report = cost::run(&plan, workers, dir, told).await?;
                self.give(&report, tables::cost)
            }
        }
    }

    fn give<T: serde::Serialize>(&self, report: &T, table: fn(&T) -> String) -> Result<(), Ended> {
        let json = |report| {
            serde_json::to_string_pretty(report)
                .map_err(|e| Ended::Bench(BenchError::Library(format!("the report: {e}"))))
        };
        match &self.json {
            None => say(table(report)),
            Some(path) if path == Path::new("-") => say(json(report)?),
            Some(path) => {
                write(path, json(report)? + "\n")?;
                say(table(report));
            }
        }
        Ok(())
    }
}

fn at_least_two(quantizers: &[u8]) -> Result<(), Ended> {
    match quantizers
        .iter()
        .any(|other| Some(other) != quantizers.first())
    {
        true => Ok(()),
        false => Err(Ended::Argument(
            "--quantizers: a curve needs two that differ, better four",
        )),
    }
}

fn write(path: &Path, text: String) -> Result<(), BenchError> {
    std::fs::write(path, text).map_err(|source| BenchError::File {
        path: path.to_owned(),
        source,
    })
}

/// Says what is being measured, to who is there to read it.
fn told(what: &str) {
    if std::io::stderr().is_terminal() {
        note(format_args!("{what}"));
    }
}
