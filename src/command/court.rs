//! `assay court`: cases, contests, challenges, and the evidence for them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_chain::call::{Call, ChallengeCall, ContestCall, CourtCall};
use assay_protocol::{Address, B256};

use super::account::{AccountOptions, ChainOptions, print_json, read_json};
use super::error::{CommandError, finish};

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

/// Evidence in a file.
#[derive(clap::Args)]
struct EvidenceArguments {
    /// JSON file with the evidence (docs/protocol.md, section 9).
    #[arg(value_name = "FILE")]
    evidence: PathBuf,
    #[command(flatten)]
    account: AccountOptions,
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
        /// The accused did it. Without this it is acquitted.
        #[arg(long)]
        guilty: bool,
        #[command(flatten)]
        case: CaseArguments,
    },
    /// End a contested case about which the resolver was silent.
    Lapse(CaseArguments),
    /// Trip the breaker by cases: a list of assignments.
    Trip(EvidenceArguments),
    /// Trip the breaker by divergences of more than a third.
    TripByDivergence(EvidenceArguments),
    /// Contest open cases of an encoder that is stopped: a list of assignments.
    ContestStopped(EvidenceArguments),
    /// Claim the finder's part of a wrong-encode case by ticket.
    ClaimFinder(EvidenceArguments),
    /// Pay or burn the finder's part once the evidence window is closed: the assignment.
    SettleFinder(EvidenceArguments),
    /// Take the finder's part of a case that was opened by a challenge.
    ClaimReward(CaseArguments),
    /// Show a ticket whose epoch has not ended.
    ShowEarlyTicket(EvidenceArguments),
    /// Show a pass that a quorum contradicts.
    FalsePass(EvidenceArguments),
    /// Show a divergence that the resolver refuted.
    FalseDivergence(EvidenceArguments),
    /// Acquit an accused operator by a quorum of passes, at the accuser's cost.
    Acquit(EvidenceArguments),
    /// Commit to a fault in the next round, with a bond.
    Plant {
        /// keccak256 of the secret.
        commitment: B256,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Reveal a planted fault.
    RevealPlant(EvidenceArguments),
    /// Burn a plant that was not revealed in time.
    BurnPlant {
        /// Whose.
        operator: Address,
        /// Of which round.
        round: u64,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Demand the opening of a leaf, with a bond.
    ChallengeLeaf(EvidenceArguments),
    /// Open a demanded leaf.
    OpenLeaf(EvidenceArguments),
    /// Open a case about a leaf that stayed closed.
    ReportWithheld {
        /// Hash of the receipt.
        receipt: B256,
        /// The leaf.
        leaf: u32,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Prove two receipts for one assignment.
    Equivocation(EvidenceArguments),
    /// Prove two verdicts of a verifier on one leaf.
    VerifierEquivocation(EvidenceArguments),
    /// Prove two assignments of a broadcaster for one attempt.
    BroadcasterEquivocation(EvidenceArguments),
    /// Prove a leaf that contradicts its place or the source.
    LeafFault(EvidenceArguments),
    /// Take back bonds that contests and challenges owe.
    Withdraw {
        #[command(flatten)]
        account: AccountOptions,
    },
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(carry_out(arguments.action).await)
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Box<T>, CommandError> {
    read_json(file).map(Box::new)
}

async fn carry_out(action: Action) -> Result<(), CommandError> {
    use Action as A;
    match action {
        A::Show { case, chain } => show(case, &chain).await,
        A::Execute(c) => send(CourtCall::Execute { case: c.case }, &c.account).await,
        A::ClaimSigner { position, case: c } => {
            let call = CourtCall::ClaimSigner {
                case: c.case,
                position,
            };
            send(call, &c.account).await
        }
        A::Contest(c) => bonded(ContestCall::Contest { case: c.case }.into(), &c.account).await,
        A::Resolve { guilty, case: c } => {
            let call = ContestCall::Resolve {
                case: c.case,
                guilty,
            };
            send(call, &c.account).await
        }
        A::Lapse(c) => send(ContestCall::Lapse { case: c.case }, &c.account).await,
        A::ClaimReward(c) => send(ChallengeCall::ClaimReward { case: c.case }, &c.account).await,
        A::Plant {
            commitment,
            account,
        } => bonded(ChallengeCall::PlantFault { commitment }.into(), &account).await,
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
        with_evidence => {
            let (call, account) = evidence(with_evidence)?;
            bonded(call, &account).await
        }
    }
}

/// The call that a file of evidence is for.
fn evidence(action: Action) -> Result<(Call, AccountOptions), CommandError> {
    use Action as A;
    let call_of = |e: &EvidenceArguments, action: &A| -> Result<Call, CommandError> {
        let file = e.evidence.as_path();
        Ok(match action {
            A::Trip(_) => ContestCall::TripByCases(*read(file)?).into(),
            A::TripByDivergence(_) => ContestCall::TripByDivergence(read(file)?).into(),
            A::ContestStopped(_) => ContestCall::ContestStopped(*read(file)?).into(),
            A::ClaimFinder(_) => ChallengeCall::ClaimFinder(read(file)?).into(),
            A::SettleFinder(_) => ChallengeCall::SettleFinder(read(file)?).into(),
            A::ShowEarlyTicket(_) => ChallengeCall::ShowEarlyTicket(read(file)?).into(),
            A::FalsePass(_) => ChallengeCall::FalsePass(read(file)?).into(),
            A::FalseDivergence(_) => ChallengeCall::FalseDivergence(read(file)?).into(),
            A::Acquit(_) => ChallengeCall::Acquit(read(file)?).into(),
            A::RevealPlant(_) => ChallengeCall::RevealPlant(read(file)?).into(),
            A::ChallengeLeaf(_) => ChallengeCall::ChallengeLeaf(read(file)?).into(),
            A::OpenLeaf(_) => ChallengeCall::OpenLeaf(read(file)?).into(),
            A::Equivocation(_) => CourtCall::Equivocation(read(file)?).into(),
            A::VerifierEquivocation(_) => CourtCall::VerifierEquivocation(read(file)?).into(),
            A::BroadcasterEquivocation(_) => CourtCall::BroadcasterEquivocation(read(file)?).into(),
            _ => CourtCall::LeafFault(read(file)?).into(),
        })
    };
    match &action {
        A::Trip(e)
        | A::TripByDivergence(e)
        | A::ContestStopped(e)
        | A::ClaimFinder(e)
        | A::SettleFinder(e)
        | A::ShowEarlyTicket(e)
        | A::FalsePass(e)
        | A::FalseDivergence(e)
        | A::Acquit(e)
        | A::RevealPlant(e)
        | A::ChallengeLeaf(e)
        | A::OpenLeaf(e)
        | A::Equivocation(e)
        | A::VerifierEquivocation(e)
        | A::BroadcasterEquivocation(e)
        | A::LeafFault(e) => Ok((call_of(e, &action)?, e.account.clone())),
        _ => Err(CommandError::Argument("no evidence is needed".into())),
    }
}

async fn show(case: B256, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    match client.case(case).await? {
        Some(view) => print_json(&view),
        None => Err(CommandError::Argument(format!("there is no case {case}"))),
    }
}

async fn send(call: impl Into<Call>, account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    session.carry_out(None, vec![call.into()]).await
}

/// As `send`; what needs a bond is preceded by an allowance for it.
async fn bonded(call: Call, account: &AccountOptions) -> Result<(), CommandError> {
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
    if !owed.contests.is_zero() {
        calls.push(ContestCall::Withdraw.into());
    }
    if !owed.challenges.is_zero() {
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
