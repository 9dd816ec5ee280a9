// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CaseStatus} from "./IFraudCourt.sol";
import {Assignment} from "../objects/Assignment.sol";
import {PaymentTicket} from "../objects/PaymentTicket.sol";

/// @notice What a broadcaster has put up, in wei.
struct SenderState {
    /// Pays any winner.
    uint256 deposit;
    /// Pays what the deposit cannot, to each transcoder its part.
    uint256 reserve;
    /// First round in which both may be withdrawn; 0 if not asked for.
    uint64 withdrawRound;
    /// Burned of its payments and its reserve, and not yet sent to the zero address.
    uint256 burned;
}

/// @notice A winner with everything that its redemption needs.
struct Redemption {
    PaymentTicket ticket;
    /// 65 bytes over the ticket's digest, by the sender or the key that signed for it in the assignment's round.
    bytes signature;
    /// The preimage of `recipientRandHash`, known to nobody but the recipient before.
    bytes32 recipientRand;
    /// The assignment paid for: its digest is the ticket's `assignmentHash`.
    Assignment assignment;
}

/// @title Deposits and reserves of broadcasters, and the tickets that are paid from them
interface ITicketBroker {
    /// What was sent is not what the amounts add up to.
    error WrongValue(uint256 found, uint256 expected);
    /// Neither deposit nor reserve.
    error NothingDeposited(address broadcaster);
    /// The withdrawal was asked for already.
    error AlreadyUnlocking(address broadcaster, uint64 withdrawRound);
    /// No withdrawal was asked for.
    error NotUnlocking(address broadcaster);
    /// The withdrawal is possible from round `withdrawRound` on.
    error StillLocked(uint64 withdrawRound, uint64 current);
    /// The account does not take ETH.
    error NotTaken(address to, uint256 amount);
    /// Neither the broadcaster nor its signer.
    error NotTheBroadcaster(address caller, address broadcaster);
    /// There is no reserve of which anybody has a part.
    error NothingParted(address broadcaster);
    /// The parts by the stakes of `round` are announced, and may hold from block `from` on.
    error AlreadyAnnounced(address broadcaster, uint64 round, uint64 from);
    /// Something was taken of the reserve and not put back: it is parted anew when nothing is missing.
    error ReserveNotFull(address broadcaster, uint256 found, uint256 expected);
    /// Only the court may take a reserve.
    error NotTheCourt(address caller);

    /// The signature is the account `found`'s (zero: none at all).
    error WrongTicketSigner(address found, address expected);
    /// `round` was not the last one opened at the block of the assignment's signing.
    error WrongTicketRound(uint64 round, uint256 signedBlock);
    /// Not the sender itself has signed, whose key signed for it in `round` is known until round `until` only, and no
    /// case about the assignment has ended without a slash.
    error TicketTooOld(uint64 round, uint64 until, uint64 current);
    /// The ticket pays for another assignment than the one shown.
    error WrongTicketAssignment(bytes32 found, bytes32 expected);
    /// The ticket pays another account than the one that the work was assigned to.
    error WrongRecipient(address found, address expected);
    /// The number is not the one that was promised before the ticket was signed.
    error WrongRecipientRand(bytes32 found, bytes32 expected);
    /// The draw is not below the ticket's chance.
    error LosingTicket(uint256 lot, uint256 winProb);
    /// Faults of the assignment can be proven until block `until`.
    error RedeemedTooEarly(uint256 until, uint256 current);
    /// The assignment has a case that is open, contested or proven: its fees are void.
    error AssignmentAccused(bytes32 assignmentHash, bytes32 caseId, CaseStatus status);
    /// The ticket was paid.
    error AlreadyRedeemed(bytes32 ticketHash);
    /// The sender has nothing left that this recipient may take now, or less than the ticket's value, which the recipient
    /// or its signer takes alone; the ticket stays good.
    error NothingToPay(address sender, address recipient);

    /// Somebody added to a broadcaster's deposit and reserve.
    event Funded(address indexed broadcaster, address indexed from, uint256 deposit, uint256 reserve);
    /// Its reserve will be parted by the stakes of `round`, in block `from` at the earliest: new work counts on the smaller
    /// part from now on.
    event PartsAnnounced(address indexed broadcaster, uint64 round, uint64 from);
    /// Its reserve is parted by the stakes of `round` from now on.
    event ReserveParted(address indexed broadcaster, uint64 round);
    /// A broadcaster asked for its money back.
    event Unlocking(address indexed broadcaster, uint64 withdrawRound);
    /// It changed its mind.
    event UnlockCancelled(address indexed broadcaster);
    /// It has its money back.
    event DepositWithdrawn(address indexed broadcaster, uint256 deposit, uint256 reserve);
    /// It signed two assignments for one attempt: its reserve is burned.
    event ReserveSlashed(address indexed broadcaster, uint256 amount);
    /// A winner was paid: `burned` of `paid` is burned, the rest was credited to the recipient.
    event TicketRedeemed(
        address indexed sender,
        address indexed recipient,
        bytes32 indexed ticketHash,
        bytes32 assignmentHash,
        uint256 paid,
        uint256 fromReserve,
        uint256 burned
    );
    /// A winner in a batch was passed over: paid before, void, or not enough left to pay it with.
    event TicketSkipped(bytes32 indexed ticketHash);
    /// What a broadcaster's payments burned was sent to the zero address.
    event Burned(address indexed broadcaster, uint256 amount);

    /// @notice Adds to a broadcaster's deposit and reserve, one's own or another's; takes exactly their sum. Who has a part
    ///         of the reserve has as large a one or a larger one then; who is new has none by it. A reserve of which nobody
    ///         has a part is parted by the present round's stakes with what the broadcaster or its signer adds, and not with
    ///         what others do.
    function depositAndReserve(address broadcaster, uint256 deposit, uint256 reserve) external payable;

    /// @notice Gives those a part of a reserve who are new, in two steps, by the broadcaster or its signer. The first call
    ///         announces the parts by the present round's stakes. `partingBlocks` later, when every ticket that counted on
    ///         the old ones has been payable for a while, they hold: by another call, or with whatever is added to the
    ///         reserve, once nothing of it is missing. What others have put up and nobody has a part of is parted at once.
    /// @return round whose stakes were announced, or hold now
    /// @return from first block in which they may hold
    function partAnew(address broadcaster) external returns (uint64 round, uint64 from);

    /// @notice Asks for the caller's deposit and reserve. Tickets stay payable until `withdraw`.
    function unlock() external returns (uint64 withdrawRound);

    /// @notice Takes the request back.
    function cancelUnlock() external;

    /// @notice Pays the caller's deposit and reserve out to it, in the round that `unlock` named or later.
    function withdraw() external returns (uint256 amount);

    /// @notice Pays a winner, once; anyone who knows the recipient's number may call it, and the recipient or its signer
    ///         also if only a part of it can be paid.
    /// @return paid wei taken from the sender, the burned cut included
    function redeem(Redemption calldata redemption) external returns (uint256 paid);

    /// @notice Pays many. Those that were paid before, are void, or find nothing are passed over, so that
    ///         nobody stops a batch by redeeming one of it; a wrong one reverts.
    function redeemBatch(Redemption[] calldata redemptions) external returns (uint256 paid);

    /// @notice Burns the broadcaster's reserve. The court's alone. Nobody is paid for it, so nobody reports
    ///         himself for profit.
    function slashReserve(address broadcaster) external returns (uint256 amount);

    /// @notice Sends what this broadcaster's payments burned to the zero address.
    function burn(address broadcaster) external returns (uint256 amount);

    /// @notice What a broadcaster has put up.
    function senderOf(address broadcaster) external view returns (SenderState memory);

    /// @notice What the reserve would pay this recipient: of what it held when it was full last, the recipient's share of
    ///         the stake that was active in the round by which it is parted, less what the recipient has taken since it was
    ///         full. Whoever became active later has no part until it is parted anew.
    function claimableReserve(address sender, address recipient) external view returns (uint256);

    /// @notice That, and what it would pay by the parts that are announced; the same twice if none are. Whoever works for
    ///         the sender counts on the smaller of both: that stays the recipient's until the tickets of now are payable.
    function partsOf(address sender, address recipient) external view returns (uint256 present, uint256 next);

    /// @notice How a reserve is parted.
    /// @return whole what it held when it was full last, of which the parts are; 0, as the others, if nobody has one
    /// @return round whose stakes part it
    /// @return announced whose will; 0 if nothing is announced
    /// @return from first block in which they may
    function partingOf(address broadcaster)
        external
        view
        returns (uint256 whole, uint64 round, uint64 announced, uint64 from);

    /// @notice Whether the ticket was paid.
    function isRedeemed(bytes32 ticketHash) external view returns (bool);

    /// @notice EIP-712 digest of a ticket: its hash, and what its sender signs.
    function hashTicket(PaymentTicket calldata ticket) external view returns (bytes32);

    /// @notice Rounds from `unlock` to the earliest `withdraw`.
    function unlockRounds() external view returns (uint64);

    /// @notice Blocks from the announcement of parts to the first in which they may hold.
    function partingBlocks() external view returns (uint64);

    /// @notice Burned part of every payment, in 1/10,000.
    function burnedFeeBps() external view returns (uint256);
}
