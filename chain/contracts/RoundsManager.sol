// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {IMinter} from "./interfaces/IMinter.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {TimeBounds} from "./libraries/TimeBounds.sol";
import {Parameters} from "./Parameters.sol";

/// @title Opens rounds, has their snapshots taken and their budget fixed
/// @notice First of the contracts that count time, so it refuses a deployment whose times are out of bounds.
contract RoundsManager is IRoundsManager {
    /// @inheritdoc IRoundsManager
    IRoster public immutable roster;
    /// @inheritdoc IRoundsManager
    IVerifierRegistry public immutable registry;
    /// @inheritdoc IRoundsManager
    IMinter public immutable minter;
    /// @inheritdoc IRoundsManager
    uint64 public immutable roundLength;

    /// @dev Rounds whose opening is found beside the present round's number, in one slot: those that evidence
    ///      is about.
    uint256 private constant RECENT = 7;

    uint32 private _present;
    /// @dev Opening blocks of the last `RECENT` rounds, 32 bits each, the present round's lowest.
    uint224 private _recent;
    mapping(uint256 round => uint256 blockNumber) private _openedAt;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        TimeBounds.check(parameters);
        roundLength = parameters.roundLength;
        roster = IRoster(addresses.roster);
        registry = IVerifierRegistry(addresses.registry);
        minter = IMinter(addresses.minter);
    }

    /// @inheritdoc IRoundsManager
    function openRound() external returns (uint64 round) {
        uint32 present = _present;
        uint224 recent = _recent;
        uint256 from = uint256(uint32(recent)) + roundLength;
        if (block.number < from) revert RoundNotOver(present, from);
        round = present + 1;
        (_present, _recent) = (present + 1, recent << 32 | SafeCast.toUint32(block.number));
        _openedAt[round] = block.number;
        emit RoundOpened(round, uint64(block.number));
        // The registry reads the verifiers' snapshot, so stakes come first.
        roster.takeSnapshot(round);
        registry.takeSnapshot(round);
        minter.onRound(round);
    }

    /// @inheritdoc IRoundsManager
    function openedAt(uint64 round) external view returns (uint64) {
        (uint256 present, uint256 recent) = _openings();
        if (round > present) revert RoundNotOpened(round, uint64(present));
        return uint64(_opening(round, present, recent));
    }

    /// @inheritdoc IRoundsManager
    function openableAt() public view returns (uint256) {
        return uint256(uint32(_recent)) + roundLength;
    }

    /// @inheritdoc IRoundsManager
    function currentRound() external view returns (uint64) {
        return _present;
    }

    /// @inheritdoc IRoundsManager
    function isRoundAt(uint64 round, uint256 blockNumber) external view returns (bool) {
        (uint256 present, uint256 recent) = _openings();
        return _isRoundAt(round, blockNumber, present, recent);
    }

    /// @inheritdoc IRoundsManager
    function ageAt(uint64 round, uint256 blockNumber) external view returns (bool isRound, uint64 age) {
        (uint256 present, uint256 recent) = _openings();
        isRound = _isRoundAt(round, blockNumber, present, recent);
        if (isRound) age = uint64(present - round);
    }

    function _isRoundAt(uint64 round, uint256 blockNumber, uint256 present, uint256 recent)
        private
        view
        returns (bool)
    {
        if (round > present || blockNumber < _opening(round, present, recent)) return false;
        return round == present || blockNumber < _opening(uint256(round) + 1, present, recent);
    }

    /// @dev The present round and the recent openings, in one read of their slot.
    function _openings() private view returns (uint256 present, uint256 recent) {
        assembly ("memory-safe") {
            let word := sload(_present.slot)
            present := and(word, 0xffffffff)
            recent := shr(32, word)
        }
    }

    /// @dev Block in which a round up to the present one was opened.
    function _opening(uint256 round, uint256 present, uint256 recent) private view returns (uint256) {
        unchecked {
            uint256 age = present - round;
            return age < RECENT ? uint32(recent >> (32 * age)) : _openedAt[round];
        }
    }
}
