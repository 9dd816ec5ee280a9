// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Redemption} from "../interfaces/ITicketBroker.sol";
import {Role} from "../objects/Role.sol";
import {GasMeter} from "./GasMeter.sol";
import {Stream} from "./Stream.sol";
import {Tickets} from "./Tickets.sol";

/// Gas of payments: whole transactions, with base cost, calldata and cold storage, refunds deducted.
/// forge-config: default.isolate = true
contract GasFeesTest is Stream, Tickets, GasMeter {
    uint256 private constant HOT = 0x407;

    function setUp() external {
        startStream();
        vm.prank(transcoder);
        operators.setCuts(Role.Transcoder, 1000, 2500);
        // Who works for nothing is never paid.
        vm.prank(transcoder);
        operators.setPrice(transcoder, 1200);
        openRound();
        vm.deal(address(this), 1e24);
        vm.deal(broadcaster, 110 ether);
        vm.prank(broadcaster);
        broker.depositAndReserve{value: 110 ether}(broadcaster, 100 ether, 10 ether);
    }

    function test_redeem() external {
        Redemption[] memory r = _winners(3, 1 ether);
        broker.redeem(r[0]);
        atMost("redeem, a transcoder's very first", 120_000);
        broker.redeem(r[1]);
        atMost("redeem", 120_000);
        vm.roll(block.number + 3);
        broker.redeem(r[2]);
        atMost("redeem, blocks later", 120_000);
    }

    /// Signed by the key that a broadcaster uses as long as its own is cold.
    function test_redeem_what_a_hot_key_has_signed() external {
        authorise(broadcaster, HOT);
        openRound();
        Redemption[] memory r = _winners(21, 0.1 ether);
        for (uint256 i = 0; i < 21; ++i) {
            signTicket(HOT, address(court), r[i]);
        }
        broker.redeem(r[20]);
        atMost("redeem, signed by a hot key", 120_000);
        assembly ("memory-safe") {
            mstore(r, 20)
        }
        broker.redeemBatch(r);
        atMost("redeemBatch, 20 tickets, signed by a hot key", 20 * 70_000);
    }

    function test_redeem_in_batches_of_twenty() external {
        Redemption[] memory r = _winners(20, 0.1 ether);
        broker.redeemBatch(r);
        atMost("redeemBatch, 20 tickets, a transcoder's very first", 20 * 70_000);
        r = _winners(20, 0.1 ether);
        broker.redeemBatch(r);
        atMost("redeemBatch, 20 tickets", 20 * 70_000);
    }

    /// Not the 120,000 of a payment from the deposit, which is what pays while all is well: 22,100 are the new slot of what
    /// this recipient has taken, 5,000 the reserve's, 7,300 the roster's snapshot. A second time the slot is there.
    function test_redeem_from_the_reserve() external {
        Redemption[] memory r = _winners(2, 101 ether);
        broker.redeem(r[0]);
        atMost("redeem, partly from the reserve", 160_000);
    }

    function test_redeem_a_batch_from_the_reserve() external {
        broker.redeem(_winners(1, 100 ether)[0]);
        broker.redeemBatch(_winners(20, 0.1 ether));
        atMost("redeemBatch, 20 tickets, all from the reserve", 20 * 70_000);
    }

    function test_deposit_and_withdrawals() external {
        vm.deal(vm.addr(0xB1), 2);
        vm.prank(vm.addr(0xB1));
        broker.depositAndReserve{value: 2}(vm.addr(0xB1), 1, 1);
        atMost("depositAndReserve, first", 85_000);
        broker.depositAndReserve{value: 2}(broadcaster, 1, 1);
        atMost("depositAndReserve", 45_000);
        broker.redeem(_winners(1, 1 ether)[0]);
        vm.roll(block.number + 8);
        vm.prank(DELEGATOR);
        fees.withdrawFees(transcoder, payable(DELEGATOR));
        atMost("withdrawFees, a delegator's first", 175_000);
    }

    /// By the key that a broadcaster uses as long as its own is cold.
    function test_part_a_reserve_anew() external {
        authorise(broadcaster, HOT);
        openRound();
        vm.prank(vm.addr(HOT));
        (, uint64 from) = broker.partAnew(broadcaster);
        atMost("partAnew, announcing", 70_000);
        vm.roll(from);
        vm.prank(vm.addr(HOT));
        (uint64 round,) = broker.partAnew(broadcaster);
        atMost("partAnew, letting them hold", 50_000);
        vm.assertEq(round, rounds.currentRound());
    }

    /// @dev Signed now, payable now.
    function _winners(uint32 count, uint256 value) private returns (Redemption[] memory r) {
        r = new Redemption[](count);
        for (uint32 i = 0; i < count; ++i) {
            r[i] = ticketFor(BROADCASTER, address(court), assignment(i), value, 0);
        }
        vm.roll(r[0].assignment.deadlineBlock + 21);
    }
}
