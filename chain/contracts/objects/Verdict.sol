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

    function structHash(Verdict calldata self) internal pure returns (bytes32) {
        return structHash(self.receiptHash, self.leafIndex, self.recomputedHash);
    }

    /// @dev `abi.encode` of the words, by hand.
    function structHash(bytes32 receiptHash, uint32 leafIndex, bytes32 recomputedHash)
        internal
        pure
        returns (bytes32 hash)
    {
        bytes32 typeHash = TYPEHASH;
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore(place, typeHash)
            mstore(add(place, 0x20), receiptHash)
            mstore(add(place, 0x40), and(leafIndex, 0xffffffff))
            mstore(add(place, 0x60), recomputedHash)
            hash := keccak256(place, 0x80)
        }
    }
}
