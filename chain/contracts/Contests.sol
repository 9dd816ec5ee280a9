// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Addresses} from "./Addresses.sol";
import {DivergenceVotes, IContests} from "./interfaces/IContests.sol";
import {IEvidence, SignedReceipt, Work} from "./interfaces/IEvidence.sol";
import {CaseStatus, Cause, FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";
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

    /// @dev Of a case: verifiers of `round` who answer for it, until `freeFrom` (block) if they were refuted.
    struct Divergers {
        uint64 round;
        uint64 freeFrom;
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
    /// What contesting costs unless the resolver acquits; base units.
    uint256 public immutable contestBond;
    /// Rounds that the resolver has.
    uint64 public immutable resolverRounds;
    /// More operators than these trip the breaker, if they also have
    uint256 public immutable breakerOperators;
    /// more than this part of the active stake, in 1/10,000.
    uint256 public immutable breakerStakeBps;
    /// Rounds for which a tripped breaker stops an encoder, the present one included.
    uint64 public immutable breakerRounds;

    /// @inheritdoc IContests
    mapping(address account => uint256) public owed;
    /// @inheritdoc IContests
    mapping(bytes32 encoderId => uint64) public stoppedUntil;
    mapping(bytes32 caseId => Contest) private _contests;
    mapping(bytes32 caseId => Divergers) private _divergers;
    mapping(bytes32 encoderId => mapping(uint64 round => bool)) private _tripped;

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
    function resolve(bytes32 caseId, bool guilty) external {
        if (msg.sender != resolver) revert NotTheResolver(msg.sender, resolver);
        Contest storage c = _contests[caseId];
        c.guilty = guilty;
        emit Resolved(caseId, guilty);
        _settleBond(c, !guilty);
        court.conclude(caseId, guilty ? CaseStatus.Executed : CaseStatus.Acquitted, true);
        _letGo(caseId, guilty);
    }

    /// @inheritdoc IContests
    function lapse(bytes32 caseId) external {
        Contest storage c = _contests[caseId];
        if (c.cause == Cause.None) revert NotContested(caseId);
        (uint64 from, uint64 current) = (c.round + resolverRounds, rounds.currentRound());
        if (current < from) revert ResolverHasTime(caseId, from, current);
        emit Lapsed(caseId, c.cause);
        bool executes = c.cause == Cause.Accused;
        _settleBond(c, !executes);
        // Executed without a ruling the cap holds: a case beyond it is contested anew, and silence annuls it.
        court.conclude(caseId, executes ? CaseStatus.Executed : CaseStatus.Annulled, false);
        (,, CaseStatus status,) = court.statusOf(caseId);
        if (status != CaseStatus.Contested) _letGo(caseId, false);
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
        _stop(encoderId, round);
        if (!_contestAll(assignments)) revert NothingOpen();
    }

    /// @inheritdoc IContests
    function tripByDivergence(
        SignedReceipt calldata signed,
        uint32 leafIndex,
        DivergenceVotes[] calldata votes
    ) external {
        Work memory work = evidence.checkReceipt(signed);
        (uint256 weight, uint256 total, uint64 counted) = _diverged(work, leafIndex, votes);
        if (weight * 3 <= total) revert BelowBreaker(votes.length, weight, total);
        _stop(signed.assignment.encoderId, work.round);
        bytes32 caseId = court.caseIdOf(FaultKind.WrongEncode, work.assignmentHash);
        (,, CaseStatus status,) = court.statusOf(caseId);
        if (status == CaseStatus.Open) court.contest(caseId, Cause.Breaker);
        else if (status != CaseStatus.Contested) return;
        // They answer for it if the resolver finds the work wrong, so their stake waits for its word. An encoder trips
        // once in a round, so nobody is held twice for one case.
        _divergers[caseId] = Divergers(work.round, 0, true);
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
    function ruledGuilty(bytes32 caseId) external view returns (bool) {
        return _contests[caseId].guilty;
    }

    // ---- rules ----

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

    function _stop(bytes32 encoderId, uint64 round) private {
        if (_tripped[encoderId][round]) revert AlreadyTripped(encoderId, round);
        _tripped[encoderId][round] = true;
        uint64 untilRound = rounds.currentRound() + breakerRounds - 1;
        stoppedUntil[encoderId] = untilRound;
        emit EncoderStopped(encoderId, round, untilRound);
    }

    function _contestAll(Assignment[] calldata assignments) private returns (bool any) {
        for (uint256 i = 0; i < assignments.length; ++i) {
            bytes32 caseId = _caseIdOf(assignments[i]);
            (,, CaseStatus status,) = court.statusOf(caseId);
            if (status != CaseStatus.Open) continue;
            any = true;
            court.contest(caseId, Cause.Breaker);
        }
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
