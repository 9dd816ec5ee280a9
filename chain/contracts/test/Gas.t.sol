// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FramesProof, LeafProof, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Bls} from "../libraries/Bls.sol";
import {Assignment} from "../objects/Assignment.sol";
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
        // As a deployment does.
        token.transfer(address(court), 1);
    }

    function test_prove_and_execute_with_four_signers() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        atMost("prove, first case of an operator", 300_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, first case", 180_000);
        court.claimSigner(caseId, 0);
        atMost("claimSigner", 90_000);
        vm.roll(block.number + 8);
        openRound();
        vm.roll(block.number + 8);
        openRound();
        caseId = prove(receipt(2), 0xf);
        atMost("prove, second case", 300_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, second case", 180_000);
    }

    /// As an operator's pool is that works: rewards are pending, and some of it is on the way out.
    function test_execute_where_every_part_of_a_pool_is_cut() external {
        _fillPool();
        bytes32 caseId = prove(receipt(1), 0xf);
        atMost("prove, first case, rewards pending, stake unbonding", 300_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, first case, rewards pending, stake unbonding", 180_000);
    }

    function test_prove_with_an_absent_signer() external {
        prove(receipt(1), 0x7);
        atMost("prove, three of four signers", 300_000);
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
        atMost("prove, late, three of four signers", 300_000);
    }

    /// Six levels are enough for 64 leaves: a segment of many chunks in many renditions.
    function test_prove_in_a_deep_tree_with_an_absent_signer() external {
        leafCount = 64;
        SignedReceipt memory signed = receipt(1);
        openRound();
        prove(signed, 0x7);
        atMost("prove, 64 leaves, rounds later, three of four signers", 300_000);
    }

    function test_equivocation() external {
        SignedReceipt memory signed = receipt(1);
        Receipt memory other = signed.receipt;
        other = Receipt(other.assignmentHash, "another root", other.outputBytes, other.plant);
        bytes memory otherSignature = signature(TRANSCODER, evidence.hashReceipt(other));
        court.equivocation(signed, other, otherSignature);
        atMost("equivocation", 115_000);
    }

    function test_broadcaster_equivocation() external {
        vm.deal(address(this), 1 ether);
        broker.depositAndReserve{value: 1 ether}(broadcaster, 0, 1 ether);
        (Assignment memory a, Assignment memory b) = (assignment(1), assignment(1));
        b.sourceLen += 1;
        bytes memory first = signature(BROADCASTER, evidence.hashAssignment(a));
        bytes memory second = signature(BROADCASTER, evidence.hashAssignment(b));
        court.broadcasterEquivocation(a, first, b, second);
        atMost("broadcasterEquivocation", 200_000);
    }

    function test_verifier_equivocation() external {
        (Verdict memory a, Verdict memory b) =
            (Verdict(keccak256("r"), 5, RECOMPUTED), Verdict(keccak256("r"), 5, keccak256("else")));
        bytes memory both =
            Bls.addG1(seats[2].sign(evidence.hashVerdict(a)), seats[2].sign(evidence.hashVerdict(b)));
        court.verifierEquivocation(vm.addr(seats[2]), a, b.recomputedHash, both);
        atMost("verifierEquivocation", 200_000);
    }

    function test_leaf_fault() external {
        change(5, Leaf(1, 1, chunkRoot(1, 2), 1, "out"));
        SignedReceipt memory signed = receipt(1);
        LeafProof memory proof = leafProof(1, 5);
        FramesProof memory frames = framesProof(1, 1);
        court.leafFault(signed, proof, frames);
        atMost("leafFault", 118_000);
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
        atMost("bond, replacing the smallest of 100", 200_000);
    }

    /// All verifiers but one are to be taken out first, as when that one has two thirds of the weight.
    function test_the_largest_round_in_which_most_are_jailed() external {
        for (uint160 i = 1; i <= 99; ++i) {
            bond(Role.Transcoder, address(0x10000 - i), 100 * LPT);
        }
        _seatSixtyFour();
        uint64 round = rounds.currentRound();
        vm.prank(address(work));
        roster.jail(round, type(uint64).max >> 1);
        vm.roll(rounds.openableAt());
        rounds.openRound();
        atMost("openRound, 100 transcoders, 64 verifiers, 63 jailed", 5_300_000);
    }

    /// 100 registered, 64 of them active, 10 of these absent.
    function test_prove_with_sixty_four_active_and_ten_absent() external {
        _seatSixtyFour();
        bytes32 caseId = prove(receipt(1), type(uint64).max >> 10);
        atMost("prove, 54 of 64 signers, 100 registered", 450_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, 54 of 64 signers", 180_000);
    }

    /// Over the 180,000 of all others: weighing 64 verifiers and cutting three parts of a pool come together.
    function test_execute_by_sixty_four_where_every_part_of_a_pool_is_cut() external {
        _seatSixtyFour();
        _fillPool();
        bytes32 caseId = prove(receipt(1), type(uint64).max >> 10);
        vm.roll(block.number + 3);
        court.execute(caseId);
        atMost("execute, 54 of 64 signers, rewards pending, stake unbonding", 190_000);
    }

    /// @dev Rewards are pending, and some stake is on the way out.
    function _fillPool() private {
        reward(Role.Transcoder, transcoder, 30 * LPT);
        vm.prank(transcoder);
        bonding.unbond(Role.Transcoder, transcoder, 100 * LPT);
        vm.roll(block.number + 1);
    }

    function _seatSixtyFour() private {
        for (uint256 i = 0; i < 96; ++i) {
            uint256 secret = 0x1000 + i;
            bond(Role.Verifier, vm.addr(secret), (i < 60 ? 100 : 50) * LPT);
            register(vm.addr(secret), secret);
            if (i < 60) seats.push(secret);
        }
        for (uint256 i = 1; i < seats.length; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(seats[j]) < vm.addr(seats[j - 1]); --j) {
                (seats[j], seats[j - 1]) = (seats[j - 1], seats[j]);
            }
        }
        openRound();
        vm.roll(block.number + 1);
    }
}
