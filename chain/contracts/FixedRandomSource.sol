// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRandomSource} from "./interfaces/IRandomSource.sol";

/// @title The same value for every block
/// @notice For demonstrations and tests that must repeat; everybody knows the value in advance.
contract FixedRandomSource is IRandomSource {
    /// The value of every block.
    bytes32 public immutable seed;

    constructor(bytes32 seed_) {
        seed = seed_;
    }

    /// @inheritdoc IRandomSource
    function valueAt(uint256) external view returns (bytes32) {
        return seed;
    }
}
