// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEvidenceErrors, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {ITicketBroker, Redemption} from "../interfaces/ITicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";
import {Tickets} from "./Tickets.sol";

/// What a key that was revoked can still do to the broadcaster that it signed for, and what a broadcaster can do to its
/// own reserve beforehand.
contract PastKeysTest is Courtroom, Tickets {
    uint256 private constant HOT = 0x407;
    uint256 private constant DEPOSIT = 10 ether;
    uint256 private constant RESERVE = 4 ether;

    /// Signs in round 2 and not any more in round 3, which is the present one.
    function setUp() external {
        startCourt();
        vm.deal(address(this), 100 ether);
        broker.depositAndReserve{value: DEPOSIT + RESERVE}(broadcaster, DEPOSIT, RESERVE);
        authorise(broadcaster, HOT);
        passRounds(1);
        vm.prank(broadcaster);
        operators.revoke();
    }

    // ---- payments ----

    function test_a_hot_key_pays_as_long_as_its_round_is_remembered() external {
        Redemption memory r = _ticket(assignment(7), HOT);
        Redemption memory late = _ticket(assignment(8), HOT);
        vm.roll(r.assignment.deadlineBlock + 21);
        vm.assertEq(broker.redeem(r), 1 ether);
        // Signers are remembered for 7 rounds.
        passRounds(7);
        vm.assertEq(rounds.currentRound(), 9);
        vm.assertEq(broker.redeem(late), 1 ether);
    }

    /// The thief of a key signs tickets to itself over assignments that it writes: for ever, if nothing bounds their age.
    function test_a_revoked_key_pays_nobody_over_an_old_assignment() external {
        Assignment memory a = assignment(7);
        vm.assertEq(a.round, 2);
        passRounds(10);
        Redemption memory r = _ticket(a, HOT);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.TicketTooOld.selector, 2, 9, 12));
        broker.redeem(r);
        Redemption[] memory batch = new Redemption[](1);
        batch[0] = r;
        vm.expectPartialRevert(ITicketBroker.TicketTooOld.selector);
        broker.redeemBatch(batch);
        // The broadcaster's own word holds.
        vm.assertEq(broker.redeem(_ticket(a, BROADCASTER)), 1 ether);
    }

    function test_a_revoked_key_pays_nobody_over_a_recent_assignment_of_its_round() external {
        passRounds(6);
        Assignment memory a = assignment(7);
        (a.round, a.deadlineBlock) = (2, uint64(block.number) - 21);
        Redemption memory r = _ticket(a, HOT);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongTicketRound.selector, 2, a.deadlineBlock - 12)
        );
        broker.redeem(r);
        // Before block D.
        a.deadlineBlock = 11;
        r = _ticket(a, HOT);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.WrongTicketRound.selector, 2, 0));
        broker.redeem(r);
        a.round = rounds.currentRound();
        r = _ticket(a, HOT);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongTicketSigner.selector, vm.addr(HOT), broadcaster)
        );
        broker.redeem(r);
    }

    /// An acquittal comes long after the key's time; nobody can have a case opened about an assignment that was not.
    function test_a_hot_key_pays_for_what_was_accused_and_acquitted() external {
        Assignment memory a = assignment(7);
        vm.assertEq(a.round, 2);
        Redemption memory r = _ticket(a, HOT);
        vm.prank(broadcaster);
        uint64 from = broker.unlock();
        SignedReceipt memory signed = receiptFor(a);
        signed.broadcasterSignature = _sign(a, HOT);
        vm.roll(a.deadlineBlock + 20);
        bytes32 caseId = prove(signed, 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        passRounds(8);
        vm.expectPartialRevert(ITicketBroker.TicketTooOld.selector);
        broker.redeem(r);
        vm.prank(RESOLVER);
        contests.resolve(caseId, false);
        vm.assertTrue(rounds.currentRound() < from, "the deposit is still there");
        vm.assertEq(broker.redeem(r), 1 ether);
    }

    /// What the resolver does not rule upon is annulled before the broadcaster has left.
    function test_a_hot_key_pays_for_what_was_accused_and_annulled() external {
        Assignment memory a = assignment(7);
        Redemption memory r = _ticket(a, HOT);
        vm.prank(broadcaster);
        broker.unlock();
        SignedReceipt memory signed = receiptFor(a);
        signed.broadcasterSignature = _sign(a, HOT);
        vm.roll(a.deadlineBlock + 20);
        bytes32 caseId = prove(signed, 0xf);
        afterWindow();
        // The pool grows beyond what the signers have at stake.
        reward(Role.Transcoder, transcoder, 100_000 * LPT);
        while (block.number >= rounds.openableAt()) rounds.openRound();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Contested);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.prank(broadcaster);
        vm.expectPartialRevert(ITicketBroker.StillLocked.selector);
        broker.withdraw();
        vm.assertEq(broker.redeem(r), 1 ether);
    }

    // ---- the reserve ----

    function test_two_assignments_of_one_attempt_burn_the_reserve_once() external {
        passRounds(1);
        (Assignment memory a, Assignment memory b) = _two();
        bytes memory signed = _sign(a, BROADCASTER);
        bytes memory other = _sign(b, BROADCASTER);
        vm.assertEq(court.broadcasterEquivocation(a, signed, b, other), broadcaster);
        vm.assertEq(broker.senderOf(broadcaster).reserve, 0);
        vm.assertEq(broker.senderOf(broadcaster).burned, RESERVE);
        vm.expectRevert(
            abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, evidence.hashAssignment(a))
        );
        court.broadcasterEquivocation(b, other, a, signed);
        vm.expectRevert(IEvidenceErrors.NoEquivocation.selector);
        court.broadcasterEquivocation(a, signed, a, signed);
        Assignment memory next = assignment(8);
        bytes memory third = _sign(next, BROADCASTER);
        vm.expectRevert(IEvidenceErrors.NoEquivocation.selector);
        court.broadcasterEquivocation(a, signed, next, third);
    }

    /// Whoever reports itself while there is nothing to burn has not paid for what it signs afterwards.
    function test_no_attempt_is_immune_because_it_was_reported_before() external {
        passRounds(1);
        (Assignment memory a, Assignment memory b) = _two();
        court.broadcasterEquivocation(a, _sign(a, BROADCASTER), b, _sign(b, BROADCASTER));
        broker.depositAndReserve{value: RESERVE}(broadcaster, 0, RESERVE);
        Assignment memory c = a;
        c.sourceLen += 2;
        vm.roll(block.number + 1);
        court.broadcasterEquivocation(b, _sign(b, BROADCASTER), c, _sign(c, BROADCASTER));
        vm.assertEq(broker.senderOf(broadcaster).burned, 2 * RESERVE);
    }

    /// Any genuine assignment, and another one that the thief writes: not of a round in which its key counted.
    function test_a_revoked_key_burns_no_reserve() external {
        passRounds(5);
        (Assignment memory a, Assignment memory b) = _two();
        b.round = 2;
        bytes memory signed = _sign(a, BROADCASTER);
        bytes memory forged = _sign(b, HOT);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidenceErrors.WrongRound.selector, 2, uint256(b.deadlineBlock) - 12)
        );
        court.broadcasterEquivocation(a, signed, b, forged);
        b.deadlineBlock = uint64(rounds.openedAt(2)) + 13;
        forged = _sign(b, HOT);
        vm.expectPartialRevert(IEvidenceErrors.EvidenceTooLate.selector);
        court.broadcasterEquivocation(a, signed, b, forged);
        vm.assertEq(broker.senderOf(broadcaster).reserve, RESERVE);
    }

    function _two() private view returns (Assignment memory a, Assignment memory b) {
        (a, b) = (assignment(7), assignment(7));
        b.sourceLen += 1;
    }

    function _sign(Assignment memory a, uint256 key) private view returns (bytes memory) {
        return signature(key, evidence.hashAssignment(a));
    }

    function _ticket(Assignment memory a, uint256 key) private view returns (Redemption memory r) {
        r = ticketFor(BROADCASTER, address(court), a, 1 ether, 0);
        signTicket(key, address(court), r);
    }
}
