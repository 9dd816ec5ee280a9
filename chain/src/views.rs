//! What reads return.

use alloy_primitives::{Address, B256, Bytes, U256};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use serde::{Deserialize, Serialize};

/// What an operator stakes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Encodes.
    Transcoder,
    /// Recomputes.
    Verifier,
}

impl Role {
    /// Number in the contracts.
    pub const fn code(self) -> u8 {
        match self {
            Self::Transcoder => 0,
            Self::Verifier => 1,
        }
    }

    /// Places in its active set.
    pub const fn places(self, params: &Params) -> u64 {
        match self {
            Self::Transcoder => params.active_transcoders,
            Self::Verifier => params.active_verifiers,
        }
    }

    /// From the number in the contracts.
    pub(crate) const fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Transcoder),
            1 => Some(Self::Verifier),
            _ => None,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transcoder => "transcoder",
            Self::Verifier => "verifier",
        })
    }
}

/// A block's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Hash of the one before.
    pub parent: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// A mined transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxView {
    /// Who sent and paid it.
    pub from: Address,
    /// Its block.
    pub block: u64,
    /// Whether it was not reverted.
    pub succeeded: bool,
    /// Gas of the whole transaction.
    pub gas_used: u64,
}

/// The present round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundView {
    /// The last round opened; 0 before the first.
    pub round: u64,
    /// Block in which it was opened.
    pub opened_at: u64,
    /// First block in which the next one may be opened.
    pub openable_at: u64,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id, from 1.
    pub id: U256,
    /// Whose assignments count.
    pub broadcaster: Address,
    /// Bytes of the profiles, from the event.
    pub profiles: Bytes,
    /// Their keccak.
    pub profiles_hash: B256,
    /// Wei per pixel.
    pub max_price_per_pixel: U256,
    /// Block whose random value is the seed.
    pub seed_block: u64,
    /// The seed, once that block is there.
    pub seed: Option<B256>,
}

/// An operator's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolView {
    /// The operator's own bond.
    pub own: Lpt,
    /// Delegations to it.
    pub delegated: Lpt,
    /// Of its own bond, what is unbonding and still slashable.
    pub own_unbonding: Lpt,
    /// Of the delegations, what is unbonding or moving and still slashable.
    pub delegated_unbonding: Lpt,
    /// Rewards that are not released yet, slashable like the rest.
    pub pending_rewards: Lpt,
    /// Block by which they are released, unless the pool is frozen before.
    pub pending_until: u64,
    /// Counts in elections and quorums from the next snapshot on.
    pub weight: Lpt,
    /// Open cases; frozen while there is one.
    pub open_cases: u16,
    /// How often the pool has lost everything.
    pub generation: u32,
}

impl PoolView {
    /// Bonded stake, own and delegated, without what is unbonding.
    pub fn bonded(&self) -> Lpt {
        Lpt(self.own.0.saturating_add(self.delegated.0))
    }

    /// Whether a case is open against it.
    pub const fn is_frozen(&self) -> bool {
        self.open_cases > 0
    }
}

/// Stake on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockView {
    /// Who withdraws it.
    pub holder: Address,
    /// Role of the pool it comes from.
    pub role: Role,
    /// Operator of that pool.
    pub operator: Address,
    /// Operator of the pool that it moves to; `None` if it leaves.
    pub destination: Option<Address>,
    /// What it is worth now.
    pub amount: Lpt,
    /// Round in which it was made.
    pub round: u64,
    /// First round in which it may be withdrawn.
    pub withdrawable_round: u64,
    /// First block in which it may be withdrawn; 0 while unknown.
    pub withdrawable_block: u64,
}

impl LockView {
    /// Whether it may be withdrawn, or arrive, in round `round` at block `block`, as far as time goes.
    pub const fn is_ripe(&self, round: u64, block: u64) -> bool {
        self.withdrawable_block != 0
            && block >= self.withdrawable_block
            && round >= self.withdrawable_round
    }
}
