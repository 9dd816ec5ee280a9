//! What broadcasters have put up and what is paid of it, written from docs/protocol.md, section 9. All amounts are whole
//! wei, and each rounding is a rule of its own; so everything is exact here.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::differential::contracts::{CASE, DEADLINE, EVIDENCE};
use crate::differential::model::Actor;
use crate::differential::sets::part_of;

const BPS: u64 = 10_000;
/// Burned part of a payment.
pub const BURNED_BPS: u64 = 500;
/// Rounds from asking for a deposit to having it.
pub const UNLOCKING: u64 = 12;
/// Blocks from the announcement of parts to the first in which they may hold: D, two that signing blocks may be off, evidence
/// window, case window, one more.
pub const PARTING_BLOCKS: u64 = DEADLINE + 2 + EVIDENCE + CASE + 1;

/// Weights of a round's transcoders as its snapshot has them.
pub type Weights = BTreeMap<Actor, U256>;

/// A reserve. This is the one place that knows how it is parted.
#[derive(Clone, Debug, Default)]
pub struct Reserve {
    pub held: U256,
    /// What it held when it was full last, of which the parts are; zero: nobody has one.
    pub whole: U256,
    /// By whose weights.
    pub round: u64,
    /// By whose weights next, and the first block in which they may.
    pub announced: Option<(u64, u64)>,
    /// Since it was full last.
    taken: BTreeMap<Actor, U256>,
}

/// What came of a request to part a reserve anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    Refused,
    Announced,
    Done,
}

impl Reserve {
    /// More parts nothing anew, but for what was announced and is due; once nothing is missing, all can be taken again. The
    /// first parts are made by the broadcaster's own addition.
    pub fn add(&mut self, amount: U256, own: bool, present: u64, block: u64) {
        if amount.is_zero() {
            return;
        }
        let first = self.whole.is_zero();
        self.held += amount;
        if self.held < self.whole || (first && !own) {
            return;
        }
        if first {
            return self.part_first(present);
        }
        self.whole = self.held;
        self.taken.clear();
        if let Some((round, from)) = self.announced
            && block >= from
        {
            (self.round, self.announced) = (round, None);
        }
    }

    fn part_first(&mut self, present: u64) {
        self.whole = self.held;
        self.taken.clear();
        (self.round, self.announced) = (present, None);
    }

    /// The present round's weights are announced; later, if nothing is missing, they hold. Where nobody has a part of what others
    /// have put in, they do at once.
    pub fn part_anew(&mut self, present: u64, block: u64) -> Parting {
        if self.held.is_zero() && self.whole.is_zero() {
            return Parting::Refused;
        }
        if self.whole.is_zero() {
            self.part_first(present);
            return Parting::Done;
        }
        match self.announced {
            None => {
                self.announced = Some((present, block + PARTING_BLOCKS));
                Parting::Announced
            }
            Some((round, from)) if block >= from && self.held >= self.whole => {
                (self.round, self.announced) = (round, None);
                Parting::Done
            }
            Some(_) => Parting::Refused,
        }
    }

    /// The recipient's part of the whole by these weights.
    pub fn part(&self, weights: &Weights, recipient: Actor) -> U256 {
        let weight = weights.get(&recipient).copied().unwrap_or_default();
        part_of(self.whole, weight, weights.values().sum())
    }

    /// What the recipient may take: its part of the whole, less what it has taken since.
    pub fn claimable(&self, weights: &Weights, recipient: Actor) -> U256 {
        let part = self.part(weights, recipient);
        part - self.taken.get(&recipient).copied().unwrap_or_default()
    }

    fn take(&mut self, recipient: Actor, amount: U256) {
        self.held -= amount;
        *self.taken.entry(recipient).or_default() += amount;
    }

    /// Everything goes, and it is begun anew with the next addition.
    fn clear(&mut self) -> U256 {
        std::mem::take(self).held
    }
}

/// What was taken of a sender for a winner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    pub paid: U256,
    pub from_reserve: U256,
    pub burned: U256,
}

impl Payment {
    pub fn credited(&self) -> U256 {
        self.paid - self.burned
    }
}

/// One broadcaster's.
#[derive(Clone, Debug, Default)]
pub struct Purse {
    pub deposit: U256,
    pub reserve: Reserve,
    pub burned: U256,
    pub withdraw_round: Option<u64>,
}

impl Purse {
    pub fn all(&self) -> U256 {
        self.deposit + self.reserve.held + self.burned
    }

    pub fn is_empty(&self) -> bool {
        self.deposit.is_zero() && self.reserve.held.is_zero()
    }

    /// Pays a winner from the deposit, then from the recipient's part of the reserve: all of it, or what there is if the
    /// recipient asks.
    pub fn pay(
        &mut self,
        recipient: Actor,
        face_value: U256,
        asks_itself: bool,
        weights: &Weights,
    ) -> Option<Payment> {
        let from_deposit = face_value.min(self.deposit);
        let missing = face_value - from_deposit;
        let from_reserve = missing.min(self.reserve.claimable(weights, recipient));
        let paid = from_deposit + from_reserve;
        if paid.is_zero() || (paid < face_value && !asks_itself) {
            return None;
        }
        // Rounded up: what is burned is never less than its part.
        let burned = (paid * U256::from(BURNED_BPS)).div_ceil(U256::from(BPS));
        self.deposit -= from_deposit;
        self.reserve.take(recipient, from_reserve);
        self.burned += burned;
        Some(Payment {
            paid,
            from_reserve,
            burned,
        })
    }

    /// Deposit and reserve go back.
    pub fn withdraw(&mut self) -> U256 {
        self.withdraw_round = None;
        std::mem::take(&mut self.deposit) + self.reserve.clear()
    }

    /// The reserve of who signed two assignments for one attempt burns.
    pub fn slash_reserve(&mut self) -> U256 {
        let amount = self.reserve.clear();
        self.burned += amount;
        amount
    }
}
