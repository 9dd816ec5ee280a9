//! `assay deploy`: the contracts on a chain of one's own choice.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_chain::ChainError;
use assay_chain::contracts::Randomness;
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy_by_plan};
use assay_protocol::Address;
use assay_protocol::params::Params;

use super::account::{EndpointOptions, KeyOptions};
use super::error::{CommandError, finish};
use super::{say, units};

/// Options of `assay deploy`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Parameters: docs/protocol.md, section 10. They cannot be changed afterwards.
    #[arg(long, value_enum, default_value = "testnet")]
    preset: Preset,
    /// First supply of a new token, which the deployer gets: 25000 LPT.
    #[arg(long, num_args = 1..=2, value_name = "AMOUNT", required_unless_present = "token")]
    supply: Vec<String>,
    /// Stake this token instead of a new one; rewards then come from a pool that somebody funds.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "supply")]
    token: Option<Address>,
    /// Who decides contested cases, for ever. Default: the deployer.
    #[arg(long, value_name = "ADDRESS")]
    resolver: Option<Address>,
    /// Where the deployment is written; nodes and commands read it. Until then every signed transaction is kept beside
    /// it, in a file of that name with .unfinished behind it: the same command, typed again, goes on by it.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    out: PathBuf,
    #[command(flatten)]
    endpoint: EndpointOptions,
    #[command(flatten)]
    key: KeyOptions,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Preset {
    /// Rounds of a day, windows of half a day.
    Mainnet,
    /// Rounds of 20 blocks.
    Testnet,
    /// Rounds of 8 blocks, for blocks of a second.
    Demo,
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(carry_out(arguments).await)
}

async fn carry_out(arguments: Arguments) -> Result<(), CommandError> {
    let out = &arguments.out;
    if out.exists() {
        return Err(CommandError::Argument(format!(
            "{} exists; name another file with --out",
            out.display()
        )));
    }
    let token = match arguments.token {
        Some(token) => TokenChoice::Existing(token),
        None => TokenChoice::New {
            supply: units::lpt(&arguments.supply)?,
        },
    };
    let key = arguments.key.open()?;
    let config = DeployConfig {
        params: match arguments.preset {
            Preset::Mainnet => Params::mainnet(),
            Preset::Testnet => Params::testnet(),
            Preset::Demo => Params::demo(),
        },
        randomness: Randomness::Blockhash,
        token,
        resolver: arguments.resolver.unwrap_or(key.address()),
    };
    let plan = plan_of(out);
    if plan.exists() {
        say(format!(
            "going on with the deployment that {} began",
            plan.display()
        ));
    }
    let done = deploy_by_plan(&arguments.endpoint.rpc, &key, &config, &plan).await;
    let deployment = done.map_err(|error| unfinished(error, &plan))?;
    // Said before it is written: what has cost so much must not be lost to a full disk.
    for (name, address) in deployment.contracts.named() {
        say(format!("{name:<18} {address}"));
    }
    deployment.save(out)?;
    let _ = std::fs::remove_file(&plan);
    say(format!(
        "on chain {} by block {}, decided by {}; written to {}",
        deployment.chain_id,
        deployment.deploy_block,
        deployment.resolver,
        out.display()
    ));
    Ok(())
}

/// Where an unfinished deployment is kept.
fn plan_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Tells how to go on, where there is something to go on with.
fn unfinished(error: ChainError, plan: &Path) -> CommandError {
    match error {
        error @ ChainError::Plan { .. } => error.into(),
        error if plan.exists() => CommandError::Unfinished {
            error,
            plan: plan.into(),
        },
        error => error.into(),
    }
}
