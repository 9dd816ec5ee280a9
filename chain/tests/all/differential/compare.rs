//! Every balance held against the exact one, and what the contracts hold against what they owe.

use alloy_primitives::{Address, U256};
use num_traits::Zero;

use crate::differential::contracts::*;
use crate::differential::model::{Exact, Lock, exact, small};
use crate::differential::run::{LOCKS, OPERATORS, Run};
use crate::differential::sets::FACTOR;

impl Run {
    /// Within the slack of the exact amount.
    pub(crate) fn near(&mut self, what: &str, found: U256, expected: &Exact, slack: &Exact) {
        let off = exact(found) - expected;
        let size = if off < Exact::zero() { -off } else { off };
        assert!(
            size <= slack + small(1),
            "operation {}: {what} is {found}, expected {} within {}",
            self.tally.done,
            expected.to_integer(),
            slack.ceil().to_integer()
        );
        let (_, bytes) = size.ceil().to_integer().to_bytes_be();
        self.tally.largest_off = self.tally.largest_off.max(U256::from_be_slice(&bytes));
    }

    /// A whole pool's rounding goes one way: it holds what the rules give to all together, or by each slash so many base
    /// units less.
    fn never_above(&self, what: &str, found: U256, expected: &Exact, less: u64) {
        let missing = expected - exact(found);
        // What the model's own numbers are cut by.
        let nothing = Exact::new(1.into(), num_bigint::BigInt::from(1) << 128);
        assert!(
            missing >= -nothing.clone() && missing <= small(less) + nothing,
            "operation {}: {what} of a pool are {found}, at most {less} less than {expected} by the rules",
            self.tally.done
        );
    }

    /// Everything, and that the contracts hold what they owe.
    pub(crate) fn compare(&mut self) {
        self.tally.comparisons += 1;
        let now = self.chain.now();
        let (bonding, token, ledger) = (self.bonding(), self.chain.at.token, self.chain.at.fees);
        let mut all = U256::ZERO;
        for id in (0..2).flat_map(|role| (0..OPERATORS as usize).map(move |o| (role, o))) {
            let operator = self.actors[id.1];
            // A copy: reading must not release anything for good.
            let mut model = self.model.clone();
            model.release(id, now);
            let pool = model.pool(id).clone();
            let state = self.chain.read(
                bonding,
                &poolCall {
                    role: id.0,
                    operator,
                },
            );
            all += state.ownStake + state.delegatedStake + state.pendingRewards;
            all += state.ownUnbonding + state.delegatedUnbonding;
            let weight = model.weight(id);
            assert!(
                weight.admits(U256::from(state.weight)),
                "operation {}: the weight of {id:?} is {}, expected {weight:?}",
                self.tally.done,
                state.weight
            );
            let bound = state.ownStake * U256::from(FACTOR);
            self.tally.bounded += u64::from(state.delegatedStake > bound);
            self.near(
                "pending",
                state.pendingRewards,
                &pool.rewards.pending,
                &(&pool.slack + small(3)),
            );
            let mut held = U256::ZERO;
            for (holder, account) in self.actors.clone().into_iter().enumerate() {
                let worth = self.chain.read(
                    bonding,
                    &stakeOfCall {
                        role: id.0,
                        operator,
                        holder: account,
                    },
                );
                held += worth;
                self.near("stake", worth, &pool.of(holder), &pool.slack);
            }
            assert!(
                held <= state.ownStake + state.delegatedStake,
                "shares are worth more than the pool"
            );
            let stakes = state.ownStake + state.delegatedStake + state.pendingRewards;
            let of_stakes = pool.bonded() + &pool.rewards.pending + &pool.left_behind;
            self.never_above("stakes", stakes, &of_stakes, 2 * pool.slashes);
            let locked = state.ownUnbonding + state.delegatedUnbonding;
            let locks = model.locks.values().filter(|lock| lock.pool == id);
            let of_locks = locks.map(|lock| &lock.amount).sum::<Exact>() + &pool.left_of_locks;
            self.never_above("locks", locked, &of_locks, pool.slashes);
        }
        assert_eq!(
            self.chain.read(token, &balanceOfCall { account: bonding }),
            all,
            "stake held and stake kept"
        );
        for (number, lock) in self.some_locks() {
            let found = self
                .chain
                .read(
                    bonding,
                    &lockOfCall {
                        lockId: U256::from(number),
                    },
                )
                .amount;
            let slack = self.model.pool(lock.pool).lock_slack.clone();
            self.near("lock", found, &lock.amount, &slack);
        }
        self.compare_fees(now, ledger);
        self.compare_purses();
    }

    pub(crate) fn some_locks(&self) -> Vec<(u64, Lock)> {
        let step = self.model.locks.len() / LOCKS + 1;
        let last = self.model.locks.iter().next_back();
        let some = self.model.locks.iter().step_by(step).chain(last);
        some.map(|(number, lock)| (*number, lock.clone())).collect()
    }

    pub(crate) fn compare_fees(&mut self, now: u64, ledger: Address) {
        let mut owed = U256::ZERO;
        for operator in 0..OPERATORS as usize {
            let mut model = self.model.clone();
            model.divide_fees(operator, now);
            let empty = model.pool((0, operator)).bonded().is_zero();
            let fees = model.fees[&operator].clone();
            let state = self.chain.read(
                ledger,
                &poolOfCall {
                    operator: self.actors[operator],
                },
            );
            owed += state.pending;
            for (holder, account) in self.actors.clone().into_iter().enumerate() {
                let of = feesOfCall {
                    operator: self.actors[operator],
                    holder: account,
                };
                let found = self.chain.read(ledger, &of);
                owed += found;
                let mut expected = fees.owed.get(&holder).cloned().unwrap_or_default();
                if empty && holder == operator {
                    expected += &fees.undivided;
                }
                self.near("fees", found, &expected, &fees.slack);
            }
        }
        let balance = self.chain.rpc.balance(ledger);
        assert_eq!(balance, self.eth_in - self.eth_out, "ether in and out");
        assert!(
            owed <= balance,
            "the ledger owes {owed} and holds {balance}"
        );
    }
}
