// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The one list of a round that its verifiers certify together (docs/protocol.md, section 11).
struct RoundWork {
    /// The round.
    uint64 round;
    /// Root over the hashes of the claims, in ascending order of transcoder.
    bytes32 claimsRoot;
    /// Number of claims: the tree's leaves.
    uint32 claims;
    /// Output pixels of all claims.
    uint64 totalPixels;
    /// Which of the round's verifiers did their duty in it; bit i is position i.
    uint64 duties;
}

/// @title EIP-712 struct hash of a round's work
library RoundWorks {
    bytes32 internal constant TYPEHASH = keccak256(
        "RoundWork(uint64 round,bytes32 claimsRoot,uint32 claims,uint64 totalPixels,uint64 duties)"
    );

    function structHash(RoundWork calldata self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self));
    }
}
