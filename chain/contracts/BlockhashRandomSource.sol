// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {IRandomSource} from "./interfaces/IRandomSource.sol";

/// @title The hash of the block
/// @notice For test networks on L1. Whoever builds the block can choose its hash by trying out its contents, at no
///         cost: a broadcaster that builds the seed's block chooses its electees. Chains whose sequencer builds every
///         block need another source.
contract BlockhashRandomSource is IRandomSource {
    /// @inheritdoc IRandomSource
    /// @dev Readable for 256 blocks, and for 8,191 where EIP-2935 is active.
    function valueAt(uint256 blockNumber) external view returns (bytes32 value) {
        if (blockNumber >= block.number) revert ValueNotYet(blockNumber, block.number);
        value = Blockhash.blockHash(blockNumber);
        if (value == 0) revert ValueGone(blockNumber, block.number);
    }
}
