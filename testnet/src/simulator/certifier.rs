//! The certifier's shell: what a verifier tells it, and the conducts that miss or strike work.

use std::collections::BTreeSet;

use assay_protocol::checked::Now;
use assay_protocol::domain::Domain;
use assay_protocol::params::Params;
use assay_protocol::round_work::Segment;
use assay_protocol::wire::{Gossip, SampleReport};
use assay_protocol::{Address, B256, U256};
use assay_verifier::certify::{Certifier, Input, Known, Output, RoundFacts, SeenAssignment};

use super::chain::{PRICE, Round, SEED_BLOCK};
use super::court::Submission;
use super::inbox::{Mail, Message};
use super::media::ladder;
use super::scenario::VerifierConduct;
use super::shell::{Action, Commons, Desk, Done, Stimulus};

/// The core and its conduct.
pub(super) struct CertifierNode {
    core: Certifier,
    conduct: VerifierConduct,
    kept: Known,
    accused: BTreeSet<B256>,
}

fn seen(signed: &assay_protocol::assignment::SignedAssignment, hash: B256) -> Box<SeenAssignment> {
    Box::new(SeenAssignment {
        hash,
        // There is one.
        broadcaster: Address::ZERO,
        segment: Segment::new(signed, &ladder()),
        max_price: U256::from(PRICE),
        seed_block: SEED_BLOCK,
    })
}

impl CertifierNode {
    pub fn new(me: Address, domain: Domain, params: Params, conduct: VerifierConduct) -> Self {
        Self {
            core: Certifier::new(me, domain, params),
            conduct,
            kept: Known::default(),
            accused: BTreeSet::new(),
        }
    }

    /// After a restart, with what its disk has kept.
    pub fn again(&self, me: Address, domain: Domain, params: Params) -> Self {
        Self {
            core: Certifier::new(me, domain, params).resume(self.kept.clone()),
            conduct: self.conduct,
            kept: self.kept.clone(),
            accused: BTreeSet::new(),
        }
    }

    pub fn round(&mut self, round: &Round, now: Now) {
        let facts = RoundFacts {
            verifiers: round.verifiers.clone(),
            transcoders: round.transcoders.clone(),
            opened: round.opened,
        };
        self.core.handle(Input::Round(Box::new(facts)), now);
    }

    /// One's own report, which nobody sends back.
    pub fn report(&mut self, report: &SampleReport, now: Now) {
        self.core
            .handle(Input::Report(Box::new(report.clone())), now);
    }

    /// Whether the conduct keeps this receipt from the core.
    fn misses(&self, seq: u32) -> bool {
        match self.conduct {
            VerifierConduct::Misses { seq: missed } => seq == missed,
            VerifierConduct::Strikes { one_in } => u64::from(seq).is_multiple_of(one_in.max(1)),
            _ => false,
        }
    }

    pub fn hear(
        &mut self,
        stimulus: &Stimulus,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        let inputs = match stimulus {
            Stimulus::Block(news) => {
                let opened = news.opened.iter().filter(|c| c.kind.is_transcoders());
                self.accused.extend(opened.map(|c| c.leaf.receipt));
                let accused = Input::Accused(self.accused.clone());
                let certified = news.certified.map(|round| Input::Certified {
                    round,
                    block: now.block,
                });
                let first = [accused].into_iter().chain(certified);
                first.chain([Input::Block]).collect()
            }
            Stimulus::Mail(Mail::Assignment(assignment)) => {
                vec![Input::Assignment(seen(
                    &assignment.message,
                    assignment.hash,
                ))]
            }
            Stimulus::Mail(Mail::Receipt(receipt)) => {
                let signed = &receipt.message.assignment;
                if self.misses(signed.assignment.seq) {
                    return Vec::new();
                }
                let answer = &receipt.message.receipt;
                vec![Input::Receipt {
                    assignment: seen(signed, answer.receipt.assignmentHash),
                    receipt: receipt.hash,
                    leaves: answer.leaves.len() as u32,
                }]
            }
            Stimulus::Mail(Mail::Report(report)) => vec![Input::Report(Box::new(report.clone()))],
            Stimulus::Mail(Mail::WorkProposal(proposal)) => {
                vec![Input::Proposal(proposal.clone())]
            }
            Stimulus::Mail(Mail::WorkObjection(objection)) => {
                vec![Input::Objection(objection.clone())]
            }
            Stimulus::Mail(Mail::WorkVote(vote)) => vec![Input::Vote(vote.clone())],
            Stimulus::Done(Done::Sealed(sealed)) => vec![Input::Signed(sealed.clone())],
            Stimulus::Mail(_) | Stimulus::Done(_) => Vec::new(),
        };
        let mut actions = Vec::new();
        for input in inputs {
            for output in self.core.handle(input, now) {
                match output {
                    Output::Sign(draft) => actions.push(desk.sign(draft, commons)),
                    Output::Gossip(Gossip::WorkProposal(proposal)) => {
                        actions.push(Action::Gossip(Message::WorkProposal(proposal)));
                    }
                    Output::Gossip(Gossip::WorkObjection(objection)) => {
                        actions.push(Action::Gossip(Message::WorkObjection(objection)));
                    }
                    Output::Gossip(Gossip::WorkVote(vote)) => {
                        actions.push(Action::Gossip(Message::WorkVote(vote)));
                    }
                    Output::Certify(list) => {
                        actions.push(Action::Submit(Submission::Certify(list)));
                    }
                    Output::Keep(known) => self.kept = *known,
                    Output::Gossip(_) | Output::Dropped { .. } | Output::Uncertified(_) => {}
                }
            }
        }
        actions
    }
}
