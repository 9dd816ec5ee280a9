//! `assay node`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use assay_encoder::WorkerCommand;
use assay_node::{Config, Craft, Honest, process};
use clap::builder::FalseyValueParser;

use super::{USAGE, fail, interrupted};

/// Options of `assay node`. Flags override the environment, which overrides the file.
#[derive(clap::Args)]
pub struct Arguments {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE", env = "ASSAY_CONFIG")]
    config: PathBuf,
    /// RPC of the chain, instead of the file's; several with commas between them.
    #[arg(long, value_name = "URL", env = "ASSAY_RPC")]
    rpc: Option<String>,
    /// Log one JSON object a line, for machines.
    #[arg(long, env = "ASSAY_LOG_JSON", value_parser = FalseyValueParser::new())]
    pub log_json: bool,
}

/// Runs until it is told to stop.
pub async fn run(arguments: Arguments) -> ExitCode {
    run_with(arguments, Arc::new(Honest)).await
}

/// The same with another way to encode.
pub async fn run_with(arguments: Arguments, craft: Arc<dyn Craft>) -> ExitCode {
    run_changed(arguments, craft, |_| {}).await
}

/// The same with settings that override the file's.
pub async fn run_changed(
    arguments: Arguments,
    craft: Arc<dyn Craft>,
    change: impl FnOnce(&mut Config),
) -> ExitCode {
    let config = Config::load_changed(&arguments.config, |config| {
        if let Some(rpc) = arguments.rpc {
            config.rpc = rpc.into();
        }
        change(config);
    });
    let config = match config {
        Ok(config) => config,
        Err(e) => return fail(e, USAGE),
    };
    let worker = match WorkerCommand::this_program() {
        Ok(worker) => worker,
        Err(e) => return fail(format!("this program cannot be found: {e}"), 1),
    };
    match process::run(config, craft, worker, interrupted()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e, if e.is_usage() { USAGE } else { 1 }),
    }
}
