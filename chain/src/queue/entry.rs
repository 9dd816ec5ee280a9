//! What the journal holds of one transaction.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::queue::budget::{Day, Purpose};
use crate::revert::Revert;

/// A call as it goes to the chain; the caller's key names it for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Idempotency key, chosen by the caller.
    pub key: String,
    /// Order of submission; transactions are sent in it.
    pub seq: u64,
    /// For logs: what the call does.
    pub label: String,
    pub to: Address,
    pub data: Bytes,
    pub value: U256,
    /// What its gas is spent on.
    #[serde(default)]
    pub purpose: Purpose,
    /// Whether no reorganisation reaches it any more: it is kept for its outcome, and not read at the next start.
    #[serde(default)]
    pub over: bool,
    /// The block in which a command has shown it, where a reorganisation took it out of that block and no command has
    /// told that yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_from: Option<B256>,
    pub state: State,
}

/// How far it has come. Every change is in the journal before its consequence leaves the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Not signed yet.
    Queued,
    /// Signed with this nonce, perhaps broadcast.
    Sent(Sent),
    /// In a block; `settled` once it had the confirmations and the outcome was told.
    Mined {
        sent: Sent,
        mined: Mined,
        settled: bool,
    },
    /// Over without a transaction on chain.
    Failed(TxError),
}

/// The signed forms of one transaction: same nonce, rising fees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub nonce: u64,
    pub gas: u64,
    /// Oldest first, never empty.
    pub attempts: Vec<Attempt>,
    /// The day whose gas limit it counts against: the chain's when the newest form was signed.
    #[serde(default)]
    pub day: Day,
}

/// One signed form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub hash: B256,
    pub raw: Bytes,
    pub max_fee: U256,
    pub tip: U256,
    /// Head when it was signed: the clock of "stuck".
    pub block: u64,
}

/// A transaction in a block, with success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// Transaction hash.
    pub tx: B256,
    /// Number of its block.
    pub block: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Gas used by the whole transaction.
    pub gas_used: u64,
    /// Wei paid per gas.
    pub gas_price: U256,
    /// Why it failed on chain, where it did; [`TxError::Reverted`] to callers.
    pub(crate) revert: Option<Revert>,
}

/// Why a call did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TxError {
    /// The chain would refuse it; nothing was sent.
    #[error("{label}: {revert}")]
    WouldRevert {
        /// What the call does.
        label: String,
        /// Why the contract refuses it.
        revert: Revert,
    },
    /// It was mined and failed: the state changed between the check and the block.
    #[error("{label}: {revert} (transaction {tx} in block {block}, {gas_used} gas)")]
    Reverted {
        /// What the call does.
        label: String,
        /// Why the contract refused it.
        revert: Revert,
        /// Transaction hash.
        tx: B256,
        /// Block number.
        block: u64,
        /// Gas used.
        gas_used: u64,
    },
    /// The node refuses the transaction itself, for instance for want of ETH.
    #[error("{label}: the Ethereum node refuses the transaction: {reason}")]
    Refused {
        /// What the call does.
        label: String,
        /// The node's words.
        reason: String,
    },
    /// The call holds a BLS key or signature that is no point; nothing was journaled.
    #[error("the call cannot be encoded: {0}")]
    Malformed(String),
    /// The queue ended first. The journal has the call; it goes on when the queue is opened again.
    #[error(
        "the transaction queue ended before the outcome was known; it resumes when it is opened again"
    )]
    Closed,
    /// The journal could not be written, so nothing was sent.
    #[error("the transaction journal cannot be written: {0}; is the disk full?")]
    Journal(String),
}

impl TxError {
    /// The contract's reason, where it is one.
    pub const fn revert(&self) -> Option<&Revert> {
        match self {
            Self::WouldRevert { revert, .. } | Self::Reverted { revert, .. } => Some(revert),
            _ => None,
        }
    }
}

impl Entry {
    /// The outcome, once there is one.
    pub fn outcome(&self) -> Option<Result<Mined, TxError>> {
        match &self.state {
            State::Queued | State::Sent(_) | State::Mined { settled: false, .. } => None,
            State::Failed(error) => Some(Err(error.clone())),
            State::Mined { mined, .. } => Some(match &mined.revert {
                None => Ok(mined.clone()),
                Some(revert) => Err(TxError::Reverted {
                    label: self.label.clone(),
                    revert: revert.clone(),
                    tx: mined.tx,
                    block: mined.block,
                    gas_used: mined.gas_used,
                }),
            }),
        }
    }

    /// Wei of gas that it has cost, or may yet cost at the most, and the day that pays.
    pub fn gas_cost(&self) -> Option<(Day, U256)> {
        let product = |gas: u64, price: U256| U256::from(gas).saturating_mul(price);
        match &self.state {
            State::Queued | State::Failed(_) => None,
            State::Sent(sent) => {
                let dearest = sent.attempts.iter().map(|a| a.max_fee).max();
                Some((sent.day, product(sent.gas, dearest.unwrap_or_default())))
            }
            State::Mined { sent, mined, .. } => {
                Some((sent.day, product(mined.gas_used, mined.gas_price)))
            }
        }
    }

    /// The nonce it holds, mined or not.
    pub const fn nonce(&self) -> Option<u64> {
        match &self.state {
            State::Sent(sent) | State::Mined { sent, .. } => Some(sent.nonce),
            State::Queued | State::Failed(_) => None,
        }
    }
}
