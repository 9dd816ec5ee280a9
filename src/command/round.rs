//! `assay round`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_chain::call::{Call, PoolCall, RoundsCall, WorkCall};
use assay_node::work_shelf;
use assay_protocol::Address;
use serde::Serialize;

use super::account::{AccountOptions, ChainOptions, print_json};
use super::error::{CommandError, finish};
use super::{say, units};

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
    /// Have an operator's pools paid for a certified round: its duty as a verifier, its work as a transcoder. Nodes do
    /// it themselves; anyone may.
    Claim {
        /// The round.
        round: u64,
        /// The operator. Default: the one for which the key signs.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        /// Folder of a node, any one, that has seen the round's list: work is claimed by it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Give LPT to the pool that rounds are paid from, for good; where the deployment stakes a token that existed.
    Fund {
        /// With its unit, such as 12.5 LPT.
        #[arg(required = true, num_args = 1..=2, value_name = "AMOUNT")]
        amount: Vec<String>,
        #[command(flatten)]
        account: AccountOptions,
    },
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
        Some(Action::Claim {
            round,
            operator,
            data,
            account,
        }) => claim(round, operator, data.as_deref(), &account).await,
        Some(Action::Fund { amount, account }) => fund(&amount, &account).await,
        None => show(&arguments.chain).await,
    })
}

async fn open(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    session.carry_out(None, vec![RoundsCall::Open.into()]).await
}

async fn claim(
    round: u64,
    operator: Option<Address>,
    data: Option<&Path>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let session = account.open().await?;
    let client = &session.client;
    let operator = session.operator(operator).await?;
    let Some(certificate) = client.certificate(round).await? else {
        let text = format!("the work of round {round} is not certified");
        return Err(CommandError::Argument(text));
    };
    let mut calls: Vec<Call> = Vec::new();
    let set = client.verifiers(round).await?;
    let seat = set.find(operator).map(|(position, _)| position as u64);
    let bit = |bits: u64, position| bits >> position & 1 == 1;
    if let Some(position) =
        seat.filter(|at| bit(certificate.duties, *at) && !bit(certificate.paid_verifiers, *at))
    {
        calls.push(WorkCall::ClaimDuty { round, position }.into());
    }
    let mut missing = None;
    if !client.is_paid(round, operator).await? {
        let root = certificate.claims_root;
        let list = data.map(|data| work_shelf::find(data, round, root));
        match list {
            Some(Some(list)) => {
                let opened = list.open(client.domain(), operator);
                let call =
                    opened.map(|(claim, index, path)| WorkCall::Claim { claim, index, path });
                calls.extend(call.map(Call::from));
            }
            Some(None) => missing = Some("the folder has no list with the certified root"),
            None => missing = Some("work is claimed by a list: name a node's folder with --data"),
        }
    }
    if calls.is_empty() {
        let why = missing.map_or(String::new(), |why| format!("; {why}"));
        return Err(CommandError::Argument(format!(
            "round {round} owes {operator} nothing that can be claimed{why}"
        )));
    }
    if let Some(why) = missing {
        session.tell(format!("no work is claimed: {why}"));
    }
    session.carry_out(None, calls).await
}

async fn fund(amount: &[String], account: &AccountOptions) -> Result<(), CommandError> {
    let amount = units::lpt(amount)?;
    let session = account.open().await?;
    let Some(available) = session.client.pool_available().await? else {
        return Err(CommandError::Argument(
            "this deployment has no pool to fill: its token is its own, and rounds are paid by minting".into(),
        ));
    };
    session.can_pay(amount).await?;
    let spender = session.client.contracts().minter;
    let mut calls = session.allow(spender, amount).await?;
    calls.push(PoolCall::Fund { amount }.into());
    let question = format!("the pool has {available} LPT; give it {amount} LPT for good?");
    session.carry_out(Some(&question), calls).await
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
