//! One file per command.

mod account;
mod bench;
mod broadcaster;
mod court;
mod demo;
mod deploy;
mod doctor;
mod earlier;
mod economy;
mod entry;
mod error;
mod heap;
mod init;
mod key;
mod node;
mod offer;
mod operator;
mod outcome;
mod password;
mod proof;
mod publish;
mod round;
mod session;
mod stake;
mod stake_status;
mod testnet;
mod transcoder;
mod units;
mod verifier;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use tracing_subscriber::EnvFilter;

/// Exit code when the person who typed the command can mend it.
pub const USAGE: u8 = 2;
/// What a node logs unless told otherwise: its own words, and what libraries warn of. Gossipsub and Kademlia warn of
/// ordinary things: a message said twice, nobody known yet.
const NODE_LOG: &str = "warn,assay_node=info,assay_p2p=info,assay_chain=info,libp2p=error,libp2p_gossipsub=error,libp2p_kad=error";
/// Exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the whole loop on this machine: a chain, a swarm, video, a cheat, and what it costs it.
    Demo(demo::Arguments),
    /// Start, stop, look at or prepare a network of separate processes on this machine.
    Testnet(testnet::Arguments),
    /// Run one node from its configuration file.
    Node(node::Arguments),
    /// Publish a file or a live stream: run a broadcaster's node, and serve its viewers.
    Publish(publish::Arguments),
    /// Make the keys of a new node.
    Init(init::Arguments),
    /// Make, import or look at key files of accounts that are no node's, such as the cold owner of a stake.
    Key(key::Arguments),
    /// Bond, delegate, move and take out stake, claim fees; see what an account has at stake.
    Stake(stake::Arguments),
    /// Put the contracts on a chain; the deployer needs ETH for about 40 million gas.
    Deploy(deploy::Arguments),
    /// Say which hot key signs for the owner of a stake; return to the active set after missed duties.
    Operator(operator::Arguments),
    /// Deposit what pays for transcoding, take it back, burn what is due, or look at it.
    Broadcaster(broadcaster::Arguments),
    /// Set an operator's price and cuts; redeem winning tickets that a node keeps.
    Transcoder(transcoder::Arguments),
    /// Register a verifier's BLS key.
    Verifier(verifier::Arguments),
    /// Cases: list, prove, execute, contest, resolve, claim, challenge, plant faults, trip the breaker.
    Court(court::Arguments),
    /// Say which round it is, open the next one, claim for a certified one, or fund rounds.
    Round(round::Arguments),
    /// Check this machine: does its encoder give everyone's bytes, and has a node what it needs?
    Doctor(doctor::Arguments),
    /// Check a fraud proof without a network or a chain.
    Proof(proof::Arguments),
    /// Measure what this machine does, beside what one could use instead, and what it costs.
    Bench(bench::Arguments),
    /// Run the economy without video: competition, yields, wash trading.
    Economy(economy::Arguments),
    /// Decode and encode for a node (started by the program itself).
    #[command(hide = true)]
    Worker {
        /// What the worker tells itself when it starts FFmpeg; read as it came.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
}

/// What is to be logged cannot be made out.
#[derive(Debug, thiserror::Error)]
#[error(
    "ASSAY_LOG='{wanted}': {error}; levels with commas between them are expected, as in info,assay_p2p=debug"
)]
struct FilterError {
    wanted: String,
    error: tracing_subscriber::filter::ParseError,
}

/// Runs a command to its exit code.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Worker { .. } => return assay_encoder::worker::main(),
        Command::Proof(arguments) => return proof::run(&arguments),
        Command::Init(arguments) => return init::run(&arguments),
        Command::Key(arguments) => return key::run(&arguments),
        Command::Economy(arguments) => return economy::run(&arguments),
        _ => {}
    }
    let node = match &command {
        Command::Node(arguments) => Some(arguments),
        Command::Publish(arguments) => Some(&arguments.node),
        Command::Testnet(arguments) => arguments.as_node(),
        _ => None,
    };
    let logging = start_logging(match (node, &command) {
        (Some(node), _) => (NODE_LOG, node.log_json),
        // It waits for an Ethereum node that is away, and must say so.
        (None, Command::Deploy(_)) => ("assay_chain=warn", false),
        (None, _) => ("off", false),
    });
    if let Err(e) = logging {
        return fail(e, USAGE);
    }
    if node.is_some() {
        heap::share();
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return fail(format!("no runtime: {e}"), 1),
    };
    let code = runtime.block_on(async {
        match command {
            Command::Demo(arguments) => until_interrupted(demo::run(arguments)).await,
            Command::Testnet(arguments) if arguments.as_node().is_some() => {
                testnet::run(arguments).await
            }
            Command::Testnet(arguments) => until_interrupted(testnet::run(arguments)).await,
            Command::Node(arguments) => node::run(arguments).await,
            Command::Publish(arguments) => publish::run(arguments).await,
            Command::Stake(arguments) => until_interrupted(stake::run(arguments)).await,
            Command::Operator(arguments) => until_interrupted(operator::run(arguments)).await,
            Command::Broadcaster(arguments) => until_interrupted(broadcaster::run(arguments)).await,
            Command::Deploy(arguments) => until_interrupted(deploy::run(arguments)).await,
            Command::Verifier(arguments) => until_interrupted(verifier::run(arguments)).await,
            Command::Court(arguments) => until_interrupted(court::run(arguments)).await,
            Command::Transcoder(arguments) => until_interrupted(transcoder::run(arguments)).await,
            Command::Round(arguments) => until_interrupted(round::run(arguments)).await,
            Command::Bench(arguments) => until_interrupted(bench::run(arguments)).await,
            Command::Doctor(arguments) => until_interrupted(doctor::run(arguments)).await,
            Command::Worker { .. }
            | Command::Proof(_)
            | Command::Init(_)
            | Command::Key(_)
            | Command::Economy(_) => ExitCode::SUCCESS,
        }
    });
    // Blocking reads of children that are gone must not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

/// Logs go to standard error: a node's always, those of other commands where `ASSAY_LOG` asks for them.
fn start_logging((default, json): (&str, bool)) -> Result<(), FilterError> {
    let wanted = std::env::var_os("ASSAY_LOG").filter(|words| !words.is_empty());
    let wanted = wanted.map_or_else(
        || default.into(),
        |words| words.to_string_lossy().into_owned(),
    );
    let filter = EnvFilter::try_new(&wanted).map_err(|error| FilterError { wanted, error })?;
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match json {
        true => logging.json().flatten_event(true).init(),
        false => logging.with_target(false).init(),
    }
    Ok(())
}

/// Ends a command on Ctrl-C or SIGTERM by dropping it: children die with what holds them.
async fn until_interrupted(work: impl Future<Output = ExitCode>) -> ExitCode {
    tokio::select! {
        code = work => code,
        () = interrupted() => {
            note(format_args!("interrupted"));
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Prints to standard output; that nobody reads it is no error.
fn say(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints to standard error; that nobody reads it is no error either.
fn note(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One line that says what is wrong.
fn fail(message: impl std::fmt::Display, code: u8) -> ExitCode {
    note(format_args!("assay: {message}"));
    ExitCode::from(code)
}

/// Where the pinned chain tools may be, besides the PATH: the source tree this program was built from, or the folder
/// it is run in.
fn tool_folders() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("chain")];
    if let Ok(program) = std::env::current_exe() {
        folders.extend(
            program
                .ancestors()
                .skip(1)
                .map(|folder| folder.join("chain")),
        );
    }
    folders
}
