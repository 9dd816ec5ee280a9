//! The verifier's shell: one worker that takes the most urgent first, and the conducts that lie.

use std::collections::BTreeMap;

use assay_protocol::accusation::{Accusation, SignedAccusation};
use assay_protocol::assignment::RefusalReason;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::{Draft, Seal};
use assay_protocol::verdict::{LeafId, SignedVerdict, Verdict};
use assay_protocol::wire::{Gossip, ReceiptMessage};
use assay_protocol::{B256, keccak256};
use assay_verifier::{Conviction, Input, Output, Recomputation, Urgency, Verifier};

use super::certifier::CertifierNode;
use super::chain::Round;
use super::court::{FaultKind, Submission};
use super::inbox::{Mail, Message};
use super::report::Fact;
use super::scenario::VerifierConduct;
use super::shell::{Action, Commons, Desk, Done, Stimulus};

/// A recomputation in the queue.
#[derive(Debug)]
struct Order {
    evidence: Box<ReceiptMessage>,
    receipt: B256,
    leaves: Vec<u32>,
}

/// The core, its conduct and its worker.
pub(super) struct VerifierNode {
    pub core: Verifier,
    pub conduct: VerifierConduct,
    /// Most urgent first, then in order of arrival.
    queue: BTreeMap<(std::cmp::Reverse<Urgency>, u64), Order>,
    ordered: u64,
    busy: bool,
    pub certifier: Option<CertifierNode>,
}

impl VerifierNode {
    pub fn new(core: Verifier, conduct: VerifierConduct, certifier: Option<CertifierNode>) -> Self {
        Self {
            certifier,
            core,
            conduct,
            queue: BTreeMap::new(),
            ordered: 0,
            busy: false,
        }
    }

    pub fn round(&mut self, round: &Round, now: Now) -> Vec<Output> {
        if let Some(certifier) = &mut self.certifier {
            certifier.round(round, now);
        }
        self.core.handle(Input::Round(round.verifiers.clone()), now)
    }

    pub fn hear(
        &mut self,
        stimulus: Stimulus,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        if self.conduct == VerifierConduct::Silent {
            return Vec::new();
        }
        let mut actions = Vec::new();
        if let Some(certifier) = &mut self.certifier {
            actions.extend(certifier.hear(&stimulus, now, desk, commons));
        }
        let inputs = match stimulus {
            Stimulus::Block(news) => {
                let bursts = news
                    .opened
                    .iter()
                    .filter(|c| c.kind == FaultKind::WrongEncode);
                let cases = bursts.map(|case| Input::CaseOpened {
                    operator: case.operator,
                    leaf: case.leaf,
                    block: case.opened,
                });
                cases.chain([Input::Block]).collect()
            }
            Stimulus::Mail(Mail::Receipt(receipt)) => {
                if self.conduct == VerifierConduct::AccuseEverything {
                    actions.extend(slander(&receipt, desk, commons));
                }
                vec![Input::Receipt(receipt)]
            }
            Stimulus::Mail(Mail::Accusation(accusation)) => vec![Input::Accusation(accusation)],
            Stimulus::Mail(Mail::Verdict(verdict)) => vec![Input::Verdict(verdict)],
            Stimulus::Mail(Mail::Report(report)) => vec![Input::Report(report)],
            Stimulus::Done(Done::Sealed(sealed)) => vec![Input::Signed(sealed)],
            Stimulus::Done(Done::Recomputed {
                receipt,
                leaves,
                result,
            }) => {
                self.busy = false;
                vec![Input::Recomputed {
                    receipt,
                    leaves,
                    result,
                }]
            }
            Stimulus::Done(Done::LevelsTried(leaf)) => vec![Input::LevelsTried {
                leaf,
                reproducing: None,
            }],
            Stimulus::Mail(_) | Stimulus::Done(_) => Vec::new(),
        };
        for input in inputs {
            let outputs = self.core.handle(input, now);
            actions.extend(self.perform(outputs, now, desk, commons));
        }
        actions
    }

    pub fn perform(
        &mut self,
        outputs: Vec<Output>,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        let sits = self.conduct == VerifierConduct::AccuseAndSit;
        let mut actions = Vec::new();
        for output in outputs {
            match output {
                Output::Sign(draft) => actions.push(desk.sign(draft, commons)),
                Output::Recompute {
                    evidence,
                    receipt,
                    leaves,
                    urgency,
                } => {
                    self.ordered += 1;
                    let order = Order {
                        evidence,
                        receipt,
                        leaves,
                    };
                    let place = (std::cmp::Reverse(urgency), self.ordered);
                    self.queue.insert(place, order);
                }
                Output::TryLevels { leaf, .. } => {
                    let delay = commons.random.between(commons.pace.recompute);
                    actions.push(Action::After(delay, Done::LevelsTried(leaf)));
                }
                Output::Gossip(Gossip::Accusation(signed)) => {
                    actions.push(Action::Gossip(Message::Accusation(signed)));
                }
                Output::Gossip(Gossip::Verdict(verdict)) if !sits => {
                    actions.push(Action::Gossip(Message::Verdict(verdict)));
                }
                Output::Gossip(Gossip::Report(report)) => {
                    if let Some(certifier) = &mut self.certifier {
                        certifier.report(&report, now);
                    }
                    actions.push(Action::Gossip(Message::Report(report)));
                }
                Output::SendVerdict { to, verdict } if !sits => {
                    actions.push(Action::Send(to, Message::Verdict(verdict)));
                }
                Output::ServeSource(source) => {
                    commons.servers.entry(source).or_default().insert(desk.me());
                }
                Output::Convict(conviction) if !sits => {
                    actions.push(Action::Submit(Submission::WrongEncode(conviction)));
                }
                Output::ReportLeafFault(fault) if !sits => {
                    actions.push(Action::Submit(Submission::LeafFault(fault)));
                }
                Output::ReportEquivocation(pair) if !sits => {
                    actions.push(Action::Submit(Submission::Equivocation(Box::new(pair))));
                }
                Output::Note(note) => {
                    let honest = self.conduct == VerifierConduct::Honest;
                    actions.push(Action::Fact(Fact::Noted { honest, note }));
                }
                _ => {}
            }
        }
        actions.extend(self.work(desk, commons));
        actions
    }

    /// Begins the next recomputation when the worker is free.
    fn work(&mut self, desk: &Desk, commons: &mut Commons) -> Option<Action> {
        if self.busy {
            return None;
        }
        let (_, order) = self.queue.pop_first()?;
        self.busy = true;
        let source = order.evidence.assignment.assignment.sourceHash;
        let each = |commons: &mut Commons| commons.random.between(commons.pace.recompute);
        let delay = order.leaves.iter().map(|_| each(commons)).sum();
        let roots = commons.media.chunk_roots(&source).cloned();
        let result = match roots.filter(|_| commons.fetchable(&source, desk.me())) {
            Some(chunk_roots) => {
                let mut hashes = Vec::new();
                for index in &order.leaves {
                    let Some(leaf) = order.evidence.receipt.leaves.get(*index as usize) else {
                        continue;
                    };
                    let hash = match self.conduct {
                        VerifierConduct::Flaky { one_in }
                            if commons.random.chance(1_000_000 / one_in.max(1)) =>
                        {
                            keccak256(commons.random.between((0, u64::MAX - 1)).to_be_bytes())
                        }
                        VerifierConduct::PassEverything => leaf.output_hash,
                        VerifierConduct::AccuseEverything => slur(order.receipt, *index),
                        _ => commons.media.recompute(&source, leaf),
                    };
                    hashes.push((*index, hash));
                }
                Ok(Recomputation {
                    hashes,
                    chunk_roots,
                })
            }
            None => Err(RefusalReason::SourceUnavailable),
        };
        let done = Done::Recomputed {
            receipt: order.receipt,
            leaves: order.leaves,
            result,
        };
        Some(Action::After(delay, done))
    }
}

/// What false accusers have agreed to find.
fn slur(receipt: B256, index: u32) -> B256 {
    keccak256([b"slur", receipt.as_slice(), &index.to_be_bytes()].concat())
}

/// Accuses every leaf of a receipt, and takes the first to court with no verdict but one's own.
fn slander(receipt: &Checked<ReceiptMessage>, desk: &Desk, commons: &Commons) -> Vec<Action> {
    let mut actions = Vec::new();
    for index in 0..receipt.message.receipt.leaves.len() as u32 {
        let leaf = LeafId {
            receipt: receipt.hash,
            index,
        };
        let verdict = Verdict {
            receiptHash: leaf.receipt,
            leafIndex: index,
            recomputedHash: slur(leaf.receipt, index),
        };
        let sealed = desk
            .keys
            .seal(Draft::Verdict(verdict.clone()), &commons.domain);
        let Seal::Bls(signature) = sealed.seal else {
            continue;
        };
        let draft = Draft::Accusation(Accusation::new(leaf, &signature));
        let sealed = desk.keys.seal(draft, &commons.domain);
        if let (Draft::Accusation(accusation), Seal::Operator(signature)) =
            (sealed.draft, sealed.seal)
        {
            actions.push(Action::Gossip(Message::Accusation(SignedAccusation {
                accusation,
                signature,
            })));
        }
        if index == 0 {
            let conviction = Conviction {
                evidence: receipt.message.clone(),
                leaf,
                recomputed_hash: verdict.recomputedHash,
                verdicts: vec![SignedVerdict {
                    verdict,
                    verifier: desk.me(),
                    signature,
                }],
            };
            let submission = Submission::WrongEncode(Box::new(conviction));
            actions.push(Action::Submit(submission));
        }
    }
    actions
}
