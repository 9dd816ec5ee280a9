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
        uint256 depth = depthOf(leafCount);
        if (path.length != depth) revert WrongPathLength(path.length, depth);
        // `nodeHash` level by level in one place of free memory: tag, left, right.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            for { let level := 0 } lt(level, depth) { level := add(level, 1) } {
                let side := shl(5, and(shr(level, index), 1))
                mstore(add(add(free, 1), side), node)
                mstore(add(add(free, 1), xor(side, 0x20)), calldataload(add(path.offset, shl(5, level))))
                node := keccak256(free, 0x41)
            }
        }
        return node;
    }
}
