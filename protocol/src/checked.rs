//! What the cores take: messages whose signatures the shell has checked, and the time.

use alloy_primitives::{Address, B256};

/// A message whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T> {
    /// EIP-712 digest of the signed object.
    pub hash: B256,
    /// Who signed it.
    pub signer: Address,
    /// The message.
    pub message: T,
}

/// Time as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Number of the chain's latest block; deadlines are counted in it.
    pub block: u64,
}
