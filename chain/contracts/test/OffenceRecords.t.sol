// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {OffenceRecords} from "../libraries/OffenceRecords.sol";
import {TestBase} from "./TestBase.sol";

contract OffenceRecordsTest is TestBase {
    using OffenceRecords for uint256;

    /// Against a list of the last six openings, for every block around them.
    function testFuzz_agrees_with_a_list(uint64[12] memory gaps, uint256 span, uint32 round) external pure {
        span = bound(span, 1, 256);
        uint64[] memory openings = new uint64[](gaps.length);
        uint64 number = 1;
        uint256 word;
        for (uint256 i = 0; i < gaps.length; ++i) {
            number += gaps[i] % 30;
            openings[i] = number;
            word = word.punished(round, uint8(i + 1)).opened(uint32(number));
            (uint64 last, uint8 strikes) = word.lastOf();
            vm.assertTrue(last == round && strikes == i + 1);
        }
        for (uint256 signed = 0; signed < number + 40; ++signed) {
            uint64 first;
            for (uint256 i = gaps.length - OffenceRecords.KEPT; i < gaps.length; ++i) {
                bool covers = signed <= openings[i] && openings[i] < signed + span;
                if (covers && first == 0) first = openings[i];
            }
            vm.assertEq(word.covering(signed, span), first);
        }
    }
}
