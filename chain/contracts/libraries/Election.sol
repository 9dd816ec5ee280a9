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
    /// @param excluded electees of earlier attempts, perhaps by the snapshot of an earlier round
    function elect(
        Candidates memory candidates,
        bytes32 seed,
        uint256 jobId,
        uint32 seq,
        uint8 attempt,
        uint256 maxPrice,
        address[] memory excluded
    ) internal pure returns (address electee) {
        uint256 count = candidates.operators.length;
        uint256[] memory weights = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            if (candidates.prices[i] <= maxPrice && !_isAmong(candidates.operators[i], excluded)) {
                weights[i] = candidates.weights[i];
            }
        }
        uint256 winner = _draw(weights, keccak256(abi.encodePacked(seed, jobId, seq, attempt)));
        return winner == count ? address(0) : candidates.operators[winner];
    }

    function _isAmong(address operator, address[] memory list) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == operator) return true;
        }
        return false;
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
