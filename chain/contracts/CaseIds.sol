// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";

/// @title Ids of cases: each fault has one, and who looks for its case knows it
abstract contract CaseIds is IFraudCourt {
    /// @inheritdoc IFraudCourt
    function caseIdOf(FaultKind kind, bytes32 assignmentHash) public pure returns (bytes32 caseId) {
        assembly ("memory-safe") {
            mstore(0x00, kind)
            mstore(0x20, assignmentHash)
            caseId := keccak256(0x00, 0x40)
        }
    }

    /// @inheritdoc IFraudCourt
    function verifierCaseId(FaultKind kind, address verifier, bytes32 receiptHash, uint32 leafIndex)
        public
        pure
        returns (bytes32 caseId)
    {
        // `abi.encode` of the words, by hand.
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore(place, kind)
            mstore(add(place, 0x20), shr(96, shl(96, verifier)))
            mstore(add(place, 0x40), receiptHash)
            mstore(add(place, 0x60), and(leafIndex, 0xffffffff))
            caseId := keccak256(place, 0x80)
        }
    }
}
