// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {IJobRegistry, Job} from "./interfaces/IJobRegistry.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRandomSource} from "./interfaces/IRandomSource.sol";
import {Profiles} from "./libraries/Profiles.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Jobs and their seeds
/// @notice The seed is the random source's value for a fixed block after the one that created the job,
///         whoever asks for it and whenever: a caller cannot wait for a seed that it likes.
contract JobRegistry is IJobRegistry {
    /// Whose key acts for whom.
    IOperators public immutable operators;
    /// Where seeds come from.
    IRandomSource public immutable randomSource;
    /// Blocks from a job's creation to the block that gives its seed.
    uint64 public immutable seedDelayBlocks;

    /// @inheritdoc IJobRegistry
    uint256 public jobCount;
    mapping(uint256 jobId => Job) private _jobs;
    mapping(uint256 jobId => bytes32) private _seeds;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.seedDelayBlocks == 0) revert InvalidParameter("seedDelayBlocks", 0, 1);
        seedDelayBlocks = parameters.seedDelayBlocks;
        operators = IOperators(addresses.operators);
        randomSource = IRandomSource(addresses.randomSource);
    }

    /// @inheritdoc IJobRegistry
    function createJob(bytes calldata profiles, uint256 maxPricePerPixel) external returns (uint256 jobId) {
        Profiles.shape(profiles);
        jobId = ++jobCount;
        uint64 seedBlock = uint64(block.number) + seedDelayBlocks;
        bytes32 profilesHash = keccak256(profiles);
        address broadcaster = operators.operatorOf(msg.sender);
        _jobs[jobId] = Job(broadcaster, seedBlock, profilesHash, maxPricePerPixel);
        emit JobCreated(jobId, broadcaster, profilesHash, maxPricePerPixel, seedBlock, profiles);
    }

    /// @inheritdoc IJobRegistry
    function fixSeed(uint256 jobId) external returns (bytes32 seed) {
        seed = jobSeed(jobId);
        if (_seeds[jobId] != 0) return seed;
        _seeds[jobId] = seed;
        emit SeedFixed(jobId, seed);
    }

    /// @inheritdoc IJobRegistry
    function jobSeed(uint256 jobId) public view returns (bytes32 seed) {
        seed = _seeds[jobId];
        if (seed != 0) return seed;
        uint64 seedBlock = _existing(jobId).seedBlock;
        if (block.number < seedBlock) revert SeedNotYet(jobId, seedBlock);
        return randomSource.valueAt(seedBlock);
    }

    /// @inheritdoc IJobRegistry
    function jobOf(uint256 jobId) external view returns (Job memory) {
        return _existing(jobId);
    }

    /// @inheritdoc IJobRegistry
    function termsOf(uint256 jobId) external view returns (address broadcaster, bytes32 profilesHash) {
        Job storage job = _jobs[jobId];
        broadcaster = job.broadcaster;
        if (broadcaster == address(0)) revert UnknownJob(jobId);
        profilesHash = job.profilesHash;
    }

    function _existing(uint256 jobId) private view returns (Job storage job) {
        job = _jobs[jobId];
        if (job.broadcaster == address(0)) revert UnknownJob(jobId);
    }
}
