// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Which blocks an operator's cases cover
/// @notice A case opened in block O covers assignments of blocks O - D to O. To find out whether any case
///         covers block A, one asks for an opening in A to A + D. Openings are bits, one for each block, so the
///         answer is exact; D + 1 blocks lie in one word or in two, so its cost is constant.
library Bursts {
    /// Blocks that one may ask about at once: else they would lie in more than two words.
    uint256 internal constant MAX_SPAN = 256;

    /// @dev Bit b of word w: a case was opened in block 256 w + b.
    struct History {
        mapping(uint256 number => uint256 word) words;
    }

    /// @notice Records an opening.
    function record(History storage self, uint256 openedBlock) internal {
        self.words[openedBlock >> 8] |= uint256(1) << (openedBlock & 0xff);
    }

    /// @notice The first opening in `signedBlock` to `signedBlock + span - 1`, or 0.
    /// @param span 1 to `MAX_SPAN`
    function covering(History storage self, uint256 signedBlock, uint256 span)
        internal
        view
        returns (uint64 openedBlock)
    {
        uint256 number = signedBlock >> 8;
        uint256 offset = signedBlock & 0xff;
        // Bit i: an opening in block `signedBlock + i`.
        uint256 openings = self.words[number] >> offset;
        if (offset + span > 256) openings |= self.words[number + 1] << (256 - offset);
        openings &= type(uint256).max >> (256 - span);
        if (openings == 0) return 0;
        // The lowest bit that is set.
        return uint64(signedBlock + Math.log2(openings & (~openings + 1)));
    }
}
