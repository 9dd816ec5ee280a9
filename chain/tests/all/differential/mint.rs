//! What certified work earns and what a conviction pays, written from docs/protocol.md, sections 9 and 11.

use alloy_primitives::U256;

use crate::differential::model::{Exact, Lock, Model, PoolId, small};
use crate::differential::sets::part_of;

/// The transcoders' part of a budget, in basis points like all that follow.
pub const TRANSCODERS_BPS: u64 = 9_000;
/// By how much a share of the work may exceed the share of the stake.
pub const SLACK_BPS: u64 = 500;
/// Pixels from which on a whole budget is paid.
pub const FULL_PIXELS: u64 = 1_000_000;
/// Cut for a first wrong encode; each repeat doubles it.
pub const WRONG_ENCODE_BPS: u64 = 1_000;
/// Of the own bond's cut: the signers' part if all sign, the finder's.
pub const SIGNERS_BPS: u64 = 2_000;
pub const FINDER_BPS: u64 = 1_000;
/// Rounds within which another one is a repeat.
pub const REPEAT_ROUNDS: u64 = 30;
const BPS: u64 = 10_000;

fn paid(part: U256, pixels: u64) -> U256 {
    let paid = pixels.min(FULL_PIXELS);
    part_of(part, U256::from(paid), U256::from(FULL_PIXELS))
}

/// A transcoder's, for `pixels` of the round's `all`, with `weight` of the round's `total`.
pub fn of_work(budget: U256, pixels: u64, all: u64, weight: U256, total: U256) -> U256 {
    let bps = U256::from(BPS);
    let whole = paid(part_of(budget, U256::from(TRANSCODERS_BPS), bps), all);
    let by_work = part_of(whole, U256::from(pixels), U256::from(all));
    let share = weight * U256::from(BPS + SLACK_BPS);
    by_work.min(part_of(whole, share, total * bps))
}

/// A verifier's that has done its duty.
pub fn of_duty(budget: U256, all: u64, weight: U256, total: U256) -> U256 {
    let rest = U256::from(BPS - TRANSCODERS_BPS);
    let whole = paid(part_of(budget, rest, U256::from(BPS)), all);
    part_of(whole, weight, total)
}

/// Repeats of wrong encodes by one operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    strikes: u32,
    last: Option<u64>,
}

impl Record {
    /// What the next conviction cuts, in basis points, if it is in this round.
    pub fn cut(&self, round: u64) -> u64 {
        (WRONG_ENCODE_BPS << self.counting(round)).min(BPS)
    }

    fn counting(&self, round: u64) -> u32 {
        match self.last {
            Some(last) if round <= last + REPEAT_ROUNDS => self.strikes.min(13),
            _ => 0,
        }
    }

    pub fn convicted(&mut self, round: u64) {
        (self.strikes, self.last) = (self.counting(round) + 1, Some(round));
    }
}

impl Model {
    /// What a slash takes of the operator's own: its bonded stake, its part of what is pending, its locks. And how far
    /// the contracts' may be from it.
    pub fn own_cut(&mut self, id: PoolId, bps: u64) -> (Exact, Exact) {
        let own_locks = |lock: &&Lock| lock.pool == id && lock.holder == id.1;
        let locks = self.locks.values().filter(own_locks);
        let (count, locked) = locks.fold((0, Exact::default()), |(count, sum), lock| {
            (count + 1, sum + &lock.amount)
        });
        let pool = self.pool(id);
        let (own, all) = (pool.of(id.1), pool.bonded());
        let mut amount = own.clone() + locked;
        if all > Exact::default() {
            // By shares, of everything that is in the pool.
            amount += (&pool.rewards.pending + &pool.left_behind) * &own / &all;
        }
        let slack = &pool.slack * small(2) + &pool.lock_slack * small(count) + small(5);
        let part = Exact::new(bps.into(), BPS.into());
        (amount * &part, slack * &part + small(4))
    }
}
