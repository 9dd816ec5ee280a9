//! What a node knows of the chain: the one picture that checks and cores share.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::BlsPublicKey;
use assay_protocol::election::Snapshot;
use assay_protocol::fraud_proof::VerifierSet;
use assay_protocol::rules::{ChainView, Job};
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

use crate::authority::Authority;
use crate::roll_call::Rolls;

mod cases;

pub use cases::Case;

/// Rounds kept; evidence never reaches further back than a few.
pub(crate) const ROUNDS: usize = 64;

/// Blocks after its end in which a demand that was not answered is remembered: somebody reports it.
const DEMAND_BLOCKS: u64 = 1_024;

/// Places in line before everybody's turn has come.
const LINE: u64 = 4;

/// A leaf that a transcoder must open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The transcoder.
    pub transcoder: Address,
    /// Last block for the answer.
    pub answer_until: u64,
    /// Block of the demand.
    pub since: u64,
    /// Block in which the leaf was opened.
    pub opened: Option<u64>,
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

/// A job as it was created.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The job, without its seed.
    pub job: Job,
    /// Block of its creation.
    pub created: u64,
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub struct ChainState {
    /// Latest block.
    pub head: u64,
    /// Whether that is about where the chain is: nothing is judged, signed or sent by a picture of long ago.
    pub synced: bool,
    /// Rounds by number.
    pub rounds: BTreeMap<u64, Round>,
    /// Jobs by id.
    pub jobs: BTreeMap<U256, Job>,
    /// Jobs whose seed is not known yet, or could still become another one.
    pub posted: BTreeMap<U256, Posted>,
    /// Cases by id.
    pub cases: BTreeMap<B256, Case>,
    /// Who signs for whom.
    pub authority: Authority,
    /// Demands that are not long over, by leaf.
    pub demands: BTreeMap<LeafId, Demand>,
    /// Stops of encoders: the last round, and the block of the stop.
    pub stops: BTreeMap<B256, Vec<(u64, u64)>>,
    /// Rolls of verifiers.
    pub rolls: Rolls,
}

impl ChainState {
    /// Takes the stop of an encoder in `block`, until the end of a round.
    pub fn stop(&mut self, encoder: B256, until_round: u64, block: u64) {
        let stops = self.stops.entry(encoder).or_default();
        stops.push((until_round, block));
    }

    /// Whether nobody assigns work to this encoder in the present round.
    pub fn is_stopped(&self, encoder: B256) -> bool {
        let present = self.current().map_or(0, |(number, _)| number);
        let stops = self.stops.get(&encoder).into_iter().flatten();
        stops
            .max_by_key(|(_, block)| *block)
            .is_some_and(|(until, _)| present <= *until)
    }

    /// Adds a round, and forgets the oldest ones with the cases that ended before those that are kept.
    pub fn add_round(&mut self, number: u64, round: Round) {
        self.rounds.insert(number, round);
        if self.rounds.len() <= ROUNDS {
            return;
        }
        while self.rounds.len() > ROUNDS {
            self.rounds.pop_first();
        }
        let oldest = self.rounds.values().next().map_or(0, |r| r.opened_at);
        self.cases
            .retain(|_, case| case.ended.is_none_or(|(block, _)| block >= oldest));
    }

    /// The last round opened.
    pub fn current(&self) -> Option<(u64, &Round)> {
        self.rounds
            .last_key_value()
            .map(|(number, round)| (*number, round))
    }

    /// The operator for which a key has signed in a known round, or may in the next one.
    pub fn acts_for(&self, key: Address) -> Option<Address> {
        let next = self.current().map_or(0, |(number, _)| number) + 1;
        let rounds = self.rounds.keys().copied();
        self.authority.acts_for(key, rounds.chain([next]))
    }

    /// Forgets everything above block `ancestor`: a reorganisation.
    pub fn rewind(&mut self, ancestor: u64) {
        self.head = ancestor;
        self.authority.rewind(ancestor);
        let posted = &self.posted;
        // A job whose seed's block is void has no seed.
        self.jobs
            .retain(|id, _| posted.get(id).is_none_or(|p| p.job.seed_block <= ancestor));
        self.posted.retain(|_, posted| posted.created <= ancestor);
        self.rounds.retain(|_, round| round.opened_at <= ancestor);
        self.cases.retain(|_, case| case.opened <= ancestor);
        for case in self.cases.values_mut() {
            case.rewind(ancestor);
        }
        self.demands.retain(|_, demand| demand.since <= ancestor);
        for demand in self.demands.values_mut() {
            demand.opened = demand.opened.filter(|block| *block <= ancestor);
        }
        self.rolls.rewind(ancestor);
        for stops in self.stops.values_mut() {
            stops.retain(|(_, block)| *block <= ancestor);
        }
    }

    /// Takes a job's seed.
    pub fn seed(&mut self, id: U256, seed: B256) {
        if let Some(posted) = self.posted.get(&id) {
            let job = posted.job.clone();
            self.jobs.insert(id, Job { seed, ..job });
        }
    }

    /// Jobs whose seed can be read once `block` is there.
    pub fn unseeded(&self, block: u64) -> Vec<U256> {
        let due = |(id, posted): &(&U256, &Posted)| {
            posted.job.seed_block <= block && !self.jobs.contains_key(*id)
        };
        self.posted.iter().filter(due).map(|(id, _)| *id).collect()
    }

    /// Forgets how jobs came about whose seeds no reorganisation reaches any more, and demands that are over.
    pub fn settle(&mut self, block: u64) {
        self.demands.retain(|_, demand| {
            let over = demand.opened.unwrap_or(demand.answer_until + DEMAND_BLOCKS);
            over > block
        });
        let jobs = &self.jobs;
        self.posted
            .retain(|id, posted| posted.job.seed_block > block || !jobs.contains_key(id));
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

    /// Whether the account has stake in a known round or a job, with its seed or still without: others need not be
    /// listened to.
    pub fn known(&self, account: Address) -> bool {
        let staked = |round: &Round| {
            round.transcoders.get(account).is_some() || round.verifiers.find(account).is_some()
        };
        let posted = self.posted.values().map(|posted| &posted.job);
        self.rounds.values().rev().any(staked)
            || self
                .jobs
                .values()
                .chain(posted)
                .any(|job| job.broadcaster == account)
    }

    /// An operator's place in line for chores, by address. Only the present round's operators stand in it, and the line is
    /// short: whoever stands behind it, or not in it, comes after a few that may all be away.
    pub fn turn(&self, account: Address) -> u64 {
        let Some((_, round)) = self.current() else {
            return LINE;
        };
        let transcoders = round.transcoders.candidates.iter().map(|c| c.operator);
        let verifiers = round.verifiers.seats.iter().map(|s| s.operator);
        let line: BTreeSet<Address> = transcoders.chain(verifiers).collect();
        let place = line.iter().position(|operator| *operator == account);
        place.map_or(LINE, |place| LINE.min(place as u64))
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

    fn signer_at(&self, operator: Address, round: u64) -> Address {
        self.authority.signer_at(operator, round)
    }

    fn frozen_since(&self, operator: Address, block: u64) -> bool {
        let until = |case: &Case| case.ended.is_none_or(|(ended, _)| ended >= block);
        self.cases
            .values()
            .filter(|case| case.kind.is_transcoders())
            .any(|case| case.operator == operator && until(case))
    }
}

#[cfg(test)]
mod tests;
