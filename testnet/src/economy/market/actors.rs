//! Who acts in the market, and by what rule of thumb.

use assay_protocol::{Address, U256};

use super::REFERENCE_PRICE;
use crate::economy::pool::Pool;
use crate::simulator::random::Random;

/// Rounds over which a slash counts as lost yield.
const MEMORY: u64 = 100;
/// Rounds over which yields are averaged.
const AVERAGE: u64 = 16;
/// A round in which a delegator looks around, millionths.
const LOOKS_AROUND: u64 = 30_000;
/// What another operator must yield for a delegator to go, per cent of its own.
const BETTER: u64 = 110;

/// A transcoder with its pool.
#[derive(Clone, Debug)]
pub struct Transcoder {
    /// Its identity.
    pub address: Address,
    /// Stake of its own and of its delegators.
    pub pool: Pool,
    /// What a pixel costs it, wei.
    pub cost: u64,
    /// What it asks for a pixel, wei.
    pub price: u64,
    /// Part of minted rewards that it keeps, basis points.
    pub reward_cut_bps: u64,
    /// Part of fees that goes to all stake, basis points.
    pub fee_share_bps: u64,
    /// Case against it: the round in which it is executed.
    pub frozen_until: Option<u32>,
    /// What delegators were paid for each LPT in a round, on average, parts of 10^9.
    yield_ppb: u64,
    /// What is left to forget of a slash, parts of 10^9 of the stake.
    loss_ppb: u64,
}

impl Transcoder {
    /// One of a network's, `rank` of `count` by stake: the first has most.
    pub fn new(rank: usize, random: &mut Random, lpt: impl Fn(u64) -> U256) -> Self {
        let mut pool = Pool::default();
        pool.bond(lpt(4_000
            + 12_000 / (rank as u64 + 1)
            + random.between((0, 2_000))));
        let cost = random.between((REFERENCE_PRICE * 3 / 10, REFERENCE_PRICE * 7 / 10));
        Self {
            // Spread over the range of addresses, so that order says nothing about size.
            address: Address::from_word(assay_protocol::keccak256([rank as u8])),
            pool,
            cost,
            price: cost * random.between((180, 320)) / 100,
            reward_cut_bps: random.between((300, 2_000)),
            fee_share_bps: random.between((5_000, 9_000)),
            frozen_until: None,
            yield_ppb: 0,
            loss_ppb: 0,
        }
    }

    /// After a round: what delegators got for `earned` base units' worth.
    pub fn paid_its_delegators(&mut self, earned: U256) {
        let stake = self.pool.tokens().max(U256::from(1));
        let now: u64 = (earned * U256::from(1_000_000_000u64) / stake).saturating_to();
        self.yield_ppb = (self.yield_ppb * (AVERAGE - 1) + now) / AVERAGE;
        self.loss_ppb -= self.loss_ppb.div_ceil(MEMORY);
    }

    /// A slash is remembered.
    pub fn was_slashed(&mut self, bps: u64) {
        self.loss_ppb += bps * 100_000;
    }

    /// What a delegator expects of a round, parts of 10^9; negative after a slash.
    pub fn expected(&self) -> i64 {
        self.yield_ppb as i64 - (self.loss_ppb / MEMORY) as i64
    }

    /// Asks less after too little work, more after more than its stake's share, never less than its cost and 5 %.
    pub fn ask(&mut self, work_ppm: u64, stake_ppm: u64) {
        let price = if work_ppm * 100 < stake_ppm * 90 {
            self.price - self.price / 50
        } else if work_ppm * 100 > stake_ppm * 115 {
            self.price + self.price / 100
        } else {
            self.price
        };
        self.price = price.max(self.cost * 105 / 100);
    }
}

/// A delegator, all of whose stake is with one operator or on its way to one.
#[derive(Clone, Copy, Debug)]
pub struct Delegator {
    /// Its operator, or where its stake is going.
    pub with: usize,
    /// Stake under way, and the round in which it arrives.
    pub moving: Option<(U256, u32)>,
}

impl Delegator {
    /// Whether it leaves this round, and for whom: the better of three others that it happens to look at, if that is
    /// clearly better than what it has.
    pub fn choice(&self, transcoders: &[Transcoder], random: &mut Random) -> Option<usize> {
        if self.moving.is_some() || !random.chance(LOOKS_AROUND) {
            return None;
        }
        let last = transcoders.len() as u64 - 1;
        let seen: Vec<_> = (0..3).map(|_| random.between((0, last)) as usize).collect();
        let best = seen
            .into_iter()
            .max_by_key(|i| transcoders[*i].expected())?;
        let own = transcoders[self.with].expected();
        let there = transcoders[best].expected();
        let clearly = there * 100 > own.max(0) * BETTER as i64 && there > own;
        let free = transcoders[self.with].frozen_until.is_none()
            && transcoders[best].frozen_until.is_none();
        (best != self.with && clearly && free).then_some(best)
    }
}
