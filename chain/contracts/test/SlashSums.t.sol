// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SlashSums, SlashSums40} from "../libraries/SlashSums.sol";
import {TestBase} from "./TestBase.sol";

contract SlashSumsTest is TestBase {
    using SlashSums40 for SlashSums;

    SlashSums private _sums;

    /// Against a list: never less than the last `span` rounds', never more than those of a third more.
    function testFuzz_agrees_with_a_list(uint64 span, uint64[10] memory gaps, uint96[10] memory amounts)
        external
    {
        span = uint64(bound(span, 1, 366));
        _sums.prepare();
        uint64 round = 1;
        uint64[] memory rounds = new uint64[](gaps.length);
        for (uint256 i = 0; i < gaps.length; ++i) {
            round += gaps[i] % 40;
            rounds[i] = round;
            amounts[i] = amounts[i] >> 4;
            _sums.add(round, span, amounts[i]);
            (uint256 low, uint256 high) = (0, 1 << 40);
            uint64 length = (span + 2) / 3;
            for (uint256 j = 0; j <= i; ++j) {
                if (rounds[j] + span > round) low += amounts[j];
                if (rounds[j] / length + 4 > round / length) high += uint256(amounts[j]) + (1 << 40);
            }
            uint256 sum = _sums.sumAt(round, span);
            vm.assertGe(sum, low);
            vm.assertLe(sum, high);
            vm.assertTrue(_sums.admits(round, span, 0, sum + (1 << 41)));
            if (sum > 0) vm.assertFalse(_sums.admits(round, span, 1, sum));
        }
    }
}
