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

    function structHash(Receipt calldata self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self));
    }
}
