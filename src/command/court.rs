//! `assay court`: cases, contests, challenges, and the evidence for them.

use std::path::PathBuf;
use std::process::ExitCode;

use assay_chain::call::{Call, ChallengeCall, ContestCall, CourtCall};
use assay_chain::court::CaseView;
use assay_protocol::fraud_proof::ProofFile;
use assay_protocol::{Address, B256};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::account::{AccountOptions, ChainOptions, print_json, read_json};
use super::error::{CommandError, finish};
use super::say;

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
        /// The accused did it. Without this it is acquitted.
        #[arg(long)]
        guilty: bool,
        #[command(flatten)]
        case: CaseArguments,
    },
    /// End a contested case about which the resolver was silent.
    Lapse(CaseArguments),
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
    #[command(flatten)]
    Evidence(Evidence),
}

/// What is shown with a file.
#[derive(clap::Subcommand)]
enum Evidence {
    /// Prove a wrong encode: a proof file, as nodes write them.
    Prove(EvidenceArguments),
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
    /// Show a ticket whose epoch has not ended.
    ShowEarlyTicket(EvidenceArguments),
    /// Show a pass that a quorum contradicts.
    FalsePass(EvidenceArguments),
    /// Show a divergence that the resolver refuted.
    FalseDivergence(EvidenceArguments),
    /// Acquit an accused operator by a quorum of passes, at the accuser's cost.
    Acquit(EvidenceArguments),
    /// Reveal a planted fault.
    RevealPlant(EvidenceArguments),
    /// Demand the opening of a leaf, with a bond.
    ChallengeLeaf(EvidenceArguments),
    /// Open a demanded leaf.
    OpenLeaf(EvidenceArguments),
    /// Prove two receipts for one assignment.
    Equivocation(EvidenceArguments),
    /// Prove two verdicts of a verifier on one leaf.
    VerifierEquivocation(EvidenceArguments),
    /// Prove two assignments of a broadcaster for one attempt.
    BroadcasterEquivocation(EvidenceArguments),
    /// Prove a leaf that contradicts its place or the source.
    LeafFault(EvidenceArguments),
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
        A::Evidence(evidence) => {
            let (call, account) = evidence.call()?;
            send(call, &account).await
        }
    }
}

impl EvidenceArguments {
    /// The call that the file's evidence is for, and who makes it.
    fn shown<T: DeserializeOwned, C: Into<Call>>(
        self,
        call: impl FnOnce(Box<T>) -> C,
    ) -> Result<(Call, AccountOptions), CommandError> {
        Ok((call(read_json(&self.evidence)?).into(), self.account))
    }
}

impl Evidence {
    fn call(self) -> Result<(Call, AccountOptions), CommandError> {
        match self {
            Self::Prove(e) => {
                e.shown(|file: Box<ProofFile>| CourtCall::Prove(Box::new(file.proof)))
            }
            Self::Trip(e) => e.shown(|cases| ContestCall::TripByCases(*cases)),
            Self::TripByDivergence(e) => e.shown(ContestCall::TripByDivergence),
            Self::ContestStopped(e) => e.shown(|cases| ContestCall::ContestStopped(*cases)),
            Self::ClaimFinder(e) => e.shown(ChallengeCall::ClaimFinder),
            Self::SettleFinder(e) => e.shown(ChallengeCall::SettleFinder),
            Self::ShowEarlyTicket(e) => e.shown(ChallengeCall::ShowEarlyTicket),
            Self::FalsePass(e) => e.shown(ChallengeCall::FalsePass),
            Self::FalseDivergence(e) => e.shown(ChallengeCall::FalseDivergence),
            Self::Acquit(e) => e.shown(ChallengeCall::Acquit),
            Self::RevealPlant(e) => e.shown(ChallengeCall::RevealPlant),
            Self::ChallengeLeaf(e) => e.shown(ChallengeCall::ChallengeLeaf),
            Self::OpenLeaf(e) => e.shown(ChallengeCall::OpenLeaf),
            Self::Equivocation(e) => e.shown(CourtCall::Equivocation),
            Self::VerifierEquivocation(e) => e.shown(CourtCall::VerifierEquivocation),
            Self::BroadcasterEquivocation(e) => e.shown(CourtCall::BroadcasterEquivocation),
            Self::LeafFault(e) => e.shown(CourtCall::LeafFault),
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
