// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Tagged keccak trees of fixed depth (docs/protocol.md, section 3)
library MerkleTree {
    /// The index lies outside the tree.
    error IndexOutOfTree(uint256 index, uint256 leafCount);
    /// A path has exactly `ceil(log2 leafCount)` siblings.
    error WrongPathLength(uint256 found, uint256 expected);

    /// @notice keccak256 of the tag 0 and the payload.
    /// @dev The tag lies for a moment in the last byte of the payload's length.
    function leafHash(bytes memory payload) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let length := mload(payload)
            mstore8(add(payload, 0x1f), 0)
            hash := keccak256(add(payload, 0x1f), add(length, 1))
            mstore(payload, length)
        }
    }

    function nodeHash(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice The least depth whose width holds `leafCount` leaves.
    function depthOf(uint256 leafCount) internal pure returns (uint256 depth) {
        unchecked {
            // Counts have 32 bits.
            while ((uint256(1) << depth) < leafCount) ++depth;
        }
    }

    /// @notice The root that `path` gives for the leaf hash `node` at `index`.
    function rootFrom(bytes32 node, uint256 index, uint256 leafCount, bytes32[] calldata path)
        internal
        pure
        returns (bytes32)
    {
        if (index >= leafCount) revert IndexOutOfTree(index, leafCount);
        // The width holds the last index, and half of it does not.
        bool fits;
        assembly ("memory-safe") {
            let last := sub(leafCount, 1)
            fits := iszero(shr(path.length, last))
            if path.length { fits := and(fits, iszero(iszero(shr(sub(path.length, 1), last)))) }
        }
        if (!fits) revert WrongPathLength(path.length, depthOf(leafCount));
        // `nodeHash` level by level in one place of free memory: tag, left, right.
        assembly ("memory-safe") {
            let free := mload(0x40)
            let left := add(free, 1)
            let right := add(free, 0x21)
            mstore8(free, 1)
            let end := add(path.offset, shl(5, path.length))
            for { let sibling := path.offset } lt(sibling, end) { sibling := add(sibling, 0x20) } {
                let side := shl(5, and(index, 1))
                mstore(add(left, side), node)
                mstore(sub(right, side), calldataload(sibling))
                node := keccak256(free, 0x41)
                index := shr(1, index)
            }
        }
        return node;
    }
}
