// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ITicketBroker, Redemption} from "../interfaces/ITicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {BrokerStage} from "./BrokerStage.sol";

/// By whose stakes a reserve is parted: who worked keeps its part until its winners are payable, who is new gets one then.
contract PartingsTest is BrokerStage {
    /// D, what signing blocks may be off, evidence window and case window, and one.
    uint256 private constant DELAY = 12 + 2 + 20 + 3 + 1;
    address private constant NEWCOMER = address(0x7003);

    function setUp() external {
        startBroker();
    }

    /// [a wei that takes a leaver's part] A transcoder has won, and unbonds. A wei, from anybody, leaves it its part; and
    /// the friend to which the sender has paid the whole deposit finds no more than its own.
    function test_a_leaver_keeps_its_part_whatever_is_added() external {
        uint256 part = broker.claimableReserve(broadcaster, transcoder);
        Redemption memory honest = winner(1, part);
        world.setRound(2);
        world.activate(transcoder, 0);
        for (uint256 more = 1; more < 1e20; more *= 1e6) {
            broker.depositAndReserve{value: more}(broadcaster, 0, more);
            vm.assertGe(broker.claimableReserve(broadcaster, transcoder), part);
        }
        (uint256 whole, uint64 round,,) = broker.partingOf(broadcaster);
        vm.assertEq(round, 1);
        _empty();
        vm.assertEq(
            broker.claimableReserve(broadcaster, transcoder), whole / 2, "the friend took its own part"
        );
        vm.roll(payableAt(honest));
        vm.assertEq(broker.redeem(honest), part);
    }

    /// Nor does an announcement take it before the last ticket that counted on it is payable.
    function test_a_leaver_keeps_its_part_until_its_last_winner_is_payable() external {
        world.setRound(2);
        world.activate(transcoder, 0);
        Redemption memory honest = winner(1, RESERVE / 2);
        (uint64 round, uint64 from) = _announce();
        vm.assertEq(round, 2);
        vm.assertEq(from, block.number + DELAY);
        _empty();
        broker.depositAndReserve{value: RESERVE}(broadcaster, 0, RESERVE);
        vm.assertTrue(payableAt(honest) < from);
        vm.roll(from - 1);
        broker.depositAndReserve{value: 1}(broadcaster, 0, 1);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.AlreadyAnnounced.selector, broadcaster, round, from)
        );
        vm.prank(broadcaster);
        broker.partAnew(broadcaster);
        vm.assertEq(broker.redeem(honest), RESERVE / 2);
    }

    function test_a_newcomer_has_its_part_once_it_is_announced_and_due() external {
        world.setRound(2);
        world.activate(NEWCOMER, 2);
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.PartsAnnounced(broadcaster, 2, uint64(block.number + DELAY));
        (, uint64 from) = _announce();
        vm.assertEq(from - block.number, broker.partingBlocks());
        // What is announced is what was active then, whatever comes after.
        world.setRound(3);
        world.activate(address(0x7004), 100);
        _assertParts(transcoder, RESERVE / 2, RESERVE / 4);
        _assertParts(NEWCOMER, 0, RESERVE / 2);
        _assertParts(address(0x7004), 0, 0);
        (uint256 whole, uint64 round, uint64 announced, uint64 since) = broker.partingOf(broadcaster);
        vm.assertEq(whole, RESERVE);
        vm.assertEq(uint256(round) << 128 | uint256(announced) << 64 | since, 1 << 128 | 2 << 64 | from);
        vm.roll(from);
        vm.expectEmit(true, true, true, true, address(broker));
        emit ITicketBroker.ReserveParted(broadcaster, 2);
        _announce();
        _assertParts(transcoder, RESERVE / 4, RESERVE / 4);
        _assertParts(NEWCOMER, RESERVE / 2, RESERVE / 2);
        (, round, announced, since) = broker.partingOf(broadcaster);
        vm.assertEq(uint256(round) << 128 | uint256(announced) << 64 | since, 2 << 128);
    }

    /// What is added when the announced parts are due lets them hold as well.
    function test_what_is_added_lets_due_parts_hold() external {
        world.setRound(2);
        world.activate(NEWCOMER, 2);
        (, uint64 from) = _announce();
        vm.roll(from - 1);
        broker.depositAndReserve{value: 4}(broadcaster, 0, 4);
        _assertParts(transcoder, RESERVE / 2 + 2, RESERVE / 4 + 1);
        vm.roll(from);
        broker.depositAndReserve{value: 4}(broadcaster, 4, 0);
        vm.assertEq(broker.claimableReserve(broadcaster, NEWCOMER), 0, "that was the deposit's");
        broker.depositAndReserve{value: 4}(broadcaster, 0, 4);
        _assertParts(transcoder, RESERVE / 4 + 2, RESERVE / 4 + 2);
        _assertParts(NEWCOMER, RESERVE / 2 + 4, RESERVE / 2 + 4);
    }

    /// By other parts who has taken its own would take one more of what is left.
    function test_nothing_is_parted_anew_while_something_is_missing() external {
        Redemption memory r = winnerOf(other, 1, DEPOSIT + 1 ether);
        world.setRound(2);
        world.activate(NEWCOMER, 2);
        (, uint64 from) = _announce();
        vm.roll(payableAt(r));
        vm.prank(other);
        broker.redeem(r);
        vm.roll(from);
        bytes4 missing = ITicketBroker.ReserveNotFull.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, broadcaster, RESERVE - 1 ether, RESERVE));
        vm.prank(broadcaster);
        broker.partAnew(broadcaster);
        broker.depositAndReserve{value: 1 ether - 1}(broadcaster, 0, 1 ether - 1);
        _assertParts(transcoder, RESERVE / 2, RESERVE / 4);
        broker.depositAndReserve{value: 1}(broadcaster, 0, 1);
        _assertParts(transcoder, RESERVE / 4, RESERVE / 4);
        _assertParts(other, RESERVE / 4, RESERVE / 4);
    }

    /// [announcements again and again] While parts are announced nothing moves them nor the block from which they hold; and
    /// strangers announce nothing.
    function test_an_announcement_stays_as_it_is() external {
        (uint64 round, uint64 from) = _announce();
        for (uint64 i = 2; i < 5; ++i) {
            world.setRound(i);
            vm.roll(block.number + 10);
            vm.expectRevert(
                abi.encodeWithSelector(ITicketBroker.AlreadyAnnounced.selector, broadcaster, round, from)
            );
            vm.prank(broadcaster);
            broker.partAnew(broadcaster);
        }
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.NotTheBroadcaster.selector, transcoder, broadcaster)
        );
        vm.prank(transcoder);
        broker.partAnew(broadcaster);
        vm.roll(from);
        _announce();
        // The next one waits as long as the first.
        (round, from) = _announce();
        vm.assertEq(round, 4);
        vm.assertEq(from, block.number + DELAY);
    }

    function test_without_parts_nothing_is_announced() external {
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingParted.selector, transcoder));
        vm.prank(transcoder);
        broker.partAnew(transcoder);
        broker.depositAndReserve{value: 1}(transcoder, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingParted.selector, transcoder));
        vm.prank(transcoder);
        broker.partAnew(transcoder);
    }

    /// [a wei that parts it by the stakes of long ago] What others put in before the broadcaster did is nobody's part, and is
    /// parted with what it adds itself, or when it says so.
    function test_no_stranger_chooses_the_round_of_the_first_parts() external {
        address later = vm.addr(0xB1);
        broker.depositAndReserve{value: 3}(later, 0, 3);
        (uint256 whole,,,) = broker.partingOf(later);
        vm.assertEq(whole + broker.claimableReserve(later, transcoder), 0);
        world.setRound(300);
        world.activate(other, 0);
        world.activate(NEWCOMER, 1);
        uint256 before = vm.snapshotState();
        vm.deal(later, 5);
        vm.prank(later);
        broker.depositAndReserve{value: 5}(later, 0, 5);
        vm.assertEq(broker.claimableReserve(later, NEWCOMER), 4);
        vm.assertEq(broker.claimableReserve(later, other), 0);
        vm.revertToState(before);
        vm.expectRevert(
            abi.encodeWithSelector(ITicketBroker.NotTheBroadcaster.selector, address(this), later)
        );
        broker.partAnew(later);
        vm.prank(later);
        (uint64 round, uint64 from) = broker.partAnew(later);
        vm.assertEq(round, 300);
        vm.assertEq(from, block.number);
        vm.assertEq(broker.claimableReserve(later, NEWCOMER), 1);
    }

    /// An announcement ends with the reserve that it was about: the next one has the present stakes' parts, and keeps them.
    function test_a_slash_ends_an_announcement() external {
        _announce();
        vm.prank(address(world));
        broker.slashReserve(broadcaster);
        _endsAndBeginsAnew(2);
    }

    function test_a_withdrawal_ends_an_announcement() external {
        _announce();
        vm.startPrank(broadcaster);
        broker.unlock();
        world.setRound(8);
        broker.withdraw();
        vm.stopPrank();
        _endsAndBeginsAnew(9);
    }

    /// A ticket's part is there to the last block in which it may wait, whatever is added, announced and made to hold, by
    /// whichever stakes; and all parts are together no more than the reserve.
    function testFuzz_what_was_counted_on_is_there(uint32[6] memory steps) external {
        address[3] memory all = [transcoder, other, NEWCOMER];
        for (uint64 i = 0; i < 6; ++i) {
            world.setRound(2 + i);
            world.activate(all[steps[i] % 3], steps[i] % 5);
            if (steps[i] % 7 < 3) _tryPartAnew();
            uint256[3] memory counted;
            for (uint256 j = 0; j < 3; ++j) {
                (uint256 present, uint256 next) = broker.partsOf(broadcaster, all[j]);
                counted[j] = present < next ? present : next;
            }
            vm.roll(block.number + steps[i] % 2);
            _tryPartAnew();
            vm.roll(block.number + DELAY - 1 - steps[i] % 2);
            broker.depositAndReserve{value: 1 + steps[i] % 9}(broadcaster, 0, 1 + steps[i] % 9);
            _tryPartAnew();
            uint256 sum;
            for (uint256 j = 0; j < 3; ++j) {
                uint256 part = broker.claimableReserve(broadcaster, all[j]);
                vm.assertGe(part, counted[j]);
                sum += part;
            }
            vm.assertLe(sum, broker.senderOf(broadcaster).reserve);
        }
    }

    function _announce() private returns (uint64 round, uint64 from) {
        vm.prank(broadcaster);
        return broker.partAnew(broadcaster);
    }

    function _tryPartAnew() private {
        vm.prank(broadcaster);
        try broker.partAnew(broadcaster) {} catch {}
    }

    function _assertParts(address of_, uint256 present, uint256 next) private view {
        (uint256 now_, uint256 then_) = broker.partsOf(broadcaster, of_);
        vm.assertEq(now_, present);
        vm.assertEq(now_, broker.claimableReserve(broadcaster, of_));
        vm.assertEq(then_, next);
    }

    /// @dev The sender pays its deposit, and what a friend finds of the reserve, to the friend.
    function _empty() private {
        Assignment memory invented;
        invented.transcoder = other;
        Redemption memory self = ticketFor(BROADCASTER, address(world), invented, 1e26, 0);
        vm.prank(other);
        broker.redeem(self);
    }

    function _endsAndBeginsAnew(uint64 round) private {
        (uint256 whole, uint64 by, uint64 announced, uint64 from) = broker.partingOf(broadcaster);
        vm.assertEq(whole + by + announced + from, 0);
        _assertParts(transcoder, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ITicketBroker.NothingParted.selector, broadcaster));
        vm.prank(broadcaster);
        broker.partAnew(broadcaster);
        world.setRound(round);
        world.activate(transcoder, 3);
        vm.roll(block.number + DELAY);
        putUp(8);
        _assertParts(transcoder, 6, 6);
        broker.depositAndReserve{value: 4}(broadcaster, 0, 4);
        _assertParts(transcoder, 9, 9);
    }
}
