//! A pool of stake as the contract keeps it: tokens owned by shares, so that a reward or a slash reaches every holder
//! at once.

use std::collections::BTreeMap;

use assay_protocol::U256;

const BPS: u64 = 10_000;
/// As in `libraries/SharePools.sol`: shares begin at 2^24 for a base unit.
const VIRTUAL_SHARES: u64 = 1 << 24;

/// Who holds shares besides the operator.
pub type Holder = usize;

/// Bonded stake of one operator and its delegators, base units of LPT; rounds against the holder.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    tokens: U256,
    shares: U256,
    own: U256,
    holdings: BTreeMap<Holder, U256>,
}

impl Pool {
    /// Adds to the operator's own bond.
    pub fn bond(&mut self, tokens: U256) {
        let shares = self.deposit(tokens);
        self.own += shares;
    }

    /// Adds to a delegation.
    pub fn delegate(&mut self, holder: Holder, tokens: U256) {
        let shares = self.deposit(tokens);
        *self.holdings.entry(holder).or_default() += shares;
    }

    /// Takes a whole delegation out; its worth.
    pub fn leave(&mut self, holder: Holder) -> U256 {
        let shares = self.holdings.remove(&holder).unwrap_or_default();
        let tokens = self.worth(shares);
        self.tokens -= tokens;
        self.shares -= shares;
        tokens
    }

    /// A reward: the operator's cut to its own bond, the rest to everybody by shares.
    pub fn reward(&mut self, tokens: U256, cut_bps: u64) -> Rewarded {
        let cut = tokens * U256::from(cut_bps) / U256::from(BPS);
        self.tokens += tokens - cut;
        if !cut.is_zero() {
            self.bond(cut);
        }
        Rewarded {
            cut,
            shared: tokens - cut,
        }
    }

    /// Cuts every holding; what is cut, rounded up.
    pub fn slash(&mut self, bps: u64) -> U256 {
        let cut = (self.tokens * U256::from(bps)).div_ceil(U256::from(BPS));
        self.tokens -= cut;
        cut
    }

    /// All stake.
    pub fn tokens(&self) -> U256 {
        self.tokens
    }

    /// Worth of the operator's own shares.
    pub fn own(&self) -> U256 {
        self.worth(self.own)
    }

    /// Worth of a delegation.
    pub fn of(&self, holder: Holder) -> U256 {
        self.worth(self.holdings.get(&holder).copied().unwrap_or_default())
    }

    /// What counts in elections.
    pub fn weight(&self, factor: u64, minimum: U256) -> U256 {
        let own = self.own();
        if own < minimum {
            return U256::ZERO;
        }
        own + (self.tokens - own).min(own * U256::from(factor))
    }

    fn deposit(&mut self, tokens: U256) -> U256 {
        let shares =
            tokens * (self.shares + U256::from(VIRTUAL_SHARES)) / (self.tokens + U256::from(1));
        self.tokens += tokens;
        self.shares += shares;
        shares
    }

    fn worth(&self, shares: U256) -> U256 {
        shares * (self.tokens + U256::from(1)) / (self.shares + U256::from(VIRTUAL_SHARES))
    }
}

/// How a reward was divided, base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewarded {
    /// To the operator alone.
    pub cut: U256,
    /// To all by shares.
    pub shared: U256,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_and_slashes_reach_everyone_by_shares() {
        let mut pool = Pool::default();
        let lpt = |n: u64| U256::from(n) * U256::from(10u64).pow(U256::from(18));
        pool.bond(lpt(1_000));
        pool.delegate(7, lpt(3_000));
        let rewarded = pool.reward(lpt(400), 2_500);
        assert_eq!((rewarded.cut, rewarded.shared), (lpt(100), lpt(300)));
        let near =
            |found: U256, expected: U256| found <= expected && expected - found < U256::from(5);
        assert!(near(pool.of(7), lpt(3_225)), "{}", pool.of(7));
        assert!(near(pool.own(), lpt(1_175)), "{}", pool.own());
        assert_eq!(pool.slash(1_000), lpt(440));
        assert!(near(pool.of(7) * U256::from(2), lpt(5_805)));
        let left = pool.leave(7);
        assert!(left + pool.own() <= pool.tokens() + left);
        assert_eq!(pool.weight(10, lpt(2_000)), U256::ZERO);
    }
    #[test]
    fn shares_begin_as_the_contract_has_them() {
        let contract = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../chain/contracts/libraries/SharePools.sol"
        );
        let source = std::fs::read_to_string(contract).unwrap();
        assert!(source.contains("uint256 internal constant VIRTUAL_SHARES = 1 << 24;"));
        let mut pool = Pool::default();
        pool.bond(U256::from(1));
        assert_eq!(pool.shares, U256::from(1u64 << 24));
    }
}
