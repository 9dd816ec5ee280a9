// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {IRandomSource} from "./interfaces/IRandomSource.sol";

/// @title The hash of the block
/// @notice For L1. A block's proposer can withhold one block to get another hash, at the price of its reward;
///         chains whose sequencer chooses the hashes need another source.
contract BlockhashRandomSource is IRandomSource {
    /// @inheritdoc IRandomSource
    /// @dev Readable for 256 blocks, and for 8,191 where EIP-2935 is active.
    function valueAt(uint256 blockNumber) external view returns (bytes32 value) {
        if (blockNumber >= block.number) revert ValueNotYet(blockNumber, block.number);
        value = Blockhash.blockHash(blockNumber);
        if (value == 0) revert ValueGone(blockNumber, block.number);
    }
}
