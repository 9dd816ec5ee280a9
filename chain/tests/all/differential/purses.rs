//! What broadcasters have put up and what is paid of it, written from docs/protocol.md, section 9. All amounts are whole
//! wei, and each rounding is a rule of its own; so everything is exact here.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::differential::model::Actor;
use crate::differential::sets::part_of;

const BPS: u64 = 10_000;
/// Burned part of a payment.
pub const BURNED_BPS: u64 = 500;
/// Rounds from asking for a deposit to having it.
pub const UNLOCKING: u64 = 12;

/// Weights of a round's transcoders as its snapshot has them.
pub type Weights = BTreeMap<Actor, U256>;

/// The part that is left of a reserve. This is the one place that knows how it is parted.
#[derive(Clone, Debug, Default)]
pub struct Reserve {
    pub held: U256,
    /// What it held when it was full, of which the parts are.
    whole: U256,
    /// By whose weights.
    pub round: u64,
    taken: BTreeMap<Actor, U256>,
}

impl Reserve {
    /// As much of `amount` as leaves no question by which round's weights it is parted afterwards: before it is full
    /// again, or in the round in which it was filled.
    pub fn addable(&self, amount: U256, present: u64) -> U256 {
        if self.whole.is_zero() || self.round == present {
            return amount;
        }
        let room = (self.whole - self.held).saturating_sub(U256::from(1));
        amount.min(room)
    }

    pub fn add(&mut self, amount: U256, present: u64) {
        if amount.is_zero() {
            return;
        }
        self.held += amount;
        if self.held >= self.whole {
            (self.whole, self.round) = (self.held, present);
            self.taken.clear();
        }
    }

    /// What the recipient may take: its part of the whole, less what it has taken since.
    pub fn claimable(&self, weights: &Weights, recipient: Actor) -> U256 {
        let weight = weights.get(&recipient).copied().unwrap_or_default();
        let part = part_of(self.whole, weight, weights.values().sum());
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
