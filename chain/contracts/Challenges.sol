// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {Addresses} from "./Addresses.sol";
import {ChallengeBonds} from "./ChallengeBonds.sol";
import {IChallenges, LeafChallenge, Plant} from "./interfaces/IChallenges.sol";
import {LeafProof, SignedReceipt, Work} from "./interfaces/IEvidence.sol";
import {CaseStatus, FaultKind, Opening} from "./interfaces/IFraudCourt.sol";
import {Burns} from "./libraries/Burns.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Leaves} from "./objects/Leaf.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";
import {VerifierFaults} from "./VerifierFaults.sol";

/// @title Planted faults and demands to open a leaf, beside the faults of verifiers
contract Challenges is VerifierFaults {
    using Burns for ERC20Burnable;

    /// What planting a fault costs unless it is revealed; base units.
    uint256 public immutable plantBond;
    /// What demanding a leaf costs unless it stays closed; base units.
    uint256 public immutable challengeBond;
    /// Blocks in which a demanded leaf must be opened.
    uint64 public immutable challengeBlocks;

    mapping(address operator => mapping(uint64 round => Plant)) private _plants;
    mapping(bytes32 receiptHash => mapping(uint32 leafIndex => LeafChallenge)) private _challenges;

    constructor(Parameters memory p, Addresses memory addresses)
        ChallengeBonds(p, addresses)
        VerifierFaults(p, addresses)
    {
        if (p.epochBlocks == 0) revert InvalidParameter("epochBlocks", 0, 1);
        // A demand must be answered and silence be reported while evidence is taken: afterwards tickets are paid.
        if (p.challengeBlocks == 0 || 2 * uint256(p.challengeBlocks) >= p.evidenceWindow) {
            revert InvalidParameter("challengeBlocks", p.challengeBlocks, p.evidenceWindow / 2);
        }
        plantBond = p.plantBond;
        challengeBond = p.challengeBond;
        challengeBlocks = p.challengeBlocks;
        if (court.challenges() != address(this)) revert WrongDeployment(court.challenges(), address(this));
    }

    // ---- planted faults ----

    /// @inheritdoc IChallenges
    function plantFault(bytes32 commitment) external {
        address operator = operators.operatorOf(msg.sender);
        uint64 round = rounds.currentRound();
        Plant storage plant = _plants[operator][round];
        if (plant.payer != address(0)) revert AlreadyPlanted(operator, round);
        (plant.commitment, plant.payer) = (commitment, msg.sender);
        emit FaultPlanted(operator, round, commitment, plantBond);
        _takeBond(plantBond);
    }

    /// @inheritdoc IChallenges
    function revealPlant(SignedReceipt calldata signed, uint32 leafIndex, bytes32 secret) external {
        Assignment calldata assignment = signed.assignment;
        address operator = assignment.transcoder;
        if (!operators.mayAct(msg.sender, operator)) revert NotTheOperator(msg.sender, operator);
        // Also with a case open: afterwards there is time to prove another leaf of the receipt.
        _requireBy(uint256(assignment.deadlineBlock) + evidenceWindow - challengeBlocks);
        (bytes32 assignmentHash, bytes32 receiptHash) = _hashWork(assignment, signed.receipt);
        _requireMarked(signed, assignmentHash, leafIndex, secret);
        (,, CaseStatus status,) = court.statusOf(_wrongEncodeId(assignmentHash));
        // A case proves the receipt, and shows that the verifiers know. Otherwise their reports come first, and
        // the work must be real: else a plant that hid another fault would be revealed of none.
        if (status != CaseStatus.Open && status != CaseStatus.Contested) {
            uint256 from = (uint256(assignment.deadlineBlock / epochBlocks) + 2) * epochBlocks;
            if (block.number < from) revert TooEarly(from, block.number);
            evidence.checkReceipt(signed);
        }
        (Plant storage plant, uint64 round) = _plantFor(operator, assignment.round, secret);
        if (plant.revealed != 0) revert NoPlant(operator, round);
        (plant.revealed, plant.revealedBlock) = (receiptHash, uint64(block.number));
        owed[plant.payer] += plantBond;
        emit PlantRevealed(operator, round, receiptHash, leafIndex, secret);
        court.spare(assignmentHash, operator, receiptHash, leafIndex);
    }

    /// @inheritdoc IChallenges
    function showSecondPlant(SignedReceipt calldata signed, uint32 leafIndex, bytes32 secret)
        external
        returns (bytes32 caseId)
    {
        (Plant storage plant, uint64 round) =
            _plantFor(signed.assignment.transcoder, signed.assignment.round, secret);
        // The reveal may come when evidence about the round's other work is not taken any more. Stake and signers of that
        // round are there for a case window after the last of its evidence, and so for one after the reveal.
        Work memory work = evidence.checkReceiptUntil(signed, uint256(plant.revealedBlock) + caseWindow);
        _requireMarked(signed, work.assignmentHash, leafIndex, secret);
        if (plant.revealed == 0 || plant.revealed == work.receiptHash) {
            revert NoSecondPlant(work.transcoder, round, plant.revealed);
        }
        // A leaf that contradicts its transcoder's own word.
        caseId = court.caseIdOf(FaultKind.LeafFault, work.assignmentHash);
        Opening memory opening;
        (opening.kind, opening.caseId) = (FaultKind.LeafFault, caseId);
        (opening.operator, opening.receiptHash) = (work.transcoder, work.receiptHash);
        opening.leafIndex = leafIndex;
        court.open(opening);
    }

    /// @inheritdoc IChallenges
    function burnPlant(address operator, uint64 round) external {
        Plant storage plant = _plants[operator][round];
        if (plant.payer == address(0) || plant.commitment == 0 || plant.revealed != 0) {
            revert NoPlant(operator, round);
        }
        // The last work that the plant could be in, and the last case about it.
        uint256 from = uint256(rounds.openedAt(round + 2)) + deadlineBlocks + evidenceWindow + caseWindow;
        if (block.number < from) revert TooEarly(from, block.number);
        plant.commitment = 0;
        emit PlantBurned(operator, round, plantBond);
        token.destroy(plantBond);
    }

    /// @inheritdoc IChallenges
    function plantOf(address operator, uint64 round) external view returns (Plant memory) {
        return _plants[operator][round];
    }

    // ---- leaves that are demanded ----

    /// @inheritdoc IChallenges
    function challengeLeaf(SignedReceipt calldata signed, uint32 leafIndex) external {
        Work memory work = evidence.checkReceipt(signed);
        Assignment calldata assignment = signed.assignment;
        Leaves.requireCountable(assignment.leafCount);
        if (leafIndex >= assignment.leafCount) {
            revert MerkleTree.IndexOutOfTree(leafIndex, assignment.leafCount);
        }
        // As long as to answer there is to report silence before the assignment's tickets are payable.
        _requireBy(uint256(assignment.deadlineBlock) + evidenceWindow - 2 * uint256(challengeBlocks));
        LeafChallenge storage challenge = _challenges[work.receiptHash][leafIndex];
        if (challenge.challenger != address(0)) revert AlreadyChallenged(work.receiptHash, leafIndex);
        uint64 answerUntil = uint64(block.number) + challengeBlocks;
        (challenge.challenger, challenge.transcoder) = (msg.sender, work.transcoder);
        (challenge.answerUntil, challenge.leafCount) = (answerUntil, assignment.leafCount);
        (challenge.outputRoot, challenge.assignmentHash) = (signed.receipt.outputRoot, work.assignmentHash);
        emit LeafChallenged(
            work.receiptHash, leafIndex, work.transcoder, work.assignmentHash, msg.sender, answerUntil
        );
        _takeBond(challengeBond);
    }

    /// @inheritdoc IChallenges
    function openLeaf(bytes32 receiptHash, LeafProof calldata proof) external {
        LeafChallenge storage challenge = _demanded(receiptHash, proof.leafIndex);
        _requireBy(challenge.answerUntil);
        evidence.checkLeaf(proof, challenge.leafCount, challenge.outputRoot);
        challenge.closed = true;
        owed[challenge.transcoder] += challengeBond;
        emit LeafOpened(receiptHash, proof.leafIndex, proof.leaf);
    }

    /// @inheritdoc IChallenges
    function reportWithheld(bytes32 receiptHash, uint32 leafIndex) external returns (bytes32 caseId) {
        LeafChallenge storage challenge = _demanded(receiptHash, leafIndex);
        if (block.number <= challenge.answerUntil) {
            revert TooEarly(uint256(challenge.answerUntil) + 1, block.number);
        }
        challenge.closed = true;
        owed[challenge.challenger] += challengeBond;
        caseId = court.caseIdOf(FaultKind.WithheldLeaf, challenge.assignmentHash);
        (,, CaseStatus status,) = court.statusOf(caseId);
        // All leaves that were withheld of one assignment are one fault; later challengers get their bond back.
        if (status != CaseStatus.None) return caseId;
        Opening memory opening;
        (opening.kind, opening.caseId) = (FaultKind.WithheldLeaf, caseId);
        (opening.operator, opening.receiptHash) = (challenge.transcoder, receiptHash);
        (opening.leafIndex, opening.signedBlock) = (leafIndex, challenge.answerUntil - challengeBlocks);
        return _openFor(opening, challenge.challenger);
    }

    /// @inheritdoc IChallenges
    function challengeOf(bytes32 receiptHash, uint32 leafIndex) external view returns (LeafChallenge memory) {
        return _challenges[receiptHash][leafIndex];
    }

    /// @dev Whether the receipt says of the leaf that it was planted with this secret.
    function _requireMarked(
        SignedReceipt calldata signed,
        bytes32 assignmentHash,
        uint32 leafIndex,
        bytes32 secret
    ) private pure {
        bytes32 expected = keccak256(abi.encodePacked(secret, assignmentHash, leafIndex));
        if (signed.receipt.plant != expected) revert WrongPlant(signed.receipt.plant, expected);
        uint32 leafCount = signed.assignment.leafCount;
        Leaves.requireCountable(leafCount);
        if (leafIndex >= leafCount) revert MerkleTree.IndexOutOfTree(leafIndex, leafCount);
    }

    /// @dev The plant for work of a round. It is of the round before: nobody plants what was found already.
    function _plantFor(address operator, uint64 workRound, bytes32 secret)
        private
        view
        returns (Plant storage plant, uint64 round)
    {
        round = workRound == 0 ? 0 : workRound - 1;
        plant = _plants[operator][round];
        if (plant.payer == address(0) || plant.commitment != keccak256(abi.encode(secret))) {
            revert NoPlant(operator, round);
        }
    }

    function _demanded(bytes32 receiptHash, uint32 leafIndex)
        private
        view
        returns (LeafChallenge storage challenge)
    {
        challenge = _challenges[receiptHash][leafIndex];
        if (challenge.challenger == address(0) || challenge.closed) {
            revert NoChallenge(receiptHash, leafIndex);
        }
    }
}
