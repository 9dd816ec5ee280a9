// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../../Addresses.sol";
import {FeeLedger} from "../../FeeLedger.sol";
import {CaseStatus} from "../../interfaces/IFraudCourt.sol";
import {Redemption, SenderState} from "../../interfaces/ITicketBroker.sol";
import {Assignment} from "../../objects/Assignment.sol";
import {Parameters} from "../../Parameters.sol";
import {TicketBroker} from "../../TicketBroker.sol";
import {ShareBook} from "../ShareBook.sol";
import {Surroundings} from "../Surroundings.sol";
import {Tickets} from "../Tickets.sol";

/// @title Random broadcasters, tickets, stakes and cases around one transcoder's fees
contract Payers is Tickets {
    /// What a recipient counts on when it takes work: it may claim so much until then, with what it has taken since.
    struct Counted {
        address payer;
        address recipient;
        uint256 sum;
        uint256 until;
    }

    uint256 private constant SENDERS = 3;
    /// D, what signing blocks may be off, evidence window and case window.
    uint256 private constant WAIT = 12 + 2 + 20 + 3;
    address public constant OPERATOR = address(0x0FE2);
    /// Active too, and never paid.
    address private constant OTHER = address(0x7002);

    TicketBroker public broker;
    FeeLedger public fees;
    ShareBook public book;
    Surroundings public world;
    /// Wei that came in from outside, and that went out.
    uint256 public paidIn;
    uint256 public paidOut;
    Redemption[] private _winners;
    mapping(bytes32 ticketHash => bool) private _paid;
    Counted[] private _counted;
    /// Of reserves, ever.
    mapping(address payer => mapping(address recipient => uint256)) private _taken;

    /// Whatever was called, everybody that worked has what it counted on.
    modifier keepsParts() {
        _;
        uint256 i = 0;
        while (i < _counted.length) {
            Counted storage c = _counted[i];
            if (block.number > c.until) {
                _counted[i] = _counted[_counted.length - 1];
                _counted.pop();
                continue;
            }
            uint256 has = broker.claimableReserve(c.payer, c.recipient) + _taken[c.payer][c.recipient];
            vm.assertLe(c.sum, has, "what was counted on is gone");
            ++i;
        }
    }

    constructor() {
        vm.roll(1000);
        world = new Surroundings();
        world.activate(OPERATOR, 1);
        world.activate(OTHER, 1);
        book = new ShareBook(OPERATOR);
        address around = address(world);
        Addresses memory a;
        (a.operators, a.rounds, a.roster, a.court) = (around, around, around, around);
        a.bonding = address(book);
        Parameters memory p;
        (p.roundLength, p.deadlineBlocks, p.evidenceWindow, p.caseWindow) = (8, 12, 20, 3);
        (p.burnedFeeBps, p.unlockRounds, p.resolverRounds) = (500, 7, 1);
        a.broker = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        a.fees = address(fees = FeeLedger(create("FeeLedger", abi.encode(p, a))));
        broker = TicketBroker(create("TicketBroker", abi.encode(p, a)));
        book.serve(fees, 2500);
        book.set(OPERATOR, 1e21);
        vm.deal(address(this), 1e27);
    }

    function sender(uint256 i) public pure returns (uint256 key) {
        return 0xB0 + i % SENDERS;
    }

    function holder(uint256 i) public pure returns (address) {
        return i % 4 == 0 ? OPERATOR : address(uint160(0xA000 + i % 4));
    }

    /// Active or not.
    function worker(uint256 i) public pure returns (address) {
        return i % 3 == 0 ? OPERATOR : address(uint160(0x7000 + i % 3));
    }

    function fund(uint256 who, uint96 deposit, uint96 reserve) external keepsParts {
        (deposit, reserve) = (deposit % 1e20, reserve % (who % 2 == 0 ? 1e20 : 10));
        address payer = vm.addr(sender(who));
        bool due = _isDue(payer);
        uint256[3] memory before;
        for (uint256 i = 0; i < 3; ++i) {
            before[i] = broker.claimableReserve(payer, worker(i));
        }
        if (who % 8 < 4) {
            vm.deal(payer, payer.balance + deposit + reserve);
            vm.prank(payer);
        }
        broker.depositAndReserve{value: uint256(deposit) + reserve}(payer, deposit, reserve);
        for (uint256 i = 0; i < 3 && !due; ++i) {
            uint256 part = broker.claimableReserve(payer, worker(i));
            vm.assertLe(before[i], part, "more makes no part smaller");
        }
        paidIn += uint256(deposit) + reserve;
    }

    /// By the sender, or by somebody else.
    function partAnew(uint256 who) external keepsParts {
        address payer = vm.addr(sender(who));
        (uint256 whole,, uint64 announced,) = broker.partingOf(payer);
        uint256 reserve = broker.senderOf(payer).reserve;
        bool due = who % 4 != 0 && whole + reserve != 0;
        if (due && announced != 0) due = _isDue(payer) && reserve == whole;
        if (who % 4 != 0) vm.prank(payer);
        try broker.partAnew(payer) {
            vm.assertTrue(due, "parted anew too early, or by another");
        } catch {
            vm.assertTrue(!due, "a reserve is not parted anew");
        }
    }

    /// Stake comes, grows, moves or goes: it counts from the next round on.
    function weigh(uint256 who, uint96 weight) external keepsParts {
        world.setRound(world.currentRound() + 1);
        world.activate(worker(who), weight % 3 == 0 ? 0 : weight % 1e20);
    }

    function sign(uint256 who, uint96 value) external keepsParts {
        Assignment memory a;
        (a.jobId, a.seq, a.transcoder) = (1, uint32(_winners.length), OPERATOR);
        (a.round, a.deadlineBlock) = (world.currentRound(), uint64(block.number) + 12);
        _winners.push(ticketFor(sender(who), address(world), a, value % 2e20, a.seq));
        for (uint256 i = 0; i < 3; ++i) {
            address payer = vm.addr(sender(who));
            (uint256 present, uint256 next) = broker.partsOf(payer, worker(i));
            uint256 counted = present < next ? present : next;
            if (counted == 0) continue;
            counted += _taken[payer][worker(i)];
            _counted.push(Counted(payer, worker(i), counted, block.number + WAIT));
        }
    }

    function redeem(uint256 which) external keepsParts {
        if (_winners.length == 0) return;
        Redemption memory r = _winners[which % _winners.length];
        if (block.number < r.assignment.deadlineBlock + 21) vm.roll(r.assignment.deadlineBlock + 21);
        bytes32 ticketHash = broker.hashTicket(r.ticket);
        (, CaseStatus status) = world.caseAbout(r.ticket.assignmentHash);
        address payer = r.ticket.sender;
        uint256 others = broker.claimableReserve(payer, OTHER);
        uint256 face = r.ticket.faceValue;
        SenderState memory s = broker.senderOf(payer);
        uint256 available = s.deposit + broker.claimableReserve(payer, OPERATOR);
        if (available > face) available = face;
        // Others than the recipient take all or nothing.
        bool asks = which % 2 == 0;
        bool due =
            !_paid[ticketHash] && status == CaseStatus.None && available != 0 && (asks || available == face);
        if (asks) vm.prank(OPERATOR);
        try broker.redeem(r) returns (uint256 paid) {
            vm.assertTrue(due, "paid twice, under a case, or in part to another");
            vm.assertEq(paid, available);
            _paid[ticketHash] = true;
            _taken[payer][OPERATOR] += s.reserve - broker.senderOf(payer).reserve;
        } catch {
            vm.assertTrue(!due, "a winner is not paid");
        }
        vm.assertEq(broker.claimableReserve(payer, OTHER), others, "nobody takes of another's part");
    }

    function accuse(uint256 which, bool open) external {
        if (_winners.length == 0 || which % 3 != 0) return;
        bytes32 about = _winners[which % _winners.length].ticket.assignmentHash;
        world.setCase(about, open ? CaseStatus.Open : CaseStatus.None);
    }

    function unlock(uint256 who, bool cancel) external {
        address account = vm.addr(sender(who));
        SenderState memory s = broker.senderOf(account);
        bool due = cancel ? s.withdrawRound != 0 : s.withdrawRound == 0 && s.deposit + s.reserve != 0;
        vm.prank(account);
        (bool done,) = address(broker)
            .call(abi.encodePacked(cancel ? broker.cancelUnlock.selector : broker.unlock.selector));
        vm.assertEq(done, due);
    }

    function withdraw(uint256 who) external keepsParts {
        address account = vm.addr(sender(who));
        SenderState memory s = broker.senderOf(account);
        bool due = s.withdrawRound != 0 && s.withdrawRound <= world.currentRound();
        vm.prank(account);
        try broker.withdraw() returns (uint256 amount) {
            vm.assertTrue(due, "withdrawn too early");
            vm.assertEq(amount, s.deposit + s.reserve);
            paidOut += amount;
            // Here rounds pass without blocks, so it may come too soon for who works.
            _forget(account);
        } catch {
            vm.assertTrue(!due, "a withdrawal is held up");
        }
    }

    function slashReserve(uint256 who) external keepsParts {
        if (who % 5 != 0) return;
        vm.prank(address(world));
        broker.slashReserve(vm.addr(sender(who)));
        _forget(vm.addr(sender(who)));
    }

    function burn(uint256 who) external {
        paidOut += broker.burn(vm.addr(sender(who)));
    }

    function restake(uint256 who, uint96 shares) external {
        if (holder(who) == OPERATOR && shares == 0) shares = 1;
        book.set(holder(who), shares);
    }

    function wipe(uint256 seldom) external {
        if (seldom % 7 != 0) return;
        book.wipe();
        book.set(OPERATOR, 1e20);
    }

    function setFeeShare(uint16 bps) external {
        book.setFeeShare(bps % 10_001);
    }

    function withdrawFees(uint256 who) external {
        address account = holder(who);
        uint256 due = fees.feesOf(OPERATOR, account);
        vm.prank(account);
        try fees.withdrawFees(OPERATOR, payable(account)) returns (uint256 amount) {
            vm.assertEq(amount, due);
            paidOut += amount;
        } catch {
            vm.assertEq(due, 0);
        }
    }

    function pass(uint8 blocks, bool round) external {
        vm.roll(block.number + blocks % 20);
        if (round) world.setRound(world.currentRound() + 1);
    }

    /// What each may take of a reserve, together.
    function parts(uint256 who) external view returns (uint256 sum, uint256 reserve) {
        address payer = vm.addr(sender(who));
        for (uint256 i = 0; i < 3; ++i) {
            sum += broker.claimableReserve(payer, worker(i));
        }
        reserve = broker.senderOf(payer).reserve;
    }

    /// Deposits, reserves and what is to be burned.
    function accounts() external view returns (uint256 sum) {
        for (uint256 i = 0; i < SENDERS; ++i) {
            SenderState memory s = broker.senderOf(vm.addr(sender(i)));
            sum += s.deposit + s.reserve + s.burned;
        }
    }

    /// What holders could withdraw, and what is on its way to them.
    function claims() external view returns (uint256 sum) {
        for (uint256 i = 0; i < 4; ++i) {
            sum += fees.feesOf(OPERATOR, holder(i));
        }
        sum += fees.poolOf(OPERATOR).pending;
    }

    /// @dev Whether parts are announced that may hold.
    function _isDue(address payer) private view returns (bool) {
        (,, uint64 announced, uint64 from) = broker.partingOf(payer);
        return announced != 0 && block.number >= from;
    }

    /// @dev Nobody counts any more on a reserve that is gone.
    function _forget(address payer) private {
        for (uint256 i = 0; i < _counted.length; ++i) {
            if (_counted[i].payer == payer) _counted[i].until = 0;
        }
    }
}

/// Whatever happens, in whatever order.
contract FeesInvariants is Tickets {
    Payers private _payers;

    function setUp() external {
        _payers = new Payers();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_payers);
    }

    function invariant_fees() external view {
        _theBrokerHoldsExactlyItsAccounts();
        _noMoreEtherGoesOutThanCameIn();
        _theLedgerCoversAllClaims();
        _theReservesCoverTheirParts();
    }

    function _theBrokerHoldsExactlyItsAccounts() private view {
        vm.assertEq(address(_payers.broker()).balance, _payers.accounts());
    }

    function _noMoreEtherGoesOutThanCameIn() private view {
        uint256 held = address(_payers.broker()).balance + address(_payers.fees()).balance;
        vm.assertEq(held + _payers.paidOut(), _payers.paidIn());
    }

    function _theReservesCoverTheirParts() private view {
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 sum, uint256 reserve) = _payers.parts(i);
            vm.assertLe(sum, reserve);
        }
    }

    /// And nothing but the wei of roundings stays behind: one for each division.
    function _theLedgerCoversAllClaims() private view {
        uint256 held = address(_payers.fees()).balance;
        uint256 claims = _payers.claims();
        vm.assertLe(claims, held);
        vm.assertLe(held - claims, 2000);
    }
}
