//! One random sequence of operations, carried out on the chain and in the model, compared as it goes.

use alloy_primitives::{Address, U256};

use crate::differential::contracts::*;
use crate::differential::model::{Model, PoolId};

pub(crate) const OPERATORS: u64 = 4;
pub(crate) const ACTORS: u64 = 12;
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

#[derive(Default, Debug)]
pub struct Tally {
    pub done: u64,
    pub refused: u64,
    pub slashes: u64,
    pub wiped: u64,
    pub comparisons: u64,
    pub largest_off: U256,
}

pub struct Run {
    pub(crate) chain: Contracts,
    pub(crate) model: Model,
    pub(crate) random: Random,
    pub(crate) actors: Vec<Address>,
    /// Cuts in force and those from the next round on, by role and operator.
    pub(crate) cuts: Vec<[(u16, u16); 2]>,
    pub(crate) round: u64,
    pub(crate) opened: Vec<u64>,
    pub(crate) eth_in: U256,
    pub(crate) eth_out: U256,
    pub tally: Tally,
}

impl Run {
    pub fn new(url: &str, seed: u64) -> Self {
        let actors: Vec<_> = (0..ACTORS)
            .map(|i| Address::repeat_byte(0x21 + i as u8))
            .collect();
        let chain = Contracts::deploy(url, &actors);
        let model = Model {
            release_blocks: ROUND,
            ..Model::default()
        };
        Self {
            chain,
            model,
            random: Random(seed),
            actors,
            cuts: vec![[(0, 0); 2]; 2 * OPERATORS as usize],
            round: 0,
            opened: vec![0],
            eth_in: U256::ZERO,
            eth_out: U256::ZERO,
            tally: Tally::default(),
        }
    }

    pub fn operations(&mut self, count: u64) {
        self.open_round();
        for number in 1..=count {
            self.operation();
            if number % EVERY == 0 || number == count {
                self.compare();
            }
        }
    }

    pub(crate) fn operation(&mut self) {
        self.tally.done += 1;
        match self.random.below(100) {
            0..=7 => self.bond(),
            8..=21 => self.delegate(),
            22..=30 => self.unbond(false),
            31..=36 => self.unbond(true),
            37..=55 => self.end_lock(),
            56..=60 => self.rebond(),
            61..=70 => self.reward(),
            71..=80 => self.credit(),
            81..=87 => self.withdraw_fees(),
            88..=89 => self.freeze(),
            90..=91 => self.judge(),
            92..=93 => self.set_cuts(),
            94..=97 => self.pass_time(),
            _ => self.enlist(),
        }
    }

    pub(crate) fn any_pool(&mut self) -> PoolId {
        (
            self.random.below(2) as u8,
            self.random.below(OPERATORS) as usize,
        )
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
        for cuts in &mut self.cuts {
            cuts[0] = cuts[1];
        }
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
