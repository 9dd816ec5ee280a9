// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Addresses} from "./Addresses.sol";
import {DivergenceVotes, IContests} from "./interfaces/IContests.sol";
import {IEvidence, SignedReceipt, Work} from "./interfaces/IEvidence.sol";
import {CaseState, CaseStatus, Cause, FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Burns} from "./libraries/Burns.sol";
import {Assignment} from "./objects/Assignment.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Contests: the accused, the cap or the breaker takes a case to the resolver
/// @notice The resolver is one account, fixed at deployment, and has `resolverRounds` to speak. Its silence never
///         holds anybody: the accused's contest then fails, every other one succeeds.
contract Contests is IContests {
    using Burns for ERC20Burnable;
    using SafeERC20 for IERC20;

    struct Contest {
        address by;
        uint64 round;
        Cause cause;
        bool guilty;
    }

    /// @dev Of a case: verifiers of `round` who answer for it, until `freeFrom` (block) if they were refuted. They are those
    ///      who were counted, whose keys may sum to zero without any of them having signed.
    struct Divergers {
        uint64 round;
        uint64 freeFrom;
        uint64 bitmap;
        bool held;
    }

    uint256 private constant BPS = 10_000;

    /// LPT: bonds.
    ERC20Burnable public immutable token;
    /// Whose cases.
    IFraudCourt public immutable court;
    /// Checks what is signed.
    IEvidence public immutable evidence;
    /// Who acts for whom.
    IOperators public immutable operators;
    /// Weights of the accused.
    IRoster public immutable roster;
    /// Which round it is.
    IRoundsManager public immutable rounds;
    /// Holds verifiers' stake.
    IVerifierRegistry public immutable registry;
    /// @inheritdoc IContests
    address public immutable resolver;
    /// What contesting costs if the case is executed or absorbed in the end; base units.
    uint256 public immutable contestBond;
    /// Rounds that the resolver has.
    uint64 public immutable resolverRounds;
    /// More operators than these trip the breaker, if they also have
    uint256 public immutable breakerOperators;
    /// more than this part of the active stake, in 1/10,000.
    uint256 public immutable breakerStakeBps;
    /// Rounds for which a tripped breaker stops an encoder, the present one included, and for which it runs at least before
    /// it is stopped again: nobody stops one for good.
    uint64 public immutable breakerRounds;

    /// @inheritdoc IContests
    mapping(address account => uint256) public owed;
    /// @inheritdoc IContests
    mapping(bytes32 encoderId => uint64) public stoppedUntil;
    mapping(bytes32 caseId => Contest) private _contests;
    mapping(bytes32 caseId => Divergers) private _divergers;

    constructor(Parameters memory p, Addresses memory addresses) {
        if (p.resolverRounds == 0) revert InvalidParameter("resolverRounds", 0, 1);
        if (p.breakerRounds == 0) revert InvalidParameter("breakerRounds", 0, 1);
        if (p.breakerRounds > 2) revert InvalidParameter("breakerRounds", p.breakerRounds, 2);
        token = ERC20Burnable(addresses.token);
        court = IFraudCourt(addresses.court);
        evidence = IEvidence(addresses.evidence);
        operators = IOperators(addresses.operators);
        roster = IRoster(addresses.roster);
        rounds = IRoundsManager(addresses.rounds);
        registry = IVerifierRegistry(addresses.registry);
        resolver = addresses.resolver;
        contestBond = p.contestBond;
        resolverRounds = p.resolverRounds;
        breakerOperators = p.breakerOperators;
        breakerStakeBps = p.breakerStakeBps;
        breakerRounds = p.breakerRounds;
        if (court.contests() != address(this)) revert WrongDeployment(court.contests(), address(this));
    }

    // ---- contests ----

    /// @inheritdoc IContests
    function contest(bytes32 caseId) external {
        (address operator,, CaseStatus status, uint256 executableAt) = court.statusOf(caseId);
        if (status != CaseStatus.Open) revert NotOpen(caseId, status);
        if (block.number >= executableAt) revert TooLate(caseId, executableAt, block.number);
        if (!operators.mayAct(msg.sender, operator)) revert NotTheAccused(msg.sender, operator);
        _contests[caseId].by = msg.sender;
        court.contest(caseId, Cause.Accused);
        IERC20(token).safeTransferFrom(msg.sender, address(this), contestBond);
    }

    /// @inheritdoc IContests
    function begin(bytes32 caseId, Cause cause) external {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        Contest storage c = _contests[caseId];
        (c.cause, c.round) = (cause, rounds.currentRound());
        emit ContestBegun(caseId, cause, c.by, c.round);
    }

    /// @inheritdoc IContests
    function addCause(bytes32 caseId, Cause cause) external {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        _addCause(caseId, cause);
    }

    /// @inheritdoc IContests
    function forget(bytes32 caseId) external {
        if (msg.sender != address(court)) revert NotTheCourt(msg.sender);
        Contest storage c = _contests[caseId];
        // Whatever else it is contested for by now.
        if (c.by != address(0)) revert OwnContest(caseId);
        _settleBond(c, true);
        _letGo(caseId, false);
        // Another leaf of the receipt may get the case next: nothing of this one's contest is about it.
        delete _contests[caseId];
        delete _divergers[caseId];
    }

    /// @inheritdoc IContests
    function resolve(bytes32 caseId, bool guilty) external {
        if (msg.sender != resolver) revert NotTheResolver(msg.sender, resolver);
        _contests[caseId].guilty = guilty;
        emit Resolved(caseId, guilty);
        _conclude(caseId, guilty ? CaseStatus.Executed : CaseStatus.Acquitted, true);
    }

    /// @inheritdoc IContests
    function lapse(bytes32 caseId) external {
        Contest storage c = _contests[caseId];
        if (c.cause == Cause.None) revert NotContested(caseId);
        (uint64 from, uint64 current) = (c.round + resolverRounds, rounds.currentRound());
        if (current < from) revert ResolverHasTime(caseId, from, current);
        emit Lapsed(caseId, c.cause);
        _conclude(caseId, c.cause == Cause.Accused ? CaseStatus.Executed : CaseStatus.Annulled, false);
    }

    /// @inheritdoc IContests
    function freeDivergers(bytes32 caseId) external {
        Divergers storage d = _divergers[caseId];
        if (!d.held) revert NobodyHeld(caseId);
        // Zero: the case is not over.
        uint64 from = d.freeFrom;
        if (from == 0 || block.number < from) revert StillHeld(caseId, from, block.number);
        _free(caseId, d);
    }

    /// @inheritdoc IContests
    function withdraw() external returns (uint256 amount) {
        amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owed[msg.sender] = 0;
        emit BondsWithdrawn(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    // ---- the breaker ----

    /// @inheritdoc IContests
    function tripByCases(Assignment[] calldata assignments) external {
        if (assignments.length <= breakerOperators) revert BelowBreaker(assignments.length, 0, 0);
        (bytes32 encoderId, uint64 round) = (assignments[0].encoderId, assignments[0].round);
        uint256 stake;
        address previous;
        for (uint256 i = 0; i < assignments.length; ++i) {
            Assignment calldata a = assignments[i];
            if (a.encoderId != encoderId || a.round != round || a.transcoder <= previous) {
                revert NotOneGroup(i);
            }
            previous = a.transcoder;
            bytes32 caseId = _caseIdOf(a);
            (,, CaseStatus status,) = court.statusOf(caseId);
            // What was acquitted, annulled, absorbed or planted says nothing about the encoder.
            if (status != CaseStatus.Open && status != CaseStatus.Contested && status != CaseStatus.Executed)
            {
                revert NotOpen(caseId, status);
            }
            stake += roster.weightAt(Role.Transcoder, round, a.transcoder);
        }
        uint256 total = roster.totalAt(Role.Transcoder, round);
        if (stake * BPS <= total * breakerStakeBps) revert BelowBreaker(assignments.length, stake, total);
        _stop(encoderId);
        if (!_contestAll(assignments)) revert NothingOpen();
    }

    /// @inheritdoc IContests
    function tripByDivergence(
        SignedReceipt calldata signed,
        uint32 leafIndex,
        DivergenceVotes[] calldata votes
    ) external {
        Work memory work = evidence.checkReceipt(signed);
        bytes32 caseId = court.caseIdOf(FaultKind.WrongEncode, work.assignmentHash);
        CaseStatus status = _standing(caseId, work.receiptHash, leafIndex);
        if (_divergers[caseId].bitmap != 0) revert AlreadyTripped(caseId);
        (uint256 weight, uint256 total, uint64 counted) = _diverged(work, leafIndex, votes);
        if (weight * 3 <= total) revert BelowBreaker(votes.length, weight, total);
        _stop(signed.assignment.encoderId);
        if (status == CaseStatus.Open) court.contest(caseId, Cause.Breaker);
        else _addCause(caseId, Cause.Breaker);
        // They answer for it if the resolver finds the work wrong, so their stake waits for its word.
        _divergers[caseId] = Divergers(work.round, 0, counted, true);
        emit DivergersHeld(caseId, work.round, counted);
        registry.hold(work.round, counted);
    }

    /// @inheritdoc IContests
    function contestStopped(Assignment[] calldata assignments) external {
        uint64 current = rounds.currentRound();
        for (uint256 i = 0; i < assignments.length; ++i) {
            bytes32 encoderId = assignments[i].encoderId;
            if (stoppedUntil[encoderId] < current) revert NotStopped(encoderId);
        }
        if (!_contestAll(assignments)) revert NothingOpen();
    }

    // ---- views ----

    /// @inheritdoc IContests
    function contestOf(bytes32 caseId) external view returns (Cause cause, uint64 round, address by) {
        Contest storage c = _contests[caseId];
        return (c.cause, c.round, c.by);
    }

    /// @inheritdoc IContests
    function divergersOf(bytes32 caseId) external view returns (uint64 round, uint64 bitmap) {
        Divergers storage d = _divergers[caseId];
        return (d.round, d.bitmap);
    }

    /// @inheritdoc IContests
    function ruledGuilty(bytes32 caseId) external view returns (bool) {
        return _contests[caseId].guilty;
    }

    // ---- rules ----

    /// @dev Ends a contest, and with it the case, unless that is beyond the cap: executed without a ruling it is contested
    ///      anew, silence annuls it, and the bond and who diverged wait for that.
    function _conclude(bytes32 caseId, CaseStatus ruling, bool ruled) private {
        court.conclude(caseId, ruling, ruled);
        (,, CaseStatus status,) = court.statusOf(caseId);
        if (status == CaseStatus.Contested) return;
        // What the case came to counts, not what was said: what it rests on may be void.
        bool isGuilty = status == CaseStatus.Executed || status == CaseStatus.Absorbed;
        _settleBond(_contests[caseId], !isGuilty);
        _letGo(caseId, isGuilty && ruled);
    }

    /// @dev A bond that was put up comes back or burns, once.
    function _settleBond(Contest storage c, bool back) private {
        address by = c.by;
        if (by == address(0)) return;
        c.by = address(0);
        if (back) owed[by] += contestBond;
        else token.destroy(contestBond);
    }

    /// @dev The case is over: who diverged is free, or, if the work was wrong, may be accused for as long as a case may be
    ///      contested and is free then.
    function _letGo(bytes32 caseId, bool refuted) private {
        Divergers storage d = _divergers[caseId];
        if (!d.held) return;
        if (refuted) d.freeFrom = uint64(block.number) + court.caseWindow();
        else _free(caseId, d);
    }

    function _free(bytes32 caseId, Divergers storage d) private {
        d.held = false;
        emit DivergersFreed(caseId);
        registry.release(d.round);
    }

    /// @dev Unless the encoder is stopped, or was a while ago: cases are contested then, and it runs.
    function _stop(bytes32 encoderId) private {
        (uint64 round, uint64 untilRound) = (rounds.currentRound(), stoppedUntil[encoderId]);
        if (untilRound != 0 && round <= untilRound + breakerRounds) return;
        untilRound = round + breakerRounds - 1;
        stoppedUntil[encoderId] = untilRound;
        emit EncoderStopped(encoderId, round, untilRound);
    }

    /// @dev Status of a case that is open or contested and about this leaf: without one nobody would answer for what it says.
    function _standing(bytes32 caseId, bytes32 receiptHash, uint32 leafIndex)
        private
        view
        returns (CaseStatus status)
    {
        CaseState memory state = court.caseOf(caseId);
        status = state.status;
        if (status != CaseStatus.Open && status != CaseStatus.Contested) revert NotOpen(caseId, status);
        if (state.subject != receiptHash || state.leafIndex != leafIndex) {
            revert AnotherLeaf(caseId, state.subject, state.leafIndex);
        }
    }

    function _contestAll(Assignment[] calldata assignments) private returns (bool any) {
        for (uint256 i = 0; i < assignments.length; ++i) {
            bytes32 caseId = _caseIdOf(assignments[i]);
            (,, CaseStatus status,) = court.statusOf(caseId);
            if (status == CaseStatus.Contested) {
                if (!_addCause(caseId, Cause.Breaker)) continue;
            } else if (status == CaseStatus.Open) {
                court.contest(caseId, Cause.Breaker);
            } else {
                continue;
            }
            any = true;
        }
    }

    /// @dev Who contests early must not be worse off by it than who waits until others do: what makes silence annul an open
    ///      case does so for one that the accused has contested.
    function _addCause(bytes32 caseId, Cause cause) private returns (bool joined) {
        Contest storage c = _contests[caseId];
        joined = c.cause == Cause.Accused;
        if (!joined) return false;
        c.cause = cause;
        emit ContestBegun(caseId, cause, c.by, c.round);
    }

    /// @dev Weight of all verifiers that diverged, each counted once, and of all; and which they are.
    function _diverged(Work memory work, uint32 leafIndex, DivergenceVotes[] calldata votes)
        private
        view
        returns (uint256 weight, uint256 total, uint64 counted)
    {
        for (uint256 i = 0; i < votes.length; ++i) {
            if (counted & votes[i].bitmap != 0) revert CountedTwice(votes[i].bitmap);
            counted |= votes[i].bitmap;
            uint256 signed;
            (signed, total) = evidence.checkAggregate(
                work.round,
                votes[i].bitmap,
                work.transcoder,
                evidence.hashDivergence(work.receiptHash, leafIndex, votes[i].level),
                votes[i].aggregateSignature
            );
            weight += signed;
        }
    }

    function _caseIdOf(Assignment calldata assignment) private view returns (bytes32) {
        return court.caseIdOf(FaultKind.WrongEncode, evidence.hashAssignment(assignment));
    }
}
