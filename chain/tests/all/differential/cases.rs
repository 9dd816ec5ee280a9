//! Freezes, slashes and acquittals.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::model::PoolId;
use crate::differential::run::Run;

impl Run {
    pub(crate) fn freeze(&mut self) {
        let id = self.any_pool();
        if self.frozen(id) {
            return;
        }
        let (court, to) = (self.chain.at.court, self.bonding());
        self.chain.run(
            court,
            to,
            &freezeCall {
                role: id.0,
                operator: self.actors[id.1],
            },
        );
        self.model.freeze(id);
    }

    /// The end of a case: acquitted, or slashed by a little, half or all.
    pub(crate) fn judge(&mut self) {
        let frozen: Vec<_> = self
            .model
            .pools
            .iter()
            .filter(|p| p.1.frozen)
            .map(|p| *p.0)
            .collect();
        if frozen.is_empty() {
            return;
        }
        let id = frozen[self.random.below(frozen.len() as u64) as usize];
        let bps = match self.random.below(16) {
            0..=3 => 0,
            4..=12 => 1 + self.random.below(2_000),
            13..=14 => 5_000,
            _ => 10_000,
        };
        let (court, to, operator) = (self.chain.at.court, self.bonding(), self.actors[id.1]);
        if bps != 0 {
            let bystanders = self.worth_of_others(id);
            let mined = self.chain.run(
                court,
                to,
                &slashCall {
                    role: id.0,
                    operator,
                    bps: U256::from(bps),
                },
            );
            self.model.slash(id, bps, mined.block);
            self.tally.slashes += 1;
            self.tally.wiped += u64::from(bps == 10_000);
            // Of others nothing is cut; rewards of theirs go on being released.
            assert!(
                self.worth_of_others(id) >= bystanders,
                "a slash reached another pool"
            );
        }
        let mined = self.chain.run(
            court,
            to,
            &unfreezeCall {
                role: id.0,
                operator,
            },
        );
        self.model.unfreeze(id, mined.block);
    }

    pub(crate) fn worth_of_others(&mut self, id: PoolId) -> U256 {
        let mut sum = U256::ZERO;
        let to = self.bonding();
        for pool in self.model.pools.keys().copied().collect::<Vec<_>>() {
            if pool != id {
                let state = self.chain.read(
                    to,
                    &poolCall {
                        role: pool.0,
                        operator: self.actors[pool.1],
                    },
                );
                sum += state.ownStake + state.delegatedStake + state.pendingRewards;
            }
        }
        sum
    }
}
