// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Which blocks an operator's cases cover
/// @notice A case opened in block O covers assignments of blocks O - D to O. To find out whether any case
///         covers block A, one asks for an opening in A to A + D. Openings are kept in buckets of D + 1 blocks,
///         of each the first and the last: A to A + D touches two buckets, the upper end of one and the
///         lower end of the next, so first and last decide exactly, at constant cost.
library Bursts {
    /// @dev Blocks of the first and last opening in a bucket; 0 for none.
    struct Bucket {
        uint64 first;
        uint64 last;
    }

    struct History {
        mapping(uint256 number => Bucket) buckets;
    }

    /// @notice Records an opening; blocks never decrease.
    function record(History storage self, uint64 openedBlock, uint256 span) internal {
        Bucket storage bucket = self.buckets[openedBlock / span];
        if (bucket.first == 0) bucket.first = openedBlock;
        bucket.last = openedBlock;
    }

    /// @notice An opening in `signedBlock` to `signedBlock + span - 1`, or 0.
    function covering(History storage self, uint256 signedBlock, uint256 span)
        internal
        view
        returns (uint64 openedBlock)
    {
        uint256 number = signedBlock / span;
        openedBlock = self.buckets[number].last;
        if (openedBlock != 0 && openedBlock >= signedBlock) return openedBlock;
        openedBlock = self.buckets[number + 1].first;
        if (openedBlock != 0 && openedBlock < signedBlock + span) return openedBlock;
        return 0;
    }
}
