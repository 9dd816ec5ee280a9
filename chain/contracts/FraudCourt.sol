// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {Cases} from "./Cases.sol";
import {Evidence} from "./Evidence.sol";
import {
    FaultKind,
    FramesProof,
    IFraudCourt,
    LeafProof,
    QuorumVerdict,
    SignedReceipt
} from "./interfaces/IFraudCourt.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {Bls} from "./libraries/Bls.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Profiles} from "./libraries/Profiles.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Receipt} from "./objects/Receipt.sol";
import {Role} from "./objects/Role.sol";
import {Verdict} from "./objects/Verdict.sol";
import {Parameters} from "./Parameters.sol";

/// @title The court: one function for each kind of fault
/// @notice Nobody administers it. A quorum of two thirds of the verifiers' weight is trusted.
contract FraudCourt is Evidence, Cases {
    constructor(Parameters memory parameters, Addresses memory addresses)
        Evidence(parameters, addresses)
        Cases(parameters, addresses)
    {
        // The others were given addresses before anything stood there.
        _requireSame(stakes.court(), address(this));
        _requireSame(address(rounds.roster()), addresses.roster);
        _requireSame(address(rounds.registry()), address(registry));
        _requireSame(registry.rounds(), address(rounds));
    }

    /// @inheritdoc IFraudCourt
    function prove(SignedReceipt calldata signed, LeafProof calldata proof, QuorumVerdict calldata verdict)
        external
        returns (bytes32 caseId)
    {
        if (verdict.recomputedHash == proof.leaf.outputHash) revert OutputIsCorrect(verdict.recomputedHash);
        (bytes32 receiptHash, uint256 signedBlock) = _checkReceipt(signed);
        _checkLeaf(signed, proof);
        Assignment calldata assignment = signed.assignment;
        caseId = receiptCaseId(FaultKind.WrongEncode, receiptHash);
        _requireUnproven(caseId);
        _startBurst(assignment.transcoder, signedBlock);
        _checkQuorum(
            assignment, verdict, _hashVerdict(Verdict(receiptHash, proof.leafIndex, verdict.recomputedHash))
        );
        _open(
            caseId,
            FaultKind.WrongEncode,
            assignment.transcoder,
            receiptHash,
            proof.leafIndex,
            assignment.round,
            verdict.bitmap
        );
    }

    /// @inheritdoc IFraudCourt
    function leafFault(SignedReceipt calldata signed, LeafProof calldata proof, FramesProof calldata frames)
        external
        returns (bytes32 caseId)
    {
        (bytes32 receiptHash,) = _checkReceipt(signed);
        _checkLeaf(signed, proof);
        if (_isRightLeaf(signed.assignment, proof, frames)) revert LeafIsCorrect(proof.leafIndex);
        caseId = receiptCaseId(FaultKind.LeafFault, receiptHash);
        _open(caseId, FaultKind.LeafFault, signed.assignment.transcoder, receiptHash, proof.leafIndex, 0, 0);
    }

    /// @inheritdoc IFraudCourt
    function equivocation(
        SignedReceipt calldata signed,
        Receipt calldata other,
        bytes calldata otherSignature
    ) external returns (bytes32 caseId) {
        (bytes32 receiptHash,) = _checkReceipt(signed);
        bytes32 assignmentHash = signed.receipt.assignmentHash;
        address transcoder = signed.assignment.transcoder;
        if (_checkAnswer(assignmentHash, other, otherSignature, signed.assignment) == receiptHash) {
            revert NoEquivocation();
        }
        caseId = keccak256(abi.encode(FaultKind.Equivocation, assignmentHash));
        _open(caseId, FaultKind.Equivocation, transcoder, receiptHash, 0, 0, 0);
    }

    /// @inheritdoc IFraudCourt
    /// @dev The two signatures are checked as one aggregate on two messages, in one pairing: it can only be
    ///      made by whoever signed both, because the messages differ.
    function verifierEquivocation(
        address verifier,
        Verdict calldata verdict,
        bytes calldata signature,
        Verdict calldata other,
        bytes calldata otherSignature
    ) external returns (bytes32 caseId) {
        if (
            verdict.receiptHash != other.receiptHash || verdict.leafIndex != other.leafIndex
                || verdict.recomputedHash == other.recomputedHash
        ) revert NoEquivocation();
        caseId = keccak256(
            abi.encode(FaultKind.VerifierEquivocation, verifier, verdict.receiptHash, verdict.leafIndex)
        );
        _requireUnproven(caseId);
        Bls.requirePoint(signature, Bls.G1_LENGTH);
        Bls.requirePoint(otherSignature, Bls.G1_LENGTH);
        bytes memory hashed = Bls.addG1(
            Bls.hashToG1(_hashVerdict(verdict), Bls.SIGNATURE_DST_PRIME),
            Bls.hashToG1(_hashVerdict(other), Bls.SIGNATURE_DST_PRIME)
        );
        if (!Bls.verifyPoint(registry.keyOf(verifier), hashed, Bls.addG1(signature, otherSignature))) {
            revert InvalidAggregate();
        }
        _open(caseId, FaultKind.VerifierEquivocation, verifier, verdict.receiptHash, verdict.leafIndex, 0, 0);
    }

    /// @notice Whether a case is not final that this verifier signed in `round` or before.
    function holds(Role role, address operator, uint64 round) external view returns (bool) {
        return role == Role.Verifier && registry.isHeld(operator, round);
    }

    /// @dev Two thirds of the weight without the accused's own, and the pairing over the sum of the keys.
    function _checkQuorum(Assignment calldata assignment, QuorumVerdict calldata verdict, bytes32 digest)
        private
        view
    {
        (uint256 weight, uint256 total,, bytes memory key) =
            registry.tally(assignment.round, verdict.bitmap, assignment.transcoder);
        if (weight == 0 || 3 * weight < 2 * total) revert QuorumMissed(weight, total);
        if (!Bls.verify(key, digest, verdict.aggregateSignature)) revert InvalidAggregate();
    }

    /// @dev Whether the leaf says the rendition and chunk of its place and the source's frames.
    function _isRightLeaf(
        Assignment calldata assignment,
        LeafProof calldata proof,
        FramesProof calldata frames
    ) private pure returns (bool) {
        bytes32 profilesHash = keccak256(frames.profiles);
        if (profilesHash != assignment.profilesHash) {
            revert WrongProfiles(profilesHash, assignment.profilesHash);
        }
        (uint256 chunkFrames, uint256 renditions) = Profiles.shape(frames.profiles);
        uint256 chunks = Profiles.chunksOf(assignment.frameCount, chunkFrames);
        if (assignment.leafCount != chunks * renditions) {
            revert WrongLeafCount(assignment.leafCount, chunks * renditions);
        }
        uint256 chunk = proof.leafIndex % chunks;
        if (proof.leaf.rendition != proof.leafIndex / chunks || proof.leaf.chunk != chunk) return false;
        bytes32 root = MerkleTree.rootFrom(
            MerkleTree.leafHash(abi.encodePacked(frames.chunkRoot)), chunk, chunks, frames.path
        );
        if (root != assignment.framesRoot) revert WrongFramesRoot(root, assignment.framesRoot);
        return proof.leaf.framesRoot == frames.chunkRoot;
    }

    function _requireSame(address found, address expected) private pure {
        if (found != expected) revert WrongDeployment(found, expected);
    }

    function _burstBlocks() internal view override returns (uint256) {
        return uint256(deadlineBlocks) + 1;
    }

    function _rounds() internal view override returns (IRoundsManager) {
        return rounds;
    }
}
