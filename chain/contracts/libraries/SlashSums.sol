// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What quorums have cut lately, in one slot: the present period's number in the upper 32 bits, then the
///         sums of the present and the three periods before it, 56 bits each, in units of 2^40 base units.
struct SlashSums {
    uint256 word;
}

/// @title The sum of slashes over the last rounds, never less than it was
/// @notice A period is a third of the span, rounded up, so the present one and the three before it cover the span
///         wherever in its period the present round is: what is counted is the last `span` rounds' and at most a
///         third more. Amounts are rounded up to whole units (about a millionth of a token).
library SlashSums40 {
    uint256 private constant UNIT_BITS = 40;
    uint256 private constant BUCKET_BITS = 56;
    uint256 private constant BUCKETS = 4;
    uint256 private constant BUCKET_MASK = (1 << BUCKET_BITS) - 1;
    uint256 private constant PERIOD_SHIFT = BUCKETS * BUCKET_BITS;

    /// @notice Writes the slot once, with one unit of the first period, so that no slash pays for a new one.
    function prepare(SlashSums storage self) internal {
        self.word = 1;
    }

    /// @notice The sum that counts in `round`, rounded up to whole units; base units.
    function sumAt(SlashSums storage self, uint64 round, uint64 span) internal view returns (uint256 sum) {
        uint256 word = _movedTo(self.word, round / _length(span));
        // BUCKETS of them; their sum has 58 bits at most.
        unchecked {
            sum = (word & BUCKET_MASK) + ((word >> BUCKET_BITS) & BUCKET_MASK)
                + ((word >> 2 * BUCKET_BITS) & BUCKET_MASK) + ((word >> 3 * BUCKET_BITS) & BUCKET_MASK);
        }
        return sum << UNIT_BITS;
    }

    /// @notice Whether the sum stays within `limit` base units when about `amount` is added. Two units are left
    ///         for the rounding of slashes, which cut each of a pool's parts rounded up.
    function admits(SlashSums storage self, uint64 round, uint64 span, uint256 amount, uint256 limit)
        internal
        view
        returns (bool)
    {
        return sumAt(self, round, span) + (((amount >> UNIT_BITS) + 2) << UNIT_BITS) <= limit;
    }

    /// @notice Adds `amount` base units, rounded up to whole units.
    function add(SlashSums storage self, uint64 round, uint64 span, uint256 amount) internal {
        uint256 word = _movedTo(self.word, round / _length(span));
        uint256 units = (amount + (1 << UNIT_BITS) - 1) >> UNIT_BITS;
        uint256 bucket = (word & BUCKET_MASK) + units;
        // A bucket that is full stays full: no quorum's stake reaches it (2^96 base units).
        if (bucket > BUCKET_MASK) bucket = BUCKET_MASK;
        self.word = (word & ~BUCKET_MASK) | bucket;
    }

    /// @dev Periods between the last addition and now push the buckets up and out.
    function _movedTo(uint256 word, uint256 period) private pure returns (uint256) {
        uint256 passed = period - (word >> PERIOD_SHIFT);
        uint256 buckets = passed < BUCKETS ? (word << (passed * BUCKET_BITS)) & ((1 << PERIOD_SHIFT) - 1) : 0;
        return (period << PERIOD_SHIFT) | buckets;
    }

    function _length(uint64 span) private pure returns (uint256) {
        return (uint256(span) + 2) / 3;
    }
}
