// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Parameters} from "./Parameters.sol";

/// @title Opens rounds and has their snapshots taken
contract RoundsManager is IRoundsManager {
    /// @inheritdoc IRoundsManager
    IBondingManager public immutable bonding;
    /// @inheritdoc IRoundsManager
    IVerifierRegistry public immutable registry;
    /// @inheritdoc IRoundsManager
    uint64 public immutable roundLength;

    /// @inheritdoc IRoundsManager
    uint64 public currentRound;
    /// @dev Beside the round, so that the common question about the present round reads one slot.
    uint64 private _presentOpenedAt;
    mapping(uint64 round => uint64 blockNumber) private _openedAt;

    constructor(Parameters memory parameters, IBondingManager bonding_, IVerifierRegistry registry_) {
        roundLength = parameters.roundLength;
        bonding = bonding_;
        registry = registry_;
    }

    /// @inheritdoc IRoundsManager
    function openRound() external returns (uint64 round) {
        uint64 present = currentRound;
        uint256 from = openableAt();
        if (block.number < from) revert RoundNotOver(present, from);
        round = present + 1;
        currentRound = round;
        _presentOpenedAt = uint64(block.number);
        _openedAt[round] = uint64(block.number);
        emit RoundOpened(round, uint64(block.number));
        // The registry reads the verifiers' snapshot, so stakes come first.
        bonding.takeSnapshot(round);
        registry.takeSnapshot(round);
    }

    /// @inheritdoc IRoundsManager
    function openedAt(uint64 round) external view returns (uint64) {
        if (round > currentRound) revert RoundNotOpened(round, currentRound);
        return _openedAt[round];
    }

    /// @inheritdoc IRoundsManager
    function openableAt() public view returns (uint256) {
        return uint256(_presentOpenedAt) + roundLength;
    }

    /// @inheritdoc IRoundsManager
    function isRoundAt(uint64 round, uint256 blockNumber) external view returns (bool) {
        uint64 present = currentRound;
        if (round == present) return blockNumber >= _presentOpenedAt;
        return round < present && blockNumber >= _openedAt[round] && blockNumber < _openedAt[round + 1];
    }
}
