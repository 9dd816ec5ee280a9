// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {Cases} from "./Cases.sol";
import {
    FramesProof,
    IEvidence,
    LeafProof,
    QuorumVerdict,
    SignedReceipt,
    Work
} from "./interfaces/IEvidence.sol";
import {CaseStatus, FaultKind, IFraudCourt, Opening} from "./interfaces/IFraudCourt.sol";
import {ITicketBroker} from "./interfaces/ITicketBroker.sol";
import {Bls} from "./libraries/Bls.sol";
import {Case} from "./libraries/CaseWords.sol";
import {CourtDomain} from "./libraries/CourtDomain.sol";
import {KeyBlobs} from "./libraries/KeyBlobs.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Receipt} from "./objects/Receipt.sol";
import {Verdict, Verdicts} from "./objects/Verdict.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Parameters} from "./Parameters.sol";

/// @title The court: one function for each kind of fault
/// @notice Nobody administers it. Whether evidence holds is checked by `Evidence`, to which calldata is passed on
///         as it came. A quorum of two thirds of the verifiers' weight is trusted within the caps.
contract FraudCourt is Cases {
    /// Says whether what was signed holds.
    IEvidence public immutable evidence;
    /// Where broadcasters have their reserves.
    ITicketBroker public immutable broker;

    uint256 private immutable _chainId;
    bytes32 private immutable _separator;

    /// @dev Of assignments that were shown with another one for the same attempt.
    mapping(bytes32 assignmentHash => bool) private _equivocated;

    constructor(Parameters memory parameters, Addresses memory addresses) Cases(parameters, addresses) {
        evidence = IEvidence(addresses.evidence);
        broker = ITicketBroker(addresses.broker);
        _chainId = block.chainid;
        _separator = CourtDomain.separator(address(this));
        // The others were given addresses before anything stood there. Those that come later check this one.
        _requireSame(stakes.court(), address(this));
        _requireSame(evidence.court(), address(this));
        Wiring.check(addresses);
    }

    /// @inheritdoc IFraudCourt
    function prove(SignedReceipt calldata signed, LeafProof calldata proof, QuorumVerdict calldata verdict)
        external
        returns (bytes32 caseId)
    {
        // The hash is the assignment's: `checkProof` compares them.
        caseId = caseIdOf(FaultKind.WrongEncode, signed.receipt.assignmentHash);
        (Case storage c, bool joins) = _requireProvable(caseId, proof.leafIndex, verdict.bitmap);
        Work memory work = _check(IEvidence.checkProof.selector);
        if (joins) {
            _join(caseId, c, work.receiptHash, verdict.bitmap);
            return caseId;
        }
        Opening memory opening =
            _opening(FaultKind.WrongEncode, caseId, work.transcoder, work.receiptHash, proof.leafIndex);
        opening.subject = work.receiptHash;
        opening.signedBlock = work.signedBlock;
        if (burstAt(work.transcoder, work.signedBlock) != 0) {
            _bar(c, opening, CaseStatus.Absorbed);
            return caseId;
        }
        (opening.round, opening.bitmap) = (work.round, verdict.bitmap);
        _open(c, opening);
    }

    /// @inheritdoc IFraudCourt
    function leafFault(SignedReceipt calldata signed, LeafProof calldata proof, FramesProof calldata)
        external
        returns (bytes32 caseId)
    {
        caseId = caseIdOf(FaultKind.LeafFault, signed.receipt.assignmentHash);
        Case storage c = _requireUnproven(caseId);
        Work memory work = _check(IEvidence.checkLeafFault.selector);
        _open(c, _opening(FaultKind.LeafFault, caseId, work.transcoder, work.receiptHash, proof.leafIndex));
    }

    /// @inheritdoc IFraudCourt
    function equivocation(SignedReceipt calldata signed, Receipt calldata, bytes calldata)
        external
        returns (bytes32 caseId)
    {
        caseId = caseIdOf(FaultKind.Equivocation, signed.receipt.assignmentHash);
        Case storage c = _requireUnproven(caseId);
        Work memory work = _check(IEvidence.checkEquivocation.selector);
        _open(c, _opening(FaultKind.Equivocation, caseId, work.transcoder, work.receiptHash, 0));
    }

    /// @inheritdoc IFraudCourt
    /// @dev Checked here and not by `Evidence`, whose call alone would cost as much as the rest of this function.
    function verifierEquivocation(
        address verifier,
        Verdict calldata verdict,
        bytes32 otherHash,
        bytes calldata aggregate
    ) external returns (bytes32 caseId) {
        (bytes32 receiptHash, uint32 leafIndex) = (verdict.receiptHash, verdict.leafIndex);
        if (verdict.recomputedHash == otherHash) revert NoEquivocation();
        caseId = verifierCaseId(FaultKind.VerifierEquivocation, verifier, receiptHash, leafIndex);
        Case storage c = _requireUnproven(caseId);
        if (!_hasSignedBoth(verifier, verdict, otherHash, aggregate)) revert InvalidAggregate();
        _open(c, _opening(FaultKind.VerifierEquivocation, caseId, verifier, receiptHash, leafIndex));
    }

    /// @inheritdoc IFraudCourt
    function broadcasterEquivocation(
        Assignment calldata assignment,
        bytes calldata,
        Assignment calldata,
        bytes calldata
    ) external returns (address broadcaster) {
        bytes32 digest;
        bytes32 other;
        (broadcaster, digest, other) =
            abi.decode(_ask(IEvidence.checkBroadcasterEquivocation.selector), (address, bytes32, bytes32));
        // Not the attempt: who reported two assignments of it while there was nothing to burn could sign more of them
        // for nothing. Each further one is a further fault.
        if (_equivocated[digest] && _equivocated[other]) revert AlreadyProven(other);
        (_equivocated[digest], _equivocated[other]) = (true, true);
        // All of it burns: a reserve pays nobody for reporting oneself.
        uint256 burned = broker.slashReserve(broadcaster);
        emit BroadcasterEquivocated(broadcaster, assignment.jobId, assignment.seq, assignment.attempt, burned);
    }

    /// @inheritdoc IFraudCourt
    function open(Opening calldata opening) external only(challenges) {
        _open(_requireUnproven(opening.caseId), opening);
    }

    /// @inheritdoc IFraudCourt
    function spare(bytes32 assignmentHash, address operator, bytes32 receiptHash, uint32 leafIndex)
        external
        only(challenges)
    {
        bytes32 caseId = caseIdOf(FaultKind.WrongEncode, assignmentHash);
        Opening memory opening = _opening(FaultKind.WrongEncode, caseId, operator, receiptHash, leafIndex);
        opening.subject = receiptHash;
        _spare(opening);
    }

    function _opening(FaultKind kind, bytes32 caseId, address operator, bytes32 receiptHash, uint32 leafIndex)
        private
        pure
        returns (Opening memory opening)
    {
        (opening.kind, opening.caseId, opening.operator) = (kind, caseId, operator);
        (opening.receiptHash, opening.leafIndex) = (receiptHash, leafIndex);
    }

    /// @dev A struct of value types lies in memory as it is encoded.
    function _check(bytes4 selector) private view returns (Work memory work) {
        bytes memory answer = _ask(selector);
        assembly ("memory-safe") {
            work := add(answer, 0x20)
        }
    }

    /// @dev Passes this call's arguments on to a function of `Evidence` that takes the same.
    function _ask(bytes4 selector) private view returns (bytes memory answer) {
        address asked = address(evidence);
        assembly ("memory-safe") {
            answer := mload(0x40)
            mstore(answer, selector)
            calldatacopy(add(answer, 4), 4, sub(calldatasize(), 4))
            let ok := staticcall(gas(), asked, answer, calldatasize(), 0x00, 0x00)
            let size := returndatasize()
            mstore(answer, size)
            returndatacopy(add(answer, 0x20), 0x00, size)
            if iszero(ok) { revert(add(answer, 0x20), size) }
            mstore(0x40, add(answer, and(add(size, 0x3f), not(0x1f))))
        }
    }

    function _hasSignedBoth(
        address verifier,
        Verdict calldata verdict,
        bytes32 otherHash,
        bytes calldata aggregate
    ) private view returns (bool) {
        bytes32 separator = block.chainid == _chainId ? _separator : CourtDomain.separator(address(this));
        (bytes32 receiptHash, uint32 leafIndex) = (verdict.receiptHash, verdict.leafIndex);
        return Bls.verifyBoth(
            KeyBlobs.placeOf(address(registry), verifier),
            _digest(separator, receiptHash, leafIndex, verdict.recomputedHash),
            _digest(separator, receiptHash, leafIndex, otherHash),
            aggregate
        );
    }

    function _digest(bytes32 separator, bytes32 receiptHash, uint32 leafIndex, bytes32 recomputedHash)
        private
        pure
        returns (bytes32)
    {
        return MessageHashUtils.toTypedDataHash(
            separator, Verdicts.structHash(receiptHash, leafIndex, recomputedHash)
        );
    }

    function _requireSame(address found, address expected) private pure {
        if (found != expected) revert WrongDeployment(found, expected);
    }
}
