//! Cuts, minted rewards, ether.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::model::PoolId;
use crate::differential::run::{ACTORS, OPERATORS, Run, TOLERATED_END};

impl Run {
    pub(crate) fn cuts_now(&self, id: PoolId) -> (u16, u16) {
        self.cuts[usize::from(id.0) * OPERATORS as usize + id.1][0]
    }

    pub(crate) fn set_cuts(&mut self) {
        let id = self.any_pool();
        let (reward, share) = (
            self.random.below(10_001) as u16,
            self.random.below(10_001) as u16,
        );
        let (from, to) = (self.actors[id.1], self.chain.at.operators);
        self.chain.run(
            from,
            to,
            &setCutsCall {
                role: id.0,
                rewardCutBps: reward,
                feeShareBps: share,
            },
        );
        self.cuts[usize::from(id.0) * OPERATORS as usize + id.1][1] = (reward, share);
    }

    pub(crate) fn reward(&mut self) {
        let id = self.any_pool();
        let (work, minter) = (self.chain.at.work, self.chain.at.minter);
        let budget = self.chain.read(minter, &budgetOfCall { round: self.round });
        let left = budget._0 - budget._1;
        let operator = self.actors[id.1];
        let over = payCall {
            round: self.round,
            role: id.0,
            operator,
            amount: left + U256::from(1),
        };
        self.must_refuse(work, minter, &over);
        let amount = left / U256::from(2 + self.random.below(5));
        if amount.is_zero() {
            return;
        }
        let supply = self.chain.read(self.chain.at.token, &totalSupplyCall {});
        let call = payCall {
            round: self.round,
            role: id.0,
            operator,
            amount,
        };
        let mined = self.chain.run(work, minter, &call);
        assert_eq!(
            self.chain.read(self.chain.at.token, &totalSupplyCall {}),
            supply + amount
        );
        let (cut, _) = self.cuts_now(id);
        self.model.reward(id, amount, cut, mined.block);
    }

    pub(crate) fn credit(&mut self) {
        let operator = self.random.below(OPERATORS) as usize;
        let wei = U256::from(1_000_000_000_000_000u64) + U256::from(self.random.next() / 4);
        let (broker, fees) = (self.chain.at.broker, self.chain.at.fees);
        let call = creditCall {
            operator: self.actors[operator],
            round: self.round,
        };
        let mined = self.chain.pay(broker, fees, &call, wei);
        self.eth_in += wei;
        let (_, share) = self.cuts_now((0, operator));
        let expected = self.model.credit(operator, wei, share, mined.block);
        let end = self
            .chain
            .read(
                fees,
                &poolOfCall {
                    operator: self.actors[operator],
                },
            )
            .endBlock;
        if share != 0 {
            assert!(
                end.abs_diff(expected) <= TOLERATED_END,
                "fees end in block {end}, expected {expected}"
            );
            // The end is rounded down of amounts that are rounded: taken over where they differ.
            self.model.fees.entry(operator).or_default().stream.until = end;
        }
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
        self.model.release(id, mined.block);
    }
}
