//! Cuts, minted rewards, fees.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::cuts::Terms;
use crate::differential::model::{Actor, PoolId};
use crate::differential::run::{ACTORS, OPERATORS, Run, TOLERATED_END};

impl Run {
    /// What was kept and shared in the round that is paid for.
    pub(crate) fn terms(&mut self, id: PoolId, round: u64) -> Terms {
        let cuts = self.model.cuts.entry(id).or_default();
        let terms = cuts.in_round(round);
        self.tally.other_cuts += u64::from(terms != cuts.in_round(self.round));
        self.tally.forgotten_cuts += u64::from(cuts.forgot(round));
        terms
    }

    pub(crate) fn set_cuts(&mut self) {
        let id = self.any_pool();
        let (reward_cut, fee_share) = (
            self.random.below(10_001) as u16,
            self.random.below(10_001) as u16,
        );
        let (from, to) = (self.actors[id.1], self.chain.at.operators);
        let call = setCutsCall {
            role: id.0,
            rewardCutBps: reward_cut,
            feeShareBps: fee_share,
        };
        self.chain.run(from, to, &call);
        let terms = Terms {
            reward_cut,
            fee_share,
        };
        let cuts = self.model.cuts.entry(id).or_default();
        cuts.set(self.round + 1, terms);
    }

    /// What is left of a round's budget.
    pub(crate) fn left_of(&mut self, round: u64) -> U256 {
        let budget = self
            .chain
            .read(self.chain.at.minter, &budgetOfCall { round });
        budget._0 - budget._1
    }

    pub(crate) fn reward(&mut self) {
        let id = self.any_pool();
        let round = self.some_round();
        let (work, minter) = (self.chain.at.work, self.chain.at.minter);
        let left = self.left_of(round);
        let operator = self.actors[id.1];
        let over = payCall {
            round,
            role: id.0,
            operator,
            amount: left + U256::from(1),
        };
        self.must_refuse(work, minter, &over);
        // Something stays for those who claim.
        let amount = left / U256::from(4 + self.random.below(12));
        if amount.is_zero() {
            return;
        }
        let supply = self.chain.read(self.chain.at.token, &totalSupplyCall {});
        let call = payCall {
            round,
            role: id.0,
            operator,
            amount,
        };
        let mined = self.chain.run(work, minter, &call);
        assert_eq!(
            self.chain.read(self.chain.at.token, &totalSupplyCall {}),
            supply + amount
        );
        let cut = self.terms(id, round).reward_cut;
        self.model.reward(id, amount, cut, mined.block);
    }

    /// Payments that came to a transcoder in one block, each for a round.
    pub(crate) fn credited(&mut self, operator: Actor, payments: &[(u64, U256)], block: u64) {
        let mut expected = None;
        for (round, wei) in payments {
            self.eth_in += *wei;
            let share = self.terms((0, operator), *round).fee_share;
            let end = self.model.credit(operator, *wei, share, block);
            if share != 0 {
                expected = Some(end);
            }
        }
        let Some(expected) = expected else { return };
        let pool = poolOfCall {
            operator: self.actors[operator],
        };
        let end = self.chain.read(self.chain.at.fees, &pool).endBlock;
        assert!(
            end.abs_diff(expected) <= TOLERATED_END * payments.len() as u64,
            "fees end in block {end}, expected {expected}"
        );
        // The end is rounded down of amounts that are rounded: taken over where they differ.
        self.model.fees.entry(operator).or_default().stream.until = end;
    }

    pub(crate) fn withdraw_fees(&mut self) {
        let operator = self.random.below(OPERATORS) as usize;
        let holder = self.any_actor();
        let (from, fees) = (self.actors[holder], self.chain.at.fees);
        let call = withdrawFeesCall {
            operator: self.actors[operator],
            to: self.actors[holder],
        };
        if holder == operator && self.frozen((0, operator)) {
            return self.must_refuse(from, fees, &call);
        }
        let of = feesOfCall {
            operator: self.actors[operator],
            holder: from,
        };
        if self.chain.read(fees, &of) == U256::ZERO {
            return;
        }
        let before = self.chain.rpc.balance(fees);
        let mined = self.chain.run(from, fees, &call);
        let paid = before - self.chain.rpc.balance(fees);
        self.eth_out += paid;
        let amount = self.model.take_fees(operator, holder, mined.block);
        let slack = self.model.fees[&operator].slack.clone();
        self.near("fees", paid, &amount, &slack);
    }

    pub(crate) fn enlist(&mut self) {
        let id = self.any_pool();
        let (from, to) = (
            self.actors[self.random.below(ACTORS) as usize],
            self.bonding(),
        );
        let mined = self.chain.run(
            from,
            to,
            &enlistCall {
                role: id.0,
                operator: self.actors[id.1],
            },
        );
        self.model.enlist(id, mined.block);
    }
}
