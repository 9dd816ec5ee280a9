//! What a transaction offers, and what its replacement must offer.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

const GWEI: u64 = 1_000_000_000;

/// Bounds on what is paid, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeCaps {
    /// Most that is offered to the block's builder. Nodes suggest 3 gwei even on an idle chain.
    pub tip: U256,
    /// Most that is offered in all; above it a transaction waits for a lower base fee.
    pub total: U256,
}

impl Default for FeeCaps {
    fn default() -> Self {
        Self {
            tip: U256::from(3 * GWEI / 2),
            total: U256::from(300 * GWEI),
        }
    }
}

impl FeeCaps {
    /// Most that is offered to the builder of a stuck transaction's block. Each replacement must offer an eighth more, so this
    /// also bounds how many there are.
    fn most_tip(&self) -> U256 {
        const TIMES: u64 = 4;
        let least = U256::from(GWEI);
        self.tip.saturating_mul(U256::from(TIMES)).max(least)
    }
}

/// An EIP-1559 offer, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fees {
    pub max_fee: U256,
    pub tip: U256,
}

impl Fees {
    /// Twice the base fee survives six full blocks in a row (12.5 % each).
    pub fn first(base_fee: U256, suggested_tip: Option<U256>, caps: &FeeCaps) -> Self {
        let tip = suggested_tip
            .unwrap_or(caps.tip)
            .min(caps.tip)
            .min(caps.total);
        let max_fee = (base_fee.saturating_mul(U256::from(2)).saturating_add(tip)).min(caps.total);
        Self {
            max_fee,
            tip: tip.min(max_fee),
        }
    }

    /// At least 12.5 % more on both, the least that pools accept for the same nonce (geth asks for 10 %);
    /// `None` where the caps forbid it.
    pub fn bumped(self, base_fee: U256, caps: &FeeCaps) -> Option<Self> {
        let least = Self {
            max_fee: eighth_more(self.max_fee),
            tip: eighth_more(self.tip),
        };
        let fresh = base_fee
            .saturating_mul(U256::from(2))
            .saturating_add(least.tip);
        let max_fee = least.max_fee.max(fresh.min(caps.total));
        (max_fee <= caps.total && least.tip <= caps.most_tip()).then_some(Self {
            max_fee,
            tip: least.tip.min(max_fee),
        })
    }
}

/// Rounded up, and at least one wei more.
fn eighth_more(fee: U256) -> U256 {
    fee.saturating_add(fee / U256::from(8))
        .saturating_add(U256::from(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gwei(n: u64) -> U256 {
        U256::from(n * GWEI)
    }

    #[test]
    fn an_idle_chain_is_not_paid_three_gwei() {
        let caps = FeeCaps::default();
        let fees = Fees::first(gwei(1), Some(gwei(3)), &caps);
        assert_eq!(fees.tip, caps.tip);
        assert_eq!(fees.max_fee, gwei(2) + caps.tip);
        let dear = Fees::first(gwei(1_000), Some(gwei(1)), &caps);
        assert_eq!(dear.max_fee, caps.total);
    }

    #[test]
    fn every_bump_is_at_least_an_eighth_until_a_cap() {
        let caps = FeeCaps {
            tip: gwei(2),
            total: gwei(50),
        };
        let mut fees = Fees::first(gwei(1), Some(gwei(1)), &caps);
        let mut bumps = 0;
        while let Some(next) = fees.bumped(gwei(1), &caps) {
            assert!(next.max_fee * U256::from(8) >= fees.max_fee * U256::from(9));
            assert!(next.tip * U256::from(8) >= fees.tip * U256::from(9));
            assert!(next.max_fee <= caps.total && next.tip <= next.max_fee);
            fees = next;
            bumps += 1;
        }
        assert!((5..20).contains(&bumps), "{bumps}");
        assert!(fees.tip > gwei(7) && fees.tip <= gwei(8), "{fees:?}");
        // The bound on the sum may come first.
        let low = FeeCaps {
            total: gwei(10),
            ..caps
        };
        let mut fees = Fees::first(gwei(4), Some(gwei(1)), &low);
        while let Some(next) = fees.bumped(gwei(4), &low) {
            fees = next;
        }
        assert!(fees.max_fee <= low.total && fees.tip < gwei(2), "{fees:?}");
    }

    #[test]
    fn a_bump_follows_a_risen_base_fee() {
        let caps = FeeCaps {
            tip: gwei(2),
            total: gwei(100),
        };
        let fees = Fees {
            max_fee: gwei(3),
            tip: gwei(1),
        };
        assert!(
            fees.bumped(gwei(20), &caps)
                .is_some_and(|f| f.max_fee > gwei(40))
        );
    }
}
