//! How much gas an account may pay for in a day, and what of it is kept for evidence.
//!
//! A day is a UTC day by the timestamps of the chain, so that a wrong local clock neither blocks nor frees anything.
//! What is signed counts with the most it may cost until it is mined, then with what it has cost. The count is in the
//! journal, in one commit with the transaction that it is about.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

/// A UTC day, counted from 1970-01-01.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Day(pub u64);

const DAY_SECONDS: u64 = 86_400;

impl Day {
    /// The day of a block's timestamp (Unix seconds).
    pub const fn of(timestamp: u64) -> Self {
        Self(timestamp / DAY_SECONDS)
    }

    /// Its first second that is not in it any more, Unix time.
    pub const fn end(self) -> u64 {
        (self.0 + 1) * DAY_SECONDS
    }
}

/// What gas is spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// What is slashed for its absence, and each of which somebody has put up a bond for: no limit holds it, or whoever
    /// can make a day's answers dear enough has the next one slashed.
    Answer,
    /// Proofs of faults, which are accepted for a while only.
    Evidence,
    /// Everything that can wait until tomorrow without anybody getting away.
    #[default]
    Chore,
}

/// An account's daily limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasLimit {
    /// Wei of gas a day.
    pub wei_per_day: U256,
    /// Percent of it that only evidence may use, at most 100.
    pub for_evidence: u8,
}

impl GasLimit {
    /// What a purpose may use of it in all.
    pub fn share(&self, purpose: Purpose) -> U256 {
        let percent = match purpose {
            Purpose::Answer => return U256::MAX,
            Purpose::Evidence => 100,
            Purpose::Chore => 100_u8.saturating_sub(self.for_evidence),
        };
        // Divided first: the limit may be the largest number there is.
        self.wei_per_day / U256::from(100) * U256::from(percent)
            + self.wei_per_day % U256::from(100) * U256::from(percent) / U256::from(100)
    }
}

/// What one account has spent on gas and promised to, by transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spending(BTreeMap<u64, (Day, U256)>);

impl Spending {
    pub fn new(rows: impl IntoIterator<Item = (u64, (Day, U256))>) -> Self {
        Self(rows.into_iter().collect())
    }

    /// Takes a transaction's present cost over.
    pub fn set(&mut self, seq: u64, cost: Option<(Day, U256)>) {
        match cost {
            Some(cost) => self.0.insert(seq, cost),
            None => self.0.remove(&seq),
        };
    }

    /// Forgets days before the one before this: around midnight a reorganisation, or an endpoint that is a block behind,
    /// makes it that one again.
    pub fn begin(&mut self, day: Day) {
        self.0.retain(|_, (of, _)| of.0.saturating_add(1) >= day.0);
    }

    /// Wei of one day, without one transaction.
    pub fn on(&self, day: Day, except: Option<u64>) -> U256 {
        let costs = self
            .0
            .iter()
            .filter(|(seq, (of, _))| *of == day && Some(**seq) != except);
        costs.fold(U256::ZERO, |sum, (_, (_, wei))| sum.saturating_add(*wei))
    }

    /// Whether `wei` more may be promised today; `seq` is not counted twice where it was counted before.
    pub fn allows(
        &self,
        limit: Option<&GasLimit>,
        purpose: Purpose,
        day: Day,
        seq: u64,
        wei: U256,
    ) -> Result<(), Shortage> {
        let Some(limit) = limit else { return Ok(()) };
        let (spent, share) = (self.on(day, Some(seq)), limit.share(purpose));
        if spent.saturating_add(wei) <= share {
            return Ok(());
        }
        Err(Shortage {
            spent,
            asked: wei,
            share,
            day,
        })
    }
}

/// Too little is left of a day's gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    pub spent: U256,
    pub asked: U256,
    pub share: U256,
    pub day: Day,
}

impl Shortage {
    /// Whether a day of which nothing is spent has enough.
    pub fn ends_at_midnight(&self) -> bool {
        self.asked <= self.share
    }
}

/// An account's gas of the present day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GasToday {
    /// The day.
    pub day: Day,
    /// Wei spent, and promised to what is not mined yet.
    pub spent: U256,
    /// Wei that chores may use in all; `None` without a limit.
    pub for_chores: Option<U256>,
    /// Wei that may be used in all.
    pub limit: Option<U256>,
}

impl GasToday {
    pub(crate) fn of(spending: &Spending, limit: Option<&GasLimit>, day: Day) -> Self {
        Self {
            day,
            spent: spending.on(day, None),
            for_chores: limit.map(|l| l.share(Purpose::Chore)),
            limit: limit.map(|l| l.share(Purpose::Evidence)),
        }
    }
}

/// The daily limit holds a transaction back. It is told once for each transaction and day; the transaction stays in
/// the queue and goes out the next day, when gas is cheaper, or when the limit is raised. What is cheaper does not wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The account.
    pub account: Address,
    /// Idempotency key of the call.
    pub key: String,
    /// What it does.
    pub label: String,
    /// What its gas would be spent on.
    pub purpose: Purpose,
    /// Wei that it may cost.
    pub asked: U256,
    /// Wei spent and promised today.
    pub spent: U256,
    /// Wei that its purpose may use in a day.
    pub share: U256,
    /// When the next day begins, Unix seconds.
    pub until: u64,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let eth = |wei: U256| format!("{} ETH", crate::revert::decimal(wei));
        let what = match self.purpose {
            Purpose::Chore => "for anything but evidence",
            Purpose::Evidence | Purpose::Answer => "in all",
        };
        if self.asked > self.share {
            return write!(
                f,
                "{} waits: it may cost {} of gas, and a whole day's limit {what} is {}; it goes out when gas is cheaper, \
                 or when that is raised. Others go out before it",
                self.label,
                eth(self.asked),
                eth(self.share),
            );
        }
        write!(
            f,
            "{} waits: it may cost {} of gas, {} of today's {} {what} are spent or promised by {}; it goes out \
             after midnight UTC, or when the daily limit is raised",
            self.label,
            eth(self.asked),
            eth(self.spent),
            eth(self.share),
            self.account
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day(20_000);

    fn wei(n: u64) -> U256 {
        U256::from(n)
    }

    #[test]
    fn chores_leave_the_reserved_part_to_evidence() {
        let limit = GasLimit {
            wei_per_day: wei(1_000),
            for_evidence: 40,
        };
        let mut spending = Spending::default();
        let allows = |spending: &Spending, purpose, asked| {
            spending
                .allows(Some(&limit), purpose, TODAY, 9, wei(asked))
                .is_ok()
        };
        assert!(allows(&spending, Purpose::Chore, 600));
        assert!(!allows(&spending, Purpose::Chore, 601));
        spending.set(1, Some((TODAY, wei(600))));
        assert!(!allows(&spending, Purpose::Chore, 1));
        assert!(allows(&spending, Purpose::Evidence, 400));
        assert!(!allows(&spending, Purpose::Evidence, 401));
        assert!(allows(&spending, Purpose::Answer, u64::MAX));
        // It cost less than it might have.
        spending.set(1, Some((TODAY, wei(100))));
        assert!(allows(&spending, Purpose::Chore, 500));
        // Yesterday's gas is not today's, and one's own earlier promise is not counted beside the new one.
        spending.set(2, Some((Day(19_999), wei(5_000))));
        spending.set(9, Some((TODAY, wei(500))));
        assert!(allows(&spending, Purpose::Chore, 500));
        assert_eq!(spending.on(TODAY, None), wei(600));
        spending.set(9, None);
        assert_eq!(spending.on(TODAY, None), wei(100));
    }

    #[test]
    fn a_day_that_comes_back_has_been_spent_already() {
        let limit = GasLimit {
            wei_per_day: wei(1_000),
            for_evidence: 0,
        };
        let (tomorrow, after) = (Day(TODAY.0 + 1), Day(TODAY.0 + 2));
        let mut spending = Spending::default();
        spending.set(1, Some((TODAY, wei(1_000))));
        spending.begin(tomorrow);
        spending.set(2, Some((tomorrow, wei(300))));
        spending.begin(TODAY);
        let again = spending.allows(Some(&limit), Purpose::Chore, TODAY, 9, wei(1));
        assert!(again.is_err(), "twice the day's gas");
        spending.begin(tomorrow);
        assert_eq!(spending.on(tomorrow, None), wei(300));
        spending.begin(after);
        assert_eq!(spending.on(TODAY, None), U256::ZERO);
    }

    #[test]
    fn the_largest_limit_does_not_overflow() {
        let limit = GasLimit {
            wei_per_day: U256::MAX,
            for_evidence: 0,
        };
        assert_eq!(limit.share(Purpose::Evidence), U256::MAX);
        assert_eq!(limit.share(Purpose::Chore), U256::MAX);
        let none = GasLimit {
            for_evidence: 100,
            ..limit
        };
        assert_eq!(none.share(Purpose::Chore), U256::ZERO);
    }

    #[test]
    fn days_are_utc_days() {
        assert_eq!(Day::of(86_399), Day(0));
        assert_eq!(Day::of(86_400), Day(1));
        assert_eq!(Day(1).end(), 2 * 86_400);
    }
}
