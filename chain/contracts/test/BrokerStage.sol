// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {FeeLedger} from "../FeeLedger.sol";
import {Redemption} from "../interfaces/ITicketBroker.sol";
import {Parameters} from "../Parameters.sol";
import {TicketBroker} from "../TicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Surroundings} from "./Surroundings.sol";
import {Tickets} from "./Tickets.sol";

/// @title A ticket broker among two active transcoders of equal stake, with a funded broadcaster
abstract contract BrokerStage is Tickets {
    uint256 internal constant BROADCASTER = 0xB0;
    uint256 internal constant STRANGER = 0x57;
    uint256 internal constant DEPOSIT = 10 ether;
    uint256 internal constant RESERVE = 4 ether;
    /// Five percent of an ether.
    uint256 internal constant BURNED = 0.05 ether;

    address internal broadcaster = vm.addr(BROADCASTER);
    address internal transcoder = address(0x7001);
    address internal other = address(0x7002);
    Surroundings internal world;
    FeeLedger internal fees;
    TicketBroker internal broker;

    function startBroker() internal {
        vm.roll(1000);
        vm.deal(address(this), 1e30);
        world = new Surroundings();
        world.activate(transcoder, 1);
        world.activate(other, 1);
        address around = address(world);
        Addresses memory a;
        (a.operators, a.rounds, a.roster, a.bonding, a.court) = (around, around, around, around, around);
        a.broker = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        a.fees = address(fees = FeeLedger(create("FeeLedger", abi.encode(parameters(), a))));
        broker = TicketBroker(create("TicketBroker", abi.encode(parameters(), a)));
        vm.deal(broadcaster, DEPOSIT);
        vm.prank(broadcaster);
        broker.depositAndReserve{value: DEPOSIT}(broadcaster, DEPOSIT, 0);
        putUp(RESERVE);
    }

    /// The broadcaster's own addition to its reserve.
    function putUp(uint256 reserve) internal {
        vm.deal(broadcaster, broadcaster.balance + reserve);
        vm.prank(broadcaster);
        broker.depositAndReserve{value: reserve}(broadcaster, 0, reserve);
    }

    /// The demo's times.
    function parameters() internal pure returns (Parameters memory p) {
        (p.roundLength, p.deadlineBlocks, p.evidenceWindow, p.caseWindow) = (8, 12, 20, 3);
        (p.burnedFeeBps, p.unlockRounds, p.resolverRounds) = (500, 7, 1);
    }

    /// @dev Signed in this block.
    function assignment(address to, uint32 seq) internal view returns (Assignment memory a) {
        (a.jobId, a.seq, a.round, a.transcoder) = (1, seq, world.currentRound(), to);
        a.deadlineBlock = uint64(block.number) + 12;
    }

    function winnerOf(address to, uint32 seq, uint256 value) internal view returns (Redemption memory) {
        return ticketFor(BROADCASTER, address(world), assignment(to, seq), value, seq);
    }

    function winner(uint32 seq, uint256 value) internal view returns (Redemption memory) {
        return winnerOf(transcoder, seq, value);
    }

    function resign(Redemption memory r) internal view {
        signTicket(BROADCASTER, address(world), r);
    }

    function payableAt(Redemption memory r) internal pure returns (uint256) {
        return r.assignment.deadlineBlock + 21;
    }

    function batch(Redemption memory a, Redemption memory b) internal returns (uint256) {
        Redemption[] memory list = new Redemption[](2);
        (list[0], list[1]) = (a, b);
        return broker.redeemBatch(list);
    }
}
