// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bursts} from "../libraries/Bursts.sol";
import {TestBase} from "./TestBase.sol";

contract BurstsTest is TestBase {
    using Bursts for Bursts.History;

    Bursts.History private _history;

    /// Against a list of all openings, for every block around them.
    function testFuzz_agrees_with_a_list(uint64[12] memory gaps, uint256 span) external {
        span = bound(span, 1, Bursts.MAX_SPAN);
        uint64[] memory openings = new uint64[](gaps.length);
        uint64 number = 1;
        for (uint256 i = 0; i < gaps.length; ++i) {
            number += gaps[i] % 30;
            openings[i] = number;
            _history.record(number);
        }
        for (uint256 signed = 0; signed < number + 40; ++signed) {
            bool covered = false;
            for (uint256 i = 0; i < openings.length; ++i) {
                if (signed <= openings[i] && openings[i] < signed + span) covered = true;
            }
            uint64 found = _history.covering(signed, span);
            vm.assertEq(found != 0, covered);
            if (covered) vm.assertTrue(signed <= found && found < signed + span);
        }
    }
}
