// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {ITicketBroker, Redemption, SenderState} from "../interfaces/ITicketBroker.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Assignment} from "../objects/Assignment.sol";
import {BrokerStage} from "./BrokerStage.sol";

/// Deposits and winners.
contract TicketBrokerTest is BrokerStage {
    function setUp() external {
        startBroker();
    }

    // ---- deposit and reserve ----

    function test_anyone_funds_a_broadcaster() external {
        address stranger = vm.addr(STRANGER);
        vm.deal(stranger, 3 ether);
        vm.prank(stranger);
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.Funded(broadcaster, stranger, 2 ether, 1 ether);
        broker.depositAndReserve{value: 3 ether}(broadcaster, 2 ether, 1 ether);
        SenderState memory s = broker.senderOf(broadcaster);
        vm.assertEq(s.deposit, DEPOSIT + 2 ether);
        vm.assertEq(s.reserve, RESERVE + 1 ether);
        vm.assertEq(address(broker).balance, DEPOSIT + RESERVE + 3 ether);
    }

    function test_the_amounts_are_what_was_sent() external {
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.WrongValue.selector, 3, 4));
        broker.depositAndReserve{value: 3}(broadcaster, 2, 2);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.WrongValue.selector, 5, 4));
        broker.depositAndReserve{value: 5}(broadcaster, 2, 2);
    }

    function test_withdrawal_takes_two_steps_and_the_rounds_between() external {
        vm.startPrank(broadcaster);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NotUnlocking.selector, broadcaster));
        broker.withdraw();
        uint64 from = broker.unlock();
        vm.assertEq(from, 8);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.AlreadyUnlocking.selector, broadcaster, from));
        broker.unlock();
        vm.stopPrank();
        world.setRound(7);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.StillLocked.selector, 8, 7));
        vm.prank(broadcaster);
        broker.withdraw();
        world.setRound(8);
        vm.prank(broadcaster);
        vm.assertEq(broker.withdraw(), DEPOSIT + RESERVE);
        vm.assertEq(broadcaster.balance, DEPOSIT + RESERVE);
        vm.prank(broadcaster);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NotUnlocking.selector, broadcaster));
        broker.withdraw();
        vm.prank(broadcaster);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingDeposited.selector, broadcaster));
        broker.unlock();
    }

    function test_a_cancelled_unlock_starts_anew_and_a_gift_does_not_stop_one() external {
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NotUnlocking.selector, address(this)));
        broker.cancelUnlock();
        vm.startPrank(broadcaster);
        broker.unlock();
        broker.cancelUnlock();
        vm.assertEq(broker.senderOf(broadcaster).withdrawRound, 0);
        uint64 from = broker.unlock();
        vm.stopPrank();
        broker.depositAndReserve{value: 1}(broadcaster, 1, 0);
        vm.assertEq(broker.senderOf(broadcaster).withdrawRound, from);
    }

    function test_an_account_that_takes_no_ether_keeps_its_deposit() external {
        NoTaker taker = new NoTaker(broker);
        broker.depositAndReserve{value: 5}(address(taker), 5, 0);
        taker.unlock();
        world.setRound(8);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NotTaken.selector, address(taker), 5));
        taker.withdraw();
        vm.assertEq(broker.senderOf(address(taker)).deposit, 5);
    }

    // ---- winners ----

    function test_a_winner_pays_the_transcoder_and_burns_the_cut() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.TicketRedeemed(
            broadcaster, transcoder, broker.hashTicket(r.ticket), r.ticket.assignmentHash, 1 ether, 0, BURNED
        );
        vm.assertEq(broker.redeem(r), 1 ether);
        vm.assertTrue(broker.isRedeemed(broker.hashTicket(r.ticket)));
        vm.assertEq(broker.senderOf(broadcaster).deposit, DEPOSIT - 1 ether);
        vm.assertEq(broker.senderOf(broadcaster).burned, BURNED);
        vm.assertEq(address(fees).balance, 1 ether - BURNED);
        uint256 before = address(0).balance;
        vm.assertEq(broker.burn(broadcaster), BURNED);
        vm.assertEq(address(0).balance - before, BURNED);
        vm.assertEq(broker.burn(broadcaster), 0);
    }

    function test_double_redemption() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        broker.redeem(r);
        bytes32 ticketHash = broker.hashTicket(r.ticket);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.AlreadyRedeemed.selector, ticketHash));
        broker.redeem(r);
        Redemption[] memory twice = new Redemption[](3);
        vm.roll(block.number - 33);
        (twice[0], twice[1], twice[2]) = (r, winner(2, 1 ether), winner(2, 1 ether));
        vm.roll(block.number + 33);
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.TicketSkipped(ticketHash);
        vm.assertEq(broker.redeemBatch(twice), 1 ether);
        vm.assertEq(broker.senderOf(broadcaster).deposit, DEPOSIT - 2 ether);
    }

    /// The same ticket under the other form of its signature is the same ticket.
    function test_double_redemption_by_a_malleable_signature() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        broker.redeem(r);
        r.signature = new bytes(65);
        vm.expectPartialRevert(ITicketBroker.AlreadyRedeemed.selector);
        broker.redeem(r);
    }

    function test_redeeming_before_the_evidence_window_has_ended() external {
        Redemption memory r = winner(1, 1 ether);
        uint256 until = payableAt(r) - 1;
        vm.roll(until);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.RedeemedTooEarly.selector, until, block.number));
        broker.redeem(r);
        vm.roll(until + 1);
        broker.redeem(r);
    }

    /// An assignment with an earlier deadline is another assignment.
    function test_shortening_the_window_with_another_assignment() external {
        Redemption memory r = winner(1, 1 ether);
        r.assignment.deadlineBlock -= 5;
        bytes32 shorter = this.assignmentDigest(address(world), r.assignment);
        vm.roll(payableAt(r));
        vm.expectRevert(
            abi.encodeWithSelector(
                ITicketBroker.WrongTicketAssignment.selector, r.ticket.assignmentHash, shorter
            )
        );
        broker.redeem(r);
    }

    function test_a_ticket_for_somebody_else_than_the_worker() external {
        Redemption memory r = winner(1, 1 ether);
        r.ticket.recipient = address(0xBAD);
        resign(r);
        vm.roll(payableAt(r));
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongRecipient.selector, address(0xBAD), transcoder)
        );
        broker.redeem(r);
    }

    function test_only_the_senders_signature_takes_its_money() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        signTicket(STRANGER, address(world), r);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongTicketSigner.selector, vm.addr(STRANGER), broadcaster)
        );
        broker.redeem(r);
        r.signature = new bytes(65);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongTicketSigner.selector, address(0), broadcaster)
        );
        broker.redeem(r);
        resign(r);
        r.ticket.faceValue = 2 ether;
        vm.expectPartialRevert(ITicketBroker.WrongTicketSigner.selector);
        broker.redeem(r);
    }

    function test_a_hot_key_signs_for_a_cold_deposit() external {
        world.setSigner(broadcaster, vm.addr(STRANGER));
        Redemption memory r = winner(1, 1 ether);
        signTicket(STRANGER, address(world), r);
        vm.roll(payableAt(r));
        vm.assertEq(broker.redeem(r), 1 ether);
        world.setSigner(broadcaster, address(0));
        vm.roll(1000);
        r = winner(2, 1 ether);
        signTicket(STRANGER, address(world), r);
        vm.roll(payableAt(r));
        vm.expectPartialRevert(ITicketBroker.WrongTicketSigner.selector);
        broker.redeem(r);
    }

    function test_a_losing_ticket_pays_nothing() external {
        Redemption memory r = winner(1, 1 ether);
        r.ticket.winProb = 0;
        resign(r);
        vm.roll(payableAt(r));
        vm.expectPartialRevert(ITicketBroker.LosingTicket.selector);
        broker.redeem(r);
    }

    /// The recipient's number is fixed before the ticket is signed; another one does not count.
    function test_grinding_the_recipients_number() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        r.recipientRand = "another";
        vm.expectRevert(
            abi.encodeWithSelector(
                ITicketBroker.WrongRecipientRand.selector,
                keccak256(abi.encode(bytes32("another"))),
                r.ticket.recipientRandHash
            )
        );
        broker.redeem(r);
    }

    /// The draw is the same in every block, whatever the block's hash, time or randomness.
    function testFuzz_grinding_the_draw_by_block(uint256 winProb, uint64 later, bytes32 random_) external {
        Redemption memory r = winner(1, 1 ether);
        r.ticket.winProb = winProb;
        resign(r);
        uint256 lot = uint256(keccak256(abi.encode(broker.hashTicket(r.ticket), r.recipientRand)));
        vm.roll(payableAt(r) + later % 1e6);
        vm.prevrandao(random_);
        vm.setBlockhash(block.number - 1, random_);
        if (lot >= winProb) {
            vm.expectRevert(abi.encodeWithSelector(ITicketBroker.LosingTicket.selector, lot, winProb));
        }
        broker.redeem(r);
    }

    function test_fees_of_an_accused_assignment_are_void_unless_it_is_acquitted() external {
        Redemption memory r = winner(1, 1 ether);
        Redemption memory honest = winner(2, 1 ether);
        vm.roll(payableAt(r));
        bytes32 about = r.ticket.assignmentHash;
        CaseStatus[2] memory voiding = [CaseStatus.Open, CaseStatus.Executed];
        for (uint256 i = 0; i < voiding.length; ++i) {
            world.setCase(about, voiding[i]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    ITicketBroker.AssignmentAccused.selector, about, bytes32("case"), voiding[i]
                )
            );
            broker.redeem(r);
        }
        vm.assertEq(batch(r, honest), 1 ether);
        vm.assertFalse(broker.isRedeemed(broker.hashTicket(r.ticket)));
        world.setCase(about, CaseStatus.Acquitted);
        vm.assertEq(broker.redeem(r), 1 ether);
    }

    /// [replay across chains] A ticket of another chain or court has another digest.
    function test_replay_on_another_chain() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        vm.chainId(5);
        vm.expectPartialRevert(ITicketBroker.WrongTicketAssignment.selector);
        broker.redeem(r);
    }

    /// The round decides how fees are shared: not even the account whose money it is makes one up.
    function test_an_assignment_of_a_round_to_come() external {
        Assignment memory a = assignment(transcoder, 1);
        a.round = 2;
        Redemption memory r = ticketFor(BROADCASTER, address(world), a, 1 ether, 0);
        vm.roll(payableAt(r));
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.WrongTicketRound.selector, 2, a.deadlineBlock - 12)
        );
        broker.redeem(r);
    }

    // ---- the court ----

    function test_an_equivocating_broadcaster_loses_its_reserve_to_nobody() external {
        vm.prank(address(world));
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.ReserveSlashed(broadcaster, RESERVE);
        vm.assertEq(broker.slashReserve(broadcaster), RESERVE);
        SenderState memory s = broker.senderOf(broadcaster);
        vm.assertEq(s.reserve, 0);
        vm.assertEq(s.deposit, DEPOSIT);
        vm.assertEq(broker.burn(broadcaster), RESERVE);
        vm.assertEq(address(broker).balance, DEPOSIT);
    }

    function test_nobody_but_the_court_takes_a_reserve() external {
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NotTheCourt.selector, address(this)));
        broker.slashReserve(broadcaster);
    }

    // ---- deployment ----

    function test_times_and_cuts_that_the_rules_forbid() external {
        Parameters memory p = parameters();
        Addresses memory a;
        p.burnedFeeBps = 5001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "burnedFeeBps", 5001, 5000));
        create("TicketBroker", abi.encode(p, a));
        p = parameters();
        // D 12, evidence 20, case 3: 35 blocks are five rounds of eight, the first one may be nearly over, and the
        // resolver has one more.
        p.unlockRounds = 6;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "unlockRounds", 6, 7));
        create("TicketBroker", abi.encode(p, a));
    }
}

/// A broadcaster that cannot be paid.
contract NoTaker {
    ITicketBroker private immutable _broker;

    constructor(ITicketBroker broker) {
        _broker = broker;
    }

    function unlock() external {
        _broker.unlock();
    }

    function withdraw() external {
        _broker.withdraw();
    }
}
