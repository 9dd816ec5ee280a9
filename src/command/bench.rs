//! `assay bench`: what this machine does, beside what one could use instead, and what it costs.

mod plot;
mod tables;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use assay_encoder::bench::{BenchError, chunk_length, cost, encode, memory, scratch, verify};
use assay_encoder::{Limits, WorkerCommand, Workers};

use super::{USAGE, fail, say};

/// Measurements of encoding, checking, memory and costs.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// The video to measure with; the default is generated: a zoom into the Mandelbrot set with film grain.
    #[arg(long, value_name = "FILE", global = true)]
    input: Option<PathBuf>,
    /// Cores to use; the default is all.
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    cores: Option<u16>,
    /// Writes the report as JSON to FILE, or prints it instead of the tables.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", global = true)]
    json: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// The whole transcoder path beside the rav1e command line, rav1e alone, SVT-AV1 and x264.
    Encode {
        /// Seconds of the clip.
        #[arg(long, value_name = "N", default_value_t = 4.0)]
        seconds: f64,
        /// rav1e's speed presets.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "6,8,10", value_parser = clap::value_parser!(u8).range(0..=10))]
        speeds: Vec<u8>,
        /// Rows of each size.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "360,720", value_parser = clap::value_parser!(u16).range(16..=4320))]
        sizes: Vec<u16>,
        /// Quantizers of the curves.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "60,90,130,180", value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizers: Vec<u8>,
        /// Seconds of a chunk, and so from key frame to key frame.
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        chunk: f64,
        /// Seconds of a segment.
        #[arg(long, value_name = "N", default_value_t = 2.0)]
        segment: f64,
        /// Runs of each; they alternate.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
        repetitions: u16,
        /// The rav1e program, version 0.8.1, where it is not on the PATH.
        #[arg(long, value_name = "PATH")]
        rav1e: Option<PathBuf>,
        /// Leaves SVT-AV1 and x264 out.
        #[arg(long)]
        no_others: bool,
    },
    /// CPU time of all verifiers over that of encoding, and what one sample costs.
    Verify {
        /// Rows of each rendition; the source has the most.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "720,360", value_parser = clap::value_parser!(u16).range(16..=4320))]
        sizes: Vec<u16>,
        /// rav1e's speed preset.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=10))]
        speed: u8,
        /// Base quantizer.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizer: u8,
        /// Seconds of a chunk.
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        chunk: f64,
        /// Seconds of a segment.
        #[arg(long, value_name = "N", default_value_t = 2.0)]
        segment: f64,
        /// Segments measured; each leaf of them is checked once.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
        segments: u32,
        /// Leaves for each expected check of the whole network.
        #[arg(long, value_name = "N", default_value_t = 24.0)]
        leaves_per_check: f64,
    },
    /// Peak memory of a worker with its decoder: one rendition at source size.
    Memory {
        /// Rows.
        #[arg(long, value_name = "N", default_value_t = 1080, value_parser = clap::value_parser!(u16).range(16..=4320))]
        size: u16,
        /// Seconds of a chunk.
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        chunk: f64,
        /// Chunks encoded at the same time.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
        chunks: u16,
        /// rav1e's speed preset.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=10))]
        speed: u8,
        /// Base quantizer.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizer: u8,
    },
    /// Bits against the cost of sampling, by chunk length.
    ChunkLength {
        /// Rows.
        #[arg(long, value_name = "N", default_value_t = 360, value_parser = clap::value_parser!(u16).range(16..=4320))]
        size: u16,
        /// Seconds of the chunks compared; the longest is the length of a segment.
        #[arg(
            long,
            value_name = "N,N",
            value_delimiter = ',',
            default_value = "0.5,1,2,4"
        )]
        lengths: Vec<f64>,
        /// Segments measured.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
        segments: u32,
        /// rav1e's speed preset.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=10))]
        speed: u8,
        /// Quantizers of the curves.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "60,90,130,180", value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizers: Vec<u8>,
        /// Leaves for each expected check of the whole network.
        #[arg(long, value_name = "N", default_value_t = 24.0)]
        leaves_per_check: f64,
        /// Writes the chart (SVG).
        #[arg(long, value_name = "FILE")]
        plot: Option<PathBuf>,
    },
    /// Streams that this machine carries in real time, cores for each rendition, and the price at which it pays.
    Cost {
        /// Rows of the source.
        #[arg(long, value_name = "N", default_value_t = 720, value_parser = clap::value_parser!(u16).range(16..=4320))]
        source: u16,
        /// Rows of each rendition.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "720,360", value_parser = clap::value_parser!(u16).range(16..=4320))]
        sizes: Vec<u16>,
        /// rav1e's speed preset.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=10))]
        speed: u8,
        /// Base quantizer.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizer: u8,
        /// Seconds of a chunk.
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        chunk: f64,
        /// Seconds of the clip.
        #[arg(long, value_name = "N", default_value_t = 4.0)]
        seconds: f64,
        /// Power that the machine draws with all cores busy.
        #[arg(long, value_name = "W", default_value_t = 0.0)]
        watts: f64,
        /// Price of a kilowatt-hour, in a currency of your choice.
        #[arg(long, value_name = "PRICE", default_value_t = 0.0)]
        price_per_kwh: f64,
        /// Price of an hour of the machine without power, in the same currency.
        #[arg(long, value_name = "PRICE", default_value_t = 0.0)]
        price_per_hour: f64,
        /// Price of one ETH in the same currency; with it the break-even price is told in wei too.
        #[arg(long, value_name = "PRICE")]
        eth_price: Option<f64>,
    },
}

/// Seconds that a person may have meant.
fn length(name: &str, seconds: f64) -> Result<Duration, String> {
    match (0.02..=600.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(format!("--{name} {seconds}; 0.02 to 600 seconds are taken")),
    }
}

/// A number that must not be negative, or nothing would follow from it.
fn amount(name: &str, value: f64) -> Result<f64, String> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(value),
        false => Err(format!("--{name} {value}; 0 or more is needed")),
    }
}

/// What wei are told by.
fn price_of_eth(price: f64) -> Result<f64, String> {
    match price.is_finite() && price > 0.0 {
        true => Ok(price),
        false => Err(format!("--eth-price {price}; more than 0 is needed")),
    }
}

/// Runs one; ends with 2 where the person who typed it can mend it.
pub async fn run(arguments: Arguments) -> ExitCode {
    let bench = match Bench::new(&arguments) {
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
    Argument(String),
    Bench(BenchError),
}

impl From<String> for Ended {
    fn from(text: String) -> Self {
        Self::Argument(text)
    }
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
    fn new(arguments: &Arguments) -> std::io::Result<Self> {
        let here = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = arguments.cores.map_or(here, usize::from);
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
            } => {
                at_least_two(&quantizers)?;
                let plan = encode::Plan {
                    input,
                    length: length("seconds", seconds)?,
                    heights: sizes,
                    speeds,
                    quantizers,
                    chunk: length("chunk", chunk)?,
                    segment: length("segment", segment)?,
                    cores: self.cores,
                    repetitions: repetitions.into(),
                    rav1e,
                    others: !no_others,
                };
                let report = encode::run(&plan, workers, dir, told).await?;
                self.give(&report, tables::encode)
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
                    chunk: length("chunk", chunk)?,
                    segment: length("segment", segment)?,
                    segments,
                    leaves_per_check: amount("leaves-per-check", leaves_per_check)?.max(1.0),
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
                    input: input.as_deref(),
                    height: size,
                    chunk: length("chunk", chunk)?,
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
                let lengths: Result<Vec<_>, _> =
                    lengths.iter().map(|&l| length("lengths", l)).collect();
                let mut lengths = lengths?;
                lengths.sort();
                let plan = chunk_length::Plan {
                    input,
                    height: size,
                    lengths,
                    segments,
                    speed,
                    quantizers,
                    leaves_per_check: amount("leaves-per-check", leaves_per_check)?.max(1.0),
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
                let rung = |&height: &u16| cost::Rung {
                    height,
                    speed,
                    quantizer,
                };
                let plan = cost::Plan {
                    input,
                    source_height: source,
                    ladder: sizes.iter().map(rung).collect(),
                    chunk: length("chunk", chunk)?,
                    length: length("seconds", seconds)?,
                    cores: self.cores,
                    prices: cost::Prices {
                        watts: amount("watts", watts)?,
                        per_kwh: amount("price-per-kwh", price_per_kwh)?,
                        per_hour: amount("price-per-hour", price_per_hour)?,
                        eth: eth_price.map(price_of_eth).transpose()?,
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
    match quantizers.len() {
        0 | 1 => Err(Ended::Argument(
            "--quantizers: a curve needs two, better four".into(),
        )),
        _ => Ok(()),
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
        eprintln!("{what}");
    }
}
