// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A verifier's word that a leaf is wrong (docs/protocol.md, section 1).
struct Accusation {
    bytes32 receiptHash;
    uint32 leafIndex;
    /// keccak256 of the 48 bytes of the accuser's own signature on its verdict.
    bytes32 commit;
}

/// @title EIP-712 struct hash of an accusation
library Accusations {
    bytes32 internal constant TYPEHASH =
        keccak256("Accusation(bytes32 receiptHash,uint32 leafIndex,bytes32 commit)");

    function structHash(Accusation memory self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self.receiptHash, self.leafIndex, self.commit));
    }
}
