// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {FeeLedger} from "../FeeLedger.sol";
import {ITicketBroker, Redemption} from "../interfaces/ITicketBroker.sol";
import {Assignment} from "../objects/Assignment.sol";
import {PaymentTicket} from "../objects/PaymentTicket.sol";
import {Parameters} from "../Parameters.sol";
import {TicketBroker} from "../TicketBroker.sol";
import {Surroundings} from "./Surroundings.sol";
import {TestBase} from "./TestBase.sol";

/// Digests, draws and signatures of the vectors, in the vectors' own chain and court.
contract PaymentTicketTest is TestBase {
    uint256 private constant TICKETS = 8;

    string private _json;
    TicketBroker private _broker;

    function setUp() external {
        _json = vectors("payment");
        vm.chainId(vm.parseJsonUint(_json, ".chainId"));
        Surroundings world = new Surroundings();
        world.setRound(uint64(vm.parseJsonUint(_json, ".assignment.round")));
        address around = address(world);
        Addresses memory a;
        (a.operators, a.rounds, a.roster, a.bonding) = (around, around, around, around);
        a.court = vm.parseJsonAddress(_json, ".court");
        vm.etch(a.court, around.code);
        a.broker = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        Parameters memory p;
        (p.roundLength, p.unlockRounds) = (8, 7);
        a.fees = address(FeeLedger(create("FeeLedger", abi.encode(p, a))));
        _broker = TicketBroker(create("TicketBroker", abi.encode(p, a)));
        vm.deal(address(this), 100 ether);
        _broker.depositAndReserve{value: 100 ether}(vm.parseJsonAddress(_json, ".broadcaster"), 100 ether, 0);
        vm.roll(1000);
    }

    function test_winners_are_paid_and_losers_are_not() external {
        for (uint256 i = 0; i < TICKETS; ++i) {
            Redemption memory r = _redemption(i);
            vm.assertEq(_broker.hashTicket(r.ticket), vm.parseJsonBytes32(_json, item("tickets", i, ".hash")));
            if (!vm.parseJsonBool(_json, item("tickets", i, ".wins"))) {
                uint256 lot = vm.parseJsonUint(_json, item("tickets", i, ".lot"));
                vm.expectRevert(
                    abi.encodeWithSelector(ITicketBroker.LosingTicket.selector, lot, r.ticket.winProb)
                );
            }
            _broker.redeem(r);
        }
    }

    /// What a ticket is worth: 2^-256 of face value times chance, rounded down, the highest chance certain.
    function test_lotteries_are_worth_what_is_due() external view {
        for (uint256 i = 0; i < 7; ++i) {
            uint256 face = vm.parseJsonUint(_json, item("lotteries", i, ".faceValue"));
            uint256 chance = vm.parseJsonUint(_json, item("lotteries", i, ".winProb"));
            uint256 worth = chance == type(uint256).max ? face : _mulhi(face, chance);
            vm.assertEq(worth, vm.parseJsonUint(_json, item("lotteries", i, ".expected")));
            vm.assertEq(worth, vm.parseJsonUint(_json, item("lotteries", i, ".due")));
        }
    }

    function _mulhi(uint256 a, uint256 b) private pure returns (uint256 high) {
        assembly {
            let mm := mulmod(a, b, not(0))
            let low := mul(a, b)
            high := sub(sub(mm, low), lt(mm, low))
        }
    }

    function _redemption(uint256 i) private view returns (Redemption memory r) {
        r.assignment = _assignment();
        r.recipientRand = vm.parseJsonBytes32(_json, item("tickets", i, ".rand"));
        r.signature = vm.parseJsonBytes(_json, item("tickets", i, ".signature"));
        r.ticket = PaymentTicket({
            assignmentHash: vm.parseJsonBytes32(_json, ".assignmentHash"),
            recipient: r.assignment.transcoder,
            sender: vm.parseJsonAddress(_json, ".broadcaster"),
            faceValue: vm.parseJsonUint(_json, ".faceValue"),
            winProb: vm.parseJsonUint(_json, ".winProb"),
            nonce: uint64(vm.parseJsonUint(_json, item("tickets", i, ".nonce"))),
            recipientRandHash: vm.parseJsonBytes32(_json, item("tickets", i, ".randHash"))
        });
    }

    function _assignment() private view returns (Assignment memory) {
        return Assignment({
            jobId: vm.parseJsonUint(_json, ".assignment.jobId"),
            seq: uint32(vm.parseJsonUint(_json, ".assignment.seq")),
            attempt: uint8(vm.parseJsonUint(_json, ".assignment.attempt")),
            round: uint64(vm.parseJsonUint(_json, ".assignment.round")),
            transcoder: vm.parseJsonAddress(_json, ".assignment.transcoder"),
            sourceHash: vm.parseJsonBytes32(_json, ".assignment.sourceHash"),
            sourceLen: uint64(vm.parseJsonUint(_json, ".assignment.sourceLen")),
            framesRoot: vm.parseJsonBytes32(_json, ".assignment.framesRoot"),
            frameCount: uint32(vm.parseJsonUint(_json, ".assignment.frameCount")),
            profilesHash: vm.parseJsonBytes32(_json, ".assignment.profilesHash"),
            encoderId: vm.parseJsonBytes32(_json, ".assignment.encoderId"),
            leafCount: uint32(vm.parseJsonUint(_json, ".assignment.leafCount")),
            pricePerPixel: vm.parseJsonUint(_json, ".assignment.pricePerPixel"),
            deadlineBlock: uint64(vm.parseJsonUint(_json, ".assignment.deadlineBlock"))
        });
    }
}
