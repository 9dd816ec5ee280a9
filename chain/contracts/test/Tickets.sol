// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Redemption} from "../interfaces/ITicketBroker.sol";
import {CourtDomain} from "../libraries/CourtDomain.sol";
import {Assignment, Assignments} from "../objects/Assignment.sol";
import {PaymentTicket, PaymentTickets} from "../objects/PaymentTicket.sol";
import {TestBase} from "./TestBase.sol";

/// @title Signs payment tickets for assignments
abstract contract Tickets is TestBase {
    using Assignments for Assignment;
    using PaymentTickets for PaymentTicket;

    /// Every draw but one in 2^256 wins.
    uint256 internal constant CERTAIN = type(uint256).max;

    /// @dev A ticket of `sender` for the assignment, with everything that its redemption needs.
    function ticketFor(
        uint256 sender,
        address court,
        Assignment memory assignment,
        uint256 faceValue,
        uint64 nonce
    ) internal view returns (Redemption memory r) {
        r.assignment = assignment;
        r.recipientRand = keccak256(abi.encode("rand", assignment.transcoder, nonce));
        r.ticket = PaymentTicket({
            assignmentHash: this.assignmentDigest(court, assignment),
            recipient: assignment.transcoder,
            sender: vm.addr(sender),
            faceValue: faceValue,
            winProb: CERTAIN,
            nonce: nonce,
            recipientRandHash: keccak256(abi.encode(r.recipientRand))
        });
        signTicket(sender, court, r);
    }

    function signTicket(uint256 key, address court, Redemption memory r) internal view {
        (uint8 v, bytes32 rr, bytes32 s) = vm.sign(key, this.ticketDigest(court, r.ticket));
        r.signature = abi.encodePacked(rr, s, v);
    }

    function assignmentDigest(address court, Assignment calldata a) external view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(CourtDomain.separator(court), a.structHash());
    }

    function ticketDigest(address court, PaymentTicket calldata t) external view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(CourtDomain.separator(court), t.structHash());
    }
}
