//! `assay node`

use std::path::PathBuf;
use std::process::ExitCode;

use assay_encoder::WorkerCommand;
use assay_node::Config;

use super::{USAGE, fail, interrupted};

/// Options of `assay node`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE", env = "ASSAY_CONFIG")]
    config: PathBuf,
    /// RPC of the chain, instead of the file's.
    #[arg(long, value_name = "URL", env = "ASSAY_RPC")]
    rpc: Option<String>,
}

/// Runs until it is told to stop.
pub async fn run(arguments: Arguments) -> ExitCode {
    let mut config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(e) => return fail(e, USAGE),
    };
    if let Some(rpc) = arguments.rpc {
        config.rpc = rpc;
    }
    let worker = match WorkerCommand::this_program() {
        Ok(worker) => worker,
        Err(e) => return fail(format!("this program cannot be found: {e}"), 1),
    };
    match assay_testnet::process::run(config, worker, interrupted()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(e, 1),
    }
}
