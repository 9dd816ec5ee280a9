//! Payment tickets and planted faults: objects of the economy, hashed and signed like the others.

use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

sol! {
    /// A lottery ticket in ETH, bound to one assignment; signed by the broadcaster.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct PaymentTicket {
        /// The assignment paid for.
        bytes32 assignmentHash;
        /// The transcoder.
        address recipient;
        /// The broadcaster.
        address sender;
        /// Wei paid when it wins.
        uint256 faceValue;
        /// Chance of winning, out of 2^256.
        uint256 winProb;
        /// Unique per assignment.
        uint64 nonce;
        /// Keccak of the recipient's random number.
        bytes32 recipientRandHash;
    }

    /// A fault announced in an earlier round to probe the verifiers.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct PlantedFault {
        /// Keccak of the secret.
        bytes32 commitment;
        /// Base units of LPT.
        uint256 bond;
    }
}
