// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an operator kept and shared in each round
/// @notice A reward is divided by the terms of the round that it is for, which is paid for several rounds afterwards;
///         so the last four changes are kept, in one word. Nobody is refused a change: whoever makes more of them keeps
///         nothing of rounds before the fourth last one.
/// @dev 64 bits each, the newest lowest: the first round in which it counts (32 bits; round numbers have as many, see
///      RoundsManager), fee share, reward cut. A word of zeros says that nothing was kept or shared from the beginning.
library CutHistories {
    uint256 private constant BPS = 10_000;
    uint256 private constant ENTRIES = 4;
    uint256 private constant ENTRY_BITS = 64;

    /// @notice Adds terms that count from a round on, which is no earlier than that of the newest. Terms of the same
    ///         round, which have not counted yet, are replaced.
    function set(uint256 history, uint64 fromRound, uint16 rewardCutBps, uint16 feeShareBps)
        internal
        pure
        returns (uint256)
    {
        if (_fromRound(history) == fromRound) history >>= ENTRY_BITS;
        uint256 entry = uint256(uint32(fromRound)) << 32 | uint256(feeShareBps) << 16 | rewardCutBps;
        return history << ENTRY_BITS | entry;
    }

    /// @notice The terms in a round; of one that is forgotten everything is the delegators'.
    function inRound(uint256 history, uint64 round)
        internal
        pure
        returns (uint16 rewardCutBps, uint16 feeShareBps)
    {
        for (uint256 i = 0; i < ENTRIES; ++i) {
            if (round >= _fromRound(history)) return (uint16(history), uint16(history >> 16));
            history >>= ENTRY_BITS;
        }
        return (0, uint16(BPS));
    }

    function _fromRound(uint256 history) private pure returns (uint64) {
        return uint32(history >> 32);
    }
}
