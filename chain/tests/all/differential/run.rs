//! One random sequence of operations, carried out on the chain and in the model, compared as it goes.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use assay_protocol::bls::{BlsKey, possession_message};
use assay_protocol::sig::OperatorKey;

use crate::differential::contracts::*;
use crate::differential::mint::Record;
use crate::differential::model::{Model, PoolId, exact};
use crate::differential::purses::Purse;
use crate::differential::sets::ActiveSet;
use crate::differential::tally::Tally;
use crate::differential::tickets::Drawn;
use crate::differential::work::Certified;
use crate::network::profiles;

pub(crate) const OPERATORS: u64 = 4;
pub(crate) const ACTORS: u64 = 12;
pub(crate) const BROADCASTERS: u64 = 3;
/// Operations between two comparisons of everything.
pub(crate) const EVERY: u64 = 200;
/// Locks compared each time, of those that there are: the newest and the oldest are always among them.
pub(crate) const LOCKS: usize = 40;
pub(crate) const TOLERATED_END: u64 = 1;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 1 to 400 LPT, down to the last base unit.
    pub(crate) fn stake(&mut self) -> U256 {
        lpt(1 + self.below(400)) + U256::from(self.next())
    }
}

pub struct Run {
    pub(crate) chain: Contracts,
    pub(crate) model: Model,
    pub(crate) random: Random,
    pub(crate) actors: Vec<Address>,
    /// Of the operators, which are the first actors.
    pub(crate) keys: Vec<OperatorKey>,
    pub(crate) bls: Vec<BlsKey>,
    pub(crate) broadcasters: Vec<OperatorKey>,
    pub(crate) round: u64,
    pub(crate) opened: Vec<u64>,
    pub(crate) eth_in: U256,
    pub(crate) eth_out: U256,
    /// Winners that have not been paid, and some that have.
    pub(crate) waiting: Vec<Drawn>,
    pub(crate) spent: Vec<Drawn>,
    pub(crate) nonce: u64,
    pub(crate) certified: BTreeMap<u64, Certified>,
    pub(crate) records: BTreeMap<usize, Record>,
    pub tally: Tally,
}

fn keys(first: u8, count: u64) -> Vec<OperatorKey> {
    (0..count)
        .map(|i| OperatorKey::from_bytes([first + i as u8; 32]).unwrap())
        .collect()
}

impl Run {
    pub fn new(url: &str, seed: u64) -> Self {
        let mut keys_of_all = keys(0x21, ACTORS);
        let actors: Vec<_> = keys_of_all.iter().map(OperatorKey::address).collect();
        keys_of_all.truncate(OPERATORS as usize);
        let broadcasters = keys(0x71, BROADCASTERS);
        let payers: Vec<_> = broadcasters.iter().map(OperatorKey::address).collect();
        let chain = Contracts::deploy(url, &actors, &payers);
        let set = |role: usize| ActiveSet {
            bound: PLACES[role],
            ..ActiveSet::default()
        };
        let model = Model {
            release_blocks: ROUND,
            minimum: exact(minimum()),
            purses: vec![Purse::default(); BROADCASTERS as usize],
            sets: [set(0), set(1)],
            ..Model::default()
        };
        let mut this = Self {
            chain,
            model,
            random: Random(seed),
            actors,
            bls: keys_of_all
                .iter()
                .map(|key| BlsKey::derive(key.secret()).unwrap())
                .collect(),
            keys: keys_of_all,
            broadcasters,
            round: 0,
            opened: vec![0],
            eth_in: U256::ZERO,
            eth_out: U256::ZERO,
            waiting: Vec::new(),
            spent: Vec::new(),
            nonce: 0,
            certified: BTreeMap::new(),
            records: BTreeMap::new(),
            tally: Tally::default(),
        };
        this.introduce();
        this
    }

    /// Every operator's BLS key is registered, and the first broadcaster has a job.
    fn introduce(&mut self) {
        let (registry, chain_id) = (self.chain.at.registry, self.chain.domain.chain_id);
        for operator in 0..OPERATORS as usize {
            let (address, key) = (self.actors[operator], &self.bls[operator]);
            let message = possession_message(&key.public(), address, chain_id, registry).unwrap();
            let possession = key.prove_possession(message).unwrap();
            let call = registerCall {
                operator: address,
                key: key.public().to_evm().unwrap().to_vec().into(),
                possession: possession.to_evm().unwrap().to_vec().into(),
            };
            self.chain.run(address, registry, &call);
        }
        let call = createJobCall {
            profiles: profiles().to_bytes().into(),
            maxPricePerPixel: U256::from(9),
        };
        let from = self.broadcasters[0].address();
        self.chain.run(from, self.chain.at.jobs, &call);
    }

    pub fn operations(&mut self, count: u64) {
        self.open_round();
        for number in 1..=count {
            self.operation();
            self.look_at_sets();
            if number % EVERY == 0 || number == count {
                self.compare();
            }
        }
    }

    pub(crate) fn operation(&mut self) {
        self.tally.done += 1;
        match self.random.below(150) {
            0..=7 => self.bond(),
            8..=21 => self.delegate(),
            22..=30 => self.unbond(false),
            31..=36 => self.unbond(true),
            37..=55 => self.end_lock(),
            56..=60 => self.rebond(),
            61..=70 => self.reward(),
            71..=77 => self.fund(),
            78..=90 => self.redeem(),
            91..=95 => self.redeem_batch(),
            96..=100 => self.take_back(),
            101 => self.lose_reserve(),
            102 => self.burn(),
            103..=109 => self.withdraw_fees(),
            110..=111 => self.freeze(),
            112..=113 => self.judge(),
            114..=118 => self.set_cuts(),
            119..=125 => self.pass_time(),
            126..=129 => self.enlist(),
            130..=133 => self.certify(),
            134..=140 => self.claim(),
            141..=143 => self.prosecute(),
            _ => self.part_anew(),
        }
    }

    pub(crate) fn any_pool(&mut self) -> PoolId {
        (
            self.random.below(2) as u8,
            self.random.below(OPERATORS) as usize,
        )
    }

    /// The present round as often as not, or an earlier one.
    pub(crate) fn some_round(&mut self) -> u64 {
        let back = if self.random.below(2) == 0 {
            0
        } else {
            self.random.below(self.round)
        };
        self.round - back
    }

    pub(crate) fn any_actor(&mut self) -> usize {
        self.random.below(ACTORS) as usize
    }

    pub(crate) fn bonding(&self) -> Address {
        self.chain.at.bonding
    }

    pub(crate) fn frozen(&mut self, id: PoolId) -> bool {
        self.model.pool(id).frozen
    }

    pub(crate) fn pass_time(&mut self) {
        let blocks = 1 + self.random.below(ROUND);
        self.chain.mine(blocks);
        let openable: u64 = self
            .chain
            .read(self.chain.at.rounds, &openableAtCall {})
            .to();
        if self.chain.now() + 1 >= openable {
            self.open_round();
        }
    }

    pub(crate) fn open_round(&mut self) {
        let (rounds, minter) = (self.chain.at.rounds, self.chain.at.minter);
        let before = self.chain.read(minter, &currentInflationPpbCall {});
        let supply = self.chain.read(self.chain.at.token, &totalSupplyCall {});
        let mined = loop {
            let openable: u64 = self.chain.read(rounds, &openableAtCall {}).to();
            let now = self.chain.now();
            if now + 1 >= openable {
                break self.chain.run(self.actors[0], rounds, &openRoundCall {});
            }
            self.chain.mine(openable - now - 1);
        };
        self.round += 1;
        self.opened.push(mined.block);
        // Inflation moves one step toward the target, and the budget is what it makes of the supply.
        let bonded = self.chain.read(self.bonding(), &totalBondedCall {});
        let step = U256::from(INFLATION_STEP);
        let target = supply / U256::from(2);
        let expected = if bonded < target {
            before + step
        } else {
            before - step
        };
        assert_eq!(
            self.chain.read(minter, &currentInflationPpbCall {}),
            expected
        );
        let budget = self.chain.read(minter, &budgetOfCall { round: self.round });
        assert_eq!(budget._0, supply * expected / U256::from(1_000_000_000u64));
        self.hold_snapshots();
    }

    pub(crate) fn must_refuse(
        &mut self,
        from: Address,
        to: Address,
        call: &impl alloy_sol_types::SolCall,
    ) {
        assert!(self.chain.refuses(from, to, call), "this was to be refused");
        self.tally.refused += 1;
    }
}
