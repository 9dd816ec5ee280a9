// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ITicketBroker, Redemption, SenderState} from "../interfaces/ITicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {BrokerStage} from "./BrokerStage.sol";

/// What each recipient may take of a reserve.
contract ReservesTest is BrokerStage {
    function setUp() external {
        startBroker();
    }

    function test_a_short_deposit_is_filled_from_the_reserve_up_to_a_part() external {
        // Two active transcoders of the same stake: half of the reserve each.
        Redemption memory r = winner(1, DEPOSIT + RESERVE);
        vm.roll(payableAt(r));
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2);
        vm.prank(transcoder);
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
        vm.prank(transcoder);
        broker.redeem(first);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingToPay.selector, broadcaster, transcoder));
        vm.prank(transcoder);
        broker.redeem(second);
        vm.assertEq(batch(second, second), 0);
        vm.assertFalse(broker.isRedeemed(broker.hashTicket(second.ticket)));
        broker.depositAndReserve{value: 1 ether}(broadcaster, 1 ether, 0);
        vm.assertEq(broker.redeem(second), 1 ether);
    }

    /// [a wei of deposit, and another's winner paid with it] Who has seen the recipient's number pays all of a winner or
    /// nothing; how little is enough for the recipient it says itself.
    function test_nobody_else_consumes_a_winner_for_a_part_of_it() external {
        Redemption memory r = winner(1, DEPOSIT + RESERVE);
        vm.roll(payableAt(r));
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingToPay.selector, broadcaster, transcoder));
        broker.redeem(r);
        vm.assertEq(batch(r, r), 0);
        vm.assertEq(broker.senderOf(broadcaster).deposit, DEPOSIT);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2);
        vm.prank(transcoder);
        vm.assertEq(broker.redeem(r), DEPOSIT + RESERVE / 2);
    }

    /// [A ticket to oneself] A sender takes work on its deposit, and pays the deposit to its own account before the
    /// workers' tickets are payable. What they had counted on is still there, to the wei.
    function test_a_ticket_to_oneself_takes_nobodys_part() external {
        Redemption memory honest = winner(1, RESERVE / 2);
        Redemption memory second = winnerOf(other, 2, RESERVE / 2);
        Assignment memory invented;
        invented.transcoder = vm.addr(STRANGER);
        Redemption memory self = ticketFor(BROADCASTER, address(world), invented, DEPOSIT + RESERVE, 0);
        vm.prank(invented.transcoder);
        vm.assertEq(broker.redeem(self), DEPOSIT, "nothing of the reserve");
        vm.roll(payableAt(second));
        vm.assertEq(broker.redeem(honest), RESERVE / 2);
        vm.assertEq(broker.redeem(second), RESERVE / 2);
    }

    /// A friend that is active has its own part and no more, in however many rounds it asks.
    function test_a_friend_takes_its_part_once() external {
        Redemption memory first = winnerOf(other, 1, DEPOSIT + RESERVE);
        Redemption memory again = winnerOf(other, 2, RESERVE);
        Redemption memory honest = winner(3, RESERVE / 2);
        vm.roll(payableAt(honest));
        vm.startPrank(other);
        vm.assertEq(broker.redeem(first), DEPOSIT + RESERVE / 2);
        world.setRound(2);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingToPay.selector, broadcaster, other));
        broker.redeem(again);
        vm.stopPrank();
        vm.assertEq(broker.redeem(honest), RESERVE / 2);
    }

    /// [one stake under many accounts] A friend takes its part, unbonds, and bonds anew under another account: who was not
    /// active when the reserve was full has no part of it.
    function test_a_stake_that_moves_takes_its_part_once() external {
        address[3] memory friends = [other, address(0x7003), address(0x7004)];
        Redemption memory honest = winner(9, RESERVE / 2);
        for (uint32 i = 0; i < 3; ++i) {
            if (i > 0) {
                world.setRound(i + 1);
                world.activate(friends[i - 1], 0);
                world.activate(friends[i], 1);
            }
            Redemption memory r = winnerOf(friends[i], i, DEPOSIT + RESERVE);
            vm.roll(payableAt(r));
            vm.assertEq(broker.claimableReserve(broadcaster, friends[i]), i == 0 ? RESERVE / 2 : 0);
            if (i > 0) vm.expectPartialRevert(ITicketBroker.NothingToPay.selector);
            vm.prank(friends[i]);
            broker.redeem(r);
        }
        vm.assertEq(broker.redeem(honest), RESERVE / 2);
        // Full again, it has the parts that it had.
        broker.depositAndReserve{value: RESERVE}(broadcaster, 0, RESERVE);
        vm.assertEq(broker.claimableReserve(broadcaster, friends[2]), 0);
        vm.assertEq(broker.claimableReserve(broadcaster, other), RESERVE / 2);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2);
    }

    /// More money parts nothing anew: who is new gets nothing by it, and who was there more.
    function test_more_money_makes_every_part_larger_and_none_anew() external {
        world.setRound(2);
        world.activate(address(0x7003), 2);
        broker.depositAndReserve{value: 1}(broadcaster, 0, 1);
        vm.assertEq(broker.claimableReserve(broadcaster, address(0x7003)), 0);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2);
        broker.depositAndReserve{value: 3}(broadcaster, 0, 3);
        vm.assertEq(broker.claimableReserve(broadcaster, address(0x7003)), 0);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2 + 2);
    }

    function test_what_is_filled_before_the_first_round_has_its_parts() external {
        world.setRound(0);
        vm.deal(address(0xB1), 4);
        vm.prank(address(0xB1));
        broker.depositAndReserve{value: 4}(address(0xB1), 0, 4);
        vm.assertEq(broker.claimableReserve(address(0xB1), transcoder), 2);
        (, uint64 round,,) = broker.partingOf(address(0xB1));
        vm.assertEq(round, 1);
    }

    /// Nor do many friends of little stake.
    function test_parts_go_by_stake_and_not_by_number() external {
        world.activate(transcoder, 1e20);
        world.activate(other, 0);
        for (uint160 i = 1; i <= 98; ++i) {
            world.activate(address(0xF00 + i), 1e17);
        }
        uint256 part = RESERVE * 1e20 / (1e20 + 98e17);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), part);
        vm.assertGe(part, RESERVE * 9 / 10);
    }

    function test_parts_are_whole_again_when_the_reserve_is() external {
        Redemption memory first = winner(1, DEPOSIT + RESERVE);
        vm.roll(payableAt(first));
        vm.prank(transcoder);
        broker.redeem(first);
        world.setRound(2);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 0);
        broker.depositAndReserve{value: RESERVE / 2 - 1}(broadcaster, 0, RESERVE / 2 - 1);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 0, "a wei is missing");
        vm.assertEq(broker.claimableReserve(broadcaster, other), RESERVE / 2);
        broker.depositAndReserve{value: 3}(broadcaster, 0, 3);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), RESERVE / 2 + 1);
        vm.assertEq(broker.claimableReserve(broadcaster, other), RESERVE / 2 + 1);
        // A new one after a withdrawal owes nothing to the old.
        vm.prank(broadcaster);
        broker.unlock();
        world.setRound(9);
        vm.prank(broadcaster);
        broker.withdraw();
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 0);
        putUp(2);
        vm.assertEq(broker.claimableReserve(broadcaster, transcoder), 1);
    }

    function test_only_active_transcoders_share_a_reserve() external view {
        vm.assertEq(broker.claimableReserve(broadcaster, address(0xBAD)), 0);
        vm.assertEq(broker.claimableReserve(address(0xBAD), transcoder), 0);
    }

    /// Whatever is claimed in whatever order, nobody gets more than its part of a full reserve.
    function testFuzz_nobody_takes_more_than_its_part(uint96[8] memory values, uint96 gift) external {
        Redemption[] memory winners = new Redemption[](8);
        for (uint32 i = 0; i < 8; ++i) {
            winners[i] = winnerOf(i % 3 == 0 ? other : transcoder, i, DEPOSIT / 4 + values[i] % RESERVE);
        }
        gift %= 1e24;
        uint256[2] memory taken;
        uint256 whole = RESERVE;
        vm.roll(payableAt(winners[0]));
        for (uint32 i = 0; i < 8; ++i) {
            uint256 reserve = broker.senderOf(broadcaster).reserve;
            uint256 claimable = broker.claimableReserve(broadcaster, winners[i].ticket.recipient);
            vm.prank(winners[i].ticket.recipient);
            try broker.redeem(winners[i]) {}
            catch {
                vm.assertEq(claimable, 0);
            }
            uint256 left = broker.senderOf(broadcaster).reserve;
            vm.assertLe(reserve - left, claimable);
            taken[i % 3 == 0 ? 0 : 1] += reserve - left;
            vm.assertLe(taken[0], whole / 2);
            vm.assertLe(taken[1], whole / 2);
            if (i != 2) continue;
            broker.depositAndReserve{value: gift}(broadcaster, 0, gift);
            if (gift != 0 && left + gift >= whole) (whole, taken[0], taken[1]) = (left + gift, 0, 0);
        }
    }
}
