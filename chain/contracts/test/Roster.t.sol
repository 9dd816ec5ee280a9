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
    Role private constant V = Role.Verifier;

    function setUp() external {
        deploy();
    }

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        (p.maxTranscoders, p.maxVerifiers) = (5, 4);
    }

    function test_a_larger_newcomer_replaces_the_smallest() external {
        for (uint160 i = 1; i <= 5; ++i) {
            bond(T, address(i), i * 20 * LPT);
        }
        bond(T, address(6), 20 * LPT);
        vm.assertFalse(roster.isActive(T, address(6)));
        bond(T, address(7), 21 * LPT);
        vm.assertTrue(roster.isActive(T, address(7)) && !roster.isActive(T, address(1)));
        // A deposit into a pool that is outside enters nothing, for whoever asks.
        delegate(T, address(6), DEL, 5 * LPT);
        vm.assertFalse(roster.isActive(T, address(6)));
        bonding.enlist(T, address(6));
        vm.assertTrue(roster.isActive(T, address(6)) && !roster.isActive(T, address(7)));
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

    /// Also where there are free places: what rewards and fees a deposit settles must not add up with an entry.
    function test_who_has_left_comes_back_by_enlisting() external {
        bond(T, address(1), 100 * LPT);
        delegate(T, address(1), DEL, LPT);
        vm.prank(address(1));
        uint256 lock = bonding.unbond(T, address(1), 95 * LPT);
        vm.assertFalse(roster.isActive(T, address(1)));
        vm.prank(address(1));
        bonding.rebond(lock);
        bond(T, address(1), 50 * LPT);
        reward(T, address(1), LPT);
        vm.assertFalse(roster.isActive(T, address(1)));
        bonding.enlist(T, address(1));
        vm.assertTrue(roster.isActive(T, address(1)));
        // Who took everything out and left nobody behind is new again.
        bond(T, address(2), 100 * LPT);
        vm.prank(address(2));
        bonding.unbond(T, address(2), 100 * LPT);
        bond(T, address(2), 20 * LPT);
        vm.assertTrue(roster.isActive(T, address(2)));
    }

    // ---- the jail ----

    function test_who_is_jailed_is_out_until_it_returns() external {
        address absent = _verifiers(3)[1];
        openRound();
        vm.expectEmit(true, true, true, true, address(roster));
        emit IRoster.AbsenceNoted(1, 2);
        _jail(1, 2);
        vm.assertTrue(roster.isJailed(V, absent) && !roster.isActive(V, absent));
        // The present round's snapshot keeps it; the next does not, and more stake does not bring it back.
        vm.assertEq(roster.weightAt(V, 1, absent), 100 * LPT);
        bond(V, absent, 50 * LPT);
        bonding.enlist(V, absent);
        vm.roll(rounds.openableAt());
        vm.expectEmit(true, true, true, true, address(roster));
        emit IRoster.Jailed(V, absent);
        vm.expectEmit(true, true, true, true, address(roster));
        emit IRoster.Deactivated(V, absent);
        openRound();
        vm.assertEq(roster.weightAt(V, 2, absent), 0);
        vm.assertEq(roster.totalAt(V, 2), 200 * LPT);
        bonding.enlist(V, absent);
        vm.assertTrue(roster.isJailed(V, absent) && !roster.isActive(V, absent));
        // Twice is once.
        _jail(1, 2);
        vm.prank(absent);
        roster.release(V, absent);
        openRound();
        vm.assertEq(roster.weightAt(V, 3, absent), 150 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotJailed.selector, V, absent));
        vm.prank(absent);
        roster.release(V, absent);
    }

    /// Who comes back in time is missing in no snapshot, and in its return are all absences that wait.
    function test_who_returns_before_the_next_snapshot_stays() external {
        address[] memory all = _verifiers(3);
        openRound();
        openRound();
        _jail(1, 3);
        _jail(2, 6);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertTrue(roster.isJailed(V, all[i]) && !roster.isActive(V, all[i]));
        }
        vm.prank(all[1]);
        roster.release(V, all[1]);
        vm.assertTrue(!roster.isJailed(V, all[1]) && roster.isActive(V, all[1]));
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotJailed.selector, V, all[1]));
        vm.prank(all[1]);
        roster.release(V, all[1]);
        openRound();
        vm.assertEq(roster.totalAt(V, 3), 100 * LPT);
        vm.assertEq(roster.weightAt(V, 3, all[1]), 100 * LPT);
        vm.assertTrue(roster.isJailed(V, all[0]) && roster.isJailed(V, all[2]));
        // What was carried out is not carried out again.
        vm.prank(all[0]);
        roster.release(V, all[0]);
        openRound();
        vm.assertEq(roster.totalAt(V, 4), 200 * LPT);
        _jail(4, 1);
        openRound();
        vm.assertEq(roster.totalAt(V, 5), 100 * LPT);
    }

    /// Its place is somebody else's, or nobody's: it is kept out all the same.
    function test_who_lost_its_place_before_is_jailed_too() external {
        address[] memory all = _verifiers(2);
        openRound();
        _jail(1, 3);
        vm.prank(all[0]);
        bonding.unbond(V, all[0], 100 * LPT);
        vm.prank(all[1]);
        roster.release(V, all[1]);
        openRound();
        bond(V, all[0], 100 * LPT);
        vm.assertTrue(roster.isJailed(V, all[0]) && !roster.isActive(V, all[0]));
        vm.prank(all[0]);
        roster.release(V, all[0]);
        vm.assertTrue(roster.isActive(V, all[0]));
    }

    /// Nor does it take anybody's place meanwhile, however heavy it has become.
    function test_who_is_about_to_be_jailed_evicts_nobody() external {
        address[] memory all = _verifiers(4);
        openRound();
        _jail(1, 1);
        vm.prank(all[0]);
        bonding.unbond(V, all[0], 95 * LPT);
        address newcomer = vm.addr(0x500);
        register(newcomer, 0x500);
        bond(V, newcomer, 100 * LPT);
        bond(V, all[0], 300 * LPT);
        bonding.enlist(V, all[0]);
        vm.assertTrue(roster.isActive(V, newcomer) && !roster.isActive(V, all[0]));
        openRound();
        vm.assertEq(roster.totalAt(V, 2), 400 * LPT);
    }

    /// Whatever is noted and whoever returns between the rounds: a snapshot has exactly those who are not jailed then.
    function testFuzz_snapshots_have_whoever_is_not_jailed(uint256[12] memory steps) external {
        address[] memory all = _verifiers(4);
        bool[4] memory out;
        openRound();
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 who = (steps[i] >> 8) % 4;
            if (steps[i] % 3 == 0) {
                if (!out[who]) {
                    vm.expectRevert(abi.encodeWithSelector(IRoster.NotJailed.selector, V, all[who]));
                }
                vm.prank(all[who]);
                roster.release(V, all[who]);
                out[who] = false;
            } else if (steps[i] % 3 == 1) {
                // Of the first round, which all four are in.
                _jail(1, uint64((steps[i] >> 16) % 16));
                for (uint256 j = 0; j < 4; ++j) {
                    if (((steps[i] >> 16) % 16 >> j) & 1 == 1) out[j] = true;
                }
            } else {
                uint64 round = openRound();
                for (uint256 j = 0; j < 4; ++j) {
                    vm.assertEq(roster.weightAt(V, round, all[j]), out[j] ? 0 : 100 * LPT);
                }
            }
            for (uint256 j = 0; j < 4; ++j) {
                vm.assertTrue(roster.isJailed(V, all[j]) == out[j] && roster.isActive(V, all[j]) != out[j]);
            }
        }
    }

    function test_the_signer_releases_and_no_stranger() external {
        address absent = _verifiers(1)[0];
        openRound();
        authorise(absent, 0x407);
        openRound();
        _jail(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheOperator.selector, DEL, absent));
        vm.prank(DEL);
        roster.release(V, absent);
        vm.prank(vm.addr(0x407));
        roster.release(V, absent);
        vm.assertTrue(roster.isActive(V, absent));
    }

    function test_who_may_change_it() external {
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheBondingManager.selector, address(this)));
        roster.update(T, address(1), 5);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheBondingManager.selector, address(this)));
        roster.enter(T, address(1), 5);
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheWorkLedger.selector, address(this)));
        roster.jail(1, 1);
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

    function _jail(uint64 round, uint64 positions) private {
        vm.prank(addresses.work);
        roster.jail(round, positions);
    }

    /// @dev Verifiers of 100 LPT with keys, in ascending order of address, as their positions are.
    function _verifiers(uint256 count) private returns (address[] memory all) {
        uint256[] memory secrets = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            secrets[i] = 0x5EA7 + i;
            for (uint256 j = i; j != 0 && vm.addr(secrets[j]) < vm.addr(secrets[j - 1]); --j) {
                (secrets[j], secrets[j - 1]) = (secrets[j - 1], secrets[j]);
            }
        }
        all = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            all[i] = vm.addr(secrets[i]);
            bond(V, all[i], 100 * LPT);
            register(all[i], secrets[i]);
        }
    }

    function _hashOf(uint64 round) private view returns (bytes32) {
        (address[] memory list, uint256[] memory weights, uint256[] memory prices) = roster.snapshot(T, round);
        return keccak256(abi.encode(list, weights, prices));
    }
}
