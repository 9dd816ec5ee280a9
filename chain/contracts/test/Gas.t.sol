// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FramesProof, LeafProof, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Leaf} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Verdict} from "../objects/Verdict.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {GasMeter} from "./GasMeter.sol";
import {Stream} from "./Stream.sol";

/// Gas of whole transactions: base cost, calldata and cold storage included, refunds deducted.
/// forge-config: default.isolate = true
contract GasTest is Stream, GasMeter {
    using BlsSigner for uint256;

    function setUp() external {
        startStream();
    }

    function test_prove_and_execute_with_four_signers() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        atMost("prove, first case of an operator", 282_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, first case", 168_000);
        court.claimSigner(caseId, 0);
        atMost("claimSigner", 86_000);
        vm.roll(block.number + 8);
        openRound();
        vm.roll(block.number + 8);
        openRound();
        caseId = prove(receipt(2), 0xf);
        atMost("prove, second case", 267_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, second case", 134_000);
    }

    function test_prove_with_an_absent_signer() external {
        prove(receipt(1), 0x7);
        atMost("prove, three of four signers", 289_000);
    }

    /// The dearest way: rounds have passed since the signing, and the burst's blocks lie in two words.
    function test_prove_late_with_an_absent_signer() external {
        openRound();
        vm.roll(1019);
        SignedReceipt memory signed = receipt(1);
        vm.roll(1020);
        openRound();
        vm.roll(1030);
        openRound();
        vm.assertTrue(block.number >= 1024, "another word of 256 blocks");
        prove(signed, 0x7);
        atMost("prove, late, three of four signers", 292_000);
    }

    function test_equivocation() external {
        SignedReceipt memory signed = receipt(1);
        Receipt memory other = signed.receipt;
        other = Receipt(other.assignmentHash, "another root", other.outputBytes, other.plant);
        bytes memory otherSignature = signature(TRANSCODER, court.hashReceipt(other));
        court.equivocation(signed, other, otherSignature);
        atMost("equivocation", 102_000);
    }

    /// Base cost, calldata, one pairing, two hashes to the curve, a new case and its events make about 200,100
    /// before the first opcode between them.
    function test_verifier_equivocation() external {
        (Verdict memory a, Verdict memory b) =
            (Verdict(keccak256("r"), 5, RECOMPUTED), Verdict(keccak256("r"), 5, keccak256("else")));
        bytes memory signatureA = seats[2].sign(court.hashVerdict(a));
        bytes memory signatureB = seats[2].sign(court.hashVerdict(b));
        court.verifierEquivocation(vm.addr(seats[2]), a, signatureA, b, signatureB);
        atMost("verifierEquivocation", 217_000);
    }

    function test_leaf_fault() external {
        change(5, Leaf(1, 1, chunkRoot(1, 2), 1, "out"));
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 5);
        FramesProof memory frames = framesProof(1, 1);
        court.leafFault(signed, proof, frames);
        atMost("leafFault", 108_000);
    }

    function test_rounds() external {
        vm.roll(rounds.openableAt());
        rounds.openRound();
        atMost("openRound, one transcoder, four verifiers", 550_000);
    }

    /// The largest sets: a round must open well within one transaction's gas (2^24, EIP-7825).
    function test_the_largest_round() external {
        for (uint160 i = 1; i <= 99; ++i) {
            bond(Role.Transcoder, address(0x10000 - i), 100 * LPT);
        }
        for (uint256 i = 0; i < 60; ++i) {
            bond(Role.Verifier, vm.addr(0x1000 + i), 100 * LPT);
            register(vm.addr(0x1000 + i), 0x1000 + i);
        }
        vm.roll(rounds.openableAt());
        rounds.openRound();
        atMost("openRound, 100 transcoders, 64 verifiers", 5_300_000);
        bond(Role.Transcoder, address(0xBB), 200 * LPT);
        atMost("bond, replacing the smallest of 100", 400_000);
    }
}
