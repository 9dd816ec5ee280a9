// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    CaseState,
    CaseStatus,
    FaultKind,
    LeafProof,
    QuorumVerdict,
    SignedReceipt
} from "../interfaces/IFraudCourt.sol";
import {IEvidenceErrors} from "../interfaces/IEvidence.sol";
import {IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {IJobRegistry} from "../interfaces/IJobRegistry.sol";
import {Bls} from "../libraries/Bls.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {VerifierSets} from "../libraries/VerifierSets.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Stream} from "./Stream.sol";

/// What `FraudCourt.prove` accepts and refuses.
contract ProveTest is Stream {
    using BlsSigner for uint256;

    function setUp() external {
        startStream();
    }

    function test_a_quorum_opens_a_case_and_freezes() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        bytes32 caseId = court.caseIdOf(FaultKind.WrongEncode, signed.receipt.assignmentHash);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        vm.expectEmit(true, true, true, true, address(court));
        emit IFraudCourt.CaseOpened(caseId, FaultKind.WrongEncode, transcoder, receiptHash, 3, 0xf);
        vm.assertEq(court.prove(signed, proof, quorum), caseId);
        vm.assertTrue(bonding.isFrozen(Role.Transcoder, transcoder));
        vm.assertFalse(bonding.isFrozen(Role.Verifier, transcoder));
        CaseState memory state = court.caseOf(caseId);
        vm.assertEq(state.operator, transcoder);
        vm.assertTrue(state.status == CaseStatus.Open && state.kind == FaultKind.WrongEncode);
        vm.assertTrue(state.round == 1 && state.leafIndex == 3 && state.bitmap == 0xf);
        vm.assertEq(state.executableAt, block.number + 3);
    }

    function test_every_leaf_can_be_proven() external {
        for (uint32 index = 0; index < LEAVES; ++index) {
            SignedReceipt memory signed = receipt(index);
            court.prove(signed, leafProof(index, index), verdict(signed, index, RECOMPUTED, 0x7));
            vm.roll(block.number + 14);
            if (index == 3) openRound();
            vm.roll(block.number + 1);
        }
    }

    function test_two_thirds_of_the_weight_are_needed_and_enough() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        for (uint64 bitmap = 0; bitmap < 16; ++bitmap) {
            uint256 signers = VerifierSets.size(bitmap);
            if (signers >= 3) continue;
            QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, bitmap);
            vm.expectRevert(
                abi.encodeWithSelector(IEvidenceErrors.QuorumMissed.selector, signers * 300 * LPT, 1200 * LPT)
            );
            court.prove(signed, proof, quorum);
        }
        prove(signed, 0xd);
    }

    function test_the_accused_weight_counts_on_neither_side() external {
        // With 1,500 of its own as a verifier the transcoder would hold more than half of the weight.
        bond(Role.Verifier, transcoder, 1500 * LPT);
        register(transcoder, TRANSCODER);
        openRound();
        seats.push(TRANSCODER);
        uint64 accused;
        for (uint256 i = VERIFIERS; i > 0 && vm.addr(seats[i]) < vm.addr(seats[i - 1]); --i) {
            (seats[i], seats[i - 1]) = (seats[i - 1], seats[i]);
        }
        for (uint256 i = 0; i <= VERIFIERS; ++i) {
            if (seats[i] == TRANSCODER) accused = uint64(1) << uint64(i);
        }
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0x1f);
        vm.expectRevert(abi.encodeWithSelector(VerifierSets.UnknownSigner.selector, 0x1f, 5));
        court.prove(signed, proof, quorum);
        prove(signed, 0x1f & ~accused);
    }

    /// Whatever the weights: a proof holds exactly if its signers have two thirds.
    function testFuzz_nobody_is_frozen_below_a_quorum(uint96[4] memory more, uint64 bitmap) external {
        bitmap = uint64(bound(bitmap, 1, 15));
        uint256 signedWeight;
        uint256 total;
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            uint256 amount = bound(more[i], 1, 2000 * LPT);
            bond(Role.Verifier, vm.addr(seats[i]), amount);
            total += 300 * LPT + amount;
            if ((bitmap >> i) & 1 == 1) signedWeight += 300 * LPT + amount;
        }
        openRound();
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, bitmap);
        bool enough = 3 * signedWeight >= 2 * total;
        if (!enough) {
            vm.expectRevert(
                abi.encodeWithSelector(IEvidenceErrors.QuorumMissed.selector, signedWeight, total)
            );
        }
        court.prove(signed, proof, quorum);
        vm.assertEq(bonding.isFrozen(Role.Transcoder, transcoder), enough);
    }

    function test_correct_work_is_no_fault() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, proof.leaf.outputHash, 0xf);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidenceErrors.OutputIsCorrect.selector, proof.leaf.outputHash)
        );
        court.prove(signed, proof, quorum);
    }

    function test_the_aggregate_must_be_of_the_bitmap_leaf_and_hash() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        bytes4 invalid = IEvidenceErrors.InvalidAggregate.selector;
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0x7);
        quorum.bitmap = 0xf;
        vm.expectRevert(invalid);
        court.prove(signed, proof, quorum);
        quorum = verdict(signed, 4, RECOMPUTED, 0xf);
        vm.expectRevert(invalid);
        court.prove(signed, proof, quorum);
        quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        quorum.recomputedHash = "another";
        vm.expectRevert(invalid);
        court.prove(signed, proof, quorum);
        quorum.aggregateSignature = new bytes(128);
        vm.expectRevert(Bls.PointAtInfinity.selector);
        court.prove(signed, proof, quorum);
    }

    function test_both_signatures_must_be_the_right_ones() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        bytes memory good = signed.broadcasterSignature;
        bytes32 digest = evidence.hashAssignment(signed.assignment);
        signed.broadcasterSignature = signature(TRANSCODER, digest);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongSigner.selector, transcoder, broadcaster));
        court.prove(signed, proof, quorum);
        signed.broadcasterSignature = _malleated(good);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongSigner.selector, address(0), broadcaster));
        court.prove(signed, proof, quorum);
        signed.broadcasterSignature = hex"00";
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongSigner.selector, address(0), broadcaster));
        court.prove(signed, proof, quorum);
        signed.broadcasterSignature = good;
        good[64] = bytes1(uint8(good[64]) - 27);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongSigner.selector, address(0), broadcaster));
        court.prove(signed, proof, quorum);
        good[64] = bytes1(uint8(good[64]) + 27);
        signed.transcoderSignature = signature(BROADCASTER, evidence.hashReceipt(signed.receipt));
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongSigner.selector, broadcaster, transcoder));
        court.prove(signed, proof, quorum);
    }

    function test_evidence_of_another_chain_is_void() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        vm.chainId(5);
        vm.expectPartialRevert(IEvidenceErrors.WrongSigner.selector);
        court.prove(signed, proof, quorum);
    }

    function test_job_profiles_and_assignment_must_fit() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        signed.assignment.jobId = 2;
        vm.expectRevert(abi.encodeWithSelector(IJobRegistry.UnknownJob.selector, 2));
        court.prove(signed, proof, quorum);
        signed.assignment.jobId = 1;
        signed.assignment.profilesHash = "other";
        vm.expectPartialRevert(IEvidenceErrors.WrongProfiles.selector);
        court.prove(signed, proof, quorum);
        signed = receipt(1);
        SignedReceipt memory other = receipt(2);
        signed.assignment = other.assignment;
        signed.broadcasterSignature = other.broadcasterSignature;
        vm.expectPartialRevert(IEvidenceErrors.WrongAssignment.selector);
        court.prove(signed, proof, quorum);
    }

    function test_the_round_must_be_that_of_the_signing_block() external {
        uint64 signedAt = uint64(block.number);
        SignedReceipt memory old = receipt(1);
        openRound();
        LeafProof memory proof = leafProof(1, 3);
        // Backdated to round 1, with a deadline of now.
        old.assignment.deadlineBlock = uint64(block.number) + 12;
        SignedReceipt memory backdated = receiptFor(old.assignment);
        QuorumVerdict memory quorum = verdict(backdated, 3, RECOMPUTED, 0xf);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongRound.selector, 1, block.number));
        court.prove(backdated, proof, quorum);
        // The present round for a block before it.
        old.assignment.round = 2;
        old.assignment.deadlineBlock = signedAt + 12;
        SignedReceipt memory forward = receiptFor(old.assignment);
        quorum = verdict(forward, 3, RECOMPUTED, 0xf);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.WrongRound.selector, 2, signedAt));
        court.prove(forward, proof, quorum);
    }

    function test_evidence_is_accepted_until_the_window_closes() external {
        SignedReceipt memory first = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(first, 3, RECOMPUTED, 0xf);
        uint256 until = first.assignment.deadlineBlock + 20;
        vm.roll(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.EvidenceTooLate.selector, until, until + 1));
        court.prove(first, proof, quorum);
        vm.roll(until);
        court.prove(first, proof, quorum);
    }

    function test_a_deadline_must_lie_within_d_blocks() external {
        SignedReceipt memory signed = receipt(1);
        signed.assignment.deadlineBlock += 1;
        signed = receiptFor(signed.assignment);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        vm.expectPartialRevert(IEvidenceErrors.WrongDeadline.selector);
        court.prove(signed, proof, quorum);
        signed.assignment.deadlineBlock = 11;
        signed = receiptFor(signed.assignment);
        quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        vm.expectPartialRevert(IEvidenceErrors.WrongDeadline.selector);
        court.prove(signed, proof, quorum);
    }

    function test_the_leaf_must_open_into_the_output_root() external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        proof.leafIndex = 2;
        vm.expectPartialRevert(IEvidenceErrors.WrongOutputRoot.selector);
        court.prove(signed, proof, quorum);
        proof.leafIndex = 8;
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.IndexOutOfTree.selector, 8, 8));
        court.prove(signed, proof, quorum);
        proof.leafIndex = 3;
        proof.leaf.outputLen += 1;
        vm.expectPartialRevert(IEvidenceErrors.WrongOutputRoot.selector);
        court.prove(signed, proof, quorum);
        proof = leafProof(1, 3);
        proof.path = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.WrongPathLength.selector, 2, 3));
        court.prove(signed, proof, quorum);
    }

    /// Every single changed byte of the evidence makes it void.
    function testFuzz_no_bit_can_be_changed(uint256 field, uint256 noise) external {
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 3);
        QuorumVerdict memory quorum = verdict(signed, 3, RECOMPUTED, 0xf);
        bytes memory call = abi.encodeCall(court.prove, (signed, proof, quorum));
        // Behind the three offsets; offsets themselves may be changed to others that decode to the same.
        uint256 place = 4 + 0x60 + bound(field, 0, call.length - 4 - 0x60 - 1);
        call[place] ^= bytes1(uint8(bound(noise, 1, 255)));
        (bool ok,) = address(court).call{gas: 5_000_000}(call);
        if (ok) {
            // Only padding, which the decoder ignores, may differ: the case is the very same.
            vm.assertTrue(
                court.caseOf(
                    court.caseIdOf(FaultKind.WrongEncode, evidence.hashAssignment(signed.assignment))
                )
                .status == CaseStatus.Open
            );
        }
    }

    function _malleated(bytes memory good) private pure returns (bytes memory) {
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        (bytes32 r, bytes32 s) = (bytes32(0), bytes32(0));
        assembly ("memory-safe") {
            r := mload(add(good, 0x20))
            s := mload(add(good, 0x40))
        }
        return abi.encodePacked(r, bytes32(order - uint256(s)), bytes1(uint8(good[64]) == 27 ? 28 : 27));
    }
}
