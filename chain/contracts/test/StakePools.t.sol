// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager, PoolState} from "../interfaces/IBondingManager.sol";
import {Role} from "../objects/Role.sol";
import {Network} from "./Network.sol";

/// Rewards over time, slashes of everything, pools that begin anew.
contract StakePoolsTest is Network {
    address private constant OP = address(0x0F);
    address private constant DEL = address(0xDE1);
    Role private constant T = Role.Transcoder;

    function setUp() external {
        deploy();
        openRound();
    }

    // ---- rewards ----

    function test_the_reward_cut_is_the_operators_and_the_rest_goes_by_shares() external {
        _pool(300 * LPT, 100 * LPT, 2000);
        reward(T, OP, 50 * LPT);
        // 20 % at once; 40 LPT over 8 blocks, of which the operator has 310 shares in 410.
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, OP), 310 * LPT, 1);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 40 * LPT);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, DEL), 100 * LPT + uint256(40 * LPT) * 100 / 410, 2);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, OP), 310 * LPT + uint256(40 * LPT) * 310 / 410, 2);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 0);
        bonding.enlist(T, OP);
        vm.assertEq(bonding.totalBonded(), 450 * LPT);
        (, uint256[] memory weights) = roster.activeSet(T);
        vm.assertEq(weights[0], 450 * LPT);
    }

    /// Livepeer's documentation: a reward of 100 with a reward cut of 10 % and three quarters delegated.
    function test_livepeers_arithmetic_of_rewards() external {
        _pool(1000 * LPT, 3000 * LPT, 1000);
        reward(T, OP, 100 * LPT);
        vm.roll(block.number + 8);
        // Its own 10, which earn with the rest, and a quarter of 90; the delegator three quarters of 90.
        uint256 delegator = bonding.stakeOf(T, OP, DEL) - 3000 * LPT;
        vm.assertApproxEqAbs(delegator, uint256(90 * LPT) * 3000 / 4010, 2);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, OP) - 1000 * LPT, 100 * LPT - delegator, 2);
    }

    function test_a_reward_is_released_block_by_block() external {
        _pool(100 * LPT, 100 * LPT, 0);
        reward(T, OP, 80 * LPT);
        uint256 start = block.number;
        for (uint256 i = 0; i <= 10; ++i) {
            vm.roll(start + i);
            uint256 released = i < 8 ? i * 10 * LPT : 80 * LPT;
            vm.assertApproxEqAbs(bonding.stakeOf(T, OP, DEL), 100 * LPT + released / 2, 1);
            if (i % 3 == 1) bonding.enlist(T, OP);
            vm.assertEq(bonding.pool(T, OP).pendingRewards, 80 * LPT - released);
        }
    }

    function test_a_second_reward_stretches_what_is_left_of_the_first() external {
        _pool(100 * LPT, 0, 0);
        reward(T, OP, 80 * LPT);
        vm.roll(block.number + 4);
        reward(T, OP, 40 * LPT);
        PoolState memory state = bonding.pool(T, OP);
        vm.assertEq(state.pendingRewards, 80 * LPT);
        vm.assertEq(state.pendingUntil, block.number + 8);
        vm.assertApproxEqAbs(state.ownStake, 140 * LPT, 1);
    }

    function test_a_reward_to_nobody_is_the_operators() external {
        reward(T, OP, 5 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, OP), 5 * LPT);
        vm.assertFalse(roster.isActive(T, OP));
        vm.prank(OP);
        bonding.unbond(T, OP, 5 * LPT);
    }

    function test_what_is_pending_when_all_have_left_waits_for_the_operators_return() external {
        _pool(100 * LPT, 0, 0);
        reward(T, OP, 80 * LPT);
        vm.prank(OP);
        bonding.unbond(T, OP, 100 * LPT);
        vm.roll(block.number + 100);
        bonding.enlist(T, OP);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 80 * LPT);
        bond(T, OP, 10 * LPT);
        // A hopper is too late for it.
        delegate(T, OP, DEL, 90 * LPT);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, DEL), 90 * LPT, 1);
        // 80 LPT by shares of 10 LPT and of the one virtual unit: 8 units are that one's.
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, OP), 90 * LPT, 8);
    }

    function test_a_frozen_pool_holds_its_rewards_until_it_is_free() external {
        _pool(100 * LPT, 0, 0);
        reward(T, OP, 80 * LPT);
        vm.roll(block.number + 2);
        bonding.enlist(T, OP);
        vm.startPrank(address(court));
        bonding.freeze(T, OP);
        bonding.freeze(T, OP);
        vm.stopPrank();
        vm.roll(block.number + 50);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 60 * LPT);
        reward(T, OP, 20 * LPT);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 80 * LPT);
        vm.roll(block.number + 3);
        vm.startPrank(address(court));
        bonding.unfreeze(T, OP);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 80 * LPT);
        bonding.unfreeze(T, OP);
        vm.stopPrank();
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 80 * LPT);
        vm.roll(block.number + 4);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 40 * LPT);
        vm.roll(block.number + 4);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 0);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, OP), 200 * LPT, 1);
    }

    function test_only_the_minter_rewards() external {
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NotTheMinter.selector, address(this)));
        bonding.reward(1, T, OP, 1);
    }

    // ---- slashes ----

    function test_a_slash_reaches_bond_delegations_locks_transit_and_pending_rewards() external {
        _pool(100 * LPT, 100 * LPT, 0);
        bond(T, address(0xB), 100 * LPT);
        vm.prank(DEL);
        uint256 leaving = bonding.unbond(T, OP, 20 * LPT);
        vm.prank(DEL);
        uint256 moving = bonding.move(T, OP, address(0xB), 30 * LPT);
        vm.prank(OP);
        uint256 own = bonding.unbond(T, OP, 10 * LPT);
        reward(T, OP, 14 * LPT);
        vm.assertEq(bonding.slashable(T, OP), 214 * LPT);
        vm.prank(address(court));
        (uint256 ownCut, uint256 delegatedCut) = bonding.slash(T, OP, 5000);
        vm.assertEq(ownCut + delegatedCut, 107 * LPT);
        // 90 of 140 bonded and of the 14 pending, and 10 of 60 unbonding are the operator's.
        vm.assertApproxEqAbs(ownCut, 45 * LPT + 4.5e18 + 5 * LPT, 2);
        vm.assertEq(bonding.lockOf(leaving).amount, 10 * LPT);
        vm.assertEq(bonding.lockOf(moving).amount, 15 * LPT);
        vm.assertEq(bonding.lockOf(own).amount, 5 * LPT);
        vm.assertEq(bonding.pool(T, OP).pendingRewards, 7 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 25 * LPT);
        vm.assertEq(bonding.slashable(T, OP), 107 * LPT);
        vm.assertEq(bonding.slashable(T, address(0xB)), 100 * LPT);
        vm.assertEq(bonding.totalBonded(), 170 * LPT);
    }

    function test_a_whole_slash_leaves_nothing_behind() external {
        _pool(100 * LPT, 100 * LPT, 0);
        vm.prank(DEL);
        uint256 lockId = bonding.unbond(T, OP, 20 * LPT);
        reward(T, OP, 14 * LPT);
        vm.prank(address(court));
        (uint256 ownCut, uint256 delegatedCut) = bonding.slash(T, OP, 10_000);
        vm.assertEq(ownCut + delegatedCut, 214 * LPT);
        vm.assertEq(bonding.slashable(T, OP), 0);
        vm.assertEq(bonding.totalBonded(), 0);
        vm.assertEq(bonding.weightOf(T, OP), 0);
        vm.assertFalse(roster.isActive(T, OP));
        vm.assertEq(bonding.lockOf(lockId).amount, 0);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NothingLeft.selector, lockId));
        vm.prank(DEL);
        bonding.rebond(lockId);
        (uint256 shares, uint32 generation) = bonding.holdingOf(T, OP, DEL);
        vm.assertTrue(shares != 0 && generation == 0);
        vm.assertEq(bonding.pool(T, OP).generation, 1);
        // Like new, for the same accounts.
        bond(T, OP, 20 * LPT);
        delegate(T, OP, DEL, 5 * LPT);
        reward(T, OP, 25 * LPT);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, DEL), 10 * LPT, 1);
        (shares, generation) = bonding.holdingOf(T, OP, DEL);
        vm.assertEq(generation, 1);
    }

    function test_a_pool_of_nobody_is_slashed_of_its_pending_rewards() external {
        _pool(100 * LPT, 0, 0);
        reward(T, OP, 80 * LPT);
        vm.prank(OP);
        uint256 lockId = bonding.unbond(T, OP, 100 * LPT);
        vm.prank(address(court));
        (uint256 ownCut, uint256 delegatedCut) = bonding.slash(T, OP, 10_000);
        vm.assertTrue(ownCut == 100 * LPT && delegatedCut == 80 * LPT);
        vm.assertEq(bonding.lockOf(lockId).amount, 0);
    }

    /// Bonding exactly the minimum after slashes gave `BondTooSmall(10 LPT - 1, 10 LPT)`.
    function test_the_minimum_is_met_by_what_is_deposited() external {
        vm.prank(address(court));
        bonding.slash(T, OP, 1);
        for (uint256 i = 1; i < 30; ++i) {
            bond(T, OP, 10 * LPT);
            delegate(T, OP, DEL, 3 * LPT + i);
            vm.startPrank(address(court));
            bonding.slash(T, OP, 10_000 - 17 * i);
            vm.stopPrank();
            uint256 own = bonding.ownStakeOf(T, OP);
            vm.prank(OP);
            bonding.unbond(T, OP, own);
        }
        bond(T, OP, 10 * LPT);
        bonding.enlist(T, OP);
        vm.assertGe(bonding.ownStakeOf(T, OP) + 1, 10 * LPT);
        vm.assertTrue(bonding.weightOf(T, OP) != 0 && roster.isActive(T, OP));
        delegate(T, OP, DEL, LPT);
    }

    function testFuzz_the_minimum_is_met_by_what_is_deposited(
        uint256[6] memory slashes,
        uint96[6] memory delegated,
        uint256 paid
    ) external {
        for (uint256 i = 0; i < slashes.length; ++i) {
            bond(T, OP, 10 * LPT);
            delegate(T, OP, DEL, bound(delegated[i], 1, 1e24));
            if (slashes[i] % 2 == 0) reward(T, OP, bound(paid, 1, 1e24));
            vm.roll(block.number + slashes[i] % 10);
            vm.prank(address(court));
            bonding.slash(T, OP, bound(slashes[i] >> 8, 1, 9999));
            uint256 own = bonding.ownStakeOf(T, OP);
            if (own != 0) {
                vm.prank(OP);
                bonding.unbond(T, OP, own);
            }
        }
        bond(T, OP, 10 * LPT);
        bonding.enlist(T, OP);
        vm.assertGe(bonding.ownStakeOf(T, OP) + 1, 10 * LPT);
        vm.assertTrue(roster.isActive(T, OP));
    }

    function test_a_bond_below_the_minimum_by_more_than_rounding_is_refused() external {
        fund(OP, 100 * LPT);
        vm.startPrank(OP);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.BondTooSmall.selector, 10 * LPT - 2, 10 * LPT));
        bonding.bond(T, 10 * LPT - 2);
        bonding.bond(T, 10 * LPT - 1);
        vm.stopPrank();
    }

    /// An operator that has lost half of everything more than twenty times bonds again: its stake and that of
    /// new delegators is far from being wiped with what was left.
    function test_a_worn_pool_is_begun_anew() external {
        _pool(1_000_000 * LPT, 1_000_000 * LPT, 0);
        vm.prank(DEL);
        uint256 old = bonding.unbond(T, OP, 500_000 * LPT);
        for (uint256 i = 0; i < 21; ++i) {
            vm.prank(address(court));
            bonding.slash(T, OP, 5000);
        }
        vm.assertTrue(bonding.lockOf(old).amount > 0.2e18);
        vm.expectPartialRevert(IBondingManager.OperatorNotBonded.selector);
        delegate2(T, OP, DEL, LPT);
        bond(T, OP, 1000 * LPT);
        vm.assertEq(bonding.pool(T, OP).generation, 1);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 0);
        // What was left of 1.5 million after 21 halvings.
        vm.assertApproxEqAbs(bonding.pool(T, OP).pendingRewards, (1_500_000 * LPT) >> 21, 1);
        delegate(T, OP, DEL, 1000 * LPT);
        // The unbonding pool too, when something enters it.
        vm.prank(DEL);
        uint256 lockId = bonding.unbond(T, OP, 500 * LPT);
        vm.assertEq(bonding.lockOf(old).amount, 0);
        vm.prank(address(court));
        bonding.slash(T, OP, 100);
        vm.assertApproxEqAbs(bonding.lockOf(lockId).amount, 495 * LPT, 1);
        vm.assertGe(bonding.stakeOf(T, OP, DEL), 495 * LPT);
        vm.assertGe(bonding.stakeOf(T, OP, OP), 990 * LPT);
    }

    function test_delegations_count_up_to_ten_times_the_own_bond() external {
        bond(T, OP, 10 * LPT);
        delegate(T, OP, DEL, 1000 * LPT);
        vm.assertEq(bonding.pool(T, OP).weight, 110 * LPT);
        bond(T, OP, 10 * LPT);
        vm.assertEq(bonding.weightOf(T, OP), 220 * LPT);
    }

    /// @dev As `delegate`, with the tokens there already, so that an expected revert is the bonding manager's.
    function delegate2(Role role, address operator, address holder, uint256 amount) private {
        vm.prank(holder);
        bonding.delegate(role, operator, amount);
    }

    function _pool(uint256 own, uint256 delegated, uint16 rewardCutBps) private {
        bond(T, OP, own);
        if (delegated != 0) delegate(T, OP, DEL, delegated);
        if (rewardCutBps == 0) return;
        vm.prank(OP);
        operators.setCuts(T, rewardCutBps, 0);
        openRound();
    }
}
