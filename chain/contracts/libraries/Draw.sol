// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Whether a ticket draws a leaf (docs/protocol.md, section 6)
/// @notice The rule of the verifiers, for whatever on chain must know a draw.
library Draw {
    uint256 private constant PPM = 1_000_000;

    /// A ticket is a compressed signature.
    error WrongTicketLength(uint256 found, uint256 expected);

    /// @param ticket the verifier's compressed signature over `SampleTicket(epoch)`, 48 bytes
    /// @param weight the verifier's weight in the snapshot of the assignment's round
    /// @param total all verifiers' weight there
    /// @param checksPerLeafPpm expected checks per leaf over the whole network, in millionths
    function draws(
        bytes memory ticket,
        bytes32 receiptHash,
        uint32 leafIndex,
        uint256 weight,
        uint256 total,
        uint256 checksPerLeafPpm
    ) internal pure returns (bool) {
        if (ticket.length != 48) revert WrongTicketLength(ticket.length, 48);
        bytes32 lot = keccak256(abi.encodePacked(ticket, receiptHash, leafIndex));
        (uint256 point,) = Math.mul512(uint256(lot), total * PPM);
        return point < weight * checksPerLeafPpm;
    }
}
