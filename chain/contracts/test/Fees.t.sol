// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {IFeeLedger} from "../interfaces/IFeeLedger.sol";
import {ITicketBroker, Redemption} from "../interfaces/ITicketBroker.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Role} from "../objects/Role.sol";
import {Stream} from "./Stream.sol";
import {Tickets} from "./Tickets.sol";

/// A payment's way through the whole deployment: from the deposit to the delegator's account. The stream's transcoder
/// has 1,000 LPT of its own and 500 delegated.
contract FeesTest is Stream, Tickets {
    uint256 private constant DEPOSIT = 100 ether;
    address private constant NEWCOMER = address(0xE41);

    function setUp() external {
        startStream();
        vm.deal(address(this), 1e24);
        vm.deal(broadcaster, DEPOSIT + 10 ether);
        vm.prank(broadcaster);
        broker.depositAndReserve{value: DEPOSIT + 10 ether}(broadcaster, DEPOSIT, 10 ether);
    }

    /// Livepeer's earnings: transcoder stake 1,000, delegator 3,000, fee share 25 %, here of what is not burned.
    function test_livepeers_known_arithmetic() external {
        delegate(Role.Transcoder, transcoder, DELEGATOR, 2500 * LPT);
        _share(2500);
        _pay(1, 1 ether);
        vm.assertEq(address(fees).balance, 0.95 ether);
        vm.assertEq(fees.feesOf(transcoder, transcoder), 0.7125 ether);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, transcoder), 0.95 ether * 8125 / 10_000, 1);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), 0.95 ether * 1875 / 10_000, 1);
        uint256 before = DELEGATOR.balance;
        vm.prank(DELEGATOR);
        fees.withdrawFees(transcoder, payable(DELEGATOR));
        vm.assertApproxEqAbs(DELEGATOR.balance - before, 0.95 ether * 1875 / 10_000, 1);
    }

    /// The same after a reward cut, rewards, a slash and a change of stakes: shares decide, not amounts.
    function test_a_slash_leaves_the_division_as_it_was() external {
        _share(10_000);
        vm.startPrank(address(court));
        bonding.freeze(Role.Transcoder, transcoder);
        bonding.slash(Role.Transcoder, transcoder, 5000);
        bonding.unfreeze(Role.Transcoder, transcoder);
        vm.stopPrank();
        _pay(1, 3 ether);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, transcoder), 1.9 ether, 2);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), 0.95 ether, 2);
    }

    function test_fees_reach_the_shares_of_a_pool_that_lost_everything() external {
        _share(10_000);
        _pay(1, 3 ether);
        vm.roll(block.number + 4);
        vm.startPrank(address(court));
        bonding.freeze(Role.Transcoder, transcoder);
        bonding.slash(Role.Transcoder, transcoder, 10_000);
        bonding.unfreeze(Role.Transcoder, transcoder);
        vm.stopPrank();
        // Half had been released; two thirds and a third of it.
        vm.assertApproxEqAbs(fees.feesOf(transcoder, transcoder), 0.95 ether, 2);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), 0.475 ether, 2);
        bond(Role.Transcoder, transcoder, 100 * LPT);
        delegate(Role.Transcoder, transcoder, DELEGATOR, 100 * LPT);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), 0.475 ether, 2);
        vm.roll(block.number + 4);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), 0.475 ether + 0.7125 ether, 2);
        vm.prank(DELEGATOR);
        fees.withdrawFees(transcoder, payable(DELEGATOR));
        vm.prank(transcoder);
        fees.withdrawFees(transcoder, payable(transcoder));
        vm.assertLe(address(fees).balance, 4);
    }

    /// Who delegates just before a payment and leaves just after it earns what its blocks are worth.
    function test_hopping_from_payment_to_payment() external {
        _share(10_000);
        Redemption memory r = _ticket(1, 1 ether);
        vm.roll(r.assignment.deadlineBlock + 21);
        delegate(Role.Transcoder, transcoder, NEWCOMER, 13_500 * LPT);
        broker.redeem(r);
        vm.prank(NEWCOMER);
        bonding.unbond(Role.Transcoder, transcoder, 13_500 * LPT);
        vm.roll(block.number + 100);
        vm.assertEq(fees.feesOf(transcoder, NEWCOMER), 0);
    }

    /// The share of the work's round counts: who has worked does not change it before it is paid, however long before.
    function test_cutting_the_share_before_a_payment() external {
        _share(10_000);
        Redemption[] memory r = new Redemption[](2);
        r[0] = _ticket(1, 1 ether);
        Redemption memory first = _ticket(2, 1 ether);
        vm.prank(transcoder);
        operators.setCuts(Role.Transcoder, 0, 0);
        openRound();
        r[1] = _ticket(3, 1 ether);
        vm.roll(r[1].assignment.deadlineBlock + 21);
        broker.redeem(first);
        vm.assertEq(fees.feesOf(transcoder, transcoder), 0, "nothing of it is the operator's alone");
        broker.redeemBatch(r);
        vm.assertEq(fees.feesOf(transcoder, transcoder), 0.95 ether);
        vm.roll(block.number + 8);
        vm.assertApproxEqAbs(fees.feesOf(transcoder, DELEGATOR), uint256(1.9 ether) / 3, 2);
    }

    /// No fees for an assignment about which a fault was proven, before and after the slash; others are paid.
    function test_fees_of_proven_faults_are_void() external {
        Redemption memory r = _ticket(1, 1 ether);
        Redemption memory good = _ticket(2, 1 ether);
        SignedReceipt memory signed = receiptFor(r.assignment);
        Receipt memory second = signed.receipt;
        second = Receipt(second.assignmentHash, "another root", second.outputBytes, second.plant);
        bytes memory secondSignature = signature(TRANSCODER, evidence.hashReceipt(second));
        bytes32 caseId = court.equivocation(signed, second, secondSignature);
        vm.roll(r.assignment.deadlineBlock + 21);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITicketBroker.AssignmentAccused.selector, r.ticket.assignmentHash, caseId, CaseStatus.Open
            )
        );
        broker.redeem(r);
        court.execute(caseId);
        vm.expectPartialRevert(ITicketBroker.AssignmentAccused.selector);
        broker.redeem(r);
        vm.assertEq(broker.redeem(good), 1 ether);
    }

    /// While it is frozen an operator takes no fees; its delegators do.
    function test_the_frozen_never_leaves_with_its_fees() external {
        _share(5000);
        _pay(1, 3 ether);
        vm.roll(block.number + 8);
        vm.prank(address(court));
        bonding.freeze(Role.Transcoder, transcoder);
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.OperatorFrozen.selector, transcoder));
        fees.withdrawFees(transcoder, payable(transcoder));
        vm.prank(DELEGATOR);
        fees.withdrawFees(transcoder, payable(DELEGATOR));
    }

    /// The only active transcoder: all of the reserve is its part.
    function test_the_reserve_stands_behind_an_empty_deposit() external {
        _pay(1, DEPOSIT + 4 ether);
        vm.assertEq(broker.senderOf(broadcaster).deposit, 0);
        vm.assertEq(broker.senderOf(broadcaster).reserve, 6 ether);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 6 ether);
        vm.assertEq(broker.claimableReserve(broadcaster, NEWCOMER), 0);
    }

    /// The last ticket before `unlock` is payable until `withdraw`.
    function test_tickets_outlast_the_unlocking() external {
        Redemption memory r = _ticket(1, 1 ether);
        vm.prank(broadcaster);
        uint64 from = broker.unlock();
        vm.roll(r.assignment.deadlineBlock + 21 + parameters().caseWindow);
        while (block.number >= rounds.openableAt()) rounds.openRound();
        vm.assertTrue(rounds.currentRound() < from);
        vm.assertEq(broker.redeem(r), 1 ether);
    }

    /// Paying oneself loses the burned cut, whoever redeems and whatever is shared.
    function test_wash_trading_costs_the_burned_cut() external {
        _share(10_000);
        vm.prank(DELEGATOR);
        bonding.unbond(Role.Transcoder, transcoder, 500 * LPT);
        _pay(1, 100 ether);
        vm.roll(block.number + 8);
        vm.prank(transcoder);
        vm.assertApproxEqAbs(fees.withdrawFees(transcoder, payable(transcoder)), 95 ether, 1);
        vm.assertEq(broker.burn(broadcaster), 5 ether);
    }

    function _ticket(uint32 seq, uint256 value) private view returns (Redemption memory) {
        return ticketFor(BROADCASTER, address(court), assignment(seq), value, 0);
    }

    function _pay(uint32 seq, uint256 value) private {
        Redemption memory r = _ticket(seq, value);
        vm.roll(r.assignment.deadlineBlock + 21);
        broker.redeem(r);
    }

    /// @dev In force from the round that this opens.
    function _share(uint16 bps) private {
        vm.prank(transcoder);
        operators.setCuts(Role.Transcoder, 0, bps);
        openRound();
    }
}
