//! Work claims and the certified list of a round.

use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

sol! {
    /// A transcoder's claim for one round; signed by it.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct WorkClaim {
        /// The claimant.
        address transcoder;
        /// The round.
        uint64 round;
        /// Root over its receipts' hashes.
        bytes32 receiptsRoot;
        /// Output pixels.
        uint64 pixels;
    }

    /// The one list of a round that the verifiers certify together; BLS.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct RoundWork {
        /// The round.
        uint64 round;
        /// Root over the claims.
        bytes32 claimsRoot;
        /// Output pixels of all claims.
        uint64 totalPixels;
    }
}
