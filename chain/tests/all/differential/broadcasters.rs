//! Deposits and reserves of broadcasters, held against the model after each operation.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::purses::{Parting, Purse, UNLOCKING, Weights};
use crate::differential::run::{BROADCASTERS, OPERATORS, Run};

pub(crate) fn wei(random: u64) -> U256 {
    U256::from(1_000_000_000_000_000u64) + U256::from(random / 4)
}

impl Run {
    pub(crate) fn any_broadcaster(&mut self) -> usize {
        self.random.below(BROADCASTERS) as usize
    }

    /// Weights of the round by which a broadcaster's reserve is parted.
    pub(crate) fn parting(&self, broadcaster: usize) -> Weights {
        self.transcoders(self.model.purses[broadcaster].reserve.round)
    }

    fn transcoders(&self, round: u64) -> Weights {
        let snapshot = self.model.snapshots.get(&round);
        snapshot.map(|sets| sets[0].clone()).unwrap_or_default()
    }

    /// Anyone adds to anyone's deposit and reserve.
    pub(crate) fn fund(&mut self) {
        let broadcaster = self.any_broadcaster();
        let (own, anyone) = (self.random.below(2) == 0, self.any_actor());
        let from = match own {
            true => self.broadcasters[broadcaster].address(),
            false => self.actors[anyone],
        };
        let mut amount = |one_in: u64| match self.random.below(one_in) {
            0 => U256::ZERO,
            _ => wei(self.random.next()) * U256::from(3),
        };
        let (deposit, reserve) = (amount(3), amount(4));
        let call = depositAndReserveCall {
            broadcaster: self.broadcasters[broadcaster].address(),
            deposit,
            reserve,
        };
        let broker = self.chain.at.broker;
        if !(deposit + reserve).is_zero() {
            // Without the ether.
            self.must_refuse(from, broker, &call);
        }
        let mined = self.chain.pay(from, broker, &call, deposit + reserve);
        let purse = &mut self.model.purses[broadcaster];
        purse.deposit += deposit;
        let before = purse.reserve.announced;
        purse.reserve.add(reserve, own, self.round, mined.block);
        self.tally.parted += u64::from(before.is_some() && purse.reserve.announced.is_none());
        self.hold_purse(broadcaster);
    }

    /// The two steps back, and the way out of the first one.
    pub(crate) fn take_back(&mut self) {
        let broadcaster = self.any_broadcaster();
        let from = self.broadcasters[broadcaster].address();
        let broker = self.chain.at.broker;
        let purse = self.model.purses[broadcaster].clone();
        let Some(from_round) = purse.withdraw_round else {
            self.must_refuse(from, broker, &broker::withdrawCall {});
            self.must_refuse(from, broker, &cancelUnlockCall {});
            if purse.is_empty() {
                return self.must_refuse(from, broker, &unlockCall {});
            }
            self.chain.run(from, broker, &unlockCall {});
            self.model.purses[broadcaster].withdraw_round = Some(self.round + UNLOCKING);
            return self.hold_purse(broadcaster);
        };
        self.must_refuse(from, broker, &unlockCall {});
        if self.round < from_round {
            self.must_refuse(from, broker, &broker::withdrawCall {});
            if self.random.below(12) == 0 {
                self.chain.run(from, broker, &cancelUnlockCall {});
                self.model.purses[broadcaster].withdraw_round = None;
                self.hold_purse(broadcaster);
            }
            return;
        }
        let before = self.chain.rpc.balance(broker);
        self.chain.run(from, broker, &broker::withdrawCall {});
        let paid = before - self.chain.rpc.balance(broker);
        let expected = self.model.purses[broadcaster].withdraw();
        assert_eq!(paid, expected, "deposit and reserve come back");
        self.tally.withdrawn += 1;
        self.hold_purse(broadcaster);
    }

    /// Announces the present round's parts, or lets those hold that were announced.
    pub(crate) fn part_anew(&mut self) {
        let broadcaster = self.any_broadcaster();
        let from = self.broadcasters[broadcaster].address();
        let broker = self.chain.at.broker;
        let call = partAnewCall { broadcaster: from };
        self.must_refuse(self.actors[0], broker, &call);
        let (round, next) = (self.round, self.chain.now() + 1);
        let reserve = &mut self.model.purses[broadcaster].reserve;
        let parting = reserve.part_anew(round, next);
        if parting == Parting::Refused {
            return self.must_refuse(from, broker, &call);
        }
        let mined = self.chain.run(from, broker, &call);
        assert_eq!(mined.block, next);
        self.tally.parted += u64::from(parting == Parting::Done);
        self.hold_parting(broadcaster);
    }

    /// How the reserve is parted, now and next.
    fn hold_parting(&mut self, broadcaster: usize) {
        let call = partingOfCall {
            broadcaster: self.broadcasters[broadcaster].address(),
        };
        let found = self.chain.read(self.chain.at.broker, &call);
        let reserve = &self.model.purses[broadcaster].reserve;
        let (announced, from) = reserve.announced.unwrap_or_default();
        assert_eq!(
            (found.whole, found.round, found.announced, found.from),
            (reserve.whole, reserve.round, announced, from),
            "operation {}: the parting of {broadcaster}'s reserve",
            self.tally.done
        );
    }

    /// Of who signs two assignments for one attempt.
    pub(crate) fn lose_reserve(&mut self) {
        let broadcaster = self.any_broadcaster();
        let call = slashReserveCall {
            broadcaster: self.broadcasters[broadcaster].address(),
        };
        let broker = self.chain.at.broker;
        self.must_refuse(self.actors[0], broker, &call);
        self.chain.run(self.chain.at.court, broker, &call);
        self.model.purses[broadcaster].slash_reserve();
        self.hold_purse(broadcaster);
    }

    pub(crate) fn burn(&mut self) {
        let broadcaster = self.any_broadcaster();
        let (from, broker) = (self.any_actor(), self.chain.at.broker);
        let call = burnCall {
            broadcaster: self.broadcasters[broadcaster].address(),
        };
        let before = self.chain.rpc.balance(broker);
        self.chain.run(self.actors[from], broker, &call);
        let gone = before - self.chain.rpc.balance(broker);
        let burned = std::mem::take(&mut self.model.purses[broadcaster].burned);
        assert_eq!(gone, burned, "what payments burned");
        self.hold_purse(broadcaster);
    }

    /// Deposit, reserve and burned part are exactly the model's.
    pub(crate) fn hold_purse(&mut self, broadcaster: usize) {
        let call = senderOfCall {
            broadcaster: self.broadcasters[broadcaster].address(),
        };
        let state = self.chain.read(self.chain.at.broker, &call);
        let Purse {
            deposit,
            reserve,
            burned,
            withdraw_round,
        } = &self.model.purses[broadcaster];
        let expected = (*deposit, reserve.held, *burned, withdraw_round.unwrap_or(0));
        let found = (
            state.deposit,
            state.reserve,
            state.burned,
            state.withdrawRound,
        );
        assert_eq!(
            found, expected,
            "operation {}: deposit, reserve, burned and round of {broadcaster}",
            self.tally.done
        );
    }

    /// Every recipient's part of every reserve, and that the broker holds what it owes and no more.
    pub(crate) fn compare_purses(&mut self) {
        let broker = self.chain.at.broker;
        let mut all = U256::ZERO;
        for broadcaster in 0..BROADCASTERS as usize {
            self.hold_purse(broadcaster);
            self.hold_parting(broadcaster);
            let weights = self.parting(broadcaster);
            let purse = self.model.purses[broadcaster].clone();
            all += purse.all();
            let mut parts = U256::ZERO;
            for operator in 0..OPERATORS as usize {
                let call = partsOfCall {
                    sender: self.broadcasters[broadcaster].address(),
                    recipient: self.actors[operator],
                };
                let reserve = &purse.reserve;
                let present = reserve.claimable(&weights, operator);
                let next = reserve.announced.map_or(present, |(round, _)| {
                    reserve.part(&self.transcoders(round), operator)
                });
                let parts_of = self.chain.read(broker, &call);
                assert_eq!(
                    (parts_of.present, parts_of.next),
                    (present, next),
                    "operation {}: the parts of {operator} in the reserve of {broadcaster}",
                    self.tally.done
                );
                let found = parts_of.present;
                parts += found;
            }
            assert!(parts <= purse.reserve.held, "parts beyond the reserve");
        }
        assert_eq!(self.chain.rpc.balance(broker), all, "ether of broadcasters");
    }
}
