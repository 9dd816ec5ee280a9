// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager} from "../interfaces/IBondingManager.sol";
import {CaseStatus, FaultKind, IFraudCourt, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Bls} from "../libraries/Bls.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Stream} from "./Stream.sol";

/// From the open case to the slash and its payouts.
contract ExecuteTest is Stream {
    using BlsSigner for uint256;

    function setUp() external {
        startStream();
    }

    function test_a_case_executes_after_its_window_and_only_once() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        uint256 executableAt = block.number + 3;
        vm.roll(executableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.WindowOpen.selector, caseId, executableAt));
        court.execute(caseId);
        vm.roll(executableAt);
        vm.prank(address(0xA11));
        court.execute(caseId);
        vm.assertFalse(bonding.isFrozen(Role.Transcoder, transcoder));
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudCourt.WrongStatus.selector, caseId, CaseStatus.Executed, CaseStatus.Open
            )
        );
        court.execute(caseId);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.UnknownCase.selector, bytes32("none")));
        court.execute("none");
    }

    function test_the_cut_reaches_delegators_and_unbonding_and_all_but_the_signers_part_burns() external {
        vm.prank(transcoder);
        uint256 own = bonding.unbond(Role.Transcoder, transcoder, 100 * LPT);
        vm.prank(DELEGATOR);
        uint256 delegated = bonding.unbond(Role.Transcoder, transcoder, 200 * LPT);
        uint256 supply = token.totalSupply();
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.roll(block.number + 3);
        // 10 % of 1,500: 100 of it the own bond's, a fifth of which is the signers' and a tenth the finder's.
        vm.expectEmit(true, true, true, true, address(court));
        emit IFraudCourt.CaseExecuted(caseId, transcoder, 150 * LPT, 120 * LPT, 20 * LPT);
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 810 * LPT);
        vm.assertEq(bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR), 270 * LPT);
        vm.assertEq(bonding.lockOf(own).amount, 90 * LPT);
        vm.assertEq(bonding.lockOf(delegated).amount, 180 * LPT);
        vm.assertEq(supply - token.totalSupply(), 120 * LPT);
        vm.assertEq(token.balanceOf(address(court)), 30 * LPT);
    }

    function test_signers_are_paid_by_weight_once_and_absent_parts_burn() external {
        bytes32 caseId = prove(receipt(1), 0xd);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudCourt.WrongStatus.selector, caseId, CaseStatus.Open, CaseStatus.Executed
            )
        );
        court.claimSigner(caseId, 0);
        vm.roll(block.number + 3);
        court.execute(caseId);
        // Three of four equal signers: 15 of 20.
        vm.assertEq(court.caseOf(caseId).signersReward, 15 * LPT);
        vm.assertEq(court.claimSigner(caseId, 0), 5 * LPT);
        vm.assertEq(token.balanceOf(vm.addr(seats[0])), 5 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyPaid.selector, caseId, 0));
        court.claimSigner(caseId, 0);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.NotASigner.selector, caseId, 1));
        court.claimSigner(caseId, 1);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.NotASigner.selector, caseId, 64));
        court.claimSigner(caseId, 64);
        court.claimSigner(caseId, 2);
        court.claimSigner(caseId, 3);
        // The finder's part waits for a claim.
        vm.assertEq(token.balanceOf(address(court)), 10 * LPT);
        vm.assertEq(court.caseOf(caseId).finderReward, 10 * LPT);
        vm.assertEq(court.caseOf(caseId).claimed, 0xd);
    }

    function test_a_frozen_signer_waits_for_its_own_case() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        bytes32 other = _equivocate(0);
        vm.roll(block.number + 3);
        court.execute(caseId);
        address verifier = vm.addr(seats[0]);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.SignerFrozen.selector, verifier));
        court.claimSigner(caseId, 0);
        court.execute(other);
        court.claimSigner(caseId, 0);
        vm.assertEq(token.balanceOf(verifier), 5 * LPT);
    }

    /// [a burst]
    function test_a_burst_is_one_fault_once_a_case_of_it_is_executed() external {
        SignedReceipt memory early = receipt(1);
        vm.roll(block.number + 5);
        SignedReceipt memory unproven = receipt(5);
        bytes32 late = prove(receipt(2), 0xf);
        // Signed up to D blocks before the opening, and in its own block: cases of their own until then.
        bytes32 before = this.proveAgain(early);
        bytes32 same = this.proveAgain(receipt(3));
        vm.roll(block.number + 1);
        // The block after is another burst.
        bytes32 next = this.proveAgain(receipt(4));
        vm.roll(block.number + 3);
        court.execute(late);
        court.execute(before);
        court.execute(same);
        vm.assertTrue(court.caseOf(before).status == CaseStatus.Absorbed);
        vm.assertTrue(court.caseOf(same).status == CaseStatus.Absorbed);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        vm.assertTrue(bonding.isFrozen(Role.Transcoder, transcoder), "by the next one");
        court.execute(next);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 720 * LPT);
        vm.assertFalse(bonding.isFrozen(Role.Transcoder, transcoder));
        // What is proven afterwards is recorded, so that nobody pays for it, and freezes nobody.
        bytes32 absorbed = this.proveAgain(unproven);
        vm.assertTrue(court.caseOf(absorbed).status == CaseStatus.Absorbed);
        vm.assertFalse(bonding.isFrozen(Role.Transcoder, transcoder));
        (bytes32 about,) = court.caseAbout(unproven.receipt.assignmentHash);
        vm.assertEq(about, absorbed);
    }

    function test_a_fault_older_than_the_burst_is_another_one() external {
        SignedReceipt memory old = receipt(1);
        vm.roll(block.number + 13);
        rounds.openRound();
        prove(receipt(2), 0xf);
        this.proveAgain(old);
    }

    function test_one_receipt_is_one_fault() external {
        SignedReceipt memory signed = receipt(1);
        vm.roll(block.number + 20);
        bytes32 caseId = prove(signed, 0xf);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        this.proveAgain(signed);
        vm.roll(block.number + 3);
        court.execute(caseId);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        this.proveAgain(signed);
    }

    function test_repeats_double_until_everything_is_gone_and_the_pool_can_be_used_again() external {
        uint256[5] memory expected = [uint256(900 * LPT), 720 * LPT, 432 * LPT, 86.4 ether, 0];
        // Else the last ones would be beyond the cap.
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            bond(Role.Verifier, vm.addr(seats[i]), 100 * LPT);
        }
        openRound();
        vm.roll(block.number + 1);
        for (uint32 i = 0; i < 5; ++i) {
            vm.assertEq(
                court.penaltyOf(FaultKind.WrongEncode, transcoder), [1000, 2000, 4000, 8000, 10000][i]
            );
            _proveAndExecute(i);
            vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), expected[i], 2);
        }
        vm.assertEq(bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR), 0);
        vm.assertFalse(roster.isActive(Role.Transcoder, transcoder));
        bond(Role.Transcoder, transcoder, 50 * LPT);
        delegate(Role.Transcoder, transcoder, DELEGATOR, 7 * LPT);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 50 * LPT);
        vm.assertEq(bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR), 7 * LPT);
    }

    function test_after_thirty_rounds_without_an_offence_the_count_starts_again() external {
        uint64 round = rounds.currentRound();
        _proveAndExecute(1);
        while (rounds.currentRound() < round + 30) {
            openRound();
        }
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), 2000);
        openRound();
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), 1000);
        vm.roll(block.number + 1);
        _proveAndExecute(2);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 810 * LPT);
    }

    function test_stake_that_was_unbonded_before_the_proof_is_still_there() external {
        SignedReceipt memory signed = receipt(1);
        vm.prank(transcoder);
        uint256 lockId = bonding.unbond(Role.Transcoder, transcoder, 1000 * LPT);
        // The last block in which evidence is taken, rounds going on.
        while (rounds.openableAt() <= signed.assignment.deadlineBlock + 20) {
            openRound();
        }
        vm.roll(signed.assignment.deadlineBlock + 20);
        vm.prank(transcoder);
        vm.expectPartialRevert(IBondingManager.TooEarly.selector);
        bonding.withdraw(lockId);
        prove(signed, 0xf);
        // Ripe, but frozen.
        vm.roll(bonding.lockOf(lockId).withdrawableBlock);
        vm.prank(transcoder);
        vm.expectPartialRevert(IBondingManager.PoolFrozen.selector);
        bonding.withdraw(lockId);
        court.execute(court.caseIdOf(FaultKind.WrongEncode, evidence.hashAssignment(signed.assignment)));
        vm.prank(transcoder);
        vm.assertEq(bonding.withdraw(lockId), 900 * LPT);
    }

    function test_two_open_cases_freeze_until_both_are_executed() external {
        bytes32 first = prove(receipt(1), 0xf);
        vm.roll(block.number + 1);
        bytes32 second = this.proveAgain(receipt(2));
        vm.roll(block.number + 3);
        court.execute(first);
        vm.assertTrue(bonding.isFrozen(Role.Transcoder, transcoder));
        court.execute(second);
        vm.assertFalse(bonding.isFrozen(Role.Transcoder, transcoder));
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 720 * LPT);
    }

    function proveAgain(SignedReceipt memory signed) external returns (bytes32) {
        return prove(signed, 0xf);
    }

    function _proveAndExecute(uint32 seq) private {
        bytes32 caseId = prove(receipt(seq), 0xf);
        vm.roll(block.number + 3);
        court.execute(caseId);
        vm.roll(block.number + 11);
        if (block.number >= rounds.openableAt()) rounds.openRound();
        vm.roll(block.number + 1);
    }

    function _equivocate(uint256 seat) private returns (bytes32) {
        Verdict memory a = Verdict("receipt", 5, "one");
        Verdict memory b = Verdict("receipt", 5, "another");
        bytes memory both =
            Bls.addG1(seats[seat].sign(evidence.hashVerdict(a)), seats[seat].sign(evidence.hashVerdict(b)));
        return court.verifierEquivocation(vm.addr(seats[seat]), a, b.recomputedHash, both);
    }
}
