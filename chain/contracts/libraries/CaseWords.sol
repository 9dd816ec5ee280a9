// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {CaseStatus, FaultKind, Opening} from "../interfaces/IFraudCourt.sol";

/// @notice A case as it is stored: one word, a second one where verifiers have signed or a slash was made, and a
///         third one where the case rests on something.
struct Case {
    uint256 head;
    uint256 votes;
    bytes32 subject;
}

/// @notice The first word of a case.
struct Head {
    address operator;
    uint32 openedBlock;
    uint24 leafIndex;
    /// Blocks from the signing of the accused work to the opening, or from the demand of a withheld leaf; for that the most
    /// means that and more.
    uint16 age;
    FaultKind kind;
    CaseStatus status;
    bool finderPaid;
}

/// @notice The second word of a case. Bitmap and round say who signed; nothing is stored per signer.
struct Votes {
    uint64 bitmap;
    uint32 round;
    uint64 claimed;
    /// What was cut from the operator's own bond: every reward is a part of it.
    uint96 ownCut;
}

/// @title Packing of a case's words, so that each is written once
library CaseWords {
    uint256 private constant STATUS_SHIFT = 240;

    function pack(Head memory head) internal pure returns (uint256) {
        return uint256(uint160(head.operator)) | (uint256(head.openedBlock) << 160)
            | (uint256(head.leafIndex) << 192) | (uint256(head.age) << 216) | (uint256(head.kind) << 232)
            | (uint256(head.status) << STATUS_SHIFT) | (head.finderPaid ? uint256(1) << 248 : 0);
    }

    function headOf(uint256 word) internal pure returns (Head memory head) {
        head.operator = address(uint160(word));
        head.openedBlock = uint32(word >> 160);
        head.leafIndex = uint24(word >> 192);
        head.age = uint16(word >> 216);
        head.kind = FaultKind(uint8(word >> 232));
        head.status = statusOf(word);
        head.finderPaid = (word >> 248) != 0;
    }

    function statusOf(uint256 word) internal pure returns (CaseStatus) {
        return CaseStatus(uint8(word >> STATUS_SHIFT));
    }

    function pack(Votes memory votes) internal pure returns (uint256) {
        return uint256(votes.bitmap) | (uint256(votes.round) << 64) | (uint256(votes.claimed) << 96)
            | (uint256(votes.ownCut) << 160);
    }

    function votesOf(uint256 word) internal pure returns (Votes memory votes) {
        votes.bitmap = uint64(word);
        votes.round = uint32(word >> 64);
        votes.claimed = uint64(word >> 96);
        votes.ownCut = uint96(word >> 160);
    }

    /// @notice The head of a case that begins in this block.
    function opened(Opening memory opening, CaseStatus status) internal view returns (uint256) {
        (uint256 leafIndex, uint256 age) = (opening.leafIndex, 0);
        if (opening.signedBlock != 0) age = block.number - opening.signedBlock;
        if (opening.kind == FaultKind.WithheldLeaf && age > type(uint16).max) age = type(uint16).max;
        // One test for what never happens; the casts say what is too large.
        if ((block.number >> 32) | (leafIndex >> 24) | (age >> 16) != 0) {
            SafeCast.toUint32(block.number);
            SafeCast.toUint24(leafIndex);
            SafeCast.toUint16(age);
        }
        return uint256(uint160(opening.operator)) | block.number << 160 | leafIndex << 192 | age << 216
            | uint256(opening.kind) << 232 | uint256(status) << STATUS_SHIFT;
    }
}
