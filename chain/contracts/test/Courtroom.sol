// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignedAccusation} from "../interfaces/IChallenges.sol";
import {LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, FaultKind} from "../interfaces/IFraudCourt.sol";
import {Draw} from "../libraries/Draw.sol";
import {Bls} from "../libraries/Bls.sol";
import {Accusation} from "../objects/Accusation.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Stream} from "./Stream.sol";

/// @title A stream and what comes before the court besides proofs
abstract contract Courtroom is Stream {
    using BlsSigner for uint256;

    address internal constant ANYONE = address(0xA11);

    function startCourt() internal {
        startStream();
        allow(transcoder);
        allow(ANYONE);
        token.transfer(ANYONE, 100 * LPT);
        token.transfer(transcoder, 100 * LPT);
    }

    /// @dev Bonds may be taken from the account.
    function allow(address account) internal {
        vm.startPrank(account);
        token.approve(address(contests), type(uint256).max);
        token.approve(address(challenges), type(uint256).max);
        vm.stopPrank();
    }

    function statusOf(bytes32 caseId) internal view returns (CaseStatus status) {
        (,, status,) = court.statusOf(caseId);
    }

    function assertStatus(bytes32 caseId, CaseStatus expected) internal view {
        vm.assertEq(uint256(statusOf(caseId)), uint256(expected), "status");
    }

    function frozen() internal view returns (bool) {
        return bonding.isFrozen(Role.Transcoder, transcoder);
    }

    function seat(uint256 position) internal view returns (address) {
        return vm.addr(seats[position]);
    }

    function passRounds(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            openRound();
        }
        vm.roll(block.number + 1);
    }

    function afterWindow() internal {
        vm.roll(block.number + 3);
    }

    function epochOf(Assignment memory a) internal pure returns (uint64) {
        return a.deadlineBlock / 5;
    }

    function ticket(uint256 position, uint64 epoch) internal view returns (bytes memory) {
        return seats[position].sign(evidence.hashTicket(epoch));
    }

    function draw(SignedReceipt memory signed, uint256 position, uint32 leafIndex)
        internal
        view
        returns (bytes32)
    {
        bytes memory compressed = Bls.compressG1(ticket(position, epochOf(signed.assignment)));
        return keccak256(abi.encodePacked(compressed, evidence.hashReceipt(signed.receipt), leafIndex));
    }

    function draws(SignedReceipt memory signed, uint256 position, uint32 leafIndex)
        internal
        view
        returns (bool)
    {
        bytes memory compressed = Bls.compressG1(ticket(position, epochOf(signed.assignment)));
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        return Draw.draws(compressed, receiptHash, leafIndex, 300 * LPT, 1200 * LPT, 2_000_000);
    }

    /// @dev The verdict of one verifier that the leaf is as claimed.
    function passOf(SignedReceipt memory signed, uint32 index, uint256 position)
        internal
        view
        returns (bytes memory)
    {
        bytes32 hash = leafAt(signed.assignment.seq, index).outputHash;
        return seats[position].sign(
            evidence.hashVerdict(Verdict(evidence.hashReceipt(signed.receipt), index, hash))
        );
    }

    function passes(SignedReceipt memory signed, uint32 index, uint64 bitmap)
        internal
        view
        returns (QuorumVerdict memory)
    {
        return verdict(signed, index, leafAt(signed.assignment.seq, index).outputHash, bitmap);
    }

    function accusation(SignedReceipt memory signed, uint32 index, uint256 position)
        internal
        view
        returns (SignedAccusation memory)
    {
        bytes32 digest = evidence.hashAccusation(
            Accusation(evidence.hashReceipt(signed.receipt), index, keccak256("commit"))
        );
        return SignedAccusation(position, keccak256("commit"), signature(seats[position], digest));
    }

    /// @dev A receipt whose fault at `index` was planted with `secret`.
    function planted(Assignment memory a, bytes32 secret, uint32 index)
        internal
        view
        returns (SignedReceipt memory signed)
    {
        signed = receiptFor(a);
        signed.receipt.plant = keccak256(abi.encodePacked(secret, signed.receipt.assignmentHash, index));
        signed.transcoderSignature = signature(TRANSCODER, evidence.hashReceipt(signed.receipt));
    }

    function proveLeaf(SignedReceipt memory signed, uint32 index, uint64 bitmap) internal returns (bytes32) {
        LeafProof memory proof = leafProof(signed.assignment.seq, index);
        return court.prove(signed, proof, verdict(signed, index, RECOMPUTED, bitmap));
    }

    function wrongEncodeId(SignedReceipt memory signed) internal view returns (bytes32) {
        return court.caseIdOf(FaultKind.WrongEncode, signed.receipt.assignmentHash);
    }
}
