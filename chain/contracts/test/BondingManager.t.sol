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

    // ---- move and rebond ----

    function test_stake_moves_to_another_pool_and_counts_in_neither_meanwhile() external {
        address other = address(0xB);
        bond(T, OP, 100 * LPT);
        bond(T, other, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        openRound();
        vm.expectEmit(true, true, true, true, address(bonding));
        emit IBondingManager.MoveBegun(T, OP, DEL, other, 1, 30 * LPT);
        vm.prank(DEL);
        uint256 lockId = bonding.move(T, OP, other, 30 * LPT);
        vm.assertEq(bonding.weightOf(T, OP), 110 * LPT);
        vm.assertEq(bonding.weightOf(T, other), 100 * LPT);
        vm.assertEq(bonding.totalBonded(), 210 * LPT);
        LockState memory lock = bonding.lockOf(lockId);
        vm.assertTrue(lock.destination == other && lock.amount == 30 * LPT && lock.round == 1);
        vm.expectPartialRevert(IBondingManager.TooEarly.selector);
        bonding.arrive(lockId);
        _ripen();
        vm.assertEq(bonding.arrive(lockId), 30 * LPT);
        vm.assertEq(bonding.stakeOf(T, other, DEL), 30 * LPT);
        vm.assertEq(bonding.weightOf(T, other), 130 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.UnknownLock.selector, lockId));
        bonding.arrive(lockId);
    }

    function test_a_move_whose_destination_is_gone_can_be_withdrawn_or_go_back() external {
        address other = address(0xB);
        bond(T, OP, 100 * LPT);
        bond(T, other, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.startPrank(DEL);
        uint256 a = bonding.move(T, OP, other, 10 * LPT);
        uint256 b = bonding.move(T, OP, other, 10 * LPT);
        vm.stopPrank();
        vm.prank(other);
        bonding.unbond(T, other, 100 * LPT);
        _ripen();
        vm.expectPartialRevert(IBondingManager.OperatorNotBonded.selector);
        bonding.arrive(a);
        vm.startPrank(DEL);
        vm.assertEq(bonding.withdraw(a), 10 * LPT);
        vm.assertEq(bonding.rebond(b), 10 * LPT);
        vm.stopPrank();
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 30 * LPT);
    }

    function test_an_operator_moves_its_bond_to_another_and_a_delegator_to_its_own() external {
        address other = address(0xB);
        bond(T, OP, 100 * LPT);
        bond(T, other, 100 * LPT);
        delegate(T, other, DEL, 50 * LPT);
        vm.prank(OP);
        uint256 a = bonding.move(T, OP, other, 20 * LPT);
        vm.prank(DEL);
        uint256 b = bonding.move(T, other, DEL, 50 * LPT);
        _ripen();
        bonding.arrive(a);
        bonding.arrive(b);
        vm.assertEq(bonding.stakeOf(T, other, OP), 20 * LPT);
        vm.assertEq(bonding.ownStakeOf(T, DEL), 50 * LPT);
        vm.assertTrue(roster.isActive(T, DEL));
    }

    function test_what_may_not_be_moved() external {
        bond(T, OP, 100 * LPT);
        vm.startPrank(OP);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.SamePool.selector, OP));
        bonding.move(T, OP, OP, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBondingManager.OperatorNotBonded.selector, T, DEL, 0, 10 * LPT)
        );
        bonding.move(T, OP, DEL, 1);
        uint256 lockId = bonding.unbond(T, OP, 10 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NotInTransit.selector, lockId));
        bonding.arrive(lockId);
        vm.stopPrank();
    }

    function test_a_lock_goes_back_at_any_time_by_its_holder_alone() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 40 * LPT);
        vm.prank(OP);
        uint256 own = bonding.unbond(T, OP, 95 * LPT);
        vm.prank(DEL);
        uint256 delegated = bonding.unbond(T, OP, 40 * LPT);
        vm.assertFalse(roster.isActive(T, OP));
        vm.expectPartialRevert(IBondingManager.OperatorNotBonded.selector);
        vm.prank(DEL);
        bonding.rebond(delegated);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NotTheHolder.selector, DEL, OP));
        vm.prank(DEL);
        bonding.rebond(own);
        vm.prank(OP);
        vm.assertEq(bonding.rebond(own), 95 * LPT);
        vm.prank(DEL);
        vm.assertEq(bonding.rebond(delegated), 40 * LPT);
        vm.assertEq(bonding.weightOf(T, OP), 140 * LPT);
        vm.assertEq(bonding.pool(T, OP).ownUnbonding, 0);
    }

    function test_many_locks_of_one_holder_ripen_each_in_its_time() external {
        bond(T, OP, 100 * LPT);
        uint256[] memory ids = new uint256[](5);
        for (uint256 i = 0; i < ids.length; ++i) {
            openRound();
            vm.prank(OP);
            ids[i] = bonding.unbond(T, OP, (i + 1) * LPT);
        }
        vm.assertEq(bonding.lockCount(), 5);
        _ripen();
        vm.startPrank(OP);
        for (uint256 i = ids.length; i > 0; --i) {
            vm.assertEq(bonding.withdraw(ids[i - 1]), i * LPT);
        }
        vm.stopPrank();
    }

    // ---- permits ----

    function test_permits_take_the_place_of_allowances() external {
        (address owner, address delegator) = (vm.addr(7), vm.addr(8));
        token.transfer(owner, 50 * LPT);
        token.transfer(delegator, 5 * LPT);
        (uint8 v, bytes32 r, bytes32 s) = _permit(7, 50 * LPT);
        vm.prank(owner);
        bonding.bondWithPermit(T, 50 * LPT, block.timestamp, v, r, s);
        (v, r, s) = _permit(8, 5 * LPT);
        // Somebody else uses the permit first: its allowance is there all the same.
        token.permit(delegator, address(bonding), 5 * LPT, block.timestamp, v, r, s);
        vm.prank(delegator);
        bonding.delegateWithPermit(T, owner, 5 * LPT, block.timestamp, v, r, s);
        vm.assertEq(bonding.weightOf(T, owner), 55 * LPT);
        vm.expectRevert();
        vm.prank(delegator);
        bonding.delegateWithPermit(T, owner, 1, block.timestamp, v, r, s);
    }

    function _permit(uint256 secret, uint256 amount) private view returns (uint8, bytes32, bytes32) {
        address owner = vm.addr(secret);
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(
            abi.encode(typeHash, owner, address(bonding), amount, token.nonces(owner), block.timestamp)
        );
        return vm.sign(secret, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit)));
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
        create("BondingManager", abi.encode(p, addresses));
        p = parameters();
        p.minimumOwnBond = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "minimumOwnBond", 0, 1));
        create("BondingManager", abi.encode(p, addresses));
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
