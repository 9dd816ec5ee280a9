// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Addresses} from "./Addresses.sol";
import {IFraudCourt, LeafProof, SignedReceipt} from "./interfaces/IFraudCourt.sol";
import {IJobRegistry} from "./interfaces/IJobRegistry.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Assignment, Assignments} from "./objects/Assignment.sol";
import {Leaf, Leaves} from "./objects/Leaf.sol";
import {Receipt, Receipts} from "./objects/Receipt.sol";
import {Verdict, Verdicts} from "./objects/Verdict.sol";
import {Parameters} from "./Parameters.sol";

/// @title What makes a signed object count against its signer
abstract contract Evidence is EIP712, IFraudCourt {
    using Assignments for Assignment;
    using Leaves for Leaf;
    using Receipts for Receipt;
    using Verdicts for Verdict;

    /// Says which round it was.
    IRoundsManager public immutable rounds;
    /// Says whose signature an assignment needs.
    IJobRegistry public immutable jobs;
    /// Says who signs for whom.
    IOperators public immutable operators;
    /// D: blocks from an assignment's signing to its deadline.
    uint64 public immutable deadlineBlocks;
    /// Blocks after the deadline during which faults are accepted.
    uint64 public immutable evidenceWindow;

    constructor(Parameters memory parameters, Addresses memory addresses) EIP712("Assay", "1") {
        rounds = IRoundsManager(addresses.rounds);
        jobs = IJobRegistry(addresses.jobs);
        operators = IOperators(addresses.operators);
        deadlineBlocks = parameters.deadlineBlocks;
        evidenceWindow = parameters.evidenceWindow;
    }

    /// @inheritdoc IFraudCourt
    function hashAssignment(Assignment calldata assignment) public view returns (bytes32) {
        return _hashTypedDataV4(assignment.structHash());
    }

    /// @inheritdoc IFraudCourt
    function hashReceipt(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(receipt.structHash());
    }

    /// @inheritdoc IFraudCourt
    function hashVerdict(Verdict calldata verdict) external view returns (bytes32) {
        return _hashVerdict(verdict);
    }

    function _hashVerdict(Verdict memory verdict) internal view returns (bytes32) {
        return _hashTypedDataV4(verdict.structHash());
    }

    /// @dev Checks everything about a receipt but its leaves: the broadcaster's signature, the job, the round,
    ///      the evidence window and the transcoder's signature.
    /// @return receiptHash the receipt's digest
    /// @return signedBlock the block in which the assignment was signed, by its own word
    function _checkReceipt(SignedReceipt calldata signed)
        internal
        view
        returns (bytes32 receiptHash, uint256 signedBlock)
    {
        Assignment calldata assignment = signed.assignment;
        signedBlock = _checkTimes(assignment);
        bytes32 assignmentHash = hashAssignment(assignment);
        (address broadcaster, bytes32 profilesHash) = jobs.termsOf(assignment.jobId);
        if (assignment.profilesHash != profilesHash) {
            revert WrongProfiles(assignment.profilesHash, profilesHash);
        }
        uint64 round = assignment.round;
        _checkSigner(assignmentHash, signed.broadcasterSignature, operators.signerAt(broadcaster, round));
        receiptHash =
            _checkAnswer(assignmentHash, signed.receipt, signed.transcoderSignature, assignment);
    }

    /// @dev Checks that a receipt answers the assignment and is the transcoder's.
    function _checkAnswer(
        bytes32 assignmentHash,
        Receipt calldata receipt,
        bytes calldata signature,
        Assignment calldata assignment
    ) internal view returns (bytes32 receiptHash) {
        if (receipt.assignmentHash != assignmentHash) {
            revert WrongAssignment(receipt.assignmentHash, assignmentHash);
        }
        receiptHash = hashReceipt(receipt);
        address signer = operators.signerAt(assignment.transcoder, assignment.round);
        _checkSigner(receiptHash, signature, signer);
    }

    /// @dev Checks the leaf's path to the output root.
    function _checkLeaf(SignedReceipt calldata signed, LeafProof calldata proof) internal pure {
        bytes32 root = MerkleTree.rootFrom(
            MerkleTree.leafHash(proof.leaf.pack()), proof.leafIndex, signed.assignment.leafCount, proof.path
        );
        if (root != signed.receipt.outputRoot) revert WrongOutputRoot(root, signed.receipt.outputRoot);
    }

    function _checkTimes(Assignment calldata assignment) private view returns (uint256 signedBlock) {
        uint256 deadline = assignment.deadlineBlock;
        if (deadline < deadlineBlocks || deadline - deadlineBlocks > block.number) {
            revert WrongDeadline(assignment.deadlineBlock, block.number);
        }
        if (block.number > deadline + evidenceWindow) {
            revert EvidenceTooLate(deadline + evidenceWindow, block.number);
        }
        signedBlock = deadline - deadlineBlocks;
        // Otherwise a broadcaster could choose the snapshot, and with it the electee and the quorum.
        if (!rounds.isRoundAt(assignment.round, signedBlock)) {
            revert WrongRound(assignment.round, signedBlock);
        }
    }

    /// @dev Low s and v of 27 or 28 only, as ECDSA demands; never the zero address.
    function _checkSigner(bytes32 digest, bytes calldata signature, address expected) private pure {
        (address found, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault != ECDSA.RecoverError.NoError || found != expected) revert WrongSigner(found, expected);
    }
}
