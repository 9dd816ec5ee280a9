//! The node record: which libp2p peer speaks for an operator.

use alloy_primitives::Bytes;
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::sig::Signature;

sol! {
    /// Binds an operator to its libp2p peer and addresses until a block; a higher sequence replaces a lower one.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct NodeRecord {
        /// The operator account.
        address operator;
        /// The peer id's multihash.
        bytes peerId;
        /// Bit set of [`roles`].
        uint8 roles;
        /// Multiaddrs.
        string[] addresses;
        /// Grows with every change.
        uint64 sequence;
        /// Last block at which it holds.
        uint64 expiryBlock;
    }
}

/// The bits of [`NodeRecord::roles`].
pub mod roles {
    /// Publishes jobs.
    pub const BROADCASTER: u8 = 1;
    /// Encodes.
    pub const TRANSCODER: u8 = 2;
    /// Recomputes.
    pub const VERIFIER: u8 = 4;
}

/// A record with the signatures of both it binds: neither can claim the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRecord {
    /// The signed object.
    pub record: NodeRecord,
    /// The operator's signature.
    pub signature: Signature,
    /// The peer's signature over the same digest, with its libp2p key.
    pub peer_signature: Bytes,
}
