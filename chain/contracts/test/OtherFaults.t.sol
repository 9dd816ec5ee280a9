// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {CaseStatus, FaultKind, FramesProof, LeafProof, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {IEvidenceErrors} from "../interfaces/IEvidence.sol";
import {IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {Bls} from "../libraries/Bls.sol";
import {Leaf} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Stream} from "./Stream.sol";

/// Faults that need no quorum.
contract OtherFaultsTest is Stream {
    using BlsSigner for uint256;

    function setUp() external {
        startStream();
    }

    // ---- leaves ----

    function test_no_right_leaf_is_a_fault() external {
        SignedReceipt memory signed = receipt(1);
        for (uint32 index = 0; index < LEAVES; ++index) {
            LeafProof memory proof = leafProof(1, index);
            FramesProof memory frames = framesProof(1, index % CHUNKS);
            vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.LeafIsCorrect.selector, index));
            court.leafFault(signed, proof, frames);
        }
    }

    function test_a_leaf_of_another_rendition_or_chunk_is_a_fault() external {
        _expectLeafFault(1, 2, Leaf(1, 2, chunkRoot(1, 2), 1, "out"));
        _nextRound();
        _expectLeafFault(2, 6, Leaf(1, 3, chunkRoot(2, 2), 1, "out"));
    }

    function test_a_leaf_of_other_frames_is_a_fault() external {
        _expectLeafFault(1, 5, Leaf(1, 1, chunkRoot(1, 2), 1, "out"));
    }

    function test_frames_and_profiles_of_the_proof_must_be_the_assignments() external {
        change(5, Leaf(1, 1, chunkRoot(1, 2), 1, "out"));
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 5);
        FramesProof memory frames = framesProof(1, 2);
        vm.expectPartialRevert(IEvidenceErrors.WrongFramesRoot.selector);
        court.leafFault(signed, proof, frames);
        frames = framesProof(1, 1);
        frames.profiles[2] = 0x10;
        vm.expectPartialRevert(IEvidenceErrors.WrongProfiles.selector);
        court.leafFault(signed, proof, frames);
    }

    function test_an_assignment_with_another_leaf_count_proves_nothing() external {
        SignedReceipt memory signed = receipt(1);
        signed.assignment.frameCount = 61;
        signed = receiptFor(signed.assignment);
        LeafProof memory proof = leafProof(1, 5);
        FramesProof memory frames = framesProof(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongLeafCount.selector, 8, 10));
        court.leafFault(signed, proof, frames);
    }

    function test_leaf_faults_are_not_absorbed_by_a_burst_but_count_as_repeats() external {
        change(5, Leaf(1, 1, chunkRoot(1, 2), 1, "out"));
        SignedReceipt memory signed = receipt(1);
        bytes32 wrong = prove(signed, 0xf);
        bytes32 fault = court.leafFault(signed, leafProof(1, 5), framesProof(1, 1));
        vm.roll(block.number + 3);
        court.execute(wrong);
        court.execute(fault);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 720 * LPT);
        vm.assertEq(court.caseOf(fault).signersReward, 0);
    }

    // ---- two receipts ----

    function test_two_receipts_for_one_assignment_cost_half() external {
        SignedReceipt memory signed = receipt(1);
        (Receipt memory other, bytes memory otherSignature) = _secondReceipt(signed);
        bytes32 caseId = court.equivocation(signed, other, otherSignature);
        vm.assertTrue(court.caseOf(caseId).kind == FaultKind.Equivocation);
        // Whichever of the two comes first, it is one fault.
        Receipt memory first = signed.receipt;
        bytes memory firstSignature = signed.transcoderSignature;
        (signed.receipt, signed.transcoderSignature) = (other, otherSignature);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        court.equivocation(signed, first, firstSignature);
        vm.roll(block.number + 3);
        uint256 supply = token.totalSupply();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 500 * LPT);
        vm.assertEq(bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR), 250 * LPT);
        vm.assertEq(supply - token.totalSupply(), 750 * LPT);
    }

    function test_one_receipt_twice_or_two_assignments_are_no_equivocation() external {
        SignedReceipt memory signed = receipt(1);
        vm.expectRevert(IEvidenceErrors.NoEquivocation.selector);
        court.equivocation(signed, signed.receipt, signed.transcoderSignature);
        SignedReceipt memory next = receipt(2);
        vm.expectPartialRevert(IEvidenceErrors.WrongAssignment.selector);
        court.equivocation(signed, next.receipt, next.transcoderSignature);
        (Receipt memory other,) = _secondReceipt(signed);
        bytes memory forged = signature(BROADCASTER, evidence.hashReceipt(other));
        vm.expectPartialRevert(IEvidenceErrors.WrongSigner.selector);
        court.equivocation(signed, other, forged);
    }

    function test_a_burst_absorbs_no_equivocation() external {
        SignedReceipt memory signed = receipt(1);
        prove(signed, 0xf);
        (Receipt memory other, bytes memory otherSignature) = _secondReceipt(signed);
        court.equivocation(signed, other, otherSignature);
    }

    // ---- two verdicts ----

    function test_two_verdicts_for_one_leaf_cost_half_of_the_verifiers_pool() external {
        address verifier = vm.addr(seats[2]);
        bytes memory both = _signBoth(2, "one", "two");
        bytes32 caseId = court.verifierEquivocation(verifier, Verdict("r", 5, "one"), "two", both);
        vm.assertTrue(bonding.isFrozen(Role.Verifier, verifier));
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        court.verifierEquivocation(verifier, Verdict("r", 5, "two"), "one", both);
        vm.roll(block.number + 3);
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, verifier), 150 * LPT);
        vm.assertTrue(court.caseOf(caseId).status == CaseStatus.Executed);
    }

    /// A case names 24 bits of a leaf's index, and no work has as many leaves.
    function test_two_verdicts_on_a_leaf_that_no_work_has_are_no_case() external {
        Verdict memory one = Verdict("r", 1 << 24, "one");
        bytes memory both = Bls.addG1(_sign(0, one), _sign(0, Verdict("r", 1 << 24, "two")));
        address verifier = vm.addr(seats[0]);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 24, 1 << 24));
        court.verifierEquivocation(verifier, one, "two", both);
    }

    function test_equal_verdicts_are_no_equivocation() external {
        bytes memory twice = _signBoth(0, "one", "one");
        vm.expectRevert(IEvidenceErrors.NoEquivocation.selector);
        court.verifierEquivocation(vm.addr(seats[0]), Verdict("r", 5, "one"), "one", twice);
    }

    function test_verdicts_on_two_leaves_are_no_equivocation() external {
        bytes memory a = _sign(0, Verdict("r", 5, "one"));
        address verifier = vm.addr(seats[0]);
        bytes memory sum = Bls.addG1(a, _sign(0, Verdict("r", 6, "two")));
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(verifier, Verdict("r", 5, "one"), "two", sum);
        sum = Bls.addG1(a, _sign(0, Verdict("s", 5, "two")));
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(verifier, Verdict("r", 5, "one"), "two", sum);
    }

    function test_nobody_can_be_framed_for_two_verdicts() external {
        Verdict memory one = Verdict("r", 5, "one");
        bytes memory first = _sign(0, one);
        bytes memory sum = Bls.addG1(first, _sign(1, Verdict("r", 5, "two")));
        address verifier = vm.addr(seats[0]);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(verifier, one, "two", sum);
        // One signature alone, or twice.
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(verifier, one, "two", first);
        sum = Bls.addG1(first, first);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(verifier, one, "two", sum);
        vm.expectRevert(Bls.PointAtInfinity.selector);
        court.verifierEquivocation(verifier, one, "two", new bytes(128));
    }

    function test_who_has_no_key_has_signed_no_verdicts() external {
        address stranger = address(0x57);
        bytes memory both = _signBoth(0, "one", "two");
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.verifierEquivocation(stranger, Verdict("r", 5, "one"), "two", both);
    }

    function _signBoth(uint256 seat, bytes32 a, bytes32 b) private view returns (bytes memory) {
        return Bls.addG1(_sign(seat, Verdict("r", 5, a)), _sign(seat, Verdict("r", 5, b)));
    }

    function _sign(uint256 seat, Verdict memory verdict) private view returns (bytes memory) {
        return seats[seat].sign(evidence.hashVerdict(verdict));
    }

    function _expectLeafFault(uint32 seq, uint32 index, Leaf memory wrong) private {
        change(index, wrong);
        SignedReceipt memory signed = receipt(seq);
        bytes32 caseId = court.leafFault(signed, leafProof(seq, index), framesProof(seq, index % CHUNKS));
        vm.assertTrue(court.caseOf(caseId).kind == FaultKind.LeafFault);
        vm.assertTrue(bonding.isFrozen(Role.Transcoder, transcoder));
        LeafProof memory again = leafProof(seq, index);
        FramesProof memory frames = framesProof(seq, index % CHUNKS);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId));
        court.leafFault(signed, again, frames);
    }

    function _nextRound() private {
        openRound();
        vm.roll(block.number + 1);
    }

    function _secondReceipt(SignedReceipt memory signed)
        private
        view
        returns (Receipt memory other, bytes memory otherSignature)
    {
        Receipt memory first = signed.receipt;
        other = Receipt(first.assignmentHash, first.outputRoot, first.outputBytes, "another plant");
        otherSignature = signature(TRANSCODER, evidence.hashReceipt(other));
    }
}
