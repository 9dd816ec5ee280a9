// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title EIP-712 struct hash of a divergence: SIMD level `level` of the signer's machine gives the claimed
///        bytes of a leaf, and another level does not (docs/protocol.md, section 1)
library Divergences {
    bytes32 internal constant TYPEHASH =
        keccak256("Divergence(bytes32 receiptHash,uint32 leafIndex,uint8 level)");

    function structHash(bytes32 receiptHash, uint32 leafIndex, uint8 level) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, receiptHash, leafIndex, level));
    }
}
