// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../libraries/MerkleTree.sol";

/// @title Whole trees, built level by level
library Trees {
    function root(bytes32[] memory leafHashes) internal pure returns (bytes32) {
        bytes32[] memory level = _padded(leafHashes);
        for (uint256 width = level.length; width > 1; width /= 2) {
            _up(level, width);
        }
        return level[0];
    }

    function path(bytes32[] memory leafHashes, uint256 index)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        bytes32[] memory level = _padded(leafHashes);
        siblings = new bytes32[](MerkleTree.depthOf(leafHashes.length));
        uint256 width = level.length;
        for (uint256 d = 0; d < siblings.length; ++d) {
            siblings[d] = level[index ^ 1];
            _up(level, width);
            (index, width) = (index / 2, width / 2);
        }
    }

    function _padded(bytes32[] memory leafHashes) private pure returns (bytes32[] memory level) {
        level = new bytes32[](1 << MerkleTree.depthOf(leafHashes.length));
        for (uint256 i = 0; i < leafHashes.length; ++i) {
            level[i] = leafHashes[i];
        }
    }

    function _up(bytes32[] memory level, uint256 width) private pure {
        for (uint256 i = 0; i < width / 2; ++i) {
            level[i] = MerkleTree.nodeHash(level[2 * i], level[2 * i + 1]);
        }
    }
}
