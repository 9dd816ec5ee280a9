// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollCalls} from "../interfaces/IRollCalls.sol";
import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {WorkStage} from "./WorkStage.sol";

/// Rounds that nobody could certify, and what becomes of those who were not there. Four verifiers of 100 LPT; tests add
/// more.
contract RollCallsTest is WorkStage {
    using BlsSigner for uint256;

    Role private constant V = Role.Verifier;
    uint256 private constant HOT = 0x407;

    function setUp() external {
        startWork();
    }

    // ---- calling ----

    function test_only_a_round_whose_window_has_closed_without_a_list_has_the_roll_called() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        certify(list, ALL);
        (, uint256 until) = work.windowOf(1);
        vm.roll(until + 1);
        vm.prank(verifier(0));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NotFailed.selector, 1, until));
        work.callRoll(1, 0);
        openRound();
        (, until) = work.windowOf(2);
        vm.roll(until);
        vm.prank(verifier(0));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NotFailed.selector, 2, until));
        work.callRoll(2, 0);
        vm.roll(until + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IRollCalls.NotTheVerifier.selector, address(this), verifier(0))
        );
        work.callRoll(2, 0);
        vm.expectEmit(true, true, true, true, address(work));
        emit IRollCalls.RollCalled(3, 2, uint64(block.number) + 24);
        vm.expectEmit(true, true, true, true, address(work));
        emit IRollCalls.RollAnswered(3, 0);
        vm.prank(verifier(0));
        work.callRoll(2, 0);
        vm.prank(verifier(1));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.RollOpen.selector, 3, block.number + 24));
        work.callRoll(2, 1);
    }

    function test_a_roll_is_answered_by_whoever_acts_for_a_verifier_and_once() external {
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NoRoll.selector, 0));
        work.answerRoll(0);
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NoRoll.selector, 0));
        work.closeRoll();
        authorise(verifier(1), HOT);
        uint256 until = _call(0);
        vm.expectRevert(
            abi.encodeWithSelector(IRollCalls.NotTheVerifier.selector, address(this), verifier(1))
        );
        work.answerRoll(1);
        vm.prank(vm.addr(HOT));
        work.answerRoll(1);
        (uint64 round,,,) = work.roll();
        vm.prank(verifier(1));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.AlreadyAnswered.selector, round, 1));
        work.answerRoll(1);
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.RollOpen.selector, round, until));
        work.closeRoll();
        vm.roll(until + 1);
        vm.prank(verifier(2));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NoRoll.selector, until));
        work.answerRoll(2);
        work.closeRoll();
        (,, uint64 answered, uint64 closedAt) = work.roll();
        vm.assertEq(answered, 3);
        vm.assertEq(closedAt, block.number);
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.NoRoll.selector, until));
        work.closeRoll();
    }

    /// Whoever calls it again for a round of the same network learns nothing new.
    function test_the_next_roll_is_about_a_round_that_began_after_the_last_one() external {
        uint256 until = _call(0);
        uint64 before = openRound();
        vm.roll(until + 1);
        work.closeRoll();
        vm.roll(block.number + 1);
        openRound();
        (, uint256 last) = work.windowOf(before);
        vm.roll(last + 1);
        uint64 openedAt = rounds.openedAt(before);
        vm.prank(verifier(0));
        vm.expectRevert(abi.encodeWithSelector(IRollCalls.RollTooSoon.selector, before, openedAt, until + 1));
        work.callRoll(before, 0);
        openRound();
        (, last) = work.windowOf(before + 1);
        vm.roll(last + 1);
        vm.prank(verifier(0));
        work.callRoll(before + 1, 0);
    }

    // ---- jailing ----

    /// [One third offline shielding everybody] 40 % are away: no quorum, no certificate, nobody jailed by one. After the
    /// roll those who are there make two thirds of the rest, and their next list is taken.
    function test_the_present_get_their_quorum_back() external {
        address away = _bond(0xFA1, 100 * LPT);
        openRound();
        uint256 until = _call(0);
        _answer(1);
        _answer(2);
        vm.roll(until + 1);
        work.closeRoll();
        bool first = roster.isJailed(V, away);
        vm.assertTrue(first != roster.isJailed(V, verifier(3)), "one of the two is enough");
        uint64 round = openRound();
        (,, uint256 total,) = registry.snapshot(round);
        vm.assertEq(total, 400 * LPT);
        (RoundWork memory list,) = listOf(round, [uint64(1), 1, 1]);
        list.duties = 0;
        uint256 sum;
        uint64 bitmap;
        (address[] memory present,,,) = registry.snapshot(round);
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                if (present[i] != verifier(j)) continue;
                bitmap |= uint64(1) << uint64(i);
                sum += seats[j];
            }
        }
        settle(round);
        work.certify(list, bitmap, sum.sign(work.hashRoundWork(list)));
        vm.assertEq(work.certificateOf(round).claims, 3);
    }

    /// Who is there is never jailed, however many bar the certificate.
    function test_who_answers_is_never_jailed() external {
        uint256 until = _call(0);
        for (uint256 i = 1; i < 4; ++i) {
            _answer(i);
        }
        vm.roll(until + 1);
        work.closeRoll();
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertFalse(roster.isJailed(V, verifier(i)));
        }
    }

    /// Half of the network does not get the whole by waiting for the others to be away.
    function test_half_of_the_weight_jails_nobody() external {
        uint256 until = _call(0);
        _answer(1);
        vm.roll(until + 1);
        vm.expectEmit(true, true, true, true, address(work));
        emit IRollCalls.RollClosed(rounds.currentRound(), 3, 0);
        work.closeRoll();
        vm.assertFalse(roster.isJailed(V, verifier(2)) || roster.isJailed(V, verifier(3)));
    }

    /// Where two thirds have answered the silent were not what was missing.
    function test_a_quorum_that_is_there_jails_nobody() external {
        uint256 until = _call(0);
        _answer(1);
        _answer(2);
        vm.roll(until + 1);
        work.closeRoll();
        vm.assertFalse(roster.isJailed(V, verifier(3)));
    }

    /// Whatever the weights and the answers: nobody who answered, nobody without a majority, no more than it takes, and
    /// not more than a tenth or one.
    function testFuzz_no_more_are_jailed_than_it_takes(uint64[12] memory extra, uint64 answers) external {
        for (uint256 i = 0; i < 12; ++i) {
            _bond(0xFA1 + i, (10 + extra[i] % 300) * LPT);
        }
        openRound();
        uint256 until = _call(0);
        (uint64 round,, uint64 answered,) = work.roll();
        (address[] memory all, uint256[] memory weights, uint256 total,) = registry.snapshot(round);
        uint256 present;
        for (uint256 i = 0; i < all.length; ++i) {
            if ((answered >> i) & 1 == 0 && (answers >> i) & 1 == 1) {
                vm.prank(all[i]);
                work.answerRoll(i);
            }
            if (((answered | answers) >> i) & 1 == 1) present += weights[i];
        }
        vm.roll(until + 1);
        work.closeRoll();
        (uint256 jailed, uint256 count) = (0, 0);
        for (uint256 i = 0; i < all.length; ++i) {
            if (!roster.isJailed(V, all[i])) continue;
            vm.assertTrue(((answered | answers) >> i) & 1 == 0, "silent");
            (jailed, count) = (jailed + weights[i], count + 1);
        }
        if (2 * present <= total || 3 * present >= 2 * total) vm.assertEq(jailed, 0);
        else vm.assertTrue(count != 0, "somebody leaves");
        vm.assertTrue(count <= 1 || 10 * jailed <= total, "a tenth");
        if (count > 1) {
            vm.assertTrue(3 * present < 2 * (total - jailed + weights[_last(round, all)]), "needed");
        }
    }

    /// @dev The one that was jailed last: silent ones go in the order of their positions from the round's number on.
    function _last(uint64 round, address[] memory all) private view returns (uint256 last) {
        for (uint256 i = 0; i < all.length; ++i) {
            uint256 position = (round + i) % all.length;
            if (roster.isJailed(V, all[position])) last = position;
        }
    }

    /// @dev Lets the present round pass without a list, and has the roll called by one of the four.
    function _call(uint256 who) private returns (uint256 until) {
        uint64 failed = rounds.currentRound();
        openRound();
        (, uint256 last) = work.windowOf(failed);
        vm.roll(last + 1);
        uint256 position = _positionOf(verifier(who));
        vm.prank(verifier(who));
        work.callRoll(failed, position);
        return block.number + 24;
    }

    function _answer(uint256 who) private {
        uint256 position = _positionOf(verifier(who));
        vm.prank(verifier(who));
        work.answerRoll(position);
    }

    /// @dev Among the verifiers of the present round.
    function _positionOf(address who) private view returns (uint256) {
        (address[] memory all,,,) = registry.snapshot(rounds.currentRound());
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i] == who) return i;
        }
        revert("no verifier");
    }

    function _bond(uint256 secret, uint256 amount) private returns (address operator) {
        operator = vm.addr(secret);
        bond(V, operator, amount);
        register(operator, secret);
    }
}
