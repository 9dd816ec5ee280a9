//! `assay node`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use assay_encoder::WorkerCommand;
use assay_node::{Config, Craft, Honest, Keys, OPERATOR_FILE, keystore, process};
use clap::builder::FalseyValueParser;

use super::error::CommandError;
use super::{USAGE, fail, interrupted, password};

/// Options of `assay node`. Flags override the environment, which overrides the file.
#[derive(clap::Args)]
pub struct Arguments {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE", env = "ASSAY_CONFIG")]
    config: PathBuf,
    /// RPC of the chain, instead of the file's; several with commas between them.
    #[arg(long, value_name = "URL", env = "ASSAY_RPC", hide_env_values = true)]
    rpc: Option<String>,
    /// File whose first line is the password of the operator's key (mode 600). Default: operator.password in the folder
    /// of keys, if it is there; otherwise the password is asked for.
    #[arg(long, value_name = "FILE", env = "ASSAY_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
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
    let keys = match open_keys(&config.keys, arguments.password_file.as_deref()) {
        Ok(keys) => keys,
        Err(e) => return e.exit(),
    };
    match process::run(config, keys, craft, worker, interrupted()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e, if e.is_usage() { USAGE } else { 1 }),
    }
}

/// The node's keys; the password of the operator's comes from the named file, from the folder, or from the terminal.
fn open_keys(folder: &Path, password_file: Option<&Path>) -> Result<Keys, CommandError> {
    let file = folder.join(OPERATOR_FILE);
    let password = match password_file {
        Some(file) => password::from_file(file)?,
        // A folder without keys must not cost a password; reading it says how they are made.
        None if Keys::password_file(folder).is_file() || !file.is_file() => {
            return Ok(Keys::load(folder)?);
        }
        None => {
            let account = keystore::stated_account(&file)?;
            let whose = account.map_or_else(|| file.display().to_string(), |a| a.to_string());
            password::ask(&format!("password of {whose}"))?
        }
    };
    Ok(Keys::load_with(folder, &password)?)
}
