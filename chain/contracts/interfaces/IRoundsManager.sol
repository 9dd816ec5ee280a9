// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMinter} from "./IMinter.sol";
import {IRoster} from "./IRoster.sol";
import {IVerifierRegistry} from "./IVerifierRegistry.sol";

/// @title Rounds by block number
/// @notice Round 0 lasts from the first block of the chain until somebody opens round 1; it has no snapshot.
interface IRoundsManager {
    /// The present round may only be followed from this block on.
    error RoundNotOver(uint64 round, uint256 openableAt);
    /// The round has not been opened.
    error RoundNotOpened(uint64 round, uint64 current);

    /// A round was opened and its snapshots were taken.
    event RoundOpened(uint64 indexed round, uint64 blockNumber);

    /// @notice Opens the next round and takes its snapshots. Anyone may call it once the present one is over.
    function openRound() external returns (uint64 round);

    /// @notice The last round opened.
    function currentRound() external view returns (uint64);

    /// @notice Block in which the round was opened.
    function openedAt(uint64 round) external view returns (uint64);

    /// @notice First block in which the next round may be opened.
    function openableAt() external view returns (uint256);

    /// @notice Whether `round` was the last one opened by the end of block `blockNumber`.
    function isRoundAt(uint64 round, uint256 blockNumber) external view returns (bool);

    /// @notice Whether round `round` lasted at a block, and if so how many rounds have been opened since.
    function ageAt(uint64 round, uint256 blockNumber) external view returns (bool isRound, uint64 age);

    /// @notice Where the snapshots of stakes are stored.
    function roster() external view returns (IRoster);

    /// @notice Where the snapshots of verifiers are stored.
    function registry() external view returns (IVerifierRegistry);

    /// @notice Who fixes each round's budget.
    function minter() external view returns (IMinter);

    /// @notice Blocks from one opening to the earliest next one.
    function roundLength() external view returns (uint64);
}
