// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {FeeLedger} from "../FeeLedger.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {ITicketBroker, Redemption, SenderState} from "../interfaces/ITicketBroker.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {TicketBroker} from "../TicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Surroundings} from "./Surroundings.sol";
import {Tickets} from "./Tickets.sol";

/// Deposits, reserves and winners.
contract TicketBrokerTest is Tickets {
    uint256 private constant BROADCASTER = 0xB0;
    uint256 private constant STRANGER = 0x57;
    uint256 private constant DEPOSIT = 10 ether;
    uint256 private constant RESERVE = 4 ether;
    /// Five percent of an ether.
    uint256 private constant BURNED = 0.05 ether;

    address private broadcaster = vm.addr(BROADCASTER);
    address private transcoder = address(0x7001);
    address private other = address(0x7002);
    Surroundings private world;
    FeeLedger private fees;
    TicketBroker private broker;

    function setUp() external {
        vm.roll(1000);
        vm.deal(address(this), 1e30);
        world = new Surroundings();
        world.activate(transcoder);
        world.activate(other);
        address around = address(world);
        Addresses memory a;
        (a.operators, a.rounds, a.roster, a.bonding, a.court) = (around, around, around, around, around);
        a.broker = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        a.fees = address(fees = FeeLedger(create("FeeLedger", abi.encode(parameters(), a))));
        broker = TicketBroker(create("TicketBroker", abi.encode(parameters(), a)));
        broker.depositAndReserve{value: DEPOSIT + RESERVE}(broadcaster, DEPOSIT, RESERVE);
    }

    /// The demo's times.
    function parameters() private pure returns (Parameters memory p) {
        (p.roundLength, p.deadlineBlocks, p.evidenceWindow, p.caseWindow) = (8, 12, 20, 3);
        (p.burnedFeeBps, p.unlockRounds) = (500, 7);
    }

    /// @dev Signed in this block.
    function assignment(address to, uint32 seq) private view returns (Assignment memory a) {
        (a.jobId, a.seq, a.round, a.transcoder) = (1, seq, world.currentRound(), to);
        a.deadlineBlock = uint64(block.number) + 12;
    }

    function winnerOf(address to, uint32 seq, uint256 value) private view returns (Redemption memory) {
        return ticketFor(BROADCASTER, address(world), assignment(to, seq), value, seq);
    }

    function winner(uint32 seq, uint256 value) private view returns (Redemption memory) {
        return winnerOf(transcoder, seq, value);
    }

    function resign(Redemption memory r) private view {
        signTicket(BROADCASTER, address(world), r);
    }

    function payableAt(Redemption memory r) private pure returns (uint256) {
        return r.assignment.deadlineBlock + 21;
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
        vm.assertEq(_batch(r, honest), 1 ether);
        vm.assertFalse(broker.isRedeemed(broker.hashTicket(r.ticket)));
        // Acquitted: the court names no case about it any more.
        world.setCase(about, CaseStatus.None);
        vm.assertEq(broker.redeem(r), 1 ether);
    }

    /// A ticket of another chain or court has another digest.
    function test_replay_on_another_chain() external {
        Redemption memory r = winner(1, 1 ether);
        vm.roll(payableAt(r));
        vm.chainId(5);
        vm.expectPartialRevert(ITicketBroker.WrongTicketAssignment.selector);
        broker.redeem(r);
    }

    // ---- the reserve ----

    function test_a_short_deposit_is_filled_from_the_reserve_up_to_an_equal_part() external {
        // Two active transcoders: half of the reserve each.
        Redemption memory r = winner(1, DEPOSIT + RESERVE);
        vm.roll(payableAt(r));
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2);
        vm.assertEq(broker.redeem(r), DEPOSIT + RESERVE / 2);
        SenderState memory s = broker.senderOf(broadcaster);
        vm.assertEq(s.deposit, 0);
        vm.assertEq(s.reserve, RESERVE / 2);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 0);
        // The other's part is untouched by what this one took.
        vm.assertEq(broker.claimableReserve(broadcaster, other), RESERVE / 2);
    }

    function test_a_winner_is_not_consumed_when_nothing_could_be_paid() external {
        Redemption memory first = winner(1, DEPOSIT + RESERVE);
        Redemption memory second = winner(2, 1 ether);
        vm.roll(payableAt(first));
        broker.redeem(first);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingToPay.selector, broadcaster, transcoder));
        broker.redeem(second);
        vm.assertEq(_batch(second, second), 0);
        vm.assertFalse(broker.isRedeemed(broker.hashTicket(second.ticket)));
        broker.depositAndReserve{value: 1 ether}(broadcaster, 1 ether, 0);
        vm.assertEq(broker.redeem(second), 1 ether);
    }

    function test_the_next_round_divides_what_is_left() external {
        Redemption memory first = winner(1, DEPOSIT + RESERVE);
        Redemption memory second = winner(2, RESERVE);
        vm.roll(payableAt(first));
        broker.redeem(first);
        world.setRound(2);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 4);
        vm.assertEq(broker.redeem(second), RESERVE / 4);
    }

    function test_only_active_transcoders_share_a_reserve() external view {
        vm.assertEq(broker.claimableReserve(broadcaster, address(0xBAD)), 0);
        vm.assertEq(broker.claimableReserve(address(0xBAD), transcoder), 0);
    }

    /// Whatever is claimed in whatever order, nobody gets more of a round's reserve than an equal part.
    function testFuzz_nobody_takes_more_than_its_part(uint96[8] memory values, uint96 gift) external {
        Redemption[] memory winners = new Redemption[](8);
        for (uint32 i = 0; i < 8; ++i) {
            winners[i] = winnerOf(i % 3 == 0 ? other : transcoder, i, DEPOSIT / 4 + values[i] % RESERVE);
        }
        gift %= 1e24;
        uint256[2] memory taken;
        vm.roll(payableAt(winners[0]));
        for (uint32 i = 0; i < 8; ++i) {
            uint256 reserve = broker.senderOf(broadcaster).reserve;
            uint256 claimable = broker.claimableReserve(broadcaster, winners[i].ticket.recipient);
            try broker.redeem(winners[i]) {}
            catch {
                vm.assertEq(claimable, 0);
            }
            uint256 left = broker.senderOf(broadcaster).reserve;
            vm.assertLe(reserve - left, claimable);
            taken[i % 3 == 0 ? 0 : 1] += reserve - left;
            if (i == 2) broker.depositAndReserve{value: gift}(broadcaster, 0, gift);
        }
        vm.assertLe(taken[0], (RESERVE + gift) / 2);
        vm.assertLe(taken[1], (RESERVE + gift) / 2);
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
        // D 12, evidence 20, case 3: 35 blocks are five rounds of eight, and the first one may be nearly over.
        p.unlockRounds = 5;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "unlockRounds", 5, 6));
        create("TicketBroker", abi.encode(p, a));
    }

    function _batch(Redemption memory a, Redemption memory b) private returns (uint256) {
        Redemption[] memory list = new Redemption[](2);
        (list[0], list[1]) = (a, b);
        return broker.redeemBatch(list);
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
