// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../interfaces/IRoster.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Roster} from "../Roster.sol";
import {Network} from "./Network.sol";

contract RosterTest is Network {
    address private constant DEL = address(0xDE1);
    Role private constant T = Role.Transcoder;

    function setUp() external {
        deploy();
    }

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        p.maxTranscoders = 5;
    }

    function test_a_larger_newcomer_replaces_the_smallest() external {
        for (uint160 i = 1; i <= 5; ++i) {
            bond(T, address(i), i * 20 * LPT);
        }
        bond(T, address(6), 20 * LPT);
        vm.assertFalse(roster.isActive(T, address(6)));
        delegate(T, address(6), DEL, 5 * LPT);
        vm.assertTrue(roster.isActive(T, address(6)));
        vm.assertFalse(roster.isActive(T, address(1)));
        // When a place becomes free, anyone brings the next one in.
        vm.prank(address(3));
        bonding.unbond(T, address(3), 60 * LPT);
        bonding.enlist(T, address(1));
        vm.assertTrue(roster.isActive(T, address(1)));
        bonding.enlist(T, address(77));
        vm.assertFalse(roster.isActive(T, address(77)));
        (address[] memory active, uint256[] memory weights) = roster.activeSet(T);
        uint256 sum;
        for (uint256 i = 0; i < active.length; ++i) {
            vm.assertEq(weights[i], bonding.weightOf(T, active[i]));
            sum += weights[i];
        }
        vm.assertTrue(active.length == 5 && sum == (20 + 40 + 80 + 100 + 25) * LPT);
    }

    function test_a_snapshot_is_sorted_and_never_changes() external {
        for (uint160 i = 5; i >= 1; --i) {
            bond(T, address(i * 7), i * 20 * LPT);
            vm.prank(address(i * 7));
            operators.setPrice(address(i * 7), uint64(i * 100));
        }
        openRound();
        bytes32 before = _hashOf(1);
        (address[] memory list, uint256[] memory weights, uint256[] memory prices) = roster.snapshot(T, 1);
        for (uint160 i = 1; i <= 5; ++i) {
            vm.assertEq(list[i - 1], address(i * 7));
            vm.assertEq(weights[i - 1], i * 20 * LPT);
            vm.assertEq(prices[i - 1], i * 100);
            vm.assertEq(roster.weightAt(T, 1, address(i * 7)), i * 20 * LPT);
        }
        vm.assertEq(roster.weightAt(T, 1, address(8)), 0);
        vm.assertEq(roster.totalAt(T, 1), 300 * LPT);
        vm.assertEq(list.length, 5);
        vm.assertEq(roster.totalAt(Role.Verifier, 1), 0);
        vm.prank(address(7));
        operators.setPrice(address(7), 1);
        vm.prank(address(court));
        bonding.slash(T, address(14), 10_000);
        bond(T, address(8), 500 * LPT);
        vm.assertEq(_hashOf(1), before);
        openRound();
        vm.assertEq(_hashOf(1), before);
        vm.assertTrue(_hashOf(2) != before);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NoSnapshot.selector, T, 3));
        roster.snapshot(T, 3);
    }

    function test_who_is_jailed_is_out_until_it_returns() external {
        for (uint160 i = 1; i <= 3; ++i) {
            bond(Role.Verifier, address(i), 100 * LPT);
        }
        openRound();
        vm.prank(addresses.work);
        roster.jail(Role.Verifier, address(2));
        vm.assertTrue(roster.isJailed(Role.Verifier, address(2)));
        // The present round's snapshot keeps it; the next does not, and more stake does not bring it back.
        vm.assertEq(roster.weightAt(Role.Verifier, 1, address(2)), 100 * LPT);
        bond(Role.Verifier, address(2), 50 * LPT);
        bonding.enlist(Role.Verifier, address(2));
        openRound();
        vm.assertEq(roster.weightAt(Role.Verifier, 2, address(2)), 0);
        vm.assertEq(roster.totalAt(Role.Verifier, 2), 200 * LPT);
        // Twice is once.
        vm.prank(addresses.work);
        roster.jail(Role.Verifier, address(2));
        vm.prank(address(2));
        roster.release(Role.Verifier, address(2));
        openRound();
        vm.assertEq(roster.weightAt(Role.Verifier, 3, address(2)), 150 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotJailed.selector, Role.Verifier, address(2)));
        vm.prank(address(2));
        roster.release(Role.Verifier, address(2));
    }

    function test_the_signer_releases_and_no_stranger() external {
        bond(Role.Verifier, address(2), 100 * LPT);
        openRound();
        authorise(address(2), 0x407);
        openRound();
        vm.prank(addresses.work);
        roster.jail(Role.Verifier, address(2));
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheOperator.selector, DEL, address(2)));
        vm.prank(DEL);
        roster.release(Role.Verifier, address(2));
        vm.prank(vm.addr(0x407));
        roster.release(Role.Verifier, address(2));
        vm.assertTrue(roster.isActive(Role.Verifier, address(2)));
    }

    function test_who_may_change_it() external {
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheBondingManager.selector, address(this)));
        roster.update(T, address(1), 5);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheWorkLedger.selector, address(this)));
        roster.jail(T, address(1));
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheRoundsManager.selector, address(this)));
        roster.takeSnapshot(1);
    }

    function test_parameters_out_of_bounds_are_no_deployment() external {
        Parameters memory p = parameters();
        p.maxVerifiers = 65;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "maxVerifiers", 65, 64));
        create("Roster", abi.encode(p, addresses));
        p = parameters();
        p.maxTranscoders = 256;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "maxTranscoders", 256, 255));
        create("Roster", abi.encode(p, addresses));
    }

    function _hashOf(uint64 round) private view returns (bytes32) {
        (address[] memory list, uint256[] memory weights, uint256[] memory prices) = roster.snapshot(T, round);
        return keccak256(abi.encode(list, weights, prices));
    }
}
