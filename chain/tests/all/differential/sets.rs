//! Weights and the active sets, written from docs/protocol.md, section 9.
//!
//! A weight is known within the rounding of the stakes that it is made of, so that who is the smaller of two that differ
//! by less may be either; what the chain decided is then taken over, and nothing else is.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, Zero};

use crate::differential::model::{Actor, Exact, Pool, PoolId, exact, small};

/// Delegations count up to this many times the own bond.
pub const FACTOR: u64 = 10;
/// Leading bits of a weight that count when the smallest is looked for.
const KEPT_BITS: u64 = 18;

/// An operator's weight and how far the contracts' may be from it.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    exact: Exact,
    slack: Exact,
    /// Whether the own bond may be below the minimum, and whether it may not be.
    none: bool,
    some: bool,
}

impl Weight {
    /// Of a pool as it is: own bond, and delegations up to ten times it. What those who left have left behind counts as
    /// delegated.
    pub fn of(pool: &Pool, operator: Actor, minimum: &Exact) -> Self {
        let own = pool.of(operator);
        let delegated = pool.bonded() + &pool.left_behind - &own;
        let bound = &own * small(FACTOR);
        let counted = if delegated < bound { delegated } else { bound };
        let rounding = &pool.slack + small(1);
        // The own bond's error counts for itself and, where the bound holds, ten times; the whole pool's once.
        let slack = &rounding * small(FACTOR + 1) + small(3 + 2 * pool.slashes);
        // Its worth may lie a base unit below what was bonded.
        let least = minimum - small(1);
        Self {
            none: &own - &rounding < least,
            some: &own + &rounding >= least,
            exact: own + counted,
            slack,
        }
    }

    pub fn admits(&self, found: U256) -> bool {
        if found.is_zero() {
            return self.none;
        }
        self.some && (exact(found) - &self.exact).abs() <= self.slack
    }

    fn low(&self) -> Exact {
        &self.exact - &self.slack
    }

    fn high(&self) -> Exact {
        &self.exact + &self.slack
    }
}

/// What the active set hears of an operator, and whether that brings it in if it is outside.
#[derive(Clone, Debug)]
pub struct Told {
    pub pool: PoolId,
    pub weight: Weight,
    pub enters: bool,
}

/// The order of weights: how far the leading bits are shifted, and they.
fn key(weight: &Exact) -> (u64, BigInt) {
    let weight = weight.floor().to_integer().max(BigInt::zero());
    let shift = weight.bits().saturating_sub(KEPT_BITS);
    (shift, weight >> shift)
}

/// The active set of one role.
#[derive(Clone, Debug, Default)]
pub struct ActiveSet {
    pub bound: usize,
    /// By place.
    pub members: Vec<(Actor, Weight)>,
    /// Who does not enter before it has asked to be released.
    pub jailed: BTreeSet<Actor>,
    /// Who is to be jailed when the next round opens, in order.
    pub absent: Vec<Actor>,
}

impl ActiveSet {
    /// What may become of the set when it hears this.
    pub fn outcomes(&self, told: &Told) -> Vec<Self> {
        let (operator, weight) = (told.pool.1, &told.weight);
        let mut outcomes = Vec::new();
        let mut stays = false;
        if let Some(place) = self.place(operator) {
            if weight.some {
                outcomes.push(self.with(place, operator, weight));
            }
            if weight.none {
                outcomes.push(self.without(place));
            }
        } else if !told.enters || self.jailed.contains(&operator) {
            stays = true;
        } else {
            stays = weight.none;
            if weight.some && self.members.len() < self.bound {
                let mut set = self.clone();
                set.members.push((operator, weight.clone()));
                outcomes.push(set);
            } else if weight.some {
                for place in self.smallest() {
                    let there = &self.members[place].1;
                    stays |= weight.low() <= there.high();
                    if weight.high() > there.low() {
                        outcomes.push(self.with(place, operator, weight));
                    }
                }
            }
        }
        if stays {
            outcomes.push(self.clone());
        }
        outcomes
    }

    /// A round opens: who was absent leaves, and is jailed. Returns how many.
    pub fn jail(&mut self) -> u64 {
        let mut count = 0;
        for operator in std::mem::take(&mut self.absent) {
            if !self.jailed.insert(operator) {
                continue;
            }
            count += 1;
            if let Some(place) = self.place(operator) {
                *self = self.without(place);
            }
        }
        count
    }

    /// Who has asked to be released is neither jailed nor going to be.
    pub fn forgive(&mut self, operator: Actor) {
        self.jailed.remove(&operator);
        self.absent.retain(|absent| *absent != operator);
    }

    fn place(&self, operator: Actor) -> Option<usize> {
        self.members.iter().position(|member| member.0 == operator)
    }

    fn with(&self, place: usize, operator: Actor, weight: &Weight) -> Self {
        let mut set = self.clone();
        set.members[place] = (operator, weight.clone());
        set
    }

    /// The last one moves to the free place.
    fn without(&self, place: usize) -> Self {
        let mut set = self.clone();
        set.members.swap_remove(place);
        set
    }

    /// Places of those who may have the smallest weight: of equal ones the lowest place's.
    fn smallest(&self) -> Vec<usize> {
        let places = 0..self.members.len();
        let may_be = |place: &usize| {
            let least = key(&self.members[*place].1.low());
            self.members.iter().enumerate().all(|(other, member)| {
                let most = key(&member.1.high());
                least < most || (least == most && *place <= other)
            })
        };
        places.filter(may_be).collect()
    }
}

/// Part of a whole by weight, rounded down.
pub fn part_of(whole: U256, weight: U256, total: U256) -> U256 {
    if total.is_zero() {
        return U256::ZERO;
    }
    let part = exact(whole) * exact(weight) / exact(total);
    let (sign, bytes) = part.floor().to_integer().to_bytes_be();
    assert!(sign != Sign::Minus);
    U256::from_be_slice(&bytes)
}
