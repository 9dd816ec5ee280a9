// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSet, ActiveSets} from "../libraries/ActiveSets.sol";
import {TestBase} from "./TestBase.sol";

contract ActiveSetsTest is TestBase {
    using ActiveSets for ActiveSet;

    uint256 private constant BOUND = 5;

    ActiveSet private _set;

    function setUp() external {
        _set.open();
    }

    function test_only_a_larger_newcomer_replaces_the_smallest() external {
        for (uint160 i = 1; i <= BOUND; ++i) {
            _set.put(address(i), uint96(10 * i), BOUND);
        }
        (bool entered, address evicted) = _set.put(address(9), 10, BOUND);
        vm.assertTrue(!entered && evicted == address(0));
        (entered, evicted) = _set.put(address(9), 11, BOUND);
        vm.assertTrue(entered && evicted == address(1));
        vm.assertFalse(_set.contains(address(1)));
        vm.assertTrue(_set.contains(address(9)));
    }

    /// Random steps: places always point at their members, and never more members than the bound.
    function testFuzz_places_and_members_agree(uint256[30] memory steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            address operator = address(uint160(steps[i] % 9 + 1));
            if ((steps[i] >> 8) % 3 == 0) _set.remove(operator);
            else _set.put(operator, uint96((steps[i] >> 16) % 100), BOUND);
            vm.assertLe(_set.size(), BOUND);
            uint256 placed;
            for (uint160 o = 1; o <= 9; ++o) {
                if (!_set.contains(address(o))) continue;
                ++placed;
                vm.assertEq(ActiveSets.operatorOf(_set.members[_set.places[address(o)]]), address(o));
            }
            vm.assertEq(placed, _set.size());
            vm.assertEq(_set.list().length, placed);
        }
    }
}
