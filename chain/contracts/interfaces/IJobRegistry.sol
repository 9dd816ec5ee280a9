// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A stream that a broadcaster wants transcoded.
struct Job {
    /// Its account; its signer of the round signs assignments (see `IOperators`).
    address broadcaster;
    /// Block whose random value is the job's seed.
    uint64 seedBlock;
    /// keccak256 of the profiles' bytes.
    bytes32 profilesHash;
    /// Wei; transcoders with a higher snapshot price are not elected.
    uint256 maxPricePerPixel;
}

/// @title Jobs, their profiles, price caps and seeds
interface IJobRegistry {
    /// No such job.
    error UnknownJob(uint256 jobId);
    /// The job's seed exists from `seedBlock` on.
    error SeedNotYet(uint256 jobId, uint64 seedBlock);

    /// A job was created; `profiles` are laid out as in docs/protocol.md, section 4.
    event JobCreated(
        uint256 indexed jobId,
        address indexed broadcaster,
        bytes32 profilesHash,
        uint256 maxPricePerPixel,
        uint64 seedBlock,
        bytes profiles
    );
    /// The job's seed was written down.
    event SeedFixed(uint256 indexed jobId, bytes32 seed);

    /// @notice Creates a job of the caller's, or of the operator that the caller signs for. Ids count from 1.
    function createJob(bytes calldata profiles, uint256 maxPricePerPixel) external returns (uint256 jobId);

    /// @notice Writes down the job's seed before its source forgets it. Anyone may call it.
    function fixSeed(uint256 jobId) external returns (bytes32 seed);

    /// @notice The job's seed, written down or still readable at its source.
    function jobSeed(uint256 jobId) external view returns (bytes32);

    /// @notice All that is stored about a job but its seed.
    function jobOf(uint256 jobId) external view returns (Job memory);

    /// @notice Whose signatures and which profiles a job's assignments need.
    function termsOf(uint256 jobId) external view returns (address broadcaster, bytes32 profilesHash);

    /// @notice Number of jobs ever created; the last job's id.
    function jobCount() external view returns (uint256);
}
