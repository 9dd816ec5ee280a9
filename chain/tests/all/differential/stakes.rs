//! What owners and delegators do with their stake.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::model::{Lock, PoolId, exact};
use crate::differential::run::{ACTORS, OPERATORS, Run};

impl Run {
    pub(crate) fn bond(&mut self) {
        let id = self.any_pool();
        // The minimum is asked of what is there afterwards.
        let amount = self.random.stake() + lpt(10);
        let (from, to) = (self.actors[id.1], self.bonding());
        let call = bondCall { role: id.0, amount };
        if self.frozen(id) {
            return self.must_refuse(from, to, &call);
        }
        if self
            .chain
            .read(self.chain.at.token, &balanceOfCall { account: from })
            < amount
        {
            return;
        }
        let mined = self.chain.run(from, to, &call);
        self.watch(id, &mined);
        self.model.deposit(id, id.1, &exact(amount), mined.block);
    }

    pub(crate) fn delegate(&mut self) {
        let id = self.any_pool();
        let actor = self.any_actor();
        let amount = self.random.stake();
        let (from, to) = (self.actors[actor], self.bonding());
        let operator = self.actors[id.1];
        let call = delegateCall {
            role: id.0,
            operator,
            amount,
        };
        if actor == id.1 || self.frozen(id) {
            return self.must_refuse(from, to, &call);
        }
        if self.chain.read(
            to,
            &stakeOfCall {
                role: id.0,
                operator,
                holder: operator,
            },
        ) < lpt(10)
            || self
                .chain
                .read(self.chain.at.token, &balanceOfCall { account: from })
                < amount
        {
            return;
        }
        let mined = self.chain.run(from, to, &call);
        self.watch(id, &mined);
        self.model.deposit(id, actor, &exact(amount), mined.block);
    }

    /// Some or all of a holding, to leave or to move.
    pub(crate) fn unbond(&mut self, moving: bool) {
        let id = self.any_pool();
        let holders: Vec<_> = self.model.pool(id).holdings.keys().copied().collect();
        if holders.is_empty() {
            return;
        }
        let holder = holders[self.random.below(holders.len() as u64) as usize];
        let (from, to) = (self.actors[holder], self.bonding());
        let operator = self.actors[id.1];
        let held = self.chain.read(
            to,
            &stakeOfCall {
                role: id.0,
                operator,
                holder: from,
            },
        );
        let everything = self.random.below(4) == 0;
        let amount = if everything {
            held
        } else {
            held * U256::from(1 + self.random.below(80)) / U256::from(100)
        };
        if amount.is_zero() {
            return;
        }
        let over = unbondCall {
            role: id.0,
            operator,
            amount: held + lpt(1),
        };
        self.must_refuse(from, to, &over);
        let target = self.random.below(OPERATORS) as usize;
        let mined = if moving {
            let destination = self.actors[target];
            let call = moveCall {
                role: id.0,
                from: operator,
                to: destination,
                amount,
            };
            let own = self.chain.read(
                to,
                &stakeOfCall {
                    role: id.0,
                    operator: destination,
                    holder: destination,
                },
            );
            if target == id.1
                || self.frozen(id)
                || (target != holder && own < lpt(10) - U256::from(1))
            {
                return self.must_refuse(from, to, &call);
            }
            self.chain.run(from, to, &call)
        } else {
            let call = unbondCall {
                role: id.0,
                operator,
                amount,
            };
            if self.frozen(id) {
                return self.must_refuse(from, to, &call);
            }
            self.chain.run(from, to, &call)
        };
        let number: u64 = self.chain.read(to, &lockCountCall {}).to();
        // Between the read and the block more was released: what was everything may not be it any more.
        let left = self.chain.read(
            to,
            &stakeOfCall {
                role: id.0,
                operator,
                holder: from,
            },
        );
        let lock = Lock {
            pool: id,
            holder,
            to: moving.then_some(target),
            amount: exact(amount),
            round: self.round,
        };
        self.model.unbond(number, lock, left.is_zero(), mined.block);
    }

    pub(crate) fn any_lock(&mut self) -> Option<u64> {
        let numbers: Vec<_> = self.model.locks.keys().copied().collect();
        // Every other time one of the oldest, so that they don't pile up.
        let among = if self.random.below(2) == 0 {
            8
        } else {
            numbers.len() as u64
        };
        let among = among.min(numbers.len() as u64);
        (among != 0).then(|| numbers[self.random.below(among) as usize])
    }

    pub(crate) fn ripe(&mut self, lock: &Lock, block: u64) -> bool {
        let over = self.opened.get(lock.round as usize + 1);
        self.round >= lock.round + UNBONDING
            && over.is_some_and(|opened| block >= opened + AFTER_ROUND)
    }

    /// Withdraws, or lets arrive.
    pub(crate) fn end_lock(&mut self) {
        let Some(number) = self.any_lock() else {
            return;
        };
        let lock = self.model.locks[&number].clone();
        let id = U256::from(number);
        let (from, to) = (self.actors[lock.holder], self.bonding());
        let state = self.chain.read(to, &lockOfCall { lockId: id });
        let block = self.chain.now() + 1;
        let ripe = self.ripe(&lock, block);
        if lock.to.is_some() && self.random.below(4) != 0 {
            return self.arrive(number, &lock, state.amount, ripe);
        }
        let call = withdrawCall { lockId: id };
        if !ripe || self.frozen(lock.pool) {
            return self.must_refuse(from, to, &call);
        }
        let token = self.chain.at.token;
        let before = self.chain.read(token, &balanceOfCall { account: from });
        self.chain.run(from, to, &call);
        let paid = self.chain.read(token, &balanceOfCall { account: from }) - before;
        assert_eq!(paid, state.amount, "a lock pays what it is worth");
        let slack = self.model.pool(lock.pool).lock_slack.clone();
        self.near("withdrawn", paid, &lock.amount, &slack);
        self.model.end(number, paid);
    }

    pub(crate) fn arrive(&mut self, number: u64, lock: &Lock, amount: U256, ripe: bool) {
        let Some(target) = lock.to else { return };
        let (anyone, to) = (
            self.actors[self.random.below(ACTORS) as usize],
            self.bonding(),
        );
        let call = arriveCall {
            lockId: U256::from(number),
        };
        let destination = (lock.pool.0, target);
        if !ripe || self.frozen(lock.pool) || self.frozen(destination) || amount.is_zero() {
            return self.must_refuse(anyone, to, &call);
        }
        let operator = self.actors[target];
        let own = self.chain.read(
            to,
            &stakeOfCall {
                role: lock.pool.0,
                operator,
                holder: operator,
            },
        );
        let enough = if lock.holder == target {
            own + amount
        } else {
            own
        };
        if enough < lpt(10) {
            return;
        }
        let mined = self.chain.run(anyone, to, &call);
        self.watch(destination, &mined);
        self.redeposited(number, destination, amount, mined.block);
    }

    pub(crate) fn rebond(&mut self) {
        let Some(number) = self.any_lock() else {
            return;
        };
        let lock = self.model.locks[&number].clone();
        let (from, to) = (self.actors[lock.holder], self.bonding());
        let amount = self
            .chain
            .read(
                to,
                &lockOfCall {
                    lockId: U256::from(number),
                },
            )
            .amount;
        let call = rebondCall {
            lockId: U256::from(number),
        };
        if self.frozen(lock.pool) || amount.is_zero() {
            return self.must_refuse(from, to, &call);
        }
        let operator = self.actors[lock.pool.1];
        let own = self.chain.read(
            to,
            &stakeOfCall {
                role: lock.pool.0,
                operator,
                holder: operator,
            },
        );
        let enough = if lock.holder == lock.pool.1 {
            own + amount
        } else {
            own
        };
        if enough < lpt(10) {
            return;
        }
        let mined = self.chain.run(from, to, &call);
        self.watch(lock.pool, &mined);
        self.redeposited(number, lock.pool, amount, mined.block);
    }

    pub(crate) fn redeposited(&mut self, number: u64, into: PoolId, amount: U256, block: u64) {
        let slack = self
            .model
            .pool(self.model.locks[&number].pool)
            .lock_slack
            .clone();
        let lock = self.model.end(number, amount);
        self.near("lock", amount, &lock.amount, &slack);
        self.model.deposit(into, lock.holder, &exact(amount), block);
    }

    /// Pools are begun anew only where slashes have left less than a millionth; these sequences do not get there.
    pub(crate) fn watch(&mut self, id: PoolId, mined: &crate::differential::rpc::Mined) {
        let renewed =
            alloy_primitives::keccak256("PoolRenewed(uint8,address,uint32,uint256)").to_string();
        assert!(!mined.events.contains(&renewed), "pool {id:?} was worn out");
    }
}
