//! Stakes, rewards, slashes and fees in exact rational numbers, written from the rules (docs/protocol.md, section 9) and
//! not from the contracts: no shares, no rounding, every holder's part a number.
//!
//! Beside each amount stands its *slack*: how far the contracts' integers may be from it by the rounding that they
//! document, one base unit for each division. It grows with what a pool earns and shrinks with what is slashed, as the
//! amounts themselves do.
//!
//! Numbers are cut to 256 binary places after each operation, lest they grow for ever; ten thousand operations lose less
//! than 10^-60 of a base unit by that.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::differential::cuts::Cuts;
use crate::differential::purses::{Purse, Weights};
use crate::differential::sets::{ActiveSet, Told, Weight};

pub type Exact = BigRational;
pub type Actor = usize;
/// 0 transcoder, 1 verifier, and the operator.
pub type PoolId = (u8, Actor);

const BPS: u64 = 10_000;

pub fn exact(amount: U256) -> Exact {
    Exact::from_integer(BigInt::from_bytes_be(
        num_bigint::Sign::Plus,
        &amount.to_be_bytes::<32>(),
    ))
}

pub fn small(amount: u64) -> Exact {
    Exact::from_integer(BigInt::from(amount))
}

fn part(numerator: u64, denominator: u64) -> Exact {
    Exact::new(BigInt::from(numerator), BigInt::from(denominator))
}

fn cut(value: &Exact) -> Exact {
    let places: BigInt = BigInt::one() << 256;
    Exact::new(
        (value * Exact::from_integer(places.clone()))
            .round()
            .to_integer(),
        places,
    )
}

/// What is released evenly from one block to another.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    pub pending: Exact,
    pub from: u64,
    pub until: u64,
}

impl Stream {
    /// What is due in block `now`, and forgotten.
    fn release(&mut self, now: u64) -> Exact {
        let due = if now >= self.until {
            self.pending.clone()
        } else {
            &self.pending * part(now - self.from, self.until - self.from)
        };
        self.pending = cut(&(&self.pending - &due));
        self.from = now.min(self.until);
        due
    }
}

#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// Bonded stake of each holder, the operator among them.
    pub holdings: BTreeMap<Actor, Exact>,
    pub rewards: Stream,
    pub frozen: bool,
    /// Of each bonded holding.
    pub slack: Exact,
    /// Of each lock.
    pub lock_slack: Exact,
    /// What those who took all that was theirs have left behind by rounding, or have taken of what others left.
    pub left_behind: Exact,
    /// The same of locks that are over.
    pub left_of_locks: Exact,
    pub slashes: u64,
}

impl Pool {
    pub fn bonded(&self) -> Exact {
        self.holdings.values().sum()
    }

    pub fn of(&self, holder: Actor) -> Exact {
        self.holdings.get(&holder).cloned().unwrap_or_default()
    }
}

#[derive(Clone, Debug)]
pub struct Lock {
    pub pool: PoolId,
    pub holder: Actor,
    pub to: Option<Actor>,
    pub amount: Exact,
    pub round: u64,
}

/// Fees of one transcoder's pool.
#[derive(Clone, Debug, Default)]
pub struct Fees {
    pub stream: Stream,
    pub undivided: Exact,
    pub owed: BTreeMap<Actor, Exact>,
    pub slack: Exact,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub pools: BTreeMap<PoolId, Pool>,
    pub locks: BTreeMap<u64, Lock>,
    pub fees: BTreeMap<Actor, Fees>,
    pub cuts: BTreeMap<PoolId, Cuts>,
    pub purses: Vec<Purse>,
    /// Of transcoders and of verifiers.
    pub sets: [ActiveSet; 2],
    /// What the sets were told since they were looked at last.
    pub told: Vec<Told>,
    /// The sets as they were when each round opened.
    pub snapshots: BTreeMap<u64, [Weights; 2]>,
    /// Least own bond of an active operator.
    pub minimum: Exact,
    /// Blocks over which rewards and fees are released.
    pub release_blocks: u64,
}

impl Model {
    pub fn pool(&mut self, id: PoolId) -> &mut Pool {
        self.pools.entry(id).or_default()
    }

    /// Releases rewards that are due to all by their stake; to nobody while cases are open or nobody is there.
    pub fn release(&mut self, id: PoolId, now: u64) {
        let pool = self.pool(id);
        if pool.rewards.pending.is_zero() || pool.frozen {
            return;
        }
        let bonded = pool.bonded();
        if bonded.is_zero() {
            pool.rewards.from = now.min(pool.rewards.until);
            return;
        }
        let due = pool.rewards.release(now);
        let grown = Exact::one() + &due / &bonded;
        for holding in pool.holdings.values_mut() {
            *holding = cut(&(&*holding * &grown));
        }
        // Rounding is worth what a base unit is worth; the virtual base unit of the share price takes its part too.
        pool.slack = cut(&(&pool.slack * &grown + small(2) + &due / &bonded));
    }

    /// Divides fees that are due by stake. Before every change of stake, which is when parts change.
    pub fn divide_fees(&mut self, operator: Actor, now: u64) {
        let pool = self.pools.entry((0, operator)).or_default();
        let fees = self.fees.entry(operator).or_default();
        fees.undivided = cut(&(&fees.undivided + fees.stream.release(now)));
        let bonded = pool.bonded();
        if bonded.is_zero() {
            return;
        }
        let all = std::mem::take(&mut fees.undivided);
        for (holder, stake) in &pool.holdings {
            let owed = fees.owed.entry(*holder).or_default();
            *owed = cut(&(&*owed + &all * stake / &bonded));
        }
        // A division each, and the parts themselves are off by the rounding of stakes.
        fees.slack = cut(&(&fees.slack + small(2) + &all * &pool.slack / &bonded));
    }

    /// An operator's weight as its pool is.
    pub fn weight(&mut self, id: PoolId) -> Weight {
        let minimum = self.minimum.clone();
        Weight::of(self.pool(id), id.1, &minimum)
    }

    /// After every change of a pool, its rewards and its slashes: the active set hears of the weight. An operator that is
    /// not in it enters only where the rules say so.
    fn tell(&mut self, pool: PoolId, enters: bool) {
        let weight = self.weight(pool);
        self.told.push(Told {
            pool,
            weight,
            enters,
        });
    }

    /// What is due is released, and the active set takes the operator in.
    pub fn enlist(&mut self, id: PoolId, now: u64) {
        self.release(id, now);
        self.tell(id, true);
    }

    fn before_change(&mut self, id: PoolId, now: u64) {
        self.release(id, now);
        if id.0 == 0 {
            self.divide_fees(id.1, now);
        }
    }

    /// The first deposit in a pool brings its operator into the active set.
    pub fn deposit(&mut self, id: PoolId, holder: Actor, amount: &Exact, now: u64) {
        let first = self.pool(id).holdings.is_empty();
        self.add(id, holder, amount, now);
        self.tell(id, first);
    }

    fn add(&mut self, id: PoolId, holder: Actor, amount: &Exact, now: u64) {
        self.before_change(id, now);
        let pool = self.pool(id);
        *pool.holdings.entry(holder).or_default() += amount;
        pool.slack += small(1);
    }

    /// A lock of `amount`; a holder that takes everything leaves nothing.
    pub fn unbond(&mut self, number: u64, lock: Lock, everything: bool, now: u64) {
        self.before_change(lock.pool, now);
        let pool = self.pool(lock.pool);
        let held = pool.of(lock.holder);
        if everything {
            pool.left_behind += held - &lock.amount;
            pool.holdings.remove(&lock.holder);
        } else {
            pool.holdings.insert(lock.holder, held - &lock.amount);
        }
        pool.slack += small(1);
        pool.lock_slack += small(1);
        let id = lock.pool;
        self.locks.insert(number, lock);
        self.tell(id, false);
    }

    /// A lock is over, and this is what came of it.
    pub fn end(&mut self, number: u64, came: U256) -> Lock {
        let lock = self.locks.remove(&number).unwrap();
        let pool = self.pool(lock.pool);
        pool.lock_slack += small(1);
        pool.left_of_locks += &lock.amount - exact(came);
        lock
    }

    /// A reward of which the operator keeps `cut_bps`; alone in its pool it keeps all.
    pub fn reward(&mut self, id: PoolId, amount: U256, cut_bps: u16, now: u64) {
        self.release(id, now);
        let release_blocks = self.release_blocks;
        let own = if self.pool(id).bonded().is_zero() {
            amount
        } else {
            amount * U256::from(cut_bps) / U256::from(BPS)
        };
        if !own.is_zero() {
            self.add(id, id.1, &exact(own), now);
        }
        self.tell(id, false);
        if own != amount {
            let pool = self.pool(id);
            pool.rewards.pending += exact(amount - own);
            (pool.rewards.from, pool.rewards.until) = (now, now + release_blocks);
        }
    }

    pub fn freeze(&mut self, id: PoolId) {
        self.pool(id).frozen = true;
    }

    pub fn unfreeze(&mut self, id: PoolId, now: u64) {
        let pool = self.pool(id);
        pool.frozen = false;
        if !pool.rewards.pending.is_zero() {
            let left = pool.rewards.until - pool.rewards.from;
            (pool.rewards.from, pool.rewards.until) = (now, now + left);
        }
    }

    /// Cuts what is bonded, pending and locked alike.
    pub fn slash(&mut self, id: PoolId, bps: u64, now: u64) {
        if bps == BPS && id.0 == 0 {
            // What was released belongs to those whose stake is gone now.
            self.divide_fees(id.1, now);
        }
        let left = part(BPS - bps, BPS);
        let pool = self.pool(id);
        for holding in pool.holdings.values_mut() {
            *holding = cut(&(&*holding * &left));
        }
        pool.rewards.pending = cut(&(&pool.rewards.pending * &left));
        pool.slack = &pool.slack * &left + small(2);
        pool.lock_slack = &pool.lock_slack * &left + small(2);
        pool.left_behind = cut(&(&pool.left_behind * &left));
        pool.left_of_locks = cut(&(&pool.left_of_locks * &left));
        pool.slashes += 1;
        if left.is_zero() {
            pool.holdings.clear();
        }
        for lock in self.locks.values_mut().filter(|l| l.pool == id) {
            lock.amount = cut(&(&lock.amount * &left));
        }
        self.tell(id, false);
    }

    /// A payment, of which `share_bps` go to all by stake over the next blocks, the rest to the operator. Returns the
    /// block in which all will be released: the mean of the old and the new part's end by amount.
    pub fn credit(&mut self, operator: Actor, amount: U256, share_bps: u16, now: u64) -> u64 {
        let release_blocks = self.release_blocks;
        let fees = self.fees.entry(operator).or_default();
        let shared = amount * U256::from(share_bps) / U256::from(BPS);
        *fees.owed.entry(operator).or_default() += exact(amount - shared);
        if shared.is_zero() {
            return fees.stream.until;
        }
        let due = fees.stream.release(now);
        fees.undivided += due;
        let stream = &mut fees.stream;
        let left = small(stream.until.saturating_sub(now));
        let total = &stream.pending + exact(shared);
        let mean = (&stream.pending * left + exact(shared) * small(release_blocks)) / &total;
        stream.pending = total;
        let blocks: u64 = mean.floor().to_integer().try_into().unwrap();
        (stream.from, stream.until) = (now, now + blocks);
        // So much for each block is rounded down, and what that leaves over is released at once: a base unit a block at most.
        fees.slack += small(blocks.max(1));
        stream.until
    }

    /// What a holder can take of a pool's fees; with nobody to share with, the operator has what is released.
    pub fn take_fees(&mut self, operator: Actor, holder: Actor, now: u64) -> Exact {
        self.divide_fees(operator, now);
        let empty = self.pool((0, operator)).bonded().is_zero();
        let fees = self.fees.entry(operator).or_default();
        let mut amount = fees.owed.remove(&holder).unwrap_or_default();
        if empty && holder == operator {
            amount += std::mem::take(&mut fees.undivided);
        }
        fees.slack += small(1);
        amount
    }
}
