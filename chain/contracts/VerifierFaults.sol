// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {ChallengeBonds} from "./ChallengeBonds.sol";
import {IChallenges, SignedAccusation} from "./interfaces/IChallenges.sol";
import {IContests} from "./interfaces/IContests.sol";
import {LeafProof, QuorumVerdict, SignedReceipt, Work} from "./interfaces/IEvidence.sol";
import {CaseState, CaseStatus, Cause, FaultKind, Opening} from "./interfaces/IFraudCourt.sol";
import {ISlashable} from "./interfaces/ISlashable.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Draw} from "./libraries/Draw.sol";
import {Accusation} from "./objects/Accusation.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Receipt} from "./objects/Receipt.sol";
import {Role} from "./objects/Role.sol";
import {Verdict} from "./objects/Verdict.sol";
import {Parameters} from "./Parameters.sol";

/// @title Verifiers: the finder's claim, and the faults that are a verifier's own
abstract contract VerifierFaults is ChallengeBonds {
    /// @dev A draw is `keccak(ticket, receiptHash, leafIndex)`; the lowest one that wins is the finder's.
    struct Finder {
        address verifier;
        bytes32 draw;
    }

    /// Says who signs in which round.
    IVerifierRegistry public immutable registry;
    /// Says who is frozen.
    ISlashable public immutable stakes;
    /// Says what the resolver refuted.
    IContests public immutable contests;
    /// Expected checks per leaf over the whole network, in millionths.
    uint256 public immutable checksPerLeafPpm;

    /// @inheritdoc IChallenges
    mapping(bytes32 caseId => address) public beneficiaryOf;
    mapping(bytes32 receiptHash => mapping(uint32 leafIndex => Finder)) private _finders;

    constructor(Parameters memory p, Addresses memory addresses) {
        registry = IVerifierRegistry(addresses.registry);
        stakes = ISlashable(addresses.bonding);
        contests = IContests(addresses.contests);
        checksPerLeafPpm = p.checksPerLeafPpm;
    }

    // ---- the finder ----

    /// @inheritdoc IChallenges
    function claimFinder(Assignment calldata assignment, uint256 position, bytes calldata ticket)
        external
        returns (bytes32 caseId)
    {
        uint64 epoch = assignment.deadlineBlock / epochBlocks;
        uint256 end = (uint256(epoch) + 1) * epochBlocks;
        if (block.number < end) revert EpochNotOver(epoch, end);
        _requireBy(uint256(assignment.deadlineBlock) + evidenceWindow);
        caseId = _wrongEncodeId(evidence.hashAssignment(assignment));
        CaseState memory state = court.caseOf(caseId);
        if (!_isQuorums(state)) revert NotTheCase(caseId, state.status);
        if (position > 63 || (state.bitmap >> position) & 1 == 0) {
            revert WrongPosition(position, state.bitmap);
        }
        (address verifier, bytes32 draw) = _draw(state, epoch, position, ticket);
        Finder storage finder = _finders[state.subject][state.leafIndex];
        if (finder.verifier != address(0) && draw >= finder.draw) revert LowerDraw(draw, finder.draw);
        (finder.verifier, finder.draw) = (verifier, draw);
        emit FinderClaimed(caseId, verifier, state.leafIndex, draw);
    }

    /// @inheritdoc IChallenges
    function settleFinder(Assignment calldata assignment) external returns (uint256 amount) {
        uint256 until = uint256(assignment.deadlineBlock) + evidenceWindow;
        if (block.number <= until) revert TooEarly(until + 1, block.number);
        bytes32 caseId = _wrongEncodeId(evidence.hashAssignment(assignment));
        CaseState memory state = court.caseOf(caseId);
        address finder = _finders[state.subject][state.leafIndex].verifier;
        if (finder != address(0) && stakes.isFrozen(Role.Verifier, finder)) revert FinderFrozen(finder);
        // Zero burns: a finder's part that nobody claimed is nobody's.
        return court.payFinder(caseId, finder);
    }

    /// @inheritdoc IChallenges
    function finderOf(bytes32 receiptHash, uint32 leafIndex)
        external
        view
        returns (address verifier, bytes32 draw)
    {
        Finder storage finder = _finders[receiptHash][leafIndex];
        return (finder.verifier, finder.draw);
    }

    // ---- faults ----

    /// @inheritdoc IChallenges
    function showEarlyTicket(address verifier, uint64 epoch, bytes calldata ticket)
        external
        returns (bytes32 caseId)
    {
        uint256 begin = uint256(epoch) * epochBlocks;
        // One epoch at a time: a key that has leaked gives the tickets of all epochs to come, and would cost everything
        // at once. Whoever was sold one of them shows it when its epoch has begun.
        if (block.number < begin) revert EpochNotBegun(epoch, begin);
        if (block.number >= begin + epochBlocks) revert EpochOver(epoch, begin + epochBlocks);
        evidence.checkTicket(verifier, epoch, ticket);
        Opening memory opening;
        (opening.kind, opening.operator) = (FaultKind.EarlyTicket, verifier);
        // One ticket is one fault, whoever shows it.
        opening.caseId = court.verifierCaseId(FaultKind.EarlyTicket, verifier, bytes32(uint256(epoch)), 0);
        return _open(opening);
    }

    /// @inheritdoc IChallenges
    function falsePass(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata fails,
        uint256 position,
        bytes calldata signature
    ) external returns (bytes32 caseId) {
        Opening memory opening = _found(signed, proof, fails);
        // Whoever is counted without having signed, because its key and others' sum to zero, may have signed this. Nobody is
        // counted, and signs for the cap, against itself.
        opening.bitmap &= uint64(~(uint256(1) << position));
        if (opening.bitmap == 0) revert WrongPosition(position, 0);
        _accuse(opening, FaultKind.FalsePass, position, opening.receiptHash, proof.leafIndex);
        // The quorum's hash is another, so a verdict that says the leaf's own is a pass, and contradicted.
        bytes32 digest =
            evidence.hashVerdict(Verdict(opening.receiptHash, proof.leafIndex, proof.leaf.outputHash));
        evidence.checkVerifier(opening.operator, digest, signature);
        return _open(opening);
    }

    /// @inheritdoc IChallenges
    function acquit(
        SignedReceipt calldata signed,
        LeafProof calldata proof,
        QuorumVerdict calldata passes,
        SignedAccusation calldata accusation
    ) external returns (bytes32 caseId) {
        Work memory work = evidence.checkPasses(signed, proof, passes);
        Opening memory opening;
        opening.subject = _wrongEncodeId(work.assignmentHash);
        CaseState memory base = court.caseOf(opening.subject);
        bool isSame = base.leafIndex == proof.leafIndex && base.subject == work.receiptHash;
        bool conflicts = isSame && (base.status == CaseStatus.Open || base.status == CaseStatus.Contested);
        if (conflicts) {
            court.contest(opening.subject, Cause.Conflict);
        } else if (isSame && base.status != CaseStatus.None && !_isVoid(base.status)) {
            revert NotTheCase(opening.subject, base.status);
        }
        (opening.round, opening.bitmap) = (work.round, passes.bitmap);
        _accuse(opening, FaultKind.FalseAccusation, accusation.position, work.receiptHash, proof.leafIndex);
        bytes32 digest =
            evidence.hashAccusation(Accusation(work.receiptHash, proof.leafIndex, accusation.commit));
        evidence.checkOperator(opening.operator, work.round, digest, accusation.signature);
        // Shown before the proof, and once more against it.
        if (conflicts && beneficiaryOf[opening.caseId] != address(0)) return opening.caseId;
        emit LeafAcquitted(work.receiptHash, proof.leafIndex, work.transcoder, opening.operator);
        return _open(opening);
    }

    /// @inheritdoc IChallenges
    function falseDivergence(
        Assignment calldata assignment,
        Receipt calldata receipt,
        uint256 position,
        uint8 level,
        bytes calldata signature
    ) external returns (bytes32 caseId) {
        (bytes32 assignmentHash, bytes32 receiptHash) = _hashWork(assignment, receipt);
        bytes32 baseId = _wrongEncodeId(assignmentHash);
        CaseState memory base = court.caseOf(baseId);
        // Absorbed: guilty too, in one burst with another case.
        bool isOver = base.status == CaseStatus.Executed || base.status == CaseStatus.Absorbed;
        if (!isOver || base.subject != receiptHash) {
            revert NotTheCase(baseId, base.status);
        }
        if (!contests.ruledGuilty(baseId)) revert NotRefuted(baseId);
        Opening memory opening;
        opening.round = base.round;
        _accuse(opening, FaultKind.FalseDivergence, position, receiptHash, base.leafIndex);
        // Whoever was counted when the breaker tripped answers for that, even if there is no signature of its own: its key
        // and others' sum to zero.
        (, uint64 counted) = contests.divergersOf(baseId);
        if ((counted >> position) & 1 == 0) {
            bytes32 digest = evidence.hashDivergence(receiptHash, base.leafIndex, level);
            evidence.checkVerifier(opening.operator, digest, signature);
        }
        return _open(opening);
    }

    /// @inheritdoc IChallenges
    function claimReward(bytes32 caseId) external returns (uint256 amount) {
        address beneficiary = beneficiaryOf[caseId];
        if (beneficiary == address(0)) revert NoBeneficiary(caseId);
        return court.payFinder(caseId, beneficiary);
    }

    // ---- rules ----

    /// @dev Opens a case whose finder's part is the caller's.
    function _open(Opening memory opening) internal returns (bytes32) {
        return _openFor(opening, msg.sender);
    }

    function _openFor(Opening memory opening, address beneficiary) internal returns (bytes32) {
        beneficiaryOf[opening.caseId] = beneficiary;
        court.open(opening);
        return opening.caseId;
    }

    /// @dev Who has found the leaf wrong: the signers of its case, or, if the assignment's is about another leaf or has no
    ///      signers, those of the proof that is shown.
    function _found(SignedReceipt calldata signed, LeafProof calldata proof, QuorumVerdict calldata fails)
        private
        view
        returns (Opening memory opening)
    {
        (bytes32 assignmentHash, bytes32 receiptHash) = _hashWork(signed.assignment, signed.receipt);
        (opening.subject, opening.receiptHash) = (_wrongEncodeId(assignmentHash), receiptHash);
        CaseState memory base = court.caseOf(opening.subject);
        bool isSame = base.subject == receiptHash && base.leafIndex == proof.leafIndex;
        if (isSame && _isVoid(base.status)) revert NotTheCase(opening.subject, base.status);
        if (isSame && base.bitmap != 0) {
            _requireBy(uint256(signed.assignment.deadlineBlock) + evidenceWindow + caseWindow);
            evidence.checkLeaf(proof, signed.assignment.leafCount, signed.receipt.outputRoot);
            (opening.round, opening.bitmap) = (base.round, base.bitmap);
        } else {
            opening.round = evidence.checkProof(signed, proof, fails).round;
            opening.bitmap = fails.bitmap;
        }
    }

    /// @dev Names the verifier at a position of the opening's round, which must not be one of its signers.
    function _accuse(
        Opening memory opening,
        FaultKind kind,
        uint256 position,
        bytes32 receiptHash,
        uint32 leafIndex
    ) private view {
        if (position > 63 || (opening.bitmap >> position) & 1 == 1) {
            revert WrongPosition(position, opening.bitmap);
        }
        (opening.operator,) = registry.verifierAt(opening.round, position);
        opening.kind = kind;
        (opening.receiptHash, opening.leafIndex) = (receiptHash, leafIndex);
        opening.caseId = court.verifierCaseId(kind, opening.operator, receiptHash, leafIndex);
    }

    /// @dev The signer's draw of the case's leaf, which must win.
    function _draw(CaseState memory state, uint64 epoch, uint256 position, bytes calldata signature)
        private
        view
        returns (address verifier, bytes32 draw)
    {
        uint256 weight;
        (verifier, weight) = registry.verifierAt(state.round, position);
        (, uint256 total,) = registry.weigh(state.round, 0, address(0));
        bytes memory ticket = evidence.checkTicket(verifier, epoch, signature);
        if (!Draw.draws(ticket, state.subject, state.leafIndex, weight, total, checksPerLeafPpm)) {
            revert NotDrawn(verifier, state.leafIndex);
        }
        draw = keccak256(abi.encodePacked(ticket, state.subject, state.leafIndex));
    }

    /// @dev Whether a quorum found the leaf of this case wrong, and nothing has refuted it.
    function _isQuorums(CaseState memory state) private pure returns (bool) {
        return state.bitmap != 0 && !_isVoid(state.status);
    }

    function _isVoid(CaseStatus status) private pure returns (bool) {
        return status == CaseStatus.Acquitted || status == CaseStatus.Annulled;
    }
}
