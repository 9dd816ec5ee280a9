//! Failures of reads, deployment and queue.

use alloy_primitives::{Address, U256};

use crate::queue::StoreError;
use crate::revert::Revert;
use crate::rpc::RpcError;

/// Why the chain client has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node is away or of another opinion.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A contract refuses a read.
    #[error("{what}: {revert}")]
    Revert {
        /// What was asked.
        what: &'static str,
        /// Why it is refused.
        revert: Revert,
    },
    /// A contract answers in another shape than the committed ABI says.
    #[error(
        "{what}: the contract's answer does not fit the committed ABI ({reason}); is this another deployment?"
    )]
    Shape {
        /// What was asked.
        what: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The node serves another chain.
    #[error("the Ethereum node serves chain {found}, the deployment is on chain {expected}")]
    OtherChain {
        /// The node's chain id.
        found: u64,
        /// The deployment's.
        expected: u64,
    },
    /// Nothing is deployed there.
    #[error(
        "there is no contract at {address}, where the deployment file has {name}; was the chain restarted?"
    )]
    NoCode {
        /// The contract.
        name: &'static str,
        /// Its address.
        address: Address,
    },
    /// The chain's parameters are not the node's.
    #[error(
        "the deployment's {name} is {found}, this node expects {expected}; use the deployment's own file"
    )]
    Parameter {
        /// Name in the contracts.
        name: &'static str,
        /// On chain.
        found: U256,
        /// Expected.
        expected: U256,
    },
    /// A parameter does not fit the contract's field.
    #[error(
        "parameter {name} is {found}; the contract's field has {bits} bits: choose less than 2^{bits}"
    )]
    ParameterTooLarge {
        /// Name in [`assay_protocol::params::Params`].
        name: &'static str,
        /// Its value.
        found: U256,
        /// What the field has.
        bits: usize,
    },
    /// A deployment transaction failed.
    #[error("deploying {name} failed: {reason}")]
    Deploy {
        /// The contract.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// The file of an unfinished deployment.
    #[error("{path} cannot be deployed by: {reason}; remove it to begin another deployment", path = path.display())]
    Plan {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// A registered BLS key is no key.
    #[error("the registered BLS key of {operator} is invalid: {reason}")]
    BlsKey {
        /// Whose.
        operator: Address,
        /// What is wrong.
        reason: assay_protocol::bls::BlsError,
    },
    /// The queue's journal.
    #[error(transparent)]
    Journal(#[from] StoreError),
    /// A task of our own ended in a panic.
    #[error("a background task failed: {0}")]
    Internal(String),
}
