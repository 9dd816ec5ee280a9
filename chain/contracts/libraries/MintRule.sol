// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What certified work earns of a round's budget (docs/protocol.md, section 11)
/// @notice Every division rounds down and what is lost by it is not minted, so that the parts of all never
///         exceed the budget. The same steps in the same order are `assay-protocol`'s `mint`.
/// @dev Budgets have 128 bits, pixels 64, weights 96, basis points 16: no product overflows a word.
library MintRule {
    uint256 internal constant BPS = 10_000;

    /// @notice What the transcoders of a round share at most.
    function transcodersPart(uint256 budget, uint256 transcodersBps) internal pure returns (uint256) {
        return budget * transcodersBps / BPS;
    }

    /// @notice What the verifiers of a round share at most.
    function verifiersPart(uint256 budget, uint256 transcodersBps) internal pure returns (uint256) {
        return budget * (BPS - transcodersBps) / BPS;
    }

    /// @notice What is paid of a part at this demand: all of it from `fullMintPixels` on, so that at low demand a
    ///         few cheap pixels do not buy a round's inflation.
    function paidAt(uint256 part, uint256 totalPixels, uint256 fullMintPixels)
        internal
        pure
        returns (uint256)
    {
        return totalPixels >= fullMintPixels ? part : part * totalPixels / fullMintPixels;
    }

    /// @notice A transcoder's amount: its share of the work, at most its share of the stake with some slack for the
    ///         luck of elections.
    /// @param paid what `paidAt` leaves of the transcoders' part
    /// @param weight the transcoder's in the round's snapshot, of `totalWeight`
    function ofTranscoder(
        uint256 paid,
        uint256 pixels,
        uint256 totalPixels,
        uint256 weight,
        uint256 totalWeight,
        uint256 slackBps
    ) internal pure returns (uint256) {
        uint256 byWork = paid * pixels / totalPixels;
        uint256 byStake = paid * (weight * (BPS + slackBps)) / (totalWeight * BPS);
        return byWork < byStake ? byWork : byStake;
    }

    /// @notice A verifier's amount: its share of the weight of all, so that nobody gains by another's absence.
    /// @param paid what `paidAt` leaves of the verifiers' part
    function ofVerifier(uint256 paid, uint256 weight, uint256 totalWeight) internal pure returns (uint256) {
        return paid * weight / totalWeight;
    }
}
