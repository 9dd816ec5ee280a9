// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title EIP-712 struct hash of a verifier's ticket for one epoch (docs/protocol.md, section 1)
library SampleTickets {
    bytes32 internal constant TYPEHASH = keccak256("SampleTicket(uint64 epoch)");

    function structHash(uint64 epoch) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, epoch));
    }
}
