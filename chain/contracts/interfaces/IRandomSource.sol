// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Randomness by block number
/// @notice The value of a block is fixed once it can be read: callers name a block that lies in the future
///         when they commit to it, so that nobody can choose among values.
interface IRandomSource {
    /// The block's value does not exist yet; it can be read from block `blockNumber + 1` on.
    error ValueNotYet(uint256 blockNumber, uint256 current);
    /// The block is too old for its value to be read any more.
    error ValueGone(uint256 blockNumber, uint256 current);

    /// @param blockNumber the block that was named in advance
    function valueAt(uint256 blockNumber) external view returns (bytes32);
}
