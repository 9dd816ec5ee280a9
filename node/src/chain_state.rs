//! What a node knows of the chain: the one picture that checks and cores share.

use std::collections::BTreeMap;

use assay_protocol::bls::BlsPublicKey;
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::rules::{ChainView, Job};
use assay_protocol::{Address, B256, U256};

/// Rounds kept; evidence never reaches further back than a few.
const ROUNDS: usize = 64;

/// A case of the court.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: B256,
    /// The accused.
    pub operator: Address,
    /// Round whose verifiers signed.
    pub round: u64,
    /// Signers by position in that round's verifier set.
    pub bitmap: U256,
    /// The receipt, zero where the case is about something else.
    pub receipt: B256,
    /// Block of the opening.
    pub opened: u64,
    /// First block at which it can be executed.
    pub executable: u64,
    /// The leaf, where it is about one.
    pub leaf: u32,
    /// Block of its execution.
    pub executed: Option<u64>,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Block of its opening.
    pub opened_at: u64,
    /// Its transcoders.
    pub transcoders: Snapshot,
    /// Its verifiers.
    pub verifiers: VerifierSet,
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub struct ChainState {
    /// Latest block.
    pub head: u64,
    /// Rounds by number.
    pub rounds: BTreeMap<u64, Round>,
    /// Jobs by id.
    pub jobs: BTreeMap<U256, Job>,
    /// Cases by id.
    pub cases: BTreeMap<B256, Case>,
}

impl ChainState {
    /// Adds a round.
    pub fn add_round(&mut self, number: u64, round: Round) {
        self.rounds.insert(number, round);
        while self.rounds.len() > ROUNDS {
            self.rounds.pop_first();
        }
    }

    /// The last round opened.
    pub fn current(&self) -> Option<(u64, &Round)> {
        self.rounds
            .last_key_value()
            .map(|(number, round)| (*number, round))
    }

    /// Whether a case is open against the operator.
    pub fn frozen(&self, operator: Address) -> bool {
        self.cases
            .values()
            .any(|case| case.operator == operator && case.executed.is_none())
    }

    /// Marks a case as executed in `block`; gives it back.
    pub fn execute(&mut self, case: B256, block: u64) -> Option<Case> {
        let case = self.cases.get_mut(&case)?;
        case.executed = Some(block);
        Some(case.clone())
    }

    /// Forgets everything above block `ancestor`: a reorganisation.
    pub fn rewind(&mut self, ancestor: u64) {
        self.head = ancestor;
        self.rounds.retain(|_, round| round.opened_at <= ancestor);
        self.cases.retain(|_, case| case.opened <= ancestor);
        for case in self.cases.values_mut() {
            case.executed = case.executed.filter(|block| *block <= ancestor);
        }
    }

    /// The verifiers of a round.
    pub fn verifiers(&self, round: u64) -> Option<&VerifierSet> {
        self.rounds.get(&round).map(|round| &round.verifiers)
    }

    /// A verifier's key, from the newest round that has it.
    pub fn bls_key(&self, verifier: Address) -> Option<BlsPublicKey> {
        self.rounds
            .values()
            .rev()
            .find_map(|round| round.verifiers.find(verifier).map(|(_, seat)| seat.key))
    }

    /// Whether the account has stake in a known round or a job: others need not be listened to.
    pub fn known(&self, account: Address) -> bool {
        let staked = |round: &Round| {
            round.transcoders.get(account).is_some() || round.verifiers.find(account).is_some()
        };
        self.rounds.values().rev().any(staked)
            || self.jobs.values().any(|job| job.broadcaster == account)
    }

    /// Share of the present round's stake, both roles together, 0 to 1: a signal for peer scores.
    pub fn stake_share(&self, account: Address) -> f64 {
        let Some((_, round)) = self.current() else {
            return 0.0;
        };
        let share = |weight: U256, total: U256| {
            let parts = weight
                .saturating_mul(U256::from(10_000))
                .checked_div(total)
                .unwrap_or_default();
            parts.saturating_to::<u32>() as f64 / 20_000.0
        };
        let transcoder = round
            .transcoders
            .get(account)
            .map_or(0.0, |c| share(c.weight, round.transcoders.total()));
        let verifier = round
            .verifiers
            .find(account)
            .map_or(0.0, |(_, s)| share(s.weight, round.verifiers.total(None)));
        transcoder + verifier
    }
}

impl ChainView for ChainState {
    fn transcoders(&self, round: u64) -> Option<&Snapshot> {
        self.rounds.get(&round).map(|round| &round.transcoders)
    }

    fn round_at(&self, block: u64) -> Option<u64> {
        if block > self.head {
            return None;
        }
        self.rounds
            .iter()
            .rev()
            .find(|(_, round)| round.opened_at <= block)
            .map(|(number, _)| *number)
    }

    fn frozen_since(&self, operator: Address, block: u64) -> bool {
        let until = |case: &Case| case.executed.is_none_or(|executed| executed >= block);
        self.cases
            .values()
            .any(|case| case.operator == operator && until(case))
    }
}
