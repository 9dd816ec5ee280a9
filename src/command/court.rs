//! `assay court`: cases, contests, challenges, and the evidence for them.

use std::path::PathBuf;
use std::process::ExitCode;

use assay_chain::call::{Call, ChallengeCall, ContestCall, CourtCall};
use assay_chain::court::CaseView;
use assay_protocol::{Address, B256};
use serde::Serialize;

use super::account::{AccountOptions, ChainOptions, print_json};
use super::error::{CommandError, finish};
use super::say;

mod evidence;

use evidence::{Evidence, EvidenceArguments};

/// Options of `assay court`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// A case that is named.
#[derive(clap::Args)]
struct CaseArguments {
    /// Its id.
    case: B256,
    #[command(flatten)]
    account: AccountOptions,
}

/// What the resolver finds. It is final, so neither is what happens unless the other is said.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Ruling {
    /// The accused did it: it is slashed.
    #[arg(long)]
    guilty: bool,
    /// The accused did not do it: the case is over for good.
    #[arg(long)]
    acquit: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show a case.
    Show {
        /// Its id.
        case: B256,
        #[command(flatten)]
        chain: ChainOptions,
    },
    /// List all cases, or those against one operator, oldest first.
    List {
        /// The accused.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        #[command(flatten)]
        chain: ChainOptions,
    },
    /// Slash after the case window.
    Execute(CaseArguments),
    /// Pay a signer's part of an executed case.
    ClaimSigner {
        /// The signer's position in the round.
        #[arg(long)]
        position: u64,
        #[command(flatten)]
        case: CaseArguments,
    },
    /// Contest an open case, with a bond; by the accused or its key.
    Contest(CaseArguments),
    /// Decide a contested case; by the resolver.
    Resolve {
        #[command(flatten)]
        ruling: Ruling,
        #[command(flatten)]
        case: CaseArguments,
    },
    /// End a contested case about which the resolver was silent.
    Lapse(CaseArguments),
    /// Free the stake of verifiers whose divergence the resolver refuted, a case window after its ruling.
    FreeDivergers(CaseArguments),
    /// Take the finder's part of a case that was opened by a challenge.
    ClaimReward(CaseArguments),
    /// Commit to a fault in the next round, with a bond.
    Plant {
        /// keccak256 of a secret of 32 bytes; keep the secret for reveal-plant.
        commitment: B256,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Burn a plant that was not revealed in time.
    BurnPlant {
        /// Whose.
        operator: Address,
        /// Of which round.
        round: u64,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Open a case about a leaf that stayed closed.
    ReportWithheld {
        /// Hash of the receipt.
        receipt: B256,
        /// The leaf.
        leaf: u32,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Take back bonds that contests and challenges owe.
    Withdraw {
        #[command(flatten)]
        account: AccountOptions,
    },
    /// List the evidence in a node's folder: its kind, whom it concerns, until which block it is accepted.
    Evidence {
        /// The node's folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        chain: ChainOptions,
    },
    /// Bring a file of a node's folder before the court; its name says its kind.
    Submit(EvidenceArguments),
    #[command(flatten)]
    Bring(Evidence),
}

/// One of several cases.
#[derive(Serialize)]
struct CaseLine {
    case: B256,
    #[serde(flatten)]
    view: CaseView,
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(carry_out(arguments.action).await)
}

async fn carry_out(action: Action) -> Result<(), CommandError> {
    use Action as A;
    match action {
        A::Show { case, chain } => show(case, &chain).await,
        A::List { operator, chain } => list(operator, &chain).await,
        A::Execute(c) => send(CourtCall::Execute { case: c.case }, &c.account).await,
        A::ClaimSigner { position, case: c } => {
            let call = CourtCall::ClaimSigner {
                case: c.case,
                position,
            };
            send(call, &c.account).await
        }
        A::Contest(c) => send(ContestCall::Contest { case: c.case }, &c.account).await,
        A::Resolve { ruling, case: c } => {
            let call = ContestCall::Resolve {
                case: c.case,
                guilty: ruling.guilty,
            };
            send(call, &c.account).await
        }
        A::Lapse(c) => send(ContestCall::Lapse { case: c.case }, &c.account).await,
        A::FreeDivergers(c) => send(ContestCall::FreeDivergers { case: c.case }, &c.account).await,
        A::ClaimReward(c) => send(ChallengeCall::ClaimReward { case: c.case }, &c.account).await,
        A::Plant {
            commitment,
            account,
        } => send(ChallengeCall::PlantFault { commitment }, &account).await,
        A::BurnPlant {
            operator,
            round,
            account,
        } => send(ChallengeCall::BurnPlant { operator, round }, &account).await,
        A::ReportWithheld {
            receipt,
            leaf,
            account,
        } => {
            let call = ChallengeCall::ReportWithheld {
                receipt_hash: receipt,
                leaf_index: leaf,
            };
            send(call, &account).await
        }
        A::Withdraw { account } => withdraw(&account).await,
        A::Evidence { data, chain } => evidence::list(&data, &chain).await,
        A::Submit(e) => send(e.by_name()?.call(), &e.account).await,
        A::Bring(evidence) => {
            let (kind, e) = evidence.kind();
            send(e.of(kind)?.call(), &e.account).await
        }
    }
}

async fn show(case: B256, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    match client.case(case).await? {
        Some(view) => print_json(&view),
        None => Err(CommandError::Argument(format!("there is no case {case}"))),
    }
}

async fn list(operator: Option<Address>, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    let mut cases = Vec::new();
    for case in client.case_ids(operator).await? {
        if let Some(view) = client.case(case).await? {
            cases.push(CaseLine { case, view });
        }
    }
    if chain.json {
        return print_json(&cases);
    }
    if cases.is_empty() {
        say("no cases");
    }
    for CaseLine { case, view } in cases {
        say(format!(
            "{case} {:?} against {}: {:?}, opened in block {}, executable from block {} on",
            view.kind, view.operator, view.status, view.opened_block, view.executable_at
        ));
    }
    Ok(())
}

/// What needs a bond is preceded by an allowance for it.
async fn send(call: impl Into<Call>, account: &AccountOptions) -> Result<(), CommandError> {
    let call = call.into();
    let session = account.open().await?;
    let at = *session.client.contracts();
    let params = &session.deployment.params;
    let bond = match &call {
        Call::Contests(ContestCall::Contest { .. }) => Some((at.contests, params.contest_bond)),
        Call::Challenges(ChallengeCall::PlantFault { .. }) => {
            Some((at.challenges, params.plant_bond))
        }
        Call::Challenges(ChallengeCall::ChallengeLeaf(_)) => {
            Some((at.challenges, params.challenge_bond))
        }
        _ => None,
    };
    let mut calls = Vec::new();
    if let Some((spender, amount)) = bond {
        session.can_pay(amount).await?;
        calls = session.allow(spender, amount).await?;
    }
    calls.push(call);
    session.carry_out(None, calls).await
}

/// From both contracts, where anything is owed.
async fn withdraw(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let owed = session.client.bonds_owed(session.account()).await?;
    let mut calls: Vec<Call> = Vec::new();
    if !owed.contests.0.is_zero() {
        calls.push(ContestCall::Withdraw.into());
    }
    if !owed.challenges.0.is_zero() {
        calls.push(ChallengeCall::Withdraw.into());
    }
    if calls.is_empty() {
        return Err(CommandError::Argument(format!(
            "nothing is owed to {}",
            session.account()
        )));
    }
    session.carry_out(None, calls).await
}
