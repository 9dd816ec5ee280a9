//! Evidence in files: shown to the court, or listed.

use std::path::{Path, PathBuf};

use assay_chain::client::Client;
use assay_chain::exhibit::{Concerns, Exhibit, Kind};
use assay_node::evidence;
use serde::Serialize;

use super::super::account::read_file;
use super::{AccountOptions, ChainOptions, CommandError, print_json, say};

/// Evidence in a file.
#[derive(clap::Args)]
pub(super) struct EvidenceArguments {
    /// JSON file with the evidence (docs/protocol.md, section 9).
    #[arg(value_name = "FILE")]
    evidence: PathBuf,
    #[command(flatten)]
    pub account: AccountOptions,
}

/// What is shown with a file.
#[derive(clap::Subcommand)]
pub(super) enum Evidence {
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
    /// Show another receipt that is marked with a plant which was revealed.
    SecondPlant(EvidenceArguments),
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

impl EvidenceArguments {
    /// The file as evidence of a kind, whatever its name.
    pub fn of(&self, kind: Kind) -> Result<Exhibit, CommandError> {
        let path = &self.evidence;
        let json = read_file(path)?;
        Exhibit::read(kind, &json).map_err(|e| {
            let path = path.display();
            CommandError::Argument(format!("{path} is no evidence of the kind {kind}: {e}"))
        })
    }

    /// The file as evidence of the kind that its name says.
    pub fn by_name(&self) -> Result<Exhibit, CommandError> {
        Ok(evidence::read(&self.evidence)?)
    }
}

impl Evidence {
    /// What the command says that its file is.
    pub fn kind(self) -> (Kind, EvidenceArguments) {
        match self {
            Self::Prove(e) => (Kind::Prove, e),
            Self::Trip(e) => (Kind::Trip, e),
            Self::TripByDivergence(e) => (Kind::TripByDivergence, e),
            Self::ContestStopped(e) => (Kind::ContestStopped, e),
            Self::ClaimFinder(e) => (Kind::ClaimFinder, e),
            Self::SettleFinder(e) => (Kind::SettleFinder, e),
            Self::ShowEarlyTicket(e) => (Kind::ShowEarlyTicket, e),
            Self::FalsePass(e) => (Kind::FalsePass, e),
            Self::FalseDivergence(e) => (Kind::FalseDivergence, e),
            Self::Acquit(e) => (Kind::Acquit, e),
            Self::RevealPlant(e) => (Kind::RevealPlant, e),
            Self::SecondPlant(e) => (Kind::SecondPlant, e),
            Self::ChallengeLeaf(e) => (Kind::ChallengeLeaf, e),
            Self::OpenLeaf(e) => (Kind::OpenLeaf, e),
            Self::Equivocation(e) => (Kind::Equivocation, e),
            Self::VerifierEquivocation(e) => (Kind::VerifierEquivocation, e),
            Self::BroadcasterEquivocation(e) => (Kind::BroadcasterEquivocation, e),
            Self::LeafFault(e) => (Kind::LeafFault, e),
        }
    }
}

/// One file, as JSON.
#[derive(Serialize)]
struct Line {
    file: PathBuf,
    /// Where it is evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    concerns: Option<String>,
    /// Last block in which the contracts take it, where one bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_until: Option<u64>,
    /// Whether that block has passed.
    void: bool,
    /// Why it is no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Lists the evidence of a node's folder.
pub(super) async fn list(data: &Path, chain: &ChainOptions) -> Result<(), CommandError> {
    if !data.is_dir() {
        let text = format!("{} is no folder; name a node's with --data", data.display());
        return Err(CommandError::Argument(text));
    }
    let found = evidence::list(data)?;
    let (client, deployment) = chain.look().await?;
    let head = client.head().await?.number;
    let mut lines = Vec::new();
    for (file, exhibit) in found {
        lines.push(match exhibit {
            Ok(exhibit) => {
                let until = exhibit.accepted_until(&deployment.params);
                Line {
                    file,
                    kind: Some(exhibit.kind().name()),
                    concerns: Some(who(&client, exhibit.concerns()).await?),
                    accepted_until: until,
                    void: until.is_some_and(|until| until < head),
                    error: None,
                }
            }
            Err(e) => Line {
                file,
                kind: None,
                concerns: None,
                accepted_until: None,
                void: true,
                error: Some(e.to_string()),
            },
        });
    }
    if chain.json {
        return print_json(&lines);
    }
    if lines.is_empty() {
        say(format!("no evidence in {}", data.display()));
    }
    for line in lines {
        say(line.sentence(head));
    }
    Ok(())
}

impl Line {
    fn sentence(&self, head: u64) -> String {
        let (Some(kind), Some(concerns)) = (self.kind, &self.concerns) else {
            return self.error.clone().unwrap_or_default();
        };
        let until = match self.accepted_until {
            Some(until) if until < head => format!("void since block {until}"),
            Some(until) => format!("accepted until block {until}, in {} blocks", until - head),
            None => "accepted at any time".into(),
        };
        format!("{}: {kind} about {concerns}, {until}", self.file.display())
    }
}

/// Whom it concerns, by account where the chain knows it.
async fn who(client: &Client, concerns: Concerns) -> Result<String, CommandError> {
    Ok(match concerns {
        Concerns::Operator(operator) => operator.to_string(),
        Concerns::Seat { round, position } => {
            let set = client.verifiers(round).await?;
            let seat = usize::try_from(position)
                .ok()
                .and_then(|at| set.seats.get(at));
            match seat {
                Some(seat) => format!("verifier {}", seat.operator),
                None => format!("position {position} of round {round}, where nobody sits"),
            }
        }
        Concerns::Job(job) => match client.job(job).await? {
            Some(view) => format!("broadcaster {}", view.broadcaster),
            None => format!("the broadcaster of job {job}"),
        },
        Concerns::Several => "several".into(),
    })
}
