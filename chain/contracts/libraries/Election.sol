// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice A round's transcoders in ascending order of address, as `BondingManager.snapshot` returns them.
struct Candidates {
    address[] operators;
    uint256[] weights;
    uint256[] prices;
}

/// @title Who is elected for a segment (docs/protocol.md, section 5)
/// @notice The rule of the nodes, for whatever on chain must know an electee.
library Election {
    /// @notice The electee of an attempt; zero if nobody is left or nobody has weight.
    /// @param maxPrice the job's cap in wei per pixel
    function elect(
        Candidates memory candidates,
        bytes32 seed,
        uint256 jobId,
        uint32 seq,
        uint8 attempt,
        uint256 maxPrice
    ) internal pure returns (address electee) {
        uint256 count = candidates.operators.length;
        uint256[] memory weights = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            if (candidates.prices[i] <= maxPrice) weights[i] = candidates.weights[i];
        }
        for (uint8 earlier = 0; earlier <= attempt; ++earlier) {
            uint256 winner = _draw(weights, keccak256(abi.encodePacked(seed, jobId, seq, earlier)));
            if (winner == count) return address(0);
            // Electees of earlier attempts are no candidates any more.
            weights[winner] = 0;
            electee = candidates.operators[winner];
        }
    }

    /// @dev Index of the winner, or the number of candidates if no weight is left.
    function _draw(uint256[] memory weights, bytes32 lot) private pure returns (uint256 winner) {
        uint256 total;
        for (uint256 i = 0; i < weights.length; ++i) {
            total += weights[i];
        }
        if (total == 0) return weights.length;
        (uint256 point,) = Math.mul512(uint256(lot), total);
        uint256 cumulative = weights[0];
        while (cumulative <= point) cumulative += weights[++winner];
    }
}
