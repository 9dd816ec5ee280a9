// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChallenges, SignedAccusation} from "../interfaces/IChallenges.sol";
import {IEvidenceErrors, LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, Cause, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Role} from "../objects/Role.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Courtroom} from "./Courtroom.sol";

/// The finder's claim, and what verifiers pay for.
contract VerifierFaultsTest is Courtroom {
    using BlsSigner for uint256;

    function setUp() external {
        startCourt();
    }

    // ---- the finder ----

    /// [three finders splitting the quorum] Nobody is named in what verifiers sign; whoever drew lowest claims.
    function test_the_lowest_draw_among_the_signers_is_the_finder() external {
        (SignedReceipt memory signed, bytes32 caseId) = _proven();
        _endEpoch(signed);
        uint256 lowest = 4;
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            bytes memory shown = ticket(i, epochOf(signed.assignment));
            if (!draws(signed, i, 3)) {
                vm.expectRevert(abi.encodeWithSelector(IChallenges.NotDrawn.selector, seat(i), 3));
                challenges.claimFinder(signed.assignment, i, shown);
                continue;
            }
            bool lower = lowest == 4 || draw(signed, i, 3) < draw(signed, lowest, 3);
            if (lower) lowest = i;
            else vm.expectPartialRevert(IChallenges.LowerDraw.selector);
            challenges.claimFinder(signed.assignment, i, shown);
        }
        vm.assertTrue(lowest < 4, "somebody has drawn the leaf");
        (address verifier,) = challenges.finderOf(evidence.hashReceipt(signed.receipt), 3);
        vm.assertEq(verifier, seat(lowest));
        court.execute(caseId);
        vm.expectPartialRevert(IChallenges.TooEarly.selector);
        challenges.settleFinder(signed.assignment);
        vm.roll(signed.assignment.deadlineBlock + 21);
        vm.assertEq(challenges.settleFinder(signed.assignment), 10 * LPT);
        vm.assertEq(token.balanceOf(verifier), 10 * LPT);
        vm.expectPartialRevert(IFraudCourt.AlreadyPaid.selector);
        challenges.settleFinder(signed.assignment);
    }

    function test_an_unclaimed_finders_part_burns() external {
        (SignedReceipt memory signed, bytes32 caseId) = _proven();
        afterWindow();
        court.execute(caseId);
        vm.roll(signed.assignment.deadlineBlock + 21);
        uint256 supply = token.totalSupply();
        challenges.settleFinder(signed.assignment);
        vm.assertEq(supply - token.totalSupply(), 10 * LPT);
    }

    function test_a_claim_needs_a_signer_its_own_ticket_and_the_time_for_it() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0x7);
        uint64 epoch = epochOf(signed.assignment);
        bytes memory shown = ticket(0, epoch);
        vm.expectPartialRevert(IChallenges.EpochNotOver.selector);
        challenges.claimFinder(signed.assignment, 0, shown);
        _endEpoch(signed);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.WrongPosition.selector, 3, 0x7));
        challenges.claimFinder(signed.assignment, 3, shown);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        challenges.claimFinder(signed.assignment, 1, shown);
        signed.assignment.deadlineBlock -= 1;
        vm.expectPartialRevert(IChallenges.NotTheCase.selector);
        challenges.claimFinder(signed.assignment, 0, shown);
        signed.assignment.deadlineBlock += 1;
        uint256 until = signed.assignment.deadlineBlock + 20;
        vm.roll(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooLate.selector, until, until + 1));
        challenges.claimFinder(signed.assignment, 0, shown);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudCourt.WrongStatus.selector, caseId, CaseStatus.Open, CaseStatus.Executed
            )
        );
        challenges.settleFinder(signed.assignment);
    }

    // ---- early tickets ----

    /// [selling tickets] Whoever is shown a ticket before its time can take a twentieth of its signer's bond.
    function test_selling_tickets_costs_the_seller() external {
        uint64 epoch = uint64(block.number / 5) + 3;
        bytes memory shown = ticket(1, epoch);
        // A key that has leaked gives all tickets to come: they cost one at a time, and can be shown in time.
        vm.roll(uint256(epoch) * 5 - 1);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.EpochNotBegun.selector, epoch, uint256(epoch) * 5));
        challenges.showEarlyTicket(seat(1), epoch, shown);
        vm.roll(uint256(epoch) * 5 + 4);
        vm.prank(ANYONE);
        bytes32 caseId = challenges.showEarlyTicket(seat(1), epoch, shown);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        challenges.showEarlyTicket(seat(1), epoch, shown);
        vm.assertTrue(bonding.isFrozen(Role.Verifier, seat(1)));
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(1)), 270 * LPT);
        uint256 had = token.balanceOf(ANYONE);
        challenges.claimReward(caseId);
        vm.assertEq(token.balanceOf(ANYONE) - had, 15 * LPT);
        vm.expectPartialRevert(IFraudCourt.AlreadyPaid.selector);
        challenges.claimReward(caseId);
    }

    function test_a_ticket_of_an_epoch_that_has_ended_is_no_secret() external {
        uint64 epoch = uint64(block.number / 5) - 1;
        bytes memory shown = ticket(1, epoch);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.EpochOver.selector, epoch, uint256(epoch + 1) * 5));
        challenges.showEarlyTicket(seat(1), epoch, shown);
        epoch += 1;
        shown = ticket(2, epoch);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        challenges.showEarlyTicket(seat(1), epoch, shown);
    }

    // ---- false accusations ----

    /// [an accuser that slanders] A quorum of passes acquits and costs the accuser a hundredth.
    function test_a_quorum_of_passes_acquits_at_the_accusers_cost() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = _acquit(signed, 3, 0x7, 3);
        vm.assertFalse(frozen());
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 297 * LPT);
        // A fifth of the three is the signers' (the accuser counts on neither side), a tenth the reporter's.
        vm.assertEq(court.claimSigner(caseId, 0), 0.2 ether);
    }

    function test_two_quorums_that_contradict_each_other_go_to_the_resolver() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0xe);
        bytes32 caseId = _acquit(signed, 3, 0x7, 3);
        assertStatus(base, CaseStatus.Contested);
        afterWindow();
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.SubjectNotFinal.selector, caseId, base));
        court.execute(caseId);
        vm.prank(RESOLVER);
        contests.resolve(base, true);
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 300 * LPT);
    }

    /// Who has contested is not worse off than who waits: the resolver's silence annuls, and its bond comes back.
    function test_an_acquittal_helps_who_has_contested_before() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0xe);
        vm.prank(transcoder);
        contests.contest(base);
        (, uint64 round,) = contests.contestOf(base);
        passRounds(1);
        _acquit(signed, 3, 0x7, 3);
        (Cause cause, uint64 since, address by) = contests.contestOf(base);
        vm.assertTrue(
            cause == Cause.Conflict && since == round && by == transcoder, "no new time for the resolver"
        );
        passRounds(6);
        contests.lapse(base);
        assertStatus(base, CaseStatus.Annulled);
        vm.assertEq(contests.owed(transcoder), 10 * LPT);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 1000 * LPT);
    }

    function test_an_acquittal_that_came_before_the_proof_is_shown_again() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = _acquit(signed, 3, 0x7, 3);
        vm.expectPartialRevert(IFraudCourt.AlreadyProven.selector);
        this.acquitWith(signed, 3, 0x7, 3);
        bytes32 base = prove(signed, 0xe);
        assertStatus(base, CaseStatus.Open);
        vm.assertEq(_acquit(signed, 3, 0x7, 3), caseId);
        assertStatus(base, CaseStatus.Contested);
        vm.assertEq(bonding.pool(Role.Verifier, seat(3)).openCases, 1, "one accusation is one fault");
        passRounds(7);
        contests.lapse(base);
        assertStatus(base, CaseStatus.Annulled);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 1000 * LPT);
    }

    function test_no_acquittal_below_a_quorum_or_of_what_was_found_wrong() external {
        SignedReceipt memory signed = receipt(1);
        vm.expectPartialRevert(IEvidenceErrors.QuorumMissed.selector);
        this.acquitWith(signed, 3, 0x3, 3);
        vm.expectPartialRevert(IChallenges.WrongPosition.selector);
        this.acquitWith(signed, 3, 0x7, 2);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory fails = verdict(signed, 3, RECOMPUTED, 0x7);
        SignedAccusation memory accused = accusation(signed, 3, 3);
        vm.expectPartialRevert(IEvidenceErrors.OutputIsWrong.selector);
        challenges.acquit(signed, proof, fails, accused);
        QuorumVerdict memory right = passes(signed, 3, 0x7);
        accused.signature = accusation(signed, 4, 3).signature;
        vm.expectPartialRevert(IEvidenceErrors.WrongSigner.selector);
        challenges.acquit(signed, proof, right, accused);
        bytes32 base = prove(signed, 0xe);
        afterWindow();
        court.execute(base);
        vm.expectPartialRevert(IChallenges.NotTheCase.selector);
        this.acquitWith(signed, 3, 0x7, 3);
    }

    /// A transcoder that signed two receipts: a case about one of them says nothing about a leaf of the other.
    function test_a_case_about_another_receipt_is_not_contested_by_an_acquittal() external {
        (SignedReceipt memory wrong, SignedReceipt memory right) = _twoReceipts();
        bytes32 base = prove(wrong, 0xe);
        bytes32 caseId = _acquit(right, 3, 0x7, 3);
        assertStatus(base, CaseStatus.Open);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        court.execute(base);
        assertStatus(base, CaseStatus.Executed);
    }

    function test_a_case_about_another_receipt_does_not_annul_an_acquittal() external {
        (SignedReceipt memory wrong, SignedReceipt memory right) = _twoReceipts();
        bytes32 caseId = _acquit(right, 3, 0x7, 3);
        bytes32 base = prove(wrong, 0xe);
        afterWindow();
        court.execute(base);
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
    }

    // ---- divergences ----

    function test_a_refuted_divergence_costs_a_tenth() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes memory said = seats[3].sign(evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2));
        vm.expectPartialRevert(IChallenges.NotTheCase.selector);
        challenges.falseDivergence(signed.assignment, signed.receipt, 3, 2, said);
        vm.prank(transcoder);
        contests.contest(base);
        vm.prank(RESOLVER);
        contests.resolve(base, true);
        bytes32 caseId = challenges.falseDivergence(signed.assignment, signed.receipt, 3, 2, said);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        challenges.falseDivergence(signed.assignment, signed.receipt, 2, 2, said);
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
    }

    function test_a_divergence_that_the_resolver_did_not_refute_is_none() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        afterWindow();
        court.execute(base);
        bytes memory said = seats[3].sign(evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2));
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NotRefuted.selector, base));
        challenges.falseDivergence(signed.assignment, signed.receipt, 3, 2, said);
    }

    function test_only_challenges_may_open_spare_and_pay() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.expectPartialRevert(IFraudCourt.NotAllowed.selector);
        court.spare("assignment", transcoder, "receipt", 1);
        vm.expectPartialRevert(IFraudCourt.NotAllowed.selector);
        court.payFinder(caseId, ANYONE);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NoBeneficiary.selector, caseId));
        challenges.claimReward(caseId);
    }

    function acquitWith(SignedReceipt memory signed, uint32 index, uint64 bitmap, uint256 position)
        external
        returns (bytes32)
    {
        return _acquit(signed, index, bitmap, position);
    }

    function _acquit(SignedReceipt memory signed, uint32 index, uint64 bitmap, uint256 position)
        private
        returns (bytes32)
    {
        LeafProof memory proof = leafProof(signed.assignment.seq, index);
        QuorumVerdict memory quorum = passes(signed, index, bitmap);
        return challenges.acquit(signed, proof, quorum, accusation(signed, index, position));
    }

    function _proven() private returns (SignedReceipt memory signed, bytes32 caseId) {
        signed = receipt(1);
        caseId = prove(signed, 0xf);
    }

    /// @dev For one assignment: what is proven wrong of the first is right in the second.
    function _twoReceipts() private view returns (SignedReceipt memory first, SignedReceipt memory second) {
        Assignment memory a = assignment(1);
        (first, second) = (receiptFor(a), planted(a, "another plant", 0));
    }

    function _endEpoch(SignedReceipt memory signed) private {
        vm.roll((uint256(epochOf(signed.assignment)) + 1) * 5);
    }
}
