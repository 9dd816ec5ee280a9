// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BondingManager} from "../BondingManager.sol";
import {IBondingManager, LockState, PoolState} from "../interfaces/IBondingManager.sol";
import {ISlashable} from "../interfaces/ISlashable.sol";
import {SharePools} from "../libraries/SharePools.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Network} from "./Network.sol";

contract BondingManagerTest is Network {
    address private constant OP = address(0x0F);
    address private constant DEL = address(0xDE1);
    Role private constant T = Role.Transcoder;

    function setUp() external {
        deploy();
    }

    // ---- bond and delegate ----

    function test_bond_and_delegate_show_in_the_pool() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        PoolState memory state = bonding.pool(T, OP);
        vm.assertEq(state.ownStake, 100 * LPT);
        vm.assertEq(state.delegatedStake, 40 * LPT);
        vm.assertEq(state.weight, 140 * LPT);
        vm.assertEq(bonding.weightOf(T, OP), 140 * LPT);
        vm.assertEq(bonding.ownStakeOf(T, OP), 100 * LPT);
        vm.assertEq(bonding.totalBonded(), 140 * LPT);
        vm.assertTrue(roster.isActive(T, OP));
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 40 * LPT);
        vm.assertEq(bonding.stakeOf(Role.Verifier, OP, OP), 0);
        vm.assertEq(token.balanceOf(address(bonding)), 140 * LPT);
    }

    function test_delegations_count_up_to_ten_times_the_own_bond() external {
        bond(T, OP, 10 * LPT);
        delegate(T, OP, DEL, 1000 * LPT);
        vm.assertEq(bonding.pool(T, OP).weight, 110 * LPT);
    }

    function test_what_may_not_be_bonded() external {
        fund(OP, 100 * LPT);
        fund(DEL, 100 * LPT);
        vm.startPrank(OP);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.BondTooSmall.selector, 10 * LPT - 2, 10 * LPT));
        bonding.bond(T, 10 * LPT - 2);
        vm.expectRevert(abi.encodeWithSelector(SharePools.AmountTooSmall.selector, 0));
        bonding.bond(T, 0);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.SelfDelegation.selector, OP));
        bonding.delegate(T, OP, 1);
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(IBondingManager.OperatorNotBonded.selector, T, OP, 0, 10 * LPT)
        );
        vm.prank(DEL);
        bonding.delegate(T, OP, 1);
    }

    function test_tokens_sent_to_the_contract_change_no_share() external {
        bond(T, OP, 100 * LPT);
        token.transfer(address(bonding), 1_000_000 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 40 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, OP), 100 * LPT);
    }

    // ---- unbond and withdraw ----

    function test_a_lock_ripens_with_rounds_and_with_the_end_of_its_round() external {
        bond(T, OP, 100 * LPT);
        openRound();
        vm.prank(OP);
        uint256 lockId = bonding.unbond(T, OP, 30 * LPT);
        LockState memory lock = bonding.lockOf(lockId);
        vm.assertTrue(lock.holder == OP && lock.operator == OP && lock.role == T && lock.amount == 30 * LPT);
        vm.assertTrue(lock.withdrawableRound == 4 && lock.withdrawableBlock == 0);
        vm.assertEq(bonding.pool(T, OP).ownUnbonding, 30 * LPT);
        // Round 1 ends here; 12 + 20 + 3 blocks later the lock is ripe, if round 4 is open.
        openRound();
        uint256 ripe = block.number + 35;
        vm.roll(ripe);
        _tooEarly(lockId, 4, uint64(ripe));
        openRound();
        openRound();
        vm.prank(OP);
        vm.assertEq(bonding.withdraw(lockId), 30 * LPT);
        vm.assertEq(token.balanceOf(OP), 30 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.UnknownLock.selector, lockId));
        vm.prank(OP);
        bonding.withdraw(lockId);
    }

    function test_rounds_alone_do_not_ripen_a_lock() external {
        bond(T, OP, 100 * LPT);
        openRound();
        vm.prank(OP);
        uint256 lockId = bonding.unbond(T, OP, 30 * LPT);
        openRound();
        uint64 ripe = uint64(block.number + 35);
        openRound();
        openRound();
        vm.roll(ripe - 1);
        _tooEarly(lockId, 4, ripe);
        vm.roll(ripe);
        vm.prank(OP);
        bonding.withdraw(lockId);
    }

    function test_only_the_holder_withdraws_and_only_what_it_has() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.startPrank(DEL);
        vm.expectRevert(abi.encodeWithSelector(SharePools.NotEnoughStake.selector, 40 * LPT + 1, 40 * LPT));
        bonding.unbond(T, OP, 40 * LPT + 1);
        uint256 lockId = bonding.unbond(T, OP, 40 * LPT);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NotTheHolder.selector, OP, DEL));
        vm.prank(OP);
        bonding.withdraw(lockId);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.UnknownLock.selector, 9));
        bonding.lockOf(9);
    }

    function test_an_operator_below_the_minimum_is_not_active() external {
        bond(T, OP, 100 * LPT);
        vm.prank(OP);
        bonding.unbond(T, OP, 91 * LPT);
        PoolState memory state = bonding.pool(T, OP);
        vm.assertTrue(!roster.isActive(T, OP) && state.weight == 0 && state.ownStake == 9 * LPT);
    }

    // ---- freeze and slash ----

    function test_a_frozen_pool_neither_loses_nor_gains() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.prank(DEL);
        uint256 lockId = bonding.unbond(T, OP, 10 * LPT);
        vm.prank(address(court));
        bonding.freeze(T, OP);
        fund(OP, 10 * LPT);
        fund(DEL, 10 * LPT);
        bytes memory frozen = abi.encodeWithSelector(IBondingManager.PoolFrozen.selector, T, OP, 1);
        vm.startPrank(OP);
        vm.expectRevert(frozen);
        bonding.bond(T, 10 * LPT);
        vm.expectRevert(frozen);
        bonding.unbond(T, OP, 1);
        bonding.bond(Role.Verifier, 10 * LPT);
        vm.stopPrank();
        vm.startPrank(DEL);
        vm.expectRevert(frozen);
        bonding.delegate(T, OP, 1);
        vm.expectRevert(frozen);
        bonding.unbond(T, OP, 1);
        vm.expectRevert(frozen);
        bonding.withdraw(lockId);
    }

    function test_only_the_court_freezes_and_slashes() external {
        bytes memory refusal = abi.encodeWithSelector(ISlashable.NotTheCourt.selector, address(this));
        vm.expectRevert(refusal);
        bonding.freeze(T, OP);
        vm.expectRevert(refusal);
        bonding.unfreeze(T, OP);
        vm.expectRevert(refusal);
        bonding.slash(T, OP, 1);
    }

    function test_a_slash_touches_one_pool_only() external {
        bond(T, OP, 100 * LPT);
        bond(Role.Verifier, OP, 100 * LPT);
        bond(T, address(0xA), 100 * LPT);
        vm.prank(address(court));
        (uint256 own, uint256 delegated) = bonding.slash(T, OP, 2500);
        vm.assertTrue(own == 25 * LPT && delegated == 0);
        vm.assertEq(bonding.pool(T, OP).weight, 75 * LPT);
        vm.assertEq(bonding.pool(Role.Verifier, OP).weight, 100 * LPT);
        vm.assertEq(bonding.pool(T, address(0xA)).weight, 100 * LPT);
        vm.assertEq(token.balanceOf(address(court)), 25 * LPT);
    }

    function test_after_a_whole_slash_old_stakes_are_void_and_new_ones_clean() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.prank(DEL);
        uint256 lockId = bonding.unbond(T, OP, 10 * LPT);
        vm.prank(address(court));
        (uint256 own, uint256 delegated) = bonding.slash(T, OP, 10_000);
        vm.assertTrue(own == 100 * LPT && delegated == 40 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 0);
        vm.assertEq(bonding.lockOf(lockId).amount, 0);
        bond(T, OP, 20 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 0);
        delegate(T, OP, DEL, 5 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 5 * LPT);
        vm.startPrank(DEL);
        vm.expectPartialRevert(SharePools.NotEnoughStake.selector);
        bonding.unbond(T, OP, 6 * LPT);
        uint256 second = bonding.unbond(T, OP, 5 * LPT);
        vm.stopPrank();
        _ripen();
        vm.startPrank(DEL);
        vm.assertEq(bonding.withdraw(lockId), 0);
        vm.assertEq(bonding.withdraw(second), 5 * LPT);
        vm.stopPrank();
        vm.assertEq(bonding.pool(T, OP).ownStake, 20 * LPT);
        vm.prank(address(court));
        bonding.slash(T, address(0xEE), 10_000);
    }

    function test_parameters_out_of_bounds_are_no_deployment() external {
        Parameters memory p = parameters();
        p.unbondingRounds = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "unbondingRounds", 0, 1));
        new BondingManager(p, addresses);
        p = parameters();
        p.minimumOwnBond = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "minimumOwnBond", 0, 1));
        new BondingManager(p, addresses);
    }

    function _ripen() private {
        for (uint256 i = 0; i < 4; ++i) {
            openRound();
        }
        vm.roll(block.number + 35);
    }

    function _tooEarly(uint256 lockId, uint64 fromRound, uint64 fromBlock) private {
        vm.expectRevert(
            abi.encodeWithSelector(IBondingManager.TooEarly.selector, lockId, fromRound, fromBlock)
        );
        vm.prank(OP);
        bonding.withdraw(lockId);
    }
}
