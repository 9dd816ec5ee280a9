// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSet, ActiveSets} from "../libraries/ActiveSets.sol";
import {TestBase} from "./TestBase.sol";

contract ActiveSetsTest is TestBase {
    using ActiveSets for ActiveSet;

    uint256 private constant BOUND = 5;

    ActiveSet private _set;

    function setUp() external {
        _set.open(BOUND);
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

    /// What is noted of a member counts when somebody wants its place; of others nothing is noted.
    function test_only_members_weights_are_noted() external {
        for (uint160 i = 1; i <= BOUND; ++i) {
            _set.put(address(i), uint96(10 * i), BOUND);
        }
        _set.note(address(1), 60);
        _set.note(address(9), 70);
        vm.assertFalse(_set.contains(address(9)));
        (, address evicted) = _set.put(address(9), 70, BOUND);
        vm.assertEq(evicted, address(2));
    }

    /// A bound that fills its words of keys to the last place.
    function test_ten_places_are_one_word() external {
        for (uint160 i = 1; i <= 10; ++i) {
            _set.put(address(i), uint96(100 - i), 10);
        }
        (, address evicted) = _set.put(address(99), 1000, 10);
        vm.assertEq(evicted, address(10));
        vm.assertEq(_set.keys[1], 0);
    }

    /// Random steps: places always point at their members, and never more members than the bound.
    function testFuzz_places_and_members_agree(uint256[30] memory steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            address operator = address(uint160(steps[i] % 9 + 1));
            if ((steps[i] >> 8) % 4 == 0) _set.remove(operator);
            else if ((steps[i] >> 8) % 4 == 1) _set.note(operator, uint96((steps[i] >> 16) % 100));
            else _set.put(operator, uint96((steps[i] >> 16) % 100), BOUND);
            vm.assertLe(_set.size(), BOUND);
            uint256 placed;
            for (uint160 o = 1; o <= 9; ++o) {
                if (!_set.contains(address(o))) continue;
                ++placed;
                uint256 place = _set.seats[address(o)].place;
                uint256 member = _set.members[place];
                vm.assertEq(ActiveSets.operatorOf(member), address(o));
                vm.assertEq(_keyAt(place), ActiveSets.keyOf(ActiveSets.weightOf(member)));
            }
            for (uint256 place = _set.size() + 1; place <= BOUND; ++place) {
                vm.assertEq(_keyAt(place), 0xffffff);
            }
            vm.assertEq(placed, _set.size());
            vm.assertEq(_set.list().length, placed);
        }
    }

    /// Keys are the weights' order, but for weights that differ by less than 2^-17 of the larger.
    function testFuzz_keys_ascend_with_weights(uint96 a, uint96 b) external pure {
        if (a > b) (a, b) = (b, a);
        (uint256 low, uint256 high) = (ActiveSets.keyOf(a), ActiveSets.keyOf(b));
        vm.assertLe(low, high);
        vm.assertTrue(high < 0xffffff);
        if (low == high) vm.assertLe(b - a, b >> 17);
    }

    function test_weights_next_to_a_power_of_two_have_keys_next_to_each_other() external pure {
        for (uint256 bit = 0; bit < 96; ++bit) {
            uint256 weight = 1 << bit;
            uint256 key = ActiveSets.keyOf(uint96(weight));
            if (bit != 0) vm.assertEq(ActiveSets.keyOf(uint96(weight - 1)), key - 1);
            if (bit < 17) vm.assertEq(key, weight);
        }
    }

    /// Over several words of keys: of all members the one with the smallest key gives way, the first of them.
    function testFuzz_the_smallest_of_many_gives_way(uint256 seed, uint96 newcomer) external {
        uint256 bound_ = 31;
        for (uint256 i = 0; i <= (bound_ - 1) / 10; ++i) {
            _set.keys[i] = type(uint256).max;
        }
        address expected;
        uint256 smallest = type(uint256).max;
        uint96 weight;
        for (uint160 i = 1; i <= bound_; ++i) {
            uint96 random = uint96(uint256(keccak256(abi.encode(seed, i)))) >> uint96(seed % 90);
            _set.put(address(i), random, bound_);
            if (ActiveSets.keyOf(random) >= smallest) continue;
            (smallest, expected, weight) = (ActiveSets.keyOf(random), address(i), random);
        }
        (bool entered, address evicted) = _set.put(address(99), newcomer, bound_);
        vm.assertTrue(entered == (newcomer > weight));
        vm.assertEq(evicted, entered ? expected : address(0));
        vm.assertEq(_set.size(), bound_);
    }

    function test_who_is_barred_does_not_enter() external {
        _set.put(address(1), 10, BOUND);
        vm.assertTrue(_set.bar(address(1)));
        vm.assertFalse(_set.bar(address(2)));
        (bool entered,) = _set.put(address(1), 10, BOUND);
        vm.assertFalse(entered || _set.contains(address(1)));
        _set.admit(address(1));
        (entered,) = _set.put(address(1), 10, BOUND);
        vm.assertTrue(entered && !_set.isBarred(address(1)));
    }

    function _keyAt(uint256 place) private view returns (uint256) {
        return (_set.keys[(place - 1) / 10] >> ((place - 1) % 10 * 24)) & 0xffffff;
    }
}
