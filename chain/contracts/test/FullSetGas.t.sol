// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";
import {GasMeter} from "./GasMeter.sol";
import {Network} from "./Network.sol";

/// Deposits where all places are taken, with the first rewards and fees of the pool pending, and with allowances that are
/// written: each of these costs, and they may come together.
/// forge-config: default.isolate = true
contract FullSetGasTest is Network, GasMeter {
    address private constant OP = address(0xA1);
    address private constant EARLY = address(0xD0);
    address private constant DEL = address(0xD1);
    Role private constant T = Role.Transcoder;

    function setUp() external {
        deploy();
        bond(T, OP, 10 * LPT);
        vm.prank(OP);
        operators.setCuts(T, 1000, 5000);
        delegate(T, OP, EARLY, 5 * LPT);
        openRound();
        openRound();
    }

    function test_deposits_that_would_bring_an_operator_back() external {
        _fill(100);
        vm.assertFalse(roster.isActive(T, OP));
        _earn();
        _allow(DEL);
        uint256 before = vm.snapshotState();
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, operator outside a full set, rewards and fees pending", 200_000);
        bonding.enlist(T, OP);
        atMost("enlist, replacing the smallest of 100", 150_000);
        vm.assertTrue(roster.isActive(T, OP));
        vm.revertToState(before);
        _allow(OP);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, operator outside a full set, rewards and fees pending", 200_000);
        vm.revertToState(before);
        bonding.enlist(T, OP);
        vm.assertFalse(roster.isActive(T, OP));
        vm.prank(address(0x1000));
        bonding.unbond(T, address(0x1000), 105 * LPT);
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, operator outside, a place free, rewards and fees pending", 200_000);
        bonding.enlist(T, OP);
        atMost("enlist, to a free place", 150_000);
    }

    function test_deposits_into_the_pool_of_a_member() external {
        _fill(99);
        vm.assertTrue(roster.isActive(T, OP));
        _earn();
        _allow(DEL);
        uint256 before = vm.snapshotState();
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, new delegator, rewards and fees pending", 200_000);
        vm.revertToState(before);
        _allow(OP);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, more, rewards and fees pending", 200_000);
    }

    /// Its delegators have stayed.
    function test_an_operator_that_has_left_bonds_again() external {
        _fill(100);
        vm.prank(OP);
        bonding.unbond(T, OP, 10 * LPT);
        _earn();
        _allow(OP);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, again, rewards and fees pending", 200_000);
    }

    /// Nobody has anything in its pool but what is pending there: it is as a new one, and settles as an old one.
    function test_an_operator_that_has_left_nobody_behind_bonds_again() external {
        _earn();
        _leave(EARLY);
        _leave(OP);
        _fill(100);
        vm.roll(block.number + 1);
        _allow(OP);
        vm.prank(OP);
        bonding.bond(T, 200 * LPT);
        atMost("bond, new again, replacing the smallest of 100, rewards and fees pending", 200_000);
        vm.assertTrue(roster.isActive(T, OP));
    }

    function _fill(uint160 count) private {
        for (uint160 i = 0; i < count; ++i) {
            bond(T, address(0x1000 + i), 105 * LPT);
        }
    }

    function _leave(address holder) private {
        uint256 stake = bonding.stakeOf(T, OP, holder);
        vm.prank(holder);
        bonding.unbond(T, OP, stake);
    }

    /// @dev What work in the first round was worth.
    function _earn() private {
        reward(T, OP, 3 * LPT);
        vm.deal(address(broker), 1 ether);
        vm.prank(address(broker));
        fees.credit{value: 1 ether}(OP, 2);
        vm.roll(block.number + 3);
    }

    /// @dev Tokens, of which a deposit takes a part, under an allowance that is not unlimited.
    function _allow(address account) private {
        token.transfer(account, 500 * LPT);
        vm.prank(account);
        token.approve(address(bonding), 400 * LPT);
    }
}
