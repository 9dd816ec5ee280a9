// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IEvidenceErrors, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {Courtroom} from "./Courtroom.sol";

/// Planted faults where a case lasts as long as evidence is taken, and a round longer: on mainnet's times.
contract PlantTimesTest is Courtroom {
    bytes32 private constant SECRET = keccak256("secret");

    function setUp() external {
        startCourt();
        vm.prank(transcoder);
        challenges.plantFault(keccak256(abi.encode(SECRET)));
        passRounds(1);
    }

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        (p.roundLength, p.epochBlocks) = (6377, 25);
        (p.evidenceWindow, p.caseWindow, p.challengeBlocks) = (3600, 3600, 300);
    }

    /// [a plant that shields other leaves] Proven as late as can be and revealed later still, it would leave no block in
    /// which another leaf of the receipt can be proven.
    function test_a_plant_is_revealed_while_other_leaves_can_be_proven() external {
        SignedReceipt memory signed = planted(assignment(1), SECRET, 3);
        uint256 evidenceEnd = signed.assignment.deadlineBlock + 3600;
        uint256 until = evidenceEnd - 300;
        vm.roll(until);
        bytes32 caseId = prove(signed, 0xf);
        vm.roll(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.TooLate.selector, until, until + 1));
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        vm.roll(until);
        vm.prank(transcoder);
        challenges.revealPlant(signed, 3, SECRET);
        assertStatus(caseId, CaseStatus.Spared);
        vm.roll(evidenceEnd);
        vm.assertEq(proveLeaf(signed, 4, 0xf), caseId);
        assertStatus(caseId, CaseStatus.Open);
    }

    /// [one plant that insures a whole round] A cheat marks all of a round and reveals the last receipt when evidence about
    /// the first is over: that is shown all the same, and finds stake that left at once.
    function test_a_second_plant_is_shown_for_a_case_window_from_the_reveal() external {
        SignedReceipt memory first = planted(assignment(1), SECRET, 5);
        vm.prank(transcoder);
        bonding.unbond(Role.Transcoder, transcoder, 500 * LPT);
        vm.roll(block.number + 6000);
        SignedReceipt memory last = planted(assignment(2), SECRET, 3);
        vm.assertEq(last.assignment.round, first.assignment.round);
        uint256 revealed = last.assignment.deadlineBlock + 3600 - 300;
        vm.roll(revealed);
        openRound();
        vm.prank(transcoder);
        challenges.revealPlant(last, 3, SECRET);
        vm.assertTrue(revealed > first.assignment.deadlineBlock + 3600, "evidence is over");
        uint256 until = revealed + 3600;
        vm.roll(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceErrors.EvidenceTooLate.selector, until, until + 1));
        challenges.showSecondPlant(first, 5, SECRET);
        vm.roll(until);
        bytes32 caseId = challenges.showSecondPlant(first, 5, SECRET);
        vm.assertTrue(frozen());
        vm.roll(until + 3600);
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 450 * LPT);
        vm.assertEq(bonding.pool(Role.Transcoder, transcoder).ownUnbonding, 450 * LPT);
    }
}
