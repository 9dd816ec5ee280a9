// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What a verifier's own encode of one leaf gave (docs/protocol.md, section 1): a pass if the hash is
///         the leaf's, a fail otherwise.
struct Verdict {
    bytes32 receiptHash;
    uint32 leafIndex;
    bytes32 recomputedHash;
}

/// @title EIP-712 struct hash of a verdict
library Verdicts {
    bytes32 internal constant TYPEHASH =
        keccak256("Verdict(bytes32 receiptHash,uint32 leafIndex,bytes32 recomputedHash)");

    function structHash(Verdict memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self.receiptHash, self.leafIndex, self.recomputedHash));
    }
}
