//! What `assay bench` measures, and with which settings.

use std::path::PathBuf;
use std::time::Duration;

/// What is no number, or one that nothing follows from.
#[derive(Debug, thiserror::Error)]
#[error("{0} expected")]
pub struct OutOfRange(&'static str);

fn number(
    text: &str,
    expected: &'static str,
    fits: impl Fn(&f64) -> bool,
) -> Result<f64, OutOfRange> {
    let number = text.parse().ok().filter(fits);
    number.ok_or(OutOfRange(expected))
}

/// Seconds that a person may have meant.
fn length(text: &str) -> Result<Duration, OutOfRange> {
    let seconds = number(text, "0.02 to 600 seconds are", |n| {
        (0.02..=600.0).contains(n)
    })?;
    Ok(Duration::from_secs_f64(seconds))
}

fn amount(text: &str) -> Result<f64, OutOfRange> {
    number(text, "a number of 0 or more is", |n| {
        n.is_finite() && *n >= 0.0
    })
}

fn price(text: &str) -> Result<f64, OutOfRange> {
    number(text, "a number above 0 is", |n| n.is_finite() && *n > 0.0)
}

/// What to measure.
#[derive(clap::Subcommand)]
pub enum Action {
    /// The whole transcoder path beside the rav1e command line, rav1e alone, SVT-AV1 and x264; then checking, memory and chunk lengths.
    Encode {
        /// Seconds of the clip.
        #[arg(long, value_name = "N", default_value = "4", value_parser = length)]
        seconds: Duration,
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
        #[arg(long, value_name = "N", default_value = "1", value_parser = length)]
        chunk: Duration,
        /// Seconds of a segment.
        #[arg(long, value_name = "N", default_value = "2", value_parser = length)]
        segment: Duration,
        /// Runs of each; they alternate.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
        repetitions: u16,
        /// The rav1e program, version 0.8.1, where it is not on the PATH.
        #[arg(long, value_name = "PATH")]
        rav1e: Option<PathBuf>,
        /// Leaves SVT-AV1 and x264 out.
        #[arg(long)]
        no_others: bool,
        /// Leaves checking, memory and chunk lengths out.
        #[arg(long)]
        only_encode: bool,
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
        #[arg(long, value_name = "N", default_value = "1", value_parser = length)]
        chunk: Duration,
        /// Seconds of a segment.
        #[arg(long, value_name = "N", default_value = "2", value_parser = length)]
        segment: Duration,
        /// Segments measured; each leaf of them is checked once.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
        segments: u32,
        /// Leaves for each expected check of the whole network.
        #[arg(long, value_name = "N", default_value_t = 24.0, value_parser = amount)]
        leaves_per_check: f64,
    },
    /// Peak memory of a worker with its decoder: one rendition at source size.
    Memory {
        /// Rows.
        #[arg(long, value_name = "N", default_value_t = 1080, value_parser = clap::value_parser!(u16).range(16..=4320))]
        size: u16,
        /// Seconds of a chunk.
        #[arg(long, value_name = "N", default_value = "1", value_parser = length)]
        chunk: Duration,
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
            default_value = "0.5,1,2,4",
            value_parser = length
        )]
        lengths: Vec<Duration>,
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
        #[arg(long, value_name = "N", default_value_t = 24.0, value_parser = amount)]
        leaves_per_check: f64,
        /// Writes the chart (SVG).
        #[arg(long, value_name = "FILE")]
        plot: Option<PathBuf>,
    },
    /// Streams that this machine carries in real time, cores for each rendition, and the price at which it pays.
    Cost {
        /// Rows of the source; the default is the ladder's most, at least 720.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(16..=4320))]
        source: Option<u16>,
        /// The ladder: a preset's name, or a file as jobs have it.
        #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["sizes", "speed", "quantizer", "chunk"])]
        profile: Option<String>,
        /// Rows of each rendition, of a ladder with one speed and quantizer for all.
        #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "720,360", value_parser = clap::value_parser!(u16).range(16..=4320))]
        sizes: Vec<u16>,
        /// rav1e's speed preset.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=10))]
        speed: u8,
        /// Base quantizer.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=255))]
        quantizer: u8,
        /// Seconds of a chunk, at most 60.
        #[arg(long, value_name = "N", default_value = "1", value_parser = length)]
        chunk: Duration,
        /// Seconds of the clip.
        #[arg(long, value_name = "N", default_value = "4", value_parser = length)]
        seconds: Duration,
        /// Power that the machine draws with all cores busy.
        #[arg(long, value_name = "W", default_value_t = 0.0, value_parser = amount)]
        watts: f64,
        /// Price of a kilowatt-hour, in a currency of your choice.
        #[arg(long, value_name = "PRICE", default_value_t = 0.0, value_parser = amount)]
        price_per_kwh: f64,
        /// Price of an hour of the machine without power, in the same currency.
        #[arg(long, value_name = "PRICE", default_value_t = 0.0, value_parser = amount)]
        price_per_hour: f64,
        /// Price of one ETH in the same currency; with it the break-even price is told in wei too.
        #[arg(long, value_name = "PRICE", value_parser = price)]
        eth_price: Option<f64>,
    },
}
