// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager} from "../interfaces/IBondingManager.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {Role} from "../objects/Role.sol";
import {Network} from "./Network.sol";

/// Attacks on stakes, each named after what the attacker tries, and what it gets.
contract StakeAttacksTest is Network {
    address private constant OP = address(0x0F);
    address private constant FRIEND = address(0x0FF);
    address private constant DEL = address(0xDE1);
    address private constant VICTIM = address(0x71C);
    Role private constant T = Role.Transcoder;
    Role private constant V = Role.Verifier;

    function setUp() external {
        deploy();
        openRound();
    }

    /// Stake that left after the fault is cut as if it had stayed.
    function test_unbonding_before_the_case_opens_escapes_nothing() external {
        bond(T, OP, 100 * LPT);
        openRound();
        vm.prank(OP);
        uint256 lockId = bonding.unbond(T, OP, 100 * LPT);
        vm.startPrank(address(court));
        bonding.freeze(T, OP);
        (uint256 ownCut,) = bonding.slash(T, OP, 1000);
        bonding.unfreeze(T, OP);
        vm.stopPrank();
        vm.assertEq(ownCut, 10 * LPT);
        vm.assertEq(bonding.lockOf(lockId).amount, 90 * LPT);
    }

    function test_moving_to_a_friend_before_the_case_opens_escapes_nothing() external {
        bond(T, OP, 100 * LPT);
        bond(T, FRIEND, 100 * LPT);
        openRound();
        vm.prank(OP);
        uint256 lockId = bonding.move(T, OP, FRIEND, 100 * LPT);
        vm.startPrank(address(court));
        bonding.freeze(T, OP);
        bonding.slash(T, OP, 1000);
        vm.stopPrank();
        vm.assertEq(bonding.stakeOf(T, FRIEND, OP), 0);
        vm.assertEq(bonding.weightOf(T, FRIEND), 100 * LPT);
        _ripen();
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.PoolFrozen.selector, T, OP, 1));
        bonding.arrive(lockId);
        vm.prank(address(court));
        bonding.unfreeze(T, OP);
        vm.assertEq(bonding.arrive(lockId), 90 * LPT);
        vm.assertEq(bonding.stakeOf(T, FRIEND, OP), 90 * LPT);
    }

    /// Back and forth between bonded and unbonding, a lock never ripens early.
    function test_rebonding_and_unbonding_again_starts_the_wait_anew() external {
        bond(T, OP, 100 * LPT);
        vm.startPrank(OP);
        uint256 lockId = bonding.unbond(T, OP, 50 * LPT);
        vm.stopPrank();
        _ripen();
        vm.startPrank(OP);
        bonding.rebond(lockId);
        lockId = bonding.unbond(T, OP, 50 * LPT);
        vm.expectPartialRevert(IBondingManager.TooEarly.selector);
        bonding.withdraw(lockId);
        vm.stopPrank();
    }

    /// The court holds who signed until its cases are final: neither withdrawing nor moving goes on meanwhile.
    function test_signers_do_not_leave_before_their_case_is_final() external {
        bond(V, OP, 100 * LPT);
        bond(V, FRIEND, 100 * LPT);
        vm.startPrank(OP);
        uint256 leaving = bonding.unbond(V, OP, 40 * LPT);
        uint256 moving = bonding.move(V, OP, FRIEND, 40 * LPT);
        vm.stopPrank();
        uint64 round = bonding.lockOf(leaving).round;
        _ripen();
        bytes memory question = abi.encodeCall(ICourt.holds, (V, OP, round));
        vm.mockCall(address(court), question, abi.encode(true));
        vm.startPrank(OP);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.HeldByCourt.selector, leaving, OP));
        bonding.withdraw(leaving);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.HeldByCourt.selector, moving, OP));
        bonding.arrive(moving);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.HeldByCourt.selector, moving, OP));
        bonding.withdraw(moving);
        vm.mockCall(address(court), question, abi.encode(false));
        vm.assertEq(bonding.withdraw(leaving), 40 * LPT);
        vm.assertEq(bonding.arrive(moving), 40 * LPT);
        vm.stopPrank();
    }

    /// [reporting oneself with delegators' money]: what delegators lose is told apart, to the unit.
    function testFuzz_delegators_money_never_counts_as_the_operators_own_cut(
        uint96 own,
        uint96 delegated,
        uint96 unbonded,
        uint16 bps
    ) external {
        uint256 mine = bound(own, 10 * LPT, 1e24);
        bond(T, OP, mine);
        delegate(T, OP, DEL, bound(delegated, 1, 1e25));
        uint256 leaves = bound(unbonded, 1, bonding.stakeOf(T, OP, DEL));
        vm.prank(DEL);
        bonding.unbond(T, OP, leaves);
        vm.prank(address(court));
        (uint256 ownCut, uint256 delegatedCut) = bonding.slash(T, OP, bound(bps, 1, 10_000));
        // At most its part, rounded up like every cut.
        vm.assertLe(ownCut, mine * bound(bps, 1, 10_000) / 10_000 + 1);
        vm.assertGe(delegatedCut + 2, bound(delegated, 1, 1e25) * bound(bps, 1, 10_000) / 10_000);
    }

    /// Stake that arrives for a payout and leaves after it has, of a round's reward, the part of its blocks.
    function test_hopping_from_payout_to_payout_earns_its_blocks_only() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, VICTIM, 100 * LPT);
        delegate(T, OP, DEL, 800 * LPT);
        reward(T, OP, 80 * LPT);
        vm.prank(DEL);
        vm.expectPartialRevert(bytes4(keccak256("NotEnoughStake(uint256,uint256)")));
        bonding.unbond(T, OP, 800 * LPT + 1);
        vm.roll(block.number + 1);
        uint256 stake = bonding.stakeOf(T, OP, DEL);
        vm.assertApproxEqAbs(stake, 808 * LPT, 1);
        vm.prank(DEL);
        bonding.unbond(T, OP, stake);
        vm.roll(block.number + 7);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, VICTIM), 136 * LPT, 2);
    }

    /// A cut raised just before a payout counts after it.
    function test_raising_the_cut_before_a_payout_takes_nothing_from_delegators() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, VICTIM, 100 * LPT);
        vm.prank(OP);
        operators.setCuts(T, 10_000, 0);
        reward(T, OP, 20 * LPT);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(bonding.stakeOf(T, OP, VICTIM), 110 * LPT, 1);
    }

    /// The first holder and tokens sent to the contract: a later deposit loses at most one base unit.
    function testFuzz_first_depositor_and_donations_take_nothing(uint96 donated, uint96 paid, uint96 amount)
        external
    {
        bond(T, OP, 10 * LPT);
        delegate(T, OP, DEL, 1);
        vm.prank(OP);
        bonding.unbond(T, OP, 10 * LPT - 1);
        token.transfer(address(bonding), bound(donated, 0, 1e26));
        reward(T, OP, bound(paid, 1, 1e26));
        vm.roll(block.number + 8);
        bonding.enlist(T, OP);
        vm.prank(DEL);
        bonding.unbond(T, OP, 1);
        bond(T, OP, 10 * LPT);
        uint256 deposit = bound(amount, 1, 1e26);
        delegate(T, OP, VICTIM, deposit);
        vm.assertLe(bonding.stakeOf(T, OP, VICTIM), deposit);
        vm.assertGe(bonding.stakeOf(T, OP, VICTIM) + 1, deposit);
    }

    /// An operator that wears its own pool out to have a small slash take its delegators' whole stake.
    function testFuzz_wearing_a_pool_out_costs_new_delegators_nothing(uint8 slashes, uint16 bps) external {
        bond(T, OP, 10 * LPT);
        for (uint256 i = 0; i < slashes; ++i) {
            vm.prank(address(court));
            bonding.slash(T, OP, 5000);
            if (i % 16 == 5) bond(T, OP, 10 * LPT);
        }
        bond(T, OP, 10 * LPT);
        delegate(T, OP, VICTIM, 1000 * LPT);
        uint256 part = bound(bps, 1, 9000);
        vm.prank(address(court));
        bonding.slash(T, OP, part);
        uint256 expected = 1000 * LPT * (10_000 - part) / 10_000;
        vm.assertGe(bonding.stakeOf(T, OP, VICTIM) + 3, expected);
    }

    /// A null delegate with zero bond after a whole slash (Livepeer, Code4rena 2023-08 M-02).
    function test_a_whole_slash_leaves_no_holder_in_a_corrupt_state() external {
        bond(T, OP, 100 * LPT);
        delegate(T, OP, DEL, 100 * LPT);
        vm.prank(DEL);
        uint256 lockId = bonding.unbond(T, OP, 50 * LPT);
        vm.prank(address(court));
        bonding.slash(T, OP, 10_000);
        vm.startPrank(DEL);
        vm.expectPartialRevert(bytes4(keccak256("NotEnoughStake(uint256,uint256)")));
        bonding.unbond(T, OP, 1);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NothingLeft.selector, lockId));
        bonding.rebond(lockId);
        vm.stopPrank();
        reward(T, OP, 7 * LPT);
        bond(T, OP, 10 * LPT);
        delegate(T, OP, DEL, 10 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, DEL), 10 * LPT);
        vm.assertEq(bonding.stakeOf(T, OP, OP), 17 * LPT);
        _ripen();
        vm.startPrank(DEL);
        vm.assertEq(bonding.withdraw(lockId), 0);
        vm.assertEq(bonding.withdraw(_unbond(10 * LPT)), 10 * LPT);
        vm.stopPrank();
    }

    function test_what_was_slashed_away_on_its_way_does_not_arrive() external {
        bond(T, OP, 100 * LPT);
        bond(T, FRIEND, 100 * LPT);
        vm.prank(OP);
        uint256 lockId = bonding.move(T, OP, FRIEND, 50 * LPT);
        vm.prank(address(court));
        bonding.slash(T, OP, 10_000);
        _ripen();
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.NothingLeft.selector, lockId));
        bonding.arrive(lockId);
    }

    /// A key that signs for one operator cannot bond, so no pool's fault is signed in another's name.
    function test_a_signer_is_no_operator_by_any_way_in() external {
        uint256 hot = 0x407;
        address signer = vm.addr(hot);
        bond(T, OP, 100 * LPT);
        fund(signer, 100 * LPT);
        vm.prank(signer);
        bonding.delegate(T, OP, 50 * LPT);
        vm.prank(signer);
        uint256 lockId = bonding.move(T, OP, signer, 50 * LPT);
        authorise(OP, hot);
        bytes memory refusal = abi.encodeWithSelector(IBondingManager.SignerCannotBond.selector, signer, OP);
        vm.startPrank(signer);
        vm.expectRevert(refusal);
        bonding.bond(T, 50 * LPT);
        vm.stopPrank();
        _ripen();
        vm.expectRevert(refusal);
        bonding.arrive(lockId);
        // Its stake is not lost.
        vm.prank(signer);
        vm.assertEq(bonding.withdraw(lockId), 50 * LPT);
    }

    function _unbond(uint256 amount) private returns (uint256 lockId) {
        lockId = bonding.unbond(T, OP, amount);
        vm.stopPrank();
        _ripen();
        vm.startPrank(DEL);
    }

    function _ripen() private {
        for (uint256 i = 0; i < 4; ++i) {
            openRound();
        }
        vm.roll(block.number + 35);
    }
}
