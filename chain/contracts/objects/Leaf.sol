// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One chunk of one rendition under a receipt's output root (docs/protocol.md, section 3).
struct Leaf {
    uint8 rendition;
    uint32 chunk;
    bytes32 framesRoot;
    uint32 outputLen;
    bytes32 outputHash;
}

/// @title The 73 bytes of a leaf
library Leaves {
    /// A case keeps its leaf's index in 24 bits.
    uint32 internal constant MAX_COUNT = 1 << 24;

    /// The assignment has more leaves than a case can name. Nodes take no work with as many by far.
    error TooManyLeaves(uint32 found, uint32 maximum);

    /// @notice Reverts if some leaf of the assignment could be in no case.
    function requireCountable(uint32 leafCount) internal pure {
        if (leafCount > MAX_COUNT) revert TooManyLeaves(leafCount, MAX_COUNT);
    }

    /// @dev `abi.encodePacked` of the fields in their order, written by hand at a fraction of its gas. Like the decoder it
    ///      refuses words that say more than their type holds.
    function pack(Leaf calldata self) internal pure returns (bytes memory packed) {
        assembly ("memory-safe") {
            let rendition := calldataload(self)
            let chunk := calldataload(add(self, 0x20))
            let outputLen := calldataload(add(self, 0x60))
            if or(shr(8, rendition), shr(32, or(chunk, outputLen))) { revert(0x00, 0x00) }
            packed := mload(0x40)
            mstore(0x40, add(packed, 0x80))
            mstore(packed, 73)
            mstore(add(packed, 0x20), or(shl(248, rendition), shl(216, chunk)))
            mstore(add(packed, 0x25), calldataload(add(self, 0x40)))
            mstore(add(packed, 0x45), shl(224, outputLen))
            mstore(add(packed, 0x49), calldataload(add(self, 0x80)))
        }
    }
}
