// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Stream} from "./Stream.sol";

/// Gas of whole transactions: base cost, calldata and cold storage included, refunds deducted.
/// forge-config: default.isolate = true
contract GasTest is Stream {
    function setUp() external {
        startStream();
    }

    function test_prove_and_execute_with_four_signers() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        _atMost("prove, first case of an operator", 300_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        _atMost("execute, first case", 180_000);
        court.claimSigner(caseId, 0);
        _atMost("claimSigner", 120_000);
        vm.roll(block.number + 8);
        openRound();
        vm.roll(block.number + 8);
        openRound();
        caseId = prove(receipt(2), 0xf);
        _atMost("prove, second case", 300_000);
        vm.roll(block.number + 3);
        court.execute(caseId);
        _atMost("execute, second case", 180_000);
    }

    function test_prove_with_an_absent_signer() external {
        prove(receipt(1), 0x7);
        _atMost("prove, three of four signers", 310_000);
    }

    function test_stakes() external {
        address operator = address(0xA1);
        fund(operator, 200 * LPT);
        fund(DELEGATOR, 200 * LPT);
        vm.prank(operator);
        bonding.bond(Role.Transcoder, 100 * LPT);
        _atMost("bond, new operator", 200_000);
        vm.prank(operator);
        bonding.bond(Role.Transcoder, 100 * LPT);
        _atMost("bond, more", 200_000);
        vm.prank(DELEGATOR);
        bonding.delegate(Role.Transcoder, operator, 100 * LPT);
        _atMost("delegate, new delegator", 200_000);
        vm.prank(DELEGATOR);
        bonding.unbond(Role.Transcoder, operator, 100 * LPT);
        _atMost("unbond", 260_000);
    }

    function test_equivocation() external {
        SignedReceipt memory signed = receipt(1);
        Receipt memory other = signed.receipt;
        other = Receipt(other.assignmentHash, "another root", other.outputBytes, other.plant);
        bytes memory otherSignature = signature(TRANSCODER, court.hashReceipt(other));
        court.equivocation(signed, other, otherSignature);
        _atMost("equivocation", 200_000);
    }

    function test_rounds() external {
        vm.roll(rounds.openableAt());
        rounds.openRound();
        _atMost("openRound, one transcoder, four verifiers", 500_000);
    }

    /// The largest sets: a round must open within one transaction's gas (2^24, EIP-7825).
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
        _atMost("openRound, 100 transcoders, 64 verifiers", 1 << 24);
        bond(Role.Transcoder, address(0xBB), 200 * LPT);
        _atMost("bond, replacing the smallest of 100", 500_000);
    }

    function _atMost(string memory what, uint256 limit) private {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit Measured(what, used);
        vm.assertLe(used, limit, what);
    }

    event Measured(string what, uint256 gas);
}
