//! `assay round`

use std::process::ExitCode;

use assay_chain::call::RoundsCall;
use serde::Serialize;

use super::account::{AccountOptions, ChainOptions, print_json};
use super::error::{CommandError, finish};
use super::say;

/// Options of `assay round`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(flatten)]
    chain: ChainOptions,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Open the next round once the present one is over; anyone may.
    Open(AccountOptions),
}

/// The present round, as JSON.
#[derive(Serialize)]
struct State {
    round: u64,
    opened_at: u64,
    openable_at: u64,
    head: u64,
}

/// Says which round it is, or opens the next one.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(match arguments.action {
        Some(Action::Open(account)) => open(&account).await,
        None => show(&arguments.chain).await,
    })
}

async fn open(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    session.carry_out(None, vec![RoundsCall::Open.into()]).await
}

async fn show(chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    let (view, head) = (client.round().await?, client.head().await?.number);
    if chain.json {
        return print_json(&State {
            round: view.round,
            opened_at: view.opened_at,
            openable_at: view.openable_at,
            head,
        });
    }
    let next = match view.openable_at.saturating_sub(head) {
        0 => "the next one can be opened: assay round open".into(),
        blocks => format!(
            "the next one can be opened in {blocks} blocks, from block {} on",
            view.openable_at
        ),
    };
    match view.round {
        0 => say(format!("block {head}: no round was opened yet; {next}")),
        round => say(format!(
            "block {head}: round {round}, opened in block {}; {next}",
            view.opened_at
        )),
    }
    Ok(())
}
