// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What a transcoder commits to for one assignment (docs/protocol.md, section 1).
struct Receipt {
    bytes32 assignmentHash;
    bytes32 outputRoot;
    uint64 outputBytes;
    bytes32 plant;
}

/// @title EIP-712 struct hash of a receipt
library Receipts {
    bytes32 internal constant TYPEHASH =
        keccak256("Receipt(bytes32 assignmentHash,bytes32 outputRoot,uint64 outputBytes,bytes32 plant)");

    /// @dev As `Assignments.structHash`.
    function structHash(Receipt calldata self) internal pure returns (bytes32 hash) {
        bytes32 typeHash = TYPEHASH;
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore(place, typeHash)
            calldatacopy(add(place, 0x20), self, 0x80)
            if shr(64, mload(add(place, 0x60))) { revert(0x00, 0x00) } // outputBytes
            hash := keccak256(place, 0xa0)
        }
    }
}
