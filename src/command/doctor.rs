//! `assay doctor`

mod check;
mod encoder;
mod machine;

use std::path::PathBuf;
use std::process::ExitCode;

use assay_encoder::{Limits, WorkerCommand, Workers, encoder_id};
use assay_node::Config;
use serde::Serialize;

use super::{USAGE, fail, say};
use check::{Check, Verdict};
use encoder::VectorReport;

/// Options of `assay doctor`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The node's configuration file: its RPC and its folder are looked at.
    #[arg(long, value_name = "FILE", env = "ASSAY_CONFIG")]
    config: Option<PathBuf>,
    /// RPC of the chain whose clock is compared with this machine's (default: the configuration's).
    #[arg(long, value_name = "URL", env = "ASSAY_RPC", hide_env_values = true)]
    rpc: Option<String>,
    /// Folder on whose disk the node lives (default: the configuration's, or this one).
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Compute the conformance vectors at every SIMD level, not only this machine's and without SIMD.
    #[arg(long)]
    every_level: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Everything, as JSON.
#[derive(Serialize)]
struct Report {
    ok: bool,
    version: &'static str,
    encoder_id: String,
    pipeline: &'static str,
    simd_level: &'static str,
    /// What a node's own check at its start takes; nothing if it fails.
    start_seconds: Option<f64>,
    checks: Vec<Check>,
    vectors: Vec<VectorReport>,
}

/// Looks at everything; exit code 1 if a vector differs or something else keeps a node from running here.
pub async fn run(arguments: Arguments) -> ExitCode {
    let config = match arguments.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config,
        Err(e) => return fail(e, USAGE),
    };
    let worker = match WorkerCommand::this_program() {
        Ok(worker) => worker,
        Err(e) => return fail(format!("this program cannot be found: {e}"), 1),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = Workers::new(worker, Limits::default(), cores);
    let endpoints = match (arguments.rpc, &config) {
        (Some(rpc), _) => Some(rpc.into()),
        (None, Some(config)) => Some(config.endpoints()),
        (None, None) => None,
    };
    let slots = config.as_ref().and_then(|config| config.workers);
    let slots = slots.unwrap_or(cores);
    let folder = arguments.folder.or(config.map(|config| config.folder));
    let folder = folder.unwrap_or_else(|| ".".into());

    let mut checks = Checks {
        told: !arguments.json,
        all: Vec::new(),
    };
    checks.push(machine::ffmpeg(&workers).await);
    checks.push(machine::walls(&workers).await);
    checks.push(machine::clock(endpoints).await);
    checks.push(machine::disk(&folder));
    checks.push(machine::memory(slots));
    checks.push(machine::files());
    let vectors = match encoder::vectors(&workers, arguments.every_level).await {
        Ok(vectors) => vectors,
        Err(e) => return fail(e, 1),
    };
    encoder::checks(&vectors)
        .into_iter()
        .for_each(|check| checks.push(check));
    let start = encoder::start_seconds(&workers).await;
    start
        .map(encoder::start)
        .into_iter()
        .for_each(|check| checks.push(check));
    let checks = checks.all;
    let ok = checks.iter().all(|check| check.verdict < Verdict::Failure);
    if arguments.json {
        let report = Report {
            ok,
            version: env!("CARGO_PKG_VERSION"),
            encoder_id: encoder_id().to_string(),
            pipeline: encoder::PIPELINE,
            simd_level: encoder::level_in_use(),
            start_seconds: start,
            checks,
            vectors,
        };
        match serde_json::to_string_pretty(&report) {
            Ok(text) => say(text),
            Err(e) => return fail(format!("the report cannot be written: {e}"), 1),
        }
    }
    ExitCode::from(u8::from(!ok))
}

/// What was found, told to a person at once: the encoder's vectors take a while.
struct Checks {
    told: bool,
    all: Vec<Check>,
}

impl Checks {
    fn push(&mut self, check: Check) {
        if self.told {
            let verdict = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Failure => "FAILURE",
            };
            say(format!("{:<10}{verdict:<9}{}", check.name, check.found));
            if let Some(advice) = &check.advice {
                say(format!("{:<19}{advice}", ""));
            }
        }
        self.all.push(check);
    }
}
