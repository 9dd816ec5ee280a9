// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IEvidenceErrors, LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseState, CaseStatus, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";

/// Passes that a quorum contradicts.
contract FalsePassesTest is Courtroom {
    QuorumVerdict private _none;

    function setUp() external {
        startCourt();
    }

    // ---- of a leaf that has its case ----

    function test_a_pass_that_a_quorum_contradicts_costs_a_tenth() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes32 caseId = this.show(signed, 3, _none, 3);
        vm.assertTrue(bonding.isFrozen(Role.Verifier, seat(3)));
        afterWindow();
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.SubjectNotFinal.selector, caseId, base));
        court.execute(caseId);
        court.execute(base);
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
        vm.assertEq(challenges.claimReward(caseId), 3 * LPT);
    }

    function test_a_pass_of_a_case_that_fell_is_no_fault() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes32 caseId = this.show(signed, 3, _none, 3);
        vm.prank(transcoder);
        contests.contest(base);
        vm.prank(RESOLVER);
        contests.resolve(base, false);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 300 * LPT);
        vm.assertFalse(bonding.isFrozen(Role.Verifier, seat(3)));
        // Nor is one that is shown with the quorum afterwards.
        QuorumVerdict memory fails = verdict(signed, 3, RECOMPUTED, 0x7);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NotTheCase.selector, base, CaseStatus.Acquitted));
        this.show(signed, 3, fails, 3);
    }

    function test_no_pass_without_a_quorum_a_signature_or_another_signer() external {
        SignedReceipt memory signed = receipt(1);
        vm.expectPartialRevert(IEvidenceErrors.QuorumMissed.selector);
        this.show(signed, 3, _none, 3);
        prove(signed, 0x7);
        vm.expectPartialRevert(IEvidenceErrors.QuorumMissed.selector);
        this.show(signed, 4, _none, 3);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.WrongPosition.selector, 64, 0x7));
        this.showWith(signed, 3, _none, 64, "");
        // Who has not passed it, be it a signer or not.
        bytes memory other = passOf(signed, 3, 2);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
            this.showWith(signed, 3, _none, 3 * i, other);
        }
    }

    function test_a_pass_is_shown_for_a_case_window_longer_than_a_quorum() external {
        SignedReceipt memory signed = receipt(1);
        prove(signed, 0x7);
        QuorumVerdict memory fails = verdict(signed, 4, RECOMPUTED, 0x7);
        vm.roll(signed.assignment.deadlineBlock + 20 + 3);
        vm.expectPartialRevert(IEvidenceErrors.EvidenceTooLate.selector);
        this.show(signed, 4, fails, 3);
        uint256 snapshot = vm.snapshotState();
        this.show(signed, 3, _none, 3);
        vm.revertToState(snapshot);
        vm.roll(block.number + 1);
        vm.expectPartialRevert(IChallenges.TooLate.selector);
        this.show(signed, 3, _none, 3);
    }

    // ---- of any other leaf ----

    /// [a cheat's friend that passes eight leaves for the price of one] Each leaf of the receipt is a fault of its own.
    function test_a_pass_of_another_leaf_than_the_cases_costs_as_much() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes32 first = this.show(signed, 3, _none, 3);
        QuorumVerdict memory fails = verdict(signed, 4, RECOMPUTED, 0x7);
        bytes32 second = this.show(signed, 4, fails, 3);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, second));
        this.show(signed, 4, fails, 3);
        CaseState memory state = court.caseOf(second);
        vm.assertTrue(state.bitmap == 0x7 && state.round == 1 && state.leafIndex == 4);
        // What becomes of the case about the other leaf does not matter.
        vm.prank(transcoder);
        contests.contest(base);
        vm.prank(RESOLVER);
        contests.resolve(base, false);
        afterWindow();
        court.execute(first);
        assertStatus(first, CaseStatus.Annulled);
        court.execute(second);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
    }

    /// The signers of a leaf that was planted have said nothing about the next one, which a burst absorbs; its own
    /// quorum has.
    function test_a_pass_of_an_absorbed_leaf_is_shown_with_its_quorum() external {
        vm.prank(transcoder);
        challenges.plantFault(keccak256(abi.encode(bytes32("secret"))));
        passRounds(1);
        SignedReceipt memory signed = planted(assignment(1), "secret", 3);
        bytes32 other = prove(receipt(2), 0x7);
        bytes32 base = prove(signed, 0x7);
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, "secret");
        afterWindow();
        court.execute(other);
        proveLeaf(signed, 4, 0xe);
        assertStatus(base, CaseStatus.Absorbed);
        vm.assertEq(court.caseOf(base).bitmap, 0);
        vm.expectPartialRevert(IEvidenceErrors.QuorumMissed.selector);
        this.show(signed, 4, _none, 3);
        bytes32 caseId = this.show(signed, 4, verdict(signed, 4, RECOMPUTED, 0x7), 3);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
    }

    function test_a_pass_shown_before_the_case_waits_for_it() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = this.show(signed, 3, verdict(signed, 3, RECOMPUTED, 0x7), 3);
        bytes32 base = prove(signed, 0x7);
        afterWindow();
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.SubjectNotFinal.selector, caseId, base));
        court.execute(caseId);
        court.execute(base);
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
    }

    function show(SignedReceipt memory signed, uint32 index, QuorumVerdict memory fails, uint256 position)
        external
        returns (bytes32)
    {
        return this.showWith(signed, index, fails, position, passOf(signed, index, position));
    }

    function showWith(
        SignedReceipt memory signed,
        uint32 index,
        QuorumVerdict memory fails,
        uint256 position,
        bytes memory said
    ) external returns (bytes32) {
        LeafProof memory proof = leafProof(signed.assignment.seq, index);
        return challenges.falsePass(signed, proof, fails, position, said);
    }
}
