// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an operator was slashed for lately, in one word
/// @notice From the lowest bits: the round of the last execution (32), the repeats so far (8), the opening blocks of
///         the last six executed wrong-encode cases (32 each, the newest lowest).
/// @dev A case opened in block O covers assignments of blocks O - D to O. To find out whether any executed case
///      covers block A, one asks for an opening in A to A + D. Six are enough: by then the penalty has doubled six
///      times within the repeat rounds, and a pool that is still there has been idle for longer than evidence lasts.
library OffenceRecords {
    uint256 internal constant KEPT = 6;
    uint256 private constant OPENINGS_SHIFT = 40;
    uint256 private constant ROUND_MASK = 0xffffffff;

    /// @notice Round of the last execution, and how many there were in a row.
    function lastOf(uint256 word) internal pure returns (uint64 round, uint8 strikes) {
        return (uint64(word & ROUND_MASK), uint8(word >> 32));
    }

    /// @notice The record after an execution in `round`, the `strikes`th in a row.
    function punished(uint256 word, uint64 round, uint8 strikes) internal pure returns (uint256) {
        return ((word >> OPENINGS_SHIFT) << OPENINGS_SHIFT) | (uint256(strikes) << 32) | (round & ROUND_MASK);
    }

    /// @notice The record after the execution of a wrong-encode case that was opened in `openedBlock`.
    function opened(uint256 word, uint32 openedBlock) internal pure returns (uint256) {
        uint256 low = word & ((1 << OPENINGS_SHIFT) - 1);
        uint256 openings = (word >> OPENINGS_SHIFT) << 32 | openedBlock;
        // What is shifted beyond the sixth falls off the word's end, or would be a seventh's rest.
        return low | ((openings & ((1 << (32 * KEPT)) - 1)) << OPENINGS_SHIFT);
    }

    /// @notice The first opening in `signedBlock` to `signedBlock + span - 1`, or 0.
    function covering(uint256 word, uint256 signedBlock, uint256 span)
        internal
        pure
        returns (uint64 openedBlock)
    {
        for (uint256 openings = word >> OPENINGS_SHIFT; openings != 0; openings >>= 32) {
            uint64 opening = uint32(openings);
            if (opening < signedBlock || opening >= signedBlock + span) continue;
            if (openedBlock == 0 || opening < openedBlock) openedBlock = opening;
        }
    }
}
