// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, FaultKind} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";

/// Leaves demanded of who is away: one stretch of silence doubles nothing, however many ask meanwhile.
contract SilenceTest is Courtroom {
    uint32 private constant COUNT = 5;

    function setUp() external {
        startCourt();
    }

    /// [an outage that costs everything] Five demands in one outage are five times a tenth of what is left, and not all of it,
    /// also if they are reported one after another.
    function test_demands_in_one_outage_do_not_double() external {
        bytes32[] memory receipts = _demand(1, COUNT);
        vm.roll(block.number + 9);
        uint256 left = 1000 * LPT;
        for (uint256 i = 0; i < COUNT; ++i) {
            bytes32 caseId = challenges.reportWithheld(receipts[i], 6);
            afterWindow();
            court.execute(caseId);
            left = left * 9 / 10;
            vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), left, 8);
        }
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), 2000, "all of them are one repeat");
    }

    function test_silence_after_a_slash_for_silence_is_a_repeat() external {
        bytes32[] memory receipts = _demand(1, 2);
        vm.roll(block.number + 9);
        _report(receipts[0]);
        vm.assertEq(court.penaltyOf(FaultKind.WithheldLeaf, transcoder), 2000);
        vm.roll(block.number + 1);
        bytes32[] memory later = _demand(3, 1);
        vm.roll(block.number + 9);
        _report(later[0]);
        vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), 720 * LPT, 8);
        vm.assertEq(court.penaltyOf(FaultKind.WithheldLeaf, transcoder), 4000);
        // Of the first silence, reported last: it costs what the last one did, and takes no repeat back.
        _report(receipts[1]);
        vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), 576 * LPT, 8);
        vm.assertEq(court.penaltyOf(FaultKind.WithheldLeaf, transcoder), 4000);
    }

    /// Before a first slash for silence, other faults count as ever.
    function test_a_wrong_encode_before_doubles_a_silence() external {
        bytes32 wrong = prove(receipt(1), 0xf);
        afterWindow();
        court.execute(wrong);
        bytes32[] memory receipts = _demand(2, 2);
        vm.roll(block.number + 9);
        _report(receipts[0]);
        vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), 720 * LPT, 8);
        _report(receipts[1]);
        vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), 576 * LPT, 8);
    }

    /// A report has no end, and a case keeps the demand's age as far as it can.
    function test_a_report_long_afterwards_opens_a_case() external {
        bytes32[] memory receipts = _demand(1, 2);
        vm.roll(block.number + 9);
        _report(receipts[0]);
        vm.roll(block.number + 70_000);
        _report(receipts[1]);
        vm.assertApproxEqAbs(ownStake(Role.Transcoder, transcoder), 810 * LPT, 8);
    }

    function _demand(uint32 first, uint32 count) private returns (bytes32[] memory receipts) {
        receipts = new bytes32[](count);
        for (uint32 i = 0; i < count; ++i) {
            SignedReceipt memory signed = receipt(first + i);
            receipts[i] = evidence.hashReceipt(signed.receipt);
            vm.prank(ANYONE);
            challenges.challengeLeaf(signed, 6);
        }
    }

    function _report(bytes32 receiptHash) private {
        bytes32 caseId = challenges.reportWithheld(receiptHash, 6);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
    }
}
