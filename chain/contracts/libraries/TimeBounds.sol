// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {InvalidParameter, Parameters} from "../Parameters.sol";

/// @title What times a deployment may have
/// @notice Nobody can change a parameter later, so a slip of the keyboard must not lock stake for good, let a window
///         close before anyone can answer, or overflow a counter of 32 bits.
library TimeBounds {
    /// About 14 years of Ethereum's blocks: more is a mistake, and block numbers stay below 2^32 for long.
    uint256 internal constant MAX_BLOCKS = 36_000_000;
    /// Livepeer unbonds in 7 rounds; 366 of a day each are a year.
    uint256 internal constant MAX_ROUNDS = 366;
    /// A burst is short beside the time in which evidence is taken.
    uint256 internal constant MAX_DEADLINE_BLOCKS = 255;
    /// Block hashes are readable for 256 blocks.
    uint256 internal constant MAX_SEED_DELAY_BLOCKS = 255;

    /// @notice Reverts with the first time that is out of its bounds.
    function check(Parameters memory p) internal pure {
        _within("roundLength", p.roundLength, 1, MAX_BLOCKS);
        // An epoch's tickets are shown within the round or the next.
        _within("epochBlocks", p.epochBlocks, 1, p.roundLength);
        _within("deadlineBlocks", p.deadlineBlocks, 1, MAX_DEADLINE_BLOCKS);
        _within("evidenceWindow", p.evidenceWindow, 1, MAX_BLOCKS);
        _within("caseWindow", p.caseWindow, 1, MAX_BLOCKS);
        _within("unbondingRounds", p.unbondingRounds, 1, MAX_ROUNDS);
        _within("seedDelayBlocks", p.seedDelayBlocks, 1, MAX_SEED_DELAY_BLOCKS);
        _within("repeatRounds", p.repeatRounds, 1, MAX_ROUNDS);
        _within("resolverRounds", p.resolverRounds, 1, MAX_ROUNDS);
        _within("capRounds", p.capRounds, 1, MAX_ROUNDS);
        _within("breakerRounds", p.breakerRounds, 0, MAX_ROUNDS);
        _within("challengeBlocks", p.challengeBlocks, 1, MAX_BLOCKS);
        _within("unlockRounds", p.unlockRounds, 1, MAX_ROUNDS);
        _within("certifyBlocks", p.certifyBlocks, 1, MAX_BLOCKS);
        _within("claimBlocks", p.claimBlocks, 1, MAX_BLOCKS);
    }

    function _within(string memory name, uint256 found, uint256 low, uint256 high) private pure {
        if (found < low) revert InvalidParameter(name, found, low);
        if (found > high) revert InvalidParameter(name, found, high);
    }
}
