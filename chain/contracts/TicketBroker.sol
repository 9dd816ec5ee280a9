// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IFeeLedger} from "./interfaces/IFeeLedger.sol";
import {CaseStatus, FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {ITicketBroker, Redemption, SenderState} from "./interfaces/ITicketBroker.sol";
import {CourtDomain} from "./libraries/CourtDomain.sol";
import {Reserves, Sender} from "./libraries/Reserves.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Assignment, Assignments} from "./objects/Assignment.sol";
import {PaymentTicket, PaymentTickets} from "./objects/PaymentTicket.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Probabilistic payments in ETH, each bound to one assignment
/// @notice A ticket pays once, to the transcoder that its assignment names, after the evidence window and only
///         if no case about the assignment is open or proven. Its draw is made of the ticket's digest and a
///         number of the recipient's, both fixed before it was signed. A cut of each payment is burned, so
///         that paying oneself costs [wash trading].
contract TicketBroker is ITicketBroker {
    using Assignments for Assignment;
    using PaymentTickets for PaymentTicket;
    using Reserves for Sender;
    using SafeCast for uint256;

    uint256 private constant BPS = 10_000;
    /// Above it honest payments would cost more than they bring, whatever washing costs.
    uint256 private constant MAX_BURN_BPS = 5000;
    /// Blocks that a transcoder's head and a signing block may be apart.
    uint64 private constant SIGNING_TOLERANCE = 2;

    /// Verifying contract of all signatures; knows the cases.
    ICourt public immutable court;
    /// Who is paid in, and shares.
    IFeeLedger public immutable fees;
    /// Says whose key signs for a broadcaster.
    IOperators public immutable operators;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// Says who is active in it.
    IRoster public immutable roster;
    /// Blocks after the deadline during which faults are accepted.
    uint256 public immutable evidenceWindow;
    /// D: blocks from an assignment's signing to its deadline.
    uint64 public immutable deadlineBlocks;
    /// Rounds for which it is known whose key signed.
    uint64 public immutable memoryRounds;
    /// @inheritdoc ITicketBroker
    uint256 public immutable burnedFeeBps;
    /// @inheritdoc ITicketBroker
    uint64 public immutable unlockRounds;
    /// @inheritdoc ITicketBroker
    uint64 public immutable partingBlocks;

    uint256 private immutable _chainId;
    bytes32 private immutable _separator;

    mapping(address broadcaster => Sender) private _senders;
    /// @dev Taken of each filling of a reserve.
    mapping(address broadcaster => mapping(uint32 filling => mapping(address recipient => uint256))) private
        _claims;
    mapping(bytes32 ticketHash => bool) private _redeemed;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.burnedFeeBps > MAX_BURN_BPS) {
            revert InvalidParameter("burnedFeeBps", parameters.burnedFeeBps, MAX_BURN_BPS);
        }
        // A ticket signed just before `unlock` must be payable before `withdraw`: its deadline is D blocks
        // away, then faults are accepted, a case may be opened in the window's last block and contested in its
        // own last one, and the resolver may be silent until it is annulled. The first of the rounds may be nearly
        // over when `unlock` is called.
        uint256 least = 2 + uint256(parameters.resolverRounds)
            + (uint256(parameters.deadlineBlocks) + parameters.evidenceWindow + parameters.caseWindow)
            / parameters.roundLength;
        if (parameters.unlockRounds < least) {
            revert InvalidParameter("unlockRounds", parameters.unlockRounds, least);
        }
        court = ICourt(addresses.court);
        fees = IFeeLedger(addresses.fees);
        rounds = IRoundsManager(addresses.rounds);
        operators = IOperators(addresses.operators);
        roster = IRoster(addresses.roster);
        evidenceWindow = parameters.evidenceWindow;
        deadlineBlocks = parameters.deadlineBlocks;
        memoryRounds = operators.memoryRounds();
        burnedFeeBps = parameters.burnedFeeBps;
        unlockRounds = parameters.unlockRounds;
        // A ticket signed just before an announcement has its deadline D blocks away, and what transcoders tolerate; then
        // faults are accepted, and who has won has as long as a case to redeem it.
        partingBlocks = parameters.deadlineBlocks + SIGNING_TOLERANCE + parameters.evidenceWindow
            + parameters.caseWindow + 1;
        _chainId = block.chainid;
        _separator = CourtDomain.separator(addresses.court);
    }

    // ---- broadcasters ----

    /// @inheritdoc ITicketBroker
    function depositAndReserve(address broadcaster, uint256 deposit, uint256 reserve) external payable {
        if (msg.value != deposit + reserve) revert WrongValue(msg.value, deposit + reserve);
        // A request to withdraw stays as it is: nobody stops another's by a gift.
        Sender storage s = _senders[broadcaster];
        if (deposit != 0) s.deposit += deposit.toUint96();
        if (reserve != 0) s.fill(broadcaster, reserve, operators, rounds);
        emit Funded(broadcaster, msg.sender, deposit, reserve);
    }

    /// @inheritdoc ITicketBroker
    function partAnew(address broadcaster) external returns (uint64 round, uint64 from) {
        return _senders[broadcaster].partAnew(broadcaster, partingBlocks, operators, rounds);
    }

    /// @inheritdoc ITicketBroker
    function unlock() external returns (uint64 withdrawRound) {
        Sender storage s = _senders[msg.sender];
        if (s.deposit == 0 && s.reserve == 0) revert NothingDeposited(msg.sender);
        if (s.withdrawRound != 0) revert AlreadyUnlocking(msg.sender, s.withdrawRound);
        withdrawRound = rounds.currentRound() + unlockRounds;
        s.withdrawRound = withdrawRound;
        emit Unlocking(msg.sender, withdrawRound);
    }

    /// @inheritdoc ITicketBroker
    function cancelUnlock() external {
        Sender storage s = _senders[msg.sender];
        if (s.withdrawRound == 0) revert NotUnlocking(msg.sender);
        s.withdrawRound = 0;
        emit UnlockCancelled(msg.sender);
    }

    /// @inheritdoc ITicketBroker
    function withdraw() external returns (uint256 amount) {
        Sender storage s = _senders[msg.sender];
        (uint64 withdrawRound, uint64 current) = (s.withdrawRound, rounds.currentRound());
        if (withdrawRound == 0) revert NotUnlocking(msg.sender);
        if (current < withdrawRound) revert StillLocked(withdrawRound, current);
        (uint256 deposit, uint256 reserve) = (s.deposit, s.reserve);
        (s.deposit, s.reserve, s.whole, s.withdrawRound) = (0, 0, 0, 0);
        amount = deposit + reserve;
        emit DepositWithdrawn(msg.sender, deposit, reserve);
        _send(msg.sender, amount);
    }

    // ---- tickets ----

    /// @inheritdoc ITicketBroker
    function redeem(Redemption calldata redemption) external returns (uint256 paid) {
        bytes32 ticketHash = hashTicket(redemption.ticket);
        if (_redeemed[ticketHash]) revert AlreadyRedeemed(ticketHash);
        _check(redemption, ticketHash);
        (bytes32 caseId, CaseStatus status) = court.caseAbout(redemption.ticket.assignmentHash);
        if (status != CaseStatus.None) {
            revert AssignmentAccused(redemption.ticket.assignmentHash, caseId, status);
        }
        uint256 credited;
        (paid, credited) = _pay(redemption.ticket, ticketHash);
        if (paid == 0) revert NothingToPay(redemption.ticket.sender, redemption.ticket.recipient);
        fees.credit{value: credited}(redemption.ticket.recipient, redemption.assignment.round);
    }

    /// @inheritdoc ITicketBroker
    function redeemBatch(Redemption[] calldata redemptions) external returns (uint256 paid) {
        address recipient;
        uint64 round;
        uint256 credited;
        for (uint256 i = 0; i < redemptions.length; ++i) {
            (address next, uint64 nextRound) =
                (redemptions[i].ticket.recipient, redemptions[i].assignment.round);
            if (next != recipient || nextRound != round) {
                if (credited != 0) fees.credit{value: credited}(recipient, round);
                (recipient, round, credited) = (next, nextRound, 0);
            }
            (uint256 taken, uint256 passedOn) = _redeemOne(redemptions[i]);
            paid += taken;
            credited += passedOn;
        }
        if (credited != 0) fees.credit{value: credited}(recipient, round);
    }

    // ---- the court ----

    /// @inheritdoc ITicketBroker
    function slashReserve(address broadcaster) external returns (uint256 amount) {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        Sender storage s = _senders[broadcaster];
        amount = s.reserve;
        (s.reserve, s.whole) = (0, 0);
        s.burned += amount.toUint96();
        emit ReserveSlashed(broadcaster, amount);
    }

    /// @inheritdoc ITicketBroker
    function burn(address broadcaster) external returns (uint256 amount) {
        Sender storage s = _senders[broadcaster];
        amount = s.burned;
        s.burned = 0;
        emit Burned(broadcaster, amount);
        _send(address(0), amount);
    }

    // ---- views ----

    /// @inheritdoc ITicketBroker
    function senderOf(address broadcaster) external view returns (SenderState memory) {
        Sender storage s = _senders[broadcaster];
        return SenderState(s.deposit, s.reserve, s.withdrawRound, s.burned);
    }

    /// @inheritdoc ITicketBroker
    function isRedeemed(bytes32 ticketHash) external view returns (bool) {
        return _redeemed[ticketHash];
    }

    /// @inheritdoc ITicketBroker
    function claimableReserve(address sender, address recipient) external view returns (uint256) {
        return _claimable(_senders[sender], sender, recipient);
    }

    /// @inheritdoc ITicketBroker
    function partsOf(address sender, address recipient)
        external
        view
        returns (uint256 present, uint256 next)
    {
        Sender storage s = _senders[sender];
        present = _claimable(s, sender, recipient);
        next = s.whole == 0 || s.announced == 0 ? present : _part(s.whole, s.announced, recipient);
    }

    /// @inheritdoc ITicketBroker
    function partingOf(address broadcaster)
        external
        view
        returns (uint256 whole, uint64 round, uint64 announced, uint64 from)
    {
        Sender storage s = _senders[broadcaster];
        if (s.whole != 0) (whole, round, announced, from) = (s.whole, s.round, s.announced, s.from);
    }

    /// @inheritdoc ITicketBroker
    function hashTicket(PaymentTicket calldata ticket) public view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(_domain(), ticket.structHash());
    }

    // ---- rules ----

    /// @dev One of a batch: zeros for what is passed over.
    function _redeemOne(Redemption calldata redemption) private returns (uint256 paid, uint256 credited) {
        bytes32 ticketHash = hashTicket(redemption.ticket);
        if (!_redeemed[ticketHash]) {
            _check(redemption, ticketHash);
            (, CaseStatus status) = court.caseAbout(redemption.ticket.assignmentHash);
            if (status == CaseStatus.None) (paid, credited) = _pay(redemption.ticket, ticketHash);
        }
        if (paid == 0) emit TicketSkipped(ticketHash);
    }

    /// @dev Everything that the ticket itself must satisfy. The assignment needs no signature: who signed the
    ///      ticket has signed its hash, and nobody else's money is at stake.
    function _check(Redemption calldata redemption, bytes32 ticketHash) private view {
        PaymentTicket calldata ticket = redemption.ticket;
        Assignment calldata assignment = redemption.assignment;
        bytes32 assignmentHash = MessageHashUtils.toTypedDataHash(_domain(), assignment.structHash());
        if (ticket.assignmentHash != assignmentHash) {
            revert WrongTicketAssignment(ticket.assignmentHash, assignmentHash);
        }
        if (ticket.recipient != assignment.transcoder) {
            revert WrongRecipient(ticket.recipient, assignment.transcoder);
        }
        uint256 until = uint256(assignment.deadlineBlock) + evidenceWindow;
        if (block.number <= until) revert RedeemedTooEarly(until, block.number);
        bytes32 randHash = keccak256(abi.encode(redemption.recipientRand));
        if (randHash != ticket.recipientRandHash) {
            revert WrongRecipientRand(randHash, ticket.recipientRandHash);
        }
        uint256 lot = PaymentTickets.lot(ticketHash, redemption.recipientRand);
        if (lot >= ticket.winProb) revert LosingTicket(lot, ticket.winProb);
        _checkSigner(ticket, Signatures.signerOf(ticketHash, redemption.signature), assignment);
    }

    /// @dev The sender itself, or the key that signed for it in the assignment's round, which is that of its signing: by
    ///      it fees are shared. Whoever has a key that was revoked since can write an assignment of any round, so it
    ///      must be one in which signers are remembered, or about which a case was opened while it was.
    function _checkSigner(PaymentTicket calldata ticket, address found, Assignment calldata assignment)
        private
        view
    {
        (uint64 round, uint64 deadline) = (assignment.round, assignment.deadlineBlock);
        bool own = found == ticket.sender && found != address(0);
        if (!own) {
            address signer = operators.signerAt(ticket.sender, round);
            if (found == address(0) || found != signer) revert WrongTicketSigner(found, signer);
        }
        uint64 signedBlock = deadline < deadlineBlocks ? 0 : deadline - deadlineBlocks;
        (bool isRound, uint64 age) = rounds.ageAt(round, signedBlock);
        if (!isRound) revert WrongTicketRound(round, signedBlock);
        if (!own && age > memoryRounds && !_wasTried(ticket.assignmentHash)) {
            revert TicketTooOld(round, round + memoryRounds, round + age);
        }
    }

    /// @dev Whether a case about the assignment has ended without a slash: it was genuine, and its fees had to wait.
    function _wasTried(bytes32 assignmentHash) private view returns (bool) {
        IFraudCourt cases = IFraudCourt(address(court));
        FaultKind[4] memory kinds =
            [FaultKind.WrongEncode, FaultKind.LeafFault, FaultKind.Equivocation, FaultKind.WithheldLeaf];
        for (uint256 i = 0; i < kinds.length; ++i) {
            (,, CaseStatus status,) = cases.statusOf(cases.caseIdOf(kinds[i], assignmentHash));
            if (status == CaseStatus.Acquitted || status == CaseStatus.Annulled) return true;
        }
        return false;
    }

    /// @dev Takes what the sender has, deposit first, and marks the ticket paid if that is all of it, or something and
    ///      the recipient asks: nobody else consumes a winner for a part [a wei of deposit, and another's winner paid
    ///      with it]. The burned cut is rounded up.
    function _pay(PaymentTicket calldata ticket, bytes32 ticketHash)
        private
        returns (uint256 paid, uint256 credited)
    {
        Sender storage s = _senders[ticket.sender];
        uint256 fromDeposit = Math.min(ticket.faceValue, s.deposit);
        uint256 fromReserve = ticket.faceValue - fromDeposit;
        if (fromReserve != 0) {
            fromReserve = Math.min(fromReserve, _claimable(s, ticket.sender, ticket.recipient));
        }
        paid = fromDeposit + fromReserve;
        if (paid == 0) return (0, 0);
        if (paid < ticket.faceValue && !operators.mayAct(msg.sender, ticket.recipient)) return (0, 0);
        uint256 burned = Math.ceilDiv(paid * burnedFeeBps, BPS);
        (s.deposit, s.burned) = (uint96(s.deposit - fromDeposit), (s.burned + burned).toUint96());
        if (fromReserve != 0) {
            s.reserve -= uint96(fromReserve);
            _claims[ticket.sender][s.filling][ticket.recipient] += fromReserve;
        }
        credited = paid - burned;
        _redeemed[ticketHash] = true;
        emit TicketRedeemed(
            ticket.sender, ticket.recipient, ticketHash, ticket.assignmentHash, paid, fromReserve, burned
        );
    }

    /// @dev Each recipient's part of the whole reserve is its share of the stake that was active in the round by which it is
    ///      parted, whatever was taken since: a sender whose deposit has gone elsewhere leaves them what they counted on [a
    ///      ticket to oneself]. Parts by number would let a sender make many transcoders of little stake, parts of what is
    ///      left would let its friends take theirs in each round, and parts by the present stakes would let one stake take
    ///      its part again under each account that it moves to.
    function _claimable(Sender storage s, address sender, address recipient) private view returns (uint256) {
        if (s.reserve == 0 || s.whole == 0) return 0;
        uint256 part = _part(s.whole, s.round, recipient);
        return part == 0 ? 0 : part - _claims[sender][s.filling][recipient];
    }

    /// @dev Rounded down: all parts together are at most the whole, and what is left of it covers what is left of them.
    function _part(uint256 whole, uint64 round, address recipient) private view returns (uint256) {
        uint256 weight = roster.weightAt(Role.Transcoder, round, recipient);
        return weight == 0 ? 0 : whole * weight / roster.totalAt(Role.Transcoder, round);
    }

    function _domain() private view returns (bytes32) {
        return block.chainid == _chainId ? _separator : CourtDomain.separator(address(court));
    }

    function _send(address to, uint256 amount) private {
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert NotTaken(to, amount);
    }
}
