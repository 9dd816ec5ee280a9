// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The layout of a job's profiles (docs/protocol.md, section 4)
/// @notice Checks only what the chain relies on: which leaves a segment has. Settings of the encoder are the
///         nodes' business.
library Profiles {
    uint256 internal constant HEADER_LENGTH = 21;
    uint256 internal constant RENDITION_LENGTH = 12;
    uint256 internal constant MAX_RENDITIONS = 16;
    uint8 internal constant VERSION = 1;

    /// Version, counts and length do not fit together.
    error MalformedProfiles(uint256 length, uint256 renditions);

    /// @notice Reads the counts; reverts unless version, counts and length agree.
    /// @return chunkFrames frames of a full chunk
    /// @return renditions number of renditions
    function shape(bytes calldata profiles) internal pure returns (uint256 chunkFrames, uint256 renditions) {
        if (profiles.length < HEADER_LENGTH) revert MalformedProfiles(profiles.length, 0);
        chunkFrames = uint16(bytes2(profiles[1:3]));
        renditions = uint8(profiles[3]);
        if (
            uint8(profiles[0]) != VERSION || chunkFrames == 0 || renditions == 0
                || renditions > MAX_RENDITIONS
                || profiles.length != HEADER_LENGTH + RENDITION_LENGTH * renditions
        ) revert MalformedProfiles(profiles.length, renditions);
    }

    /// @notice Number of chunks of a segment, the last one possibly shorter.
    function chunksOf(uint256 frameCount, uint256 chunkFrames) internal pure returns (uint256) {
        return (frameCount + chunkFrames - 1) / chunkFrames;
    }
}
