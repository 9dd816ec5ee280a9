// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What one transcoder did in one round: an entry of the list that the verifiers certify
///         (docs/protocol.md, section 11).
struct WorkClaim {
    /// The operator.
    address transcoder;
    /// Round of the assignments.
    uint64 round;
    /// Root over the hashes of its receipts in ascending order.
    bytes32 receiptsRoot;
    /// Output pixels of these receipts.
    uint64 pixels;
}

/// @title EIP-712 struct hash of a work claim
library WorkClaims {
    bytes32 internal constant TYPEHASH =
        keccak256("WorkClaim(address transcoder,uint64 round,bytes32 receiptsRoot,uint64 pixels)");

    function structHash(WorkClaim calldata self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self));
    }
}
