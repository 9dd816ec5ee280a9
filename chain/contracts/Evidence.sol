// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Addresses} from "./Addresses.sol";
import {
    FramesProof,
    IEvidence,
    LeafProof,
    QuorumVerdict,
    SignedReceipt,
    Work
} from "./interfaces/IEvidence.sol";
import {IJobRegistry} from "./interfaces/IJobRegistry.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Bls} from "./libraries/Bls.sol";
import {CourtDomain} from "./libraries/CourtDomain.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Profiles} from "./libraries/Profiles.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Accusation, Accusations} from "./objects/Accusation.sol";
import {Assignment, Assignments} from "./objects/Assignment.sol";
import {Divergences} from "./objects/Divergence.sol";
import {Leaf, Leaves} from "./objects/Leaf.sol";
import {Receipt, Receipts} from "./objects/Receipt.sol";
import {SampleTickets} from "./objects/SampleTicket.sol";
import {Verdict, Verdicts} from "./objects/Verdict.sol";
import {Parameters} from "./Parameters.sol";

/// @title What makes a signed object count against its signer
contract Evidence is IEvidence {
    using Accusations for Accusation;
    using Assignments for Assignment;
    using Leaves for Leaf;
    using Receipts for Receipt;
    using Verdicts for Verdict;

    /// Says which round it was.
    IRoundsManager public immutable rounds;
    /// Says whose signature an assignment needs.
    IJobRegistry public immutable jobs;
    /// Says which key acts for an operator.
    IOperators public immutable operators;
    /// Says who signs in which round.
    IVerifierRegistry public immutable registry;
    /// @inheritdoc IEvidence
    address public immutable court;
    /// @inheritdoc IEvidence
    uint64 public immutable deadlineBlocks;
    /// @inheritdoc IEvidence
    uint64 public immutable evidenceWindow;

    uint256 private immutable _chainId;
    bytes32 private immutable _separator;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        rounds = IRoundsManager(addresses.rounds);
        jobs = IJobRegistry(addresses.jobs);
        operators = IOperators(addresses.operators);
        registry = IVerifierRegistry(addresses.registry);
        court = addresses.court;
        deadlineBlocks = parameters.deadlineBlocks;
        evidenceWindow = parameters.evidenceWindow;
        _chainId = block.chainid;
        _separator = CourtDomain.separator(addresses.court);
    }

    // ---- digests ----

    /// @inheritdoc IEvidence
    function domainSeparator() public view returns (bytes32) {
        // After a fork of the chain evidence of the other branch is void.
        return block.chainid == _chainId ? _separator : CourtDomain.separator(court);
    }

    /// @inheritdoc IEvidence
    function hashAssignment(Assignment calldata assignment) public view returns (bytes32) {
        return _digest(assignment.structHash());
    }

    /// @inheritdoc IEvidence
    function hashReceipt(Receipt calldata receipt) public view returns (bytes32) {
        return _digest(receipt.structHash());
    }

    /// @inheritdoc IEvidence
    function hashVerdict(Verdict calldata verdict) external view returns (bytes32) {
        return _digest(verdict.structHash());
    }

    /// @inheritdoc IEvidence
    function hashTicket(uint64 epoch) public view returns (bytes32) {
        return _digest(SampleTickets.structHash(epoch));
    }

    /// @inheritdoc IEvidence
    function hashDivergence(bytes32 receiptHash, uint32 leafIndex, uint8 level)
        external
        view
        returns (bytes32)
    {
        return _digest(Divergences.structHash(receiptHash, leafIndex, level));
    }

    /// @inheritdoc IEvidence
    function hashAccusation(Accusation calldata accusation) external view returns (bytes32) {
        return _digest(accusation.structHash());
    }

    // ---- whole faults ----

    /// @inheritdoc IEvidence
    function checkProof(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata verdict
    ) external view returns (Work memory work) {
        if (verdict.recomputedHash == proof.leaf.outputHash) {
            revert OutputIsCorrect(verdict.recomputedHash);
        }
        _checkQuorum(signed, proof, verdict, work);
    }

    /// @inheritdoc IEvidence
    function checkPasses(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata verdict
    ) external view returns (Work memory work) {
        if (verdict.recomputedHash != proof.leaf.outputHash) {
            revert OutputIsWrong(verdict.recomputedHash, proof.leaf.outputHash);
        }
        _checkQuorum(signed, proof, verdict, work);
    }

    /// @inheritdoc IEvidence
    function checkLeafFault(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        FramesProof calldata frames
    ) external view returns (Work memory work) {
        _checkReceipt(signed, work, 0);
        checkLeaf(proof, signed.assignment.leafCount, signed.receipt.outputRoot);
        if (_isRightLeaf(signed.assignment, proof, frames)) revert LeafIsCorrect(proof.leafIndex);
    }

    /// @inheritdoc IEvidence
    function checkEquivocation(
        SignedReceipt calldata signed,
        Receipt calldata other,
        bytes calldata otherSignature
    ) external view returns (Work memory work) {
        _checkReceipt(signed, work, 0);
        if (other.assignmentHash != work.assignmentHash) {
            revert WrongAssignment(other.assignmentHash, work.assignmentHash);
        }
        bytes32 otherHash = hashReceipt(other);
        _checkSigner(otherHash, otherSignature, operators.signerAt(work.transcoder, work.round));
        if (otherHash == work.receiptHash) revert NoEquivocation();
    }

    /// @inheritdoc IEvidence
    function checkBroadcasterEquivocation(
        Assignment calldata assignment,
        bytes calldata signature,
        Assignment calldata other,
        bytes calldata otherSignature
    ) external view returns (address broadcaster, bytes32 digest, bytes32 otherDigest) {
        // Both: a key that was revoked since could sign one of any round.
        _checkTimes(assignment, 0);
        _checkTimes(other, 0);
        (digest, otherDigest) = (hashAssignment(assignment), hashAssignment(other));
        if (
            assignment.jobId != other.jobId || assignment.seq != other.seq
                || assignment.attempt != other.attempt || digest == otherDigest
        ) revert NoEquivocation();
        (broadcaster,) = jobs.termsOf(assignment.jobId);
        _checkSigner(digest, signature, operators.signerAt(broadcaster, assignment.round));
        _checkSigner(otherDigest, otherSignature, operators.signerAt(broadcaster, other.round));
    }

    // ---- parts ----

    /// @inheritdoc IEvidence
    function checkReceipt(SignedReceipt calldata signed) external view returns (Work memory work) {
        _checkReceipt(signed, work, 0);
    }

    /// @inheritdoc IEvidence
    function checkReceiptUntil(SignedReceipt calldata signed, uint256 until)
        external
        view
        returns (Work memory work)
    {
        _checkReceipt(signed, work, until);
    }

    /// @param until as for `_checkTimes`
    function _checkReceipt(SignedReceipt calldata signed, Work memory work, uint256 until) private view {
        Assignment calldata assignment = signed.assignment;
        work.signedBlock = _checkTimes(assignment, until);
        (work.transcoder, work.round) = (assignment.transcoder, assignment.round);
        bytes32 assignmentHash = hashAssignment(assignment);
        work.assignmentHash = assignmentHash;
        (address broadcaster, bytes32 profilesHash) = jobs.termsOf(assignment.jobId);
        if (assignment.profilesHash != profilesHash) {
            revert WrongProfiles(assignment.profilesHash, profilesHash);
        }
        (address assigns, address works) = operators.signersAt(broadcaster, work.transcoder, work.round);
        _checkSigner(assignmentHash, signed.broadcasterSignature, assigns);
        if (signed.receipt.assignmentHash != assignmentHash) {
            revert WrongAssignment(signed.receipt.assignmentHash, assignmentHash);
        }
        work.receiptHash = hashReceipt(signed.receipt);
        _checkSigner(work.receiptHash, signed.transcoderSignature, works);
    }

    /// @inheritdoc IEvidence
    function checkLeaf(LeafProof calldata proof, uint32 leafCount, bytes32 outputRoot) public pure {
        Leaves.requireCountable(leafCount);
        bytes32 root = MerkleTree.rootFrom(
            MerkleTree.leafHash(proof.leaf.pack()), proof.leafIndex, leafCount, proof.path
        );
        if (root != outputRoot) revert WrongOutputRoot(root, outputRoot);
    }

    /// @inheritdoc IEvidence
    function checkAggregate(
        uint64 round,
        uint64 bitmap,
        address excluded,
        bytes32 digest,
        bytes calldata aggregate
    ) public view returns (uint256 signed, uint256 total) {
        bytes memory key;
        (signed, total,, key) = registry.tally(round, bitmap, excluded);
        if (!Bls.verify(key, digest, aggregate)) revert InvalidAggregate();
    }

    /// @inheritdoc IEvidence
    function checkVerifier(address verifier, bytes32 digest, bytes calldata signature) public view {
        if (!Bls.verify(registry.keyOf(verifier), digest, signature)) revert InvalidAggregate();
    }

    /// @inheritdoc IEvidence
    function checkOperator(address operator, uint64 round, bytes32 digest, bytes calldata signature)
        external
        view
    {
        _checkSigner(digest, signature, operators.signerAt(operator, round));
    }

    /// @inheritdoc IEvidence
    function checkTicket(address verifier, uint64 epoch, bytes calldata signature)
        external
        view
        returns (bytes memory ticket)
    {
        checkVerifier(verifier, hashTicket(epoch), signature);
        return Bls.compressG1(signature);
    }

    /// @dev Two thirds of the weight without the accused's own, and the pairing over the sum of the keys.
    function _checkQuorum(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata verdict,
        Work memory work
    ) private view {
        _checkReceipt(signed, work, 0);
        checkLeaf(proof, signed.assignment.leafCount, signed.receipt.outputRoot);
        // The weight comes first: a quorum that is missed costs no pairing.
        (uint256 weight, uint256 total,, bytes memory key) =
            registry.tally(work.round, verdict.bitmap, work.transcoder);
        unchecked {
            // Sums of 64 weights of 96 bits.
            if (weight == 0 || 3 * weight < 2 * total) revert QuorumMissed(weight, total);
        }
        bytes32 digest =
            _digest(Verdicts.structHash(work.receiptHash, proof.leafIndex, verdict.recomputedHash));
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

    /// @param until last block in which the evidence is taken, or the end of the evidence window, whichever is later
    function _checkTimes(Assignment calldata assignment, uint256 until)
        private
        view
        returns (uint64 signedBlock)
    {
        uint256 deadline = assignment.deadlineBlock;
        if (deadline < deadlineBlocks || deadline - deadlineBlocks > block.number) {
            revert WrongDeadline(assignment.deadlineBlock, block.number);
        }
        uint256 end = deadline + evidenceWindow;
        if (block.number > end && block.number > until) {
            revert EvidenceTooLate(end > until ? end : until, block.number);
        }
        signedBlock = uint64(deadline) - deadlineBlocks;
        // Otherwise a broadcaster could choose the snapshot, and with it the electee and the quorum.
        if (!rounds.isRoundAt(assignment.round, signedBlock)) {
            revert WrongRound(assignment.round, signedBlock);
        }
    }

    /// @dev Never the zero address, which is no signer.
    function _checkSigner(bytes32 digest, bytes calldata signature, address expected) private view {
        address found = Signatures.signerOf(digest, signature);
        if (found != expected || found == address(0)) revert WrongSigner(found, expected);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator(), structHash);
    }
}
