// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {DivergenceVotes, IContests} from "../interfaces/IContests.sol";
import {IEvidenceErrors, LeafProof, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, FaultKind, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Leaves} from "../objects/Leaf.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Courtroom} from "./Courtroom.sol";

/// Planted faults and demands to open a leaf.
contract ChallengesTest is Courtroom {
    bytes32 private constant SECRET = keccak256("secret");

    function setUp() external {
        startCourt();
    }

    // ---- planted faults ----

    function test_a_planted_fault_spares_its_planter_and_nobody_pays() external {
        SignedReceipt memory signed = _plantedWork();
        bytes32 caseId = prove(signed, 0xf);
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        assertStatus(caseId, CaseStatus.Spared);
        vm.assertFalse(frozen());
        vm.assertFalse(court.holds(Role.Verifier, seat(0), 2));
        (, CaseStatus about) = court.caseAbout(signed.receipt.assignmentHash);
        vm.assertTrue(about == CaseStatus.Spared);
        vm.prank(transcoder);
        vm.assertEq(challenges.withdraw(), LPT);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        this.proveAgain(signed, 3);
    }

    /// [cheats that call themselves probes] A plant is for one leaf; another wrong one of the same receipt costs
    /// what it costs.
    function test_a_plant_spares_for_that_leaf_only() external {
        SignedReceipt memory signed = _plantedWork();
        prove(signed, 0xf);
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        bytes32 caseId = proveLeaf(signed, 4, 0xf);
        assertStatus(caseId, CaseStatus.Open);
        vm.prank(transcoder);
        vm.expectPartialRevert(IChallenges.NoPlant.selector);
        challenges.revealPlant(signed, 3, SECRET);
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
    }

    function test_a_case_about_another_leaf_is_not_ended_by_a_plant() external {
        SignedReceipt memory signed = _plantedWork();
        proveLeaf(signed, 4, 0xf);
        vm.prank(transcoder);
        vm.expectPartialRevert(IFraudCourt.WrongStatus.selector);
        challenges.revealPlant(signed, 3, SECRET);
    }

    function test_nobody_plants_in_a_leaf_that_is_none() external {
        vm.prank(transcoder);
        challenges.plantFault(keccak256(abi.encode(SECRET)));
        passRounds(1);
        SignedReceipt memory signed = planted(assignment(1), SECRET, LEAVES);
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.IndexOutOfTree.selector, LEAVES, LEAVES));
        challenges.revealPlant(signed, LEAVES, SECRET);
    }

    /// [cheats that call themselves probes] Who has seen its case cannot plant for it afterwards, nor after the
    /// case's window.
    function test_nobody_plants_what_was_found() external {
        SignedReceipt memory signed = planted(assignment(1), SECRET, 3);
        prove(signed, 0xf);
        vm.prank(transcoder);
        challenges.plantFault(keccak256(abi.encode(SECRET)));
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NoPlant.selector, transcoder, 0));
        challenges.revealPlant(signed, 3, SECRET);
    }

    function test_a_plant_is_revealed_within_the_window_of_its_case() external {
        SignedReceipt memory signed = _plantedWork();
        prove(signed, 0xf);
        afterWindow();
        vm.prank(transcoder);
        vm.expectPartialRevert(IFraudCourt.WindowClosed.selector);
        challenges.revealPlant(signed, 3, SECRET);
    }

    /// [contests of everything open while an encoder is stopped] A planter waits for its case, and others contest it first.
    function test_a_plant_is_revealed_whoever_else_has_contested_its_case() external {
        SignedReceipt memory signed = _plantedWork();
        bytes32 caseId = prove(signed, 0x7);
        _diverge(signed, 3);
        assertStatus(caseId, CaseStatus.Contested);
        vm.assertTrue(court.holds(Role.Verifier, seat(3), 2));
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        assertStatus(caseId, CaseStatus.Spared);
        vm.assertFalse(frozen());
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 2));
        vm.expectRevert(abi.encodeWithSelector(IContests.NotContested.selector, caseId));
        contests.lapse(caseId);
        // Another leaf's case has the same id, and nobody diverged about that leaf.
        vm.assertEq(proveLeaf(signed, 4, 0x7), caseId);
        (uint64 round, uint64 bitmap) = contests.divergersOf(caseId);
        vm.assertTrue(round == 0 && bitmap == 0);
        _diverge(signed, 4);
        assertStatus(caseId, CaseStatus.Contested);
    }

    function test_a_contested_case_ends_by_a_plant_within_its_window_only() external {
        SignedReceipt memory signed = _plantedWork();
        prove(signed, 0x7);
        _diverge(signed, 3);
        afterWindow();
        vm.prank(transcoder);
        vm.expectPartialRevert(IFraudCourt.WindowClosed.selector);
        challenges.revealPlant(signed, 3, SECRET);
    }

    function test_who_contests_does_not_plead_a_plant_besides() external {
        SignedReceipt memory signed = _plantedWork();
        bytes32 caseId = prove(signed, 0x7);
        vm.prank(transcoder);
        contests.contest(caseId);
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IContests.OwnContest.selector, caseId));
        challenges.revealPlant(signed, 3, SECRET);
    }

    /// [fake probes] Without a verdict of the quorum nothing is earned by a plant: the bond comes back and the
    /// work is unpaid. Not before the verifiers have reported, and not without the work.
    function test_a_plant_that_nobody_found_is_revealed_after_the_reports() external {
        SignedReceipt memory signed = _plantedWork();
        uint256 from = (uint256(epochOf(signed.assignment)) + 2) * 5;
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooEarly.selector, from, block.number));
        challenges.revealPlant(signed, 3, SECRET);
        vm.roll(from);
        bytes memory good = signed.transcoderSignature;
        signed.transcoderSignature = signature(BROADCASTER, evidence.hashReceipt(signed.receipt));
        vm.prank(transcoder);
        vm.expectPartialRevert(IEvidenceErrors.WrongSigner.selector);
        challenges.revealPlant(signed, 3, SECRET);
        signed.transcoderSignature = good;
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        assertStatus(wrongEncodeId(signed), CaseStatus.Spared);
        vm.assertEq(challenges.owed(transcoder), LPT);
        // The leaf was named and is spared for good; another one is not.
        bytes32 caseId = wrongEncodeId(signed);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        this.proveAgain(signed, 3);
        proveLeaf(signed, 5, 0xf);
        vm.assertTrue(frozen());
    }

    function test_one_plant_a_round_and_only_for_the_next() external {
        vm.startPrank(transcoder);
        challenges.plantFault(keccak256(abi.encode(SECRET)));
        vm.expectRevert(abi.encodeWithSelector(IChallenges.AlreadyPlanted.selector, transcoder, 1));
        challenges.plantFault("another");
        vm.stopPrank();
        passRounds(2);
        SignedReceipt memory signed = planted(assignment(1), SECRET, 3);
        prove(signed, 0xf);
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NoPlant.selector, transcoder, 2));
        challenges.revealPlant(signed, 3, SECRET);
    }

    function test_a_plant_that_is_not_revealed_burns() external {
        _plantedWork();
        passRounds(1);
        uint256 from = rounds.openedAt(3) + 12 + 20 + 3;
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooEarly.selector, from, block.number));
        challenges.burnPlant(transcoder, 1);
        vm.roll(from);
        uint256 supply = token.totalSupply();
        challenges.burnPlant(transcoder, 1);
        vm.assertEq(supply - token.totalSupply(), LPT);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NoPlant.selector, transcoder, 1));
        challenges.burnPlant(transcoder, 1);
    }

    /// [one plant that insures a whole round] A cheat marks every receipt with its plant and reveals it in the one that is
    /// proven; the others give it away.
    function test_one_plant_is_for_one_leaf() external {
        SignedReceipt memory signed = _plantedWork();
        SignedReceipt memory second = planted(assignment(2), SECRET, 5);
        bytes memory none =
            abi.encodeWithSelector(IChallenges.NoSecondPlant.selector, transcoder, 1, bytes32(0));
        vm.expectRevert(none);
        challenges.showSecondPlant(second, 5, SECRET);
        prove(signed, 0xf);
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        vm.expectPartialRevert(IChallenges.NoSecondPlant.selector);
        challenges.showSecondPlant(signed, 3, SECRET);
        vm.expectPartialRevert(IChallenges.WrongPlant.selector);
        challenges.showSecondPlant(second, 4, SECRET);
        bytes32 caseId = challenges.showSecondPlant(second, 5, SECRET);
        vm.assertEq(caseId, court.caseIdOf(FaultKind.LeafFault, second.receipt.assignmentHash));
        vm.assertTrue(frozen());
        (, CaseStatus about) = court.caseAbout(second.receipt.assignmentHash);
        vm.assertTrue(about == CaseStatus.Open);
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), 2000, "the same counter");
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        challenges.showSecondPlant(second, 5, SECRET);
    }

    function test_only_the_planter_reveals_and_only_what_the_receipt_says() external {
        SignedReceipt memory signed = _plantedWork();
        prove(signed, 0xf);
        vm.prank(ANYONE);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NotTheOperator.selector, ANYONE, transcoder));
        challenges.revealPlant(signed, 3, SECRET);
        vm.startPrank(transcoder);
        vm.expectPartialRevert(IChallenges.WrongPlant.selector);
        challenges.revealPlant(signed, 4, SECRET);
        vm.expectPartialRevert(IChallenges.WrongPlant.selector);
        challenges.revealPlant(signed, 3, "other");
        vm.stopPrank();
    }

    // ---- leaves that are demanded ----

    /// [selective withholding] Who does not open a leaf on demand pays as for a wrong one.
    function test_silence_about_a_leaf_costs_what_a_wrong_one_does() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        vm.prank(ANYONE);
        challenges.challengeLeaf(signed, 6);
        vm.assertFalse(frozen());
        uint256 until = block.number + 8;
        vm.roll(until);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooEarly.selector, until + 1, until));
        challenges.reportWithheld(receiptHash, 6);
        vm.roll(until + 1);
        LeafProof memory proof = leafProof(1, 6);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooLate.selector, until, until + 1));
        challenges.openLeaf(receiptHash, proof);
        bytes32 caseId = challenges.reportWithheld(receiptHash, 6);
        vm.assertTrue(frozen());
        vm.assertEq(challenges.owed(ANYONE), LPT);
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), 2000, "the same counter");
        uint256 had = token.balanceOf(ANYONE);
        challenges.claimReward(caseId);
        vm.assertEq(token.balanceOf(ANYONE) - had, 10 * LPT);
        vm.expectPartialRevert(IChallenges.NoChallenge.selector);
        challenges.reportWithheld(receiptHash, 6);
    }

    function test_a_leaf_that_is_opened_earns_the_bond() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        vm.prank(ANYONE);
        challenges.challengeLeaf(signed, 6);
        vm.prank(ANYONE);
        vm.expectPartialRevert(IChallenges.AlreadyChallenged.selector);
        challenges.challengeLeaf(signed, 6);
        LeafProof memory wrong = leafProof(1, 6);
        wrong.leaf.outputLen += 1;
        vm.expectPartialRevert(IEvidenceErrors.WrongOutputRoot.selector);
        challenges.openLeaf(receiptHash, wrong);
        LeafProof memory other = leafProof(1, 5);
        vm.expectPartialRevert(IChallenges.NoChallenge.selector);
        challenges.openLeaf(receiptHash, other);
        challenges.openLeaf(receiptHash, leafProof(1, 6));
        vm.assertEq(challenges.owed(transcoder), LPT);
        vm.roll(block.number + 9);
        vm.expectPartialRevert(IChallenges.NoChallenge.selector);
        challenges.reportWithheld(receiptHash, 6);
    }

    function test_all_withheld_leaves_of_an_assignment_are_one_fault() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        vm.startPrank(ANYONE);
        challenges.challengeLeaf(signed, 6);
        challenges.challengeLeaf(signed, 7);
        vm.stopPrank();
        vm.roll(block.number + 9);
        bytes32 caseId = challenges.reportWithheld(receiptHash, 6);
        vm.assertEq(challenges.reportWithheld(receiptHash, 7), caseId);
        vm.assertEq(challenges.owed(ANYONE), 2 * LPT);
        vm.assertEq(bonding.pool(Role.Transcoder, transcoder).openCases, 1);
    }

    function test_a_demand_needs_a_leaf_and_time_to_answer_it() external {
        SignedReceipt memory signed = receipt(1);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.IndexOutOfTree.selector, 8, 8));
        challenges.challengeLeaf(signed, 8);
        // 20 of evidence, less 8 to answer and 8 to report.
        uint256 until = signed.assignment.deadlineBlock + 4;
        vm.roll(until + 1);
        vm.prank(ANYONE);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooLate.selector, until, until + 1));
        challenges.challengeLeaf(signed, 6);
        vm.roll(until);
        vm.prank(ANYONE);
        challenges.challengeLeaf(signed, 6);
    }

    /// Silence about the last demand is a case before anybody is paid for the work.
    function test_the_last_demand_is_reported_before_tickets_are_payable() external {
        SignedReceipt memory signed = receipt(1);
        vm.roll(signed.assignment.deadlineBlock + 4);
        vm.prank(ANYONE);
        challenges.challengeLeaf(signed, 6);
        vm.roll(block.number + 9);
        vm.assertEq(block.number + 8, signed.assignment.deadlineBlock + 21);
        challenges.reportWithheld(evidence.hashReceipt(signed.receipt), 6);
        (, CaseStatus about) = court.caseAbout(signed.receipt.assignmentHash);
        vm.assertTrue(about == CaseStatus.Open);
    }

    /// What no case could name is not demanded, and proves nothing.
    function test_more_leaves_than_a_case_can_name() external {
        Assignment memory a = assignment(1);
        a.leafCount = Leaves.MAX_COUNT + 1;
        SignedReceipt memory signed = receiptFor(a);
        bytes memory refusal =
            abi.encodeWithSelector(Leaves.TooManyLeaves.selector, Leaves.MAX_COUNT + 1, Leaves.MAX_COUNT);
        vm.expectRevert(refusal);
        challenges.challengeLeaf(signed, Leaves.MAX_COUNT);
        LeafProof memory proof = leafProof(1, 3);
        vm.expectRevert(refusal);
        evidence.checkLeaf(proof, a.leafCount, signed.receipt.outputRoot);
        a.leafCount = Leaves.MAX_COUNT;
        signed = receiptFor(a);
        vm.prank(ANYONE);
        challenges.challengeLeaf(signed, Leaves.MAX_COUNT - 1);
        vm.roll(block.number + 9);
        bytes32 caseId = challenges.reportWithheld(evidence.hashReceipt(signed.receipt), a.leafCount - 1);
        vm.assertEq(court.caseOf(caseId).leafIndex, Leaves.MAX_COUNT - 1);
    }

    function test_a_demand_must_fit_the_evidence_window_with_its_report() external {
        Parameters memory p = parameters();
        p.challengeBlocks = 10;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "challengeBlocks", 10, 10));
        create("Challenges", abi.encode(p, addresses));
        p.challengeBlocks = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "challengeBlocks", 0, 10));
        create("Challenges", abi.encode(p, addresses));
    }

    function proveAgain(SignedReceipt memory signed, uint32 index) external returns (bytes32) {
        return proveLeaf(signed, index, 0xf);
    }

    /// @dev Planted in round 1, worked in round 2.
    /// @dev By the verifiers at 2 and 3: half of the weight.
    function _diverge(SignedReceipt memory signed, uint32 index) private {
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), index, 2);
        DivergenceVotes[] memory votes = new DivergenceVotes[](1);
        votes[0] = DivergenceVotes(2, 0xc, aggregate(digest, 0xc));
        contests.tripByDivergence(signed, index, votes);
    }

    function _plantedWork() private returns (SignedReceipt memory) {
        vm.prank(transcoder);
        challenges.plantFault(keccak256(abi.encode(SECRET)));
        passRounds(1);
        return planted(assignment(1), SECRET, 3);
    }
}
