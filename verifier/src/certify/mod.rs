//! Certifying the work of a round, without I/O: [`Certifier::handle`] takes one input and the time, and returns what to do.
//!
//! From what it has seen it makes a sheet for each job ([`view`]). When the round's evidence is complete, the round's
//! verifiers take turns: the leader proposes ([`lead`]), the others vote or say what they can confirm instead
//! ([`answer`]), and equal votes of two thirds become the certificate ([`count`]). A turn lasts [`TURN_BLOCKS`]; whoever
//! has the next one proposes what it sees itself, so that a leader that lies or is gone costs a turn and not the round.
//!
//! What the chain has taken it may lose again: a certified round rests for [`KEPT_BLOCKS`], and goes on where a reorganisation
//! takes the certificate back. Whoever had submitted it may be gone by then, and its queue with it.
//!
//! Safe: a verifier signs only lists all of whose receipts it confirms, and the chain takes one list of a round; which one
//! does not matter then, so nothing needs to be locked. Live: votes for equal lists count together whatever their turn.

mod answer;
mod count;
mod known;
mod lead;
mod over;
mod reduce;
mod runs;
mod shares;
mod turns;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{SignedObjection, SignedProposal, SignedVote};
use assay_protocol::checked::Now;
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Sealed};
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::params::Params;
use assay_protocol::round_work::{Segment, WorkRule, list};
use assay_protocol::wire::{Gossip, SampleReport};
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};

pub use self::known::Known;
pub use self::over::KEPT_BLOCKS;
pub use self::turns::{Turns, leader};
use self::view::RoundView;

/// Blocks that a leader has: two for its proposal and the objections, two for the second one, two to submit.
pub const TURN_BLOCKS: u64 = 6;
/// Blocks from the first in which a list is accepted to the first turn: reports are gossiped in that very block.
pub const GRACE_BLOCKS: u64 = 2;
/// Blocks into its turn when a leader proposes again.
pub const SECOND_BLOCKS: u64 = 2;
/// Rounds that are kept at most: those between their end and their certificate, with room for slow chains, and of those that
/// are certified the last ones.
const MAX_ROUNDS: usize = 16;

/// One event. Messages have passed the shell's checks: signatures, shape, election.
#[derive(Clone, Debug)]
pub enum Input {
    /// The chain has a new block; its number is the time.
    Block,
    /// A round was opened.
    Round(Box<RoundFacts>),
    /// An assignment that holds.
    Assignment(Box<SeenAssignment>),
    /// A receipt for an assignment that holds.
    Receipt {
        /// What it answers.
        assignment: Box<SeenAssignment>,
        /// The receipt's hash.
        receipt: B256,
        /// Number of its leaves.
        leaves: u32,
    },
    /// A verifier's report, one's own among them; ticket and words are checked.
    Report(Box<SampleReport>),
    /// These receipts have a case against their transcoder that is open or proven, and no others. What a verifier did wrong
    /// says nothing about the work.
    Accused(BTreeSet<B256>),
    /// A leader's proposal.
    Proposal(Box<SignedProposal>),
    /// A part of another verifier's objection.
    Objection(Box<SignedObjection>),
    /// Another verifier's vote.
    Vote(SignedVote),
    /// Answer to `Sign`.
    Signed(Box<Sealed>),
    /// Answer to `Sign` where it could not be written down: it is asked for again with the next block.
    Unsigned(Box<Draft>),
    /// The chain has the round's list.
    Certified {
        /// The round.
        round: u64,
        /// Block that took it.
        block: u64,
    },
    /// Everything above this block never was.
    Rewound(u64),
}

/// What the chain says of a round that was opened.
#[derive(Clone, Debug)]
pub struct RoundFacts {
    /// Its verifiers.
    pub verifiers: VerifierSet,
    /// Its transcoders.
    pub transcoders: Snapshot,
    /// Block of the opening.
    pub opened: u64,
}

/// An assignment and what the chain says of its job.
#[derive(Clone, Debug)]
pub struct SeenAssignment {
    /// Its hash.
    pub hash: B256,
    /// Who has signed it: of more than can be kept each broadcaster has its share.
    pub broadcaster: Address,
    /// What the rule needs of it.
    pub segment: Segment,
    /// The job's price cap.
    pub max_price: U256,
    /// Block that gave the job's seed: it has no older assignment.
    pub seed_block: u64,
}

/// A list with two thirds of the weight behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certification {
    /// The list.
    pub work: RoundWork,
    /// Signatures by position among the round's verifiers, in ascending order.
    pub signatures: Vec<(usize, BlsSignature)>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Journal, sign, and answer with `Signed`.
    Sign(Draft),
    /// Publish.
    Gossip(Gossip),
    /// Aggregate and submit.
    Certify(Box<Certification>),
    /// Keep for the next start ([`Certifier::resume`]).
    Keep(Box<Known>),
    /// The chain takes no list of a round with work any more, and has none.
    Uncertified(u64),
    /// A receipt that this verifier confirms is not in the list that it votes for.
    Dropped {
        /// The round.
        round: u64,
        /// How many.
        receipts: usize,
    },
}

/// Rounds on their way to a certificate.
pub struct Certifier {
    me: Address,
    domain: Domain,
    params: Params,
    rule: WorkRule,
    rounds: BTreeMap<u64, RoundView>,
    known: Known,
    /// Receipts with a case, seen or not.
    accused: BTreeSet<B256>,
    /// What the signer could not write down.
    unsigned: Vec<Draft>,
    lots: u64,
}

impl Certifier {
    /// A certifier with this operator account.
    pub fn new(me: Address, domain: Domain, params: Params) -> Self {
        Self {
            me,
            domain,
            rule: WorkRule::new(&params),
            params,
            rounds: BTreeMap::new(),
            known: Known::default(),
            accused: BTreeSet::new(),
            unsigned: Vec::new(),
            lots: 0,
        }
    }

    /// One that knows what the last one here has kept.
    #[must_use]
    pub fn resume(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// Lots drawn so far with others' tickets: what their reports have cost.
    pub fn lots(&self) -> u64 {
        self.lots
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        match input {
            Input::Block => self.on_block(now),
            Input::Round(facts) => self.on_round(*facts),
            Input::Assignment(seen) => {
                self.see(*seen);
                Vec::new()
            }
            Input::Receipt {
                assignment,
                receipt,
                leaves,
            } => {
                self.on_receipt(*assignment, receipt, leaves, now);
                Vec::new()
            }
            Input::Report(report) => {
                self.on_report(&report);
                Vec::new()
            }
            Input::Accused(accused) => {
                self.on_accused(accused);
                Vec::new()
            }
            Input::Proposal(proposal) => self.on_proposal(*proposal, now),
            Input::Objection(objection) => {
                self.on_objection(*objection, now);
                Vec::new()
            }
            Input::Vote(vote) => self.on_vote(vote, now),
            Input::Signed(sealed) => self.on_signed(*sealed, now),
            Input::Unsigned(draft) => {
                self.unsigned.push(*draft);
                Vec::new()
            }
            Input::Certified { round, block } => self.on_certified(round, block),
            Input::Rewound(ancestor) => {
                self.on_rewound(ancestor);
                Vec::new()
            }
        }
    }

    fn on_round(&mut self, facts: RoundFacts) -> Vec<Output> {
        let number = facts.verifiers.round;
        // The round before it has ended with the block before this one.
        if let Some(before) = number.checked_sub(1)
            && let Some(view) = self.rounds.get_mut(&before)
        {
            view.ended = Some(facts.opened);
        }
        let view = self.rounds.entry(number).or_default();
        view.opened = Some(facts.opened);
        view.verifiers = facts.verifiers;
        view.transcoders = facts.transcoders;
        while self.rounds.len() > MAX_ROUNDS
            && let Some(first) = self
                .first_certified()
                .or(self.rounds.keys().next().copied())
        {
            self.finish(first);
        }
        Vec::new()
    }

    fn on_block(&mut self, now: Now) -> Vec<Output> {
        // An eighth and two segments may be missing at the beginning of a run, see `fits`.
        let gap = (self.params.round_blocks / 8).max(1);
        self.known.hear(now.block, self.params.response_blocks, gap);
        let mut outputs = Vec::new();
        let over: Vec<_> = self
            .rounds
            .iter()
            .filter(|(_, view)| self.is_over(view, now.block))
            .map(|(round, view)| (*round, view.certified.is_none()))
            .collect();
        let due = !over.is_empty() || now.block.is_multiple_of((gap / 2).max(1));
        for (round, failed) in over {
            if failed && self.has_work(round) {
                outputs.push(Output::Uncertified(round));
            }
            self.finish(round);
        }
        if due {
            outputs.push(self.keep());
        }
        for round in self.rounds.keys().copied().collect::<Vec<_>>() {
            outputs.extend(self.on_turn(round, now));
        }
        outputs.extend(self.sign_again());
        outputs
    }

    /// Asks once more for what could not be written down, while it counts: a vote in whatever turn, all else in its own.
    fn sign_again(&mut self) -> Vec<Output> {
        let rounds = &self.rounds;
        let in_turn = |round: u64, number: u32| {
            let turn = rounds.get(&round).and_then(|view| view.turn);
            turn.is_some_and(|turn| number >= 2 * turn)
        };
        let counts = |draft: &Draft| match draft {
            Draft::RoundWork { work, .. } => {
                let view = rounds.get(&work.round);
                view.is_some_and(|view| view.certified.is_none())
            }
            Draft::WorkProposal(name) => in_turn(name.round, name.number),
            Draft::WorkObjection(name) => in_turn(name.round, name.number),
            _ => false,
        };
        let again = self.unsigned.drain(..).filter(counts);
        again.map(Output::Sign).collect()
    }

    /// The turns of a round that is over.
    fn turns(&self, view: &RoundView) -> Option<Turns> {
        Some(Turns::new(view.ended?, &self.params))
    }

    /// The present turn of a round and the blocks that have passed in it; `None` before the first, and while the chain has
    /// the round's list.
    fn turn(&self, view: &RoundView, now: Now) -> Option<(u32, u64)> {
        match view.certified {
            Some(_) => None,
            None => self.turns(view)?.at(now.block),
        }
    }

    fn on_turn(&mut self, round: u64, now: Now) -> Vec<Output> {
        let Some(view) = self.rounds.get(&round) else {
            return Vec::new();
        };
        let (Some((turn, passed)), Some(_)) = (self.turn(view, now), view.verifiers.find(self.me))
        else {
            return Vec::new();
        };
        let mut outputs = Vec::new();
        if view.turn != Some(turn) {
            self.freeze(round, turn);
            outputs.extend(self.answer_waiting(round, now));
        }
        outputs.extend(self.lead(round, turn, passed));
        outputs.extend(self.submit(round, now));
        outputs
    }

    fn on_signed(&mut self, sealed: Sealed, now: Now) -> Vec<Output> {
        let assay_protocol::draft::Seal::Bls(signature) = sealed.seal else {
            return Vec::new();
        };
        match sealed.draft {
            Draft::RoundWork { work, .. } => self.on_own_vote(work, signature, now),
            Draft::WorkProposal(name) => self.on_own_proposal(&name, signature),
            Draft::WorkObjection(name) => self.on_own_objection(&name, signature),
            _ => Vec::new(),
        }
    }

    /// Whether what this verifier has seen of a round makes a list.
    fn has_work(&self, round: u64) -> bool {
        self.rounds.get(&round).is_some_and(|view| {
            !list(round, view.sheets.values(), &view.transcoders, &self.rule).is_empty()
        })
    }
}
