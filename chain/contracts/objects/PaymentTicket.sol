// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A lottery ticket in ETH for one assignment, signed by who pays (docs/protocol.md, section 1).
struct PaymentTicket {
    bytes32 assignmentHash;
    address recipient;
    address sender;
    uint256 faceValue;
    uint256 winProb;
    uint64 nonce;
    bytes32 recipientRandHash;
}

/// @title EIP-712 struct hash of a payment ticket, and its draw
library PaymentTickets {
    bytes32 internal constant TYPEHASH = keccak256(
        "PaymentTicket(bytes32 assignmentHash,address recipient,address sender,uint256 faceValue,uint256 winProb,uint64 nonce,bytes32 recipientRandHash)"
    );

    function structHash(PaymentTicket calldata self) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                TYPEHASH,
                self.assignmentHash,
                self.recipient,
                self.sender,
                self.faceValue,
                self.winProb,
                self.nonce,
                self.recipientRandHash
            )
        );
    }

    /// @notice The ticket's lot: it wins iff the lot is below `winProb`. Both inputs are fixed before the sender
    ///         signs, one of them unknown to it, and nothing of a block is among them: neither side can wait
    ///         for a draw that it likes.
    function lot(bytes32 ticketHash, bytes32 recipientRand) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(ticketHash, recipientRand)));
    }
}
