//! A chain in one struct: blocks, rounds with their snapshots, stakes, and the court.

use std::collections::BTreeMap;

use assay_protocol::amount::Lpt;
use assay_protocol::domain::Domain;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::params::Params;
use assay_protocol::rules::ChainView;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, U256};
use assay_verifier::certify::Certification;

use super::court::{Bench, Case, Court, Rejection, Submission};
use super::seals::ideal_key;

/// Wei per pixel of every transcoder.
pub(super) const PRICE: u64 = 0;
/// Block that gives the job its seed.
pub(super) const SEED_BLOCK: u64 = 1;

/// One round.
#[derive(Debug)]
pub(super) struct Round {
    pub opened: u64,
    pub transcoders: Snapshot,
    pub verifiers: VerifierSet,
}

/// What one block brought.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    /// A round that it opened.
    pub round: Option<u64>,
    /// A round whose list it took.
    pub certified: Option<u64>,
    pub opened: Vec<Case>,
    pub executed: Vec<Case>,
    pub rejected: Vec<Rejection>,
}

/// The chain.
#[derive(Debug)]
pub(super) struct Chain {
    params: Params,
    pub head: u64,
    pub rounds: BTreeMap<u64, Round>,
    pub transcoders: BTreeMap<Address, Lpt>,
    pub verifiers: BTreeMap<Address, Lpt>,
    pub court: Court,
    pub news: BTreeMap<u64, News>,
    /// Lists of work by round, with the block that took each.
    pub certified: BTreeMap<u64, (RoundWork, u64)>,
}

impl Chain {
    pub fn new(
        params: Params,
        domain: Domain,
        transcoders: BTreeMap<Address, Lpt>,
        verifiers: BTreeMap<Address, Lpt>,
    ) -> Self {
        Self {
            court: Court::new(params.clone(), domain),
            params,
            head: 0,
            rounds: BTreeMap::new(),
            transcoders,
            verifiers,
            news: BTreeMap::new(),
            certified: BTreeMap::new(),
        }
    }

    /// The next block: submissions first, then what is due, then the round.
    pub fn advance(&mut self, submissions: &[Submission]) {
        self.head += 1;
        let block = self.head;
        let mut news = News::default();
        let rounds = &self.rounds;
        let bench = Bench {
            block,
            verifiers: &|round| rounds.get(&round).map(|r| &r.verifiers),
            round_at: &|block| round_at(rounds, block),
        };
        for submission in submissions {
            if let Submission::Certify(list) = submission {
                match certify(
                    &self.params,
                    &self.court,
                    rounds,
                    &self.certified,
                    block,
                    list,
                ) {
                    Ok(round) => {
                        self.certified.insert(round, (list.work.clone(), block));
                        news.certified = Some(round);
                    }
                    Err(rejection) => news.rejected.push(rejection),
                }
                continue;
            }
            match self.court.submit(submission, &bench) {
                Ok(case) => news.opened.push(case),
                Err(rejection) => news.rejected.push(rejection),
            }
        }
        let present = rounds.last_key_value().map_or(0, |(number, _)| *number);
        for (case, bps) in self.court.execute_due(block, present) {
            let pool = match case.kind.is_transcoders() {
                true => &mut self.transcoders,
                false => &mut self.verifiers,
            };
            if let Some(stake) = pool.get_mut(&case.operator) {
                stake.0 -= stake.0 * U256::from(bps) / U256::from(10_000);
            }
            news.executed.push(case);
        }
        let due = rounds
            .last_key_value()
            .is_none_or(|(_, round)| block >= round.opened + self.params.round_blocks);
        if due {
            let number = present + 1;
            self.rounds.insert(number, self.snapshot(number));
            news.round = Some(number);
        }
        self.news.insert(block, news);
    }

    fn snapshot(&self, number: u64) -> Round {
        let least = self.params.min_own_bond;
        let active = |pool: &BTreeMap<Address, Lpt>| {
            let staked = pool.iter().filter(|(_, stake)| **stake >= least);
            staked
                .map(|(who, stake)| (*who, stake.0))
                .collect::<Vec<_>>()
        };
        let candidate = |(operator, weight)| Candidate {
            operator,
            weight,
            price: U256::from(PRICE),
        };
        let seat = |(operator, weight)| VerifierSeat {
            operator,
            key: ideal_key(operator),
            weight,
        };
        Round {
            opened: self.head,
            transcoders: Snapshot {
                round: number,
                candidates: active(&self.transcoders)
                    .into_iter()
                    .map(candidate)
                    .collect(),
            },
            verifiers: VerifierSet {
                round: number,
                seats: active(&self.verifiers).into_iter().map(seat).collect(),
            },
        }
    }

    /// Whether any case is open.
    pub fn case_open(&self) -> bool {
        self.court.cases.values().any(|c| c.executed.is_none())
    }

    /// The chain as one node knows it.
    pub fn seen_at(&self, head: u64) -> Seen<'_> {
        Seen { chain: self, head }
    }
}

/// The rules of `WorkLedger.certify` without its pairing.
fn certify(
    params: &Params,
    court: &Court,
    rounds: &BTreeMap<u64, Round>,
    certified: &BTreeMap<u64, (RoundWork, u64)>,
    block: u64,
    list: &Certification,
) -> Result<u64, Rejection> {
    let round = list.work.round;
    let (Some(own), Some(next)) = (rounds.get(&round), rounds.get(&(round + 1))) else {
        return Err(Rejection::WrongRound);
    };
    let from = next.opened + params.response_blocks + 2 * params.epoch_blocks;
    if block < from || block >= from + params.certify_blocks {
        return Err(Rejection::OutOfTime);
    }
    if certified.contains_key(&round) {
        return Err(Rejection::AlreadyCertified);
    }
    let mut signed = U256::ZERO;
    for (position, signature) in &list.signatures {
        let seat = own.verifiers.seats.get(*position);
        let seat = seat.ok_or(Rejection::QuorumMissed)?;
        if !court.sealed(seat.operator, &list.work, signature) {
            return Err(Rejection::WrongSeal);
        }
        signed += seat.weight;
    }
    match Params::quorum(signed, own.verifiers.total(None)) {
        true => Ok(round),
        false => Err(Rejection::QuorumMissed),
    }
}

fn round_at(rounds: &BTreeMap<u64, Round>, block: u64) -> Option<u64> {
    let opened = rounds.iter().rev().find(|(_, r)| r.opened <= block);
    opened.map(|(number, _)| *number)
}

/// The chain up to a block.
pub(super) struct Seen<'a> {
    chain: &'a Chain,
    pub head: u64,
}

impl ChainView for Seen<'_> {
    fn transcoders(&self, round: u64) -> Option<&Snapshot> {
        let round = self.chain.rounds.get(&round)?;
        (round.opened <= self.head).then_some(&round.transcoders)
    }

    fn round_at(&self, block: u64) -> Option<u64> {
        if block > self.head {
            return None;
        }
        round_at(&self.chain.rounds, block)
    }

    /// Operators of a simulation sign themselves.
    fn signer_at(&self, operator: Address, _: u64) -> Address {
        operator
    }

    fn frozen_since(&self, operator: Address, block: u64) -> bool {
        let cases = self.chain.court.cases.values();
        cases
            .filter(|c| c.kind.is_transcoders())
            .filter(|c| c.operator == operator && c.opened <= self.head)
            .any(|c| c.executed.is_none_or(|at| at > self.head || at >= block))
    }
}
