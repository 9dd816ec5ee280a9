//! `assay testnet`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use assay_encoder::{Ladder, WorkerCommand};
use assay_testnet::cast::Size;
use assay_testnet::cheat::CheapChunks;
use assay_testnet::launcher::{self, Plan};

use super::{USAGE, fail, node, say, tool_folders};

/// Options of `assay testnet`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Start a chain and one process per node; they go on when this command has ended.
    Up(Up),
    /// Stop what `up` has started.
    Down {
        /// The folder given to `up`.
        #[arg(long, value_name = "DIR", default_value = "assay-testnet")]
        dir: PathBuf,
    },
    /// Say which processes run and what the chain says of them.
    Status {
        /// The folder given to `up`.
        #[arg(long, value_name = "DIR", default_value = "assay-testnet")]
        dir: PathBuf,
    },
    /// Deploy, bond and register on a running chain and write each node's folder, without starting anything.
    Prepare {
        #[command(flatten)]
        up: Up,
        /// RPC of the chain, for the preparation.
        #[arg(long, value_name = "URL")]
        rpc: String,
        /// RPC as the nodes will reach it (default: the same).
        #[arg(long, value_name = "URL")]
        node_rpc: Option<String>,
        /// Write listen and bootstrap addresses for containers named after the nodes.
        #[arg(long)]
        containers: bool,
    },
    /// Run a node whose transcoder cheats: one chunk in five worse than promised. `up --cheaters` starts it.
    CheatNode {
        #[command(flatten)]
        node: node::Arguments,
        /// Fixes the pattern of the cheat.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
}

impl Arguments {
    /// The options of the node, if it is one that is run.
    pub fn as_node(&self) -> Option<&node::Arguments> {
        match &self.action {
            Action::CheatNode { node, .. } => Some(node),
            _ => None,
        }
    }
}

#[derive(clap::Args, Clone)]
struct Up {
    /// Any video to publish over and over; a moving clip when there is none.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The ladder: a preset (144p … 1080p, ladder-720p, ladder-1080p, bitrate-720p, demo) or a TOML file.
    #[arg(
        long,
        value_name = "FILE|NAME",
        default_value = "demo",
        env = "ASSAY_PROFILE"
    )]
    profile: String,
    /// Transcoders.
    #[arg(long, value_name = "N", default_value_t = 3)]
    transcoders: usize,
    /// Verifiers, at least 3.
    #[arg(long, value_name = "N", default_value_t = 4)]
    verifiers: usize,
    /// Transcoders that cheat.
    #[arg(long, value_name = "N", default_value_t = 0)]
    cheaters: usize,
    /// Fixes keys, randomness and the pattern of the cheat.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Expected checks of a leaf, in percent. Two are many: a machine that plays every node keeps up with a live stream only
    /// with fewer.
    #[arg(long, value_name = "PERCENT", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    checks: u64,
    /// Folder for configuration, logs and nodes.
    #[arg(long, value_name = "DIR", default_value = "assay-testnet")]
    dir: PathBuf,
}

impl Up {
    fn plan(self) -> Result<Plan, ExitCode> {
        let ladder = Ladder::load(&self.profile).map_err(|e| fail(e, USAGE))?;
        let worker = WorkerCommand::this_program()
            .map_err(|e| fail(format!("this program cannot be found: {e}"), 1))?;
        Ok(Plan {
            input: self.input,
            ladder,
            size: Size {
                transcoders: self.transcoders,
                verifiers: self.verifiers,
                cheaters: self.cheaters,
            },
            seed: self.seed,
            checks_per_leaf_ppm: self.checks * 10_000,
            dir: self.dir,
            look_in: tool_folders(),
            worker,
        })
    }
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.action {
        Action::Up(up) => match up.plan() {
            Ok(plan) => launcher::up(plan).await,
            Err(code) => return code,
        },
        Action::Prepare {
            up,
            rpc,
            node_rpc,
            containers,
        } => match up.plan() {
            Ok(plan) => {
                launcher::prepare(plan, &rpc, node_rpc.as_deref().unwrap_or(&rpc), containers).await
            }
            Err(code) => return code,
        },
        Action::CheatNode { node, seed } => {
            return node::run_with(node, Arc::new(CheapChunks::new(seed))).await;
        }
        Action::Down { dir } => launcher::down(&dir).await,
        Action::Status { dir } => launcher::status(&dir).await,
    };
    match done {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(e) => fail(&e, if e.is_usage() { USAGE } else { 1 }),
    }
}
