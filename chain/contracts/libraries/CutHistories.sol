// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an operator kept and shared in each round
/// @notice A reward is divided by the terms of the round in which it was earned, which is paid for several rounds
///         afterwards; so the last changes are kept, four entries in one word. Nobody is refused a change: who changes more
///         often is held, for the rounds before, to what was best for its delegators of all that it had set.
/// @dev 64 bits each, the newest lowest: the first round in which it counts (32 bits; round numbers have as many, see
///      RoundsManager), fee share, reward cut. A word of zeros says that nothing was kept or shared from the beginning.
library CutHistories {
    uint256 private constant ENTRIES = 4;
    uint256 private constant ENTRY_BITS = 64;
    uint256 private constant ENTRY_MASK = type(uint64).max;

    /// @notice Adds terms that count from a round on, which is no earlier than that of the newest. Terms of the same
    ///         round, which have not counted yet, are replaced.
    function set(uint256 history, uint64 fromRound, uint16 rewardCutBps, uint16 feeShareBps)
        internal
        pure
        returns (uint256)
    {
        if (_fromRound(history) != fromRound) {
            uint256 oldest = _best(_entry(history, ENTRIES - 1), _entry(history, ENTRIES - 2));
            uint256 kept = (history << ENTRY_BITS) & ~(ENTRY_MASK << (ENTRY_BITS * (ENTRIES - 1)));
            history = kept | oldest << (ENTRY_BITS * (ENTRIES - 1));
        }
        uint256 entry = uint256(uint32(fromRound)) << 32 | uint256(feeShareBps) << 16 | rewardCutBps;
        return (history & ~ENTRY_MASK) | entry;
    }

    /// @notice The terms in a round.
    function at(uint256 history, uint64 round)
        internal
        pure
        returns (uint16 rewardCutBps, uint16 feeShareBps)
    {
        for (uint256 i = 1; i < ENTRIES && round < _fromRound(history); ++i) {
            history >>= ENTRY_BITS;
        }
        return (uint16(history), uint16(history >> 16));
    }

    /// @dev The smaller cut and the larger share, from the first round of the later one on and before.
    function _best(uint256 earlier, uint256 later) private pure returns (uint256) {
        (uint16 cut, uint16 share) = (uint16(earlier), uint16(earlier >> 16));
        (uint16 laterCut, uint16 laterShare) = (uint16(later), uint16(later >> 16));
        if (laterCut < cut) cut = laterCut;
        if (laterShare > share) share = laterShare;
        return (later & ~uint256(type(uint32).max)) | uint256(share) << 16 | cut;
    }

    function _entry(uint256 history, uint256 index) private pure returns (uint256) {
        return (history >> (ENTRY_BITS * index)) & ENTRY_MASK;
    }

    function _fromRound(uint256 history) private pure returns (uint64) {
        return uint32(history >> 32);
    }
}
