//! Why a request to the Ethereum nodes has no answer.

use std::time::Duration;

use alloy_primitives::{B256, Bytes};

/// A request that gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// The address is no URL this client speaks.
    #[error("`{url}` is no http:// or https:// address of an Ethereum node: {reason}")]
    Url {
        /// What was given, without user, path and query, which may hold a secret.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No address at all.
    #[error("no address of an Ethereum node is given; expected at least one")]
    NoUrl,
    /// Certificates for HTTPS cannot be had.
    #[error("certificates for https:// cannot be read: {reason}")]
    Certificates {
        /// Which, and what is wrong with them.
        reason: String,
    },
    /// No answer: refused, closed, not HTTP.
    #[error("the Ethereum node does not answer {method}: {reason}; is it running?")]
    Unreachable {
        /// The RPC method.
        method: &'static str,
        /// What the HTTP client said.
        reason: String,
    },
    /// No answer in time.
    #[error("the Ethereum node did not answer {method} within {} s", limit.as_secs_f32())]
    Timeout {
        /// The RPC method.
        method: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The node answered with an error.
    #[error("the Ethereum node refuses {method}: {message} (code {code})")]
    Refused {
        /// The RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// Revert data, where the error is a revert.
        data: Option<Bytes>,
    },
    /// The answer is not what the method promises.
    #[error("the Ethereum node's answer to {method} cannot be read: {reason}")]
    Malformed {
        /// The RPC method.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The node serves another chain than it did, or than the others do.
    #[error("{endpoint} serves chain {found}, expected is chain {expected}; it is not used")]
    OtherChain {
        /// The endpoint.
        endpoint: String,
        /// Its chain id.
        found: u64,
        /// The deployment's.
        expected: u64,
    },
    /// The node serves another chain of the same number.
    #[error(
        "{endpoint} serves a chain that begins with block {found}, expected is {expected}; it is not used"
    )]
    OtherGenesis {
        /// The endpoint.
        endpoint: String,
        /// Hash of its block 0.
        found: B256,
        /// Of the chain that is followed.
        expected: B256,
    },
    /// Every endpoint failed.
    #[error("no Ethereum node answers {method}: {reasons}")]
    NoneAnswers {
        /// The RPC method.
        method: &'static str,
        /// Each endpoint with its reason.
        reasons: String,
    },
}

impl RpcError {
    /// Whether asking again later may help: the node is away, not of another opinion.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Malformed { .. }
                | Self::OtherChain { .. }
                | Self::OtherGenesis { .. }
                | Self::NoneAnswers { .. }
        )
    }

    /// Whether the node itself does not function, as opposed to being another one or of another opinion.
    pub(crate) const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Malformed { .. }
        )
    }

    /// Whether another endpoint, or this one later, may well answer what this one refuses: it does not know the method,
    /// has thrown the state away, or is asked too much. Codes of EIP-1474; −32000 is a verdict on the call itself.
    pub(crate) const fn is_local_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: -32001 | -32002 | -32004 | -32005 | -32601 | -32603,
                data: None,
                ..
            }
        )
    }
}
