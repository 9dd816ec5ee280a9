// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {ISlashable} from "./interfaces/ISlashable.sol";
import {IStakesBefore, LockState, PoolState} from "./interfaces/IStakesBefore.sol";
import {ActiveSet, ActiveSets} from "./libraries/ActiveSets.sol";
import {SharePool, SharePools} from "./libraries/SharePools.sol";
import {StakeSnapshots} from "./libraries/StakeSnapshots.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Stakes of transcoders, verifiers and their delegators
/// @notice Each pool has two share pools: what is bonded and what is unbonding. A slash cuts both, so it
///         reaches the operator, its delegators and everybody on the way out at once and at constant cost. A
///         pool that loses everything starts a new generation: old shares count nothing, new ones are clean.
contract BondingManager is IStakesBefore {
    using ActiveSets for ActiveSet;
    using SafeERC20 for IERC20;
    using SharePools for SharePool;

    /// @dev `ownShares` belong to `bonded`'s present generation, `ownUnbondingShares` to `unbonding`'s.
    struct Pool {
        SharePool bonded;
        SharePool unbonding;
        uint120 ownShares;
        uint120 ownUnbondingShares;
        uint16 openCases;
        uint32 generation;
        uint32 unbondingGeneration;
        uint16 rewardCutBps;
        uint16 feeShareBps;
        uint64 pricePerPixel;
    }

    /// @dev A delegator's shares; void if the pool's generation is another.
    struct Holding {
        uint120 shares;
        uint32 generation;
    }

    /// @dev `round` is the one in which unbonding began.
    struct Lock {
        uint120 shares;
        uint32 generation;
        uint64 round;
        Role role;
        address holder;
        address operator;
    }

    uint256 private constant BPS = 10_000;

    /// The staked token.
    IERC20 public immutable token;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// @inheritdoc ISlashable
    address public immutable court;
    /// @inheritdoc IStakesBefore
    uint256 public immutable minimumOwnBond;
    /// Rounds that unbonding takes at least.
    uint64 public immutable unbondingRounds;
    /// Blocks after the end of the round in which unbonding began: D + evidence window + case window.
    uint64 public immutable unbondingBlocks;
    /// Delegations count for weight up to this many times the own bond.
    uint256 public immutable delegationFactor;
    /// Bounds of the active sets.
    uint256 public immutable maxTranscoders;
    /// Bounds of the active sets.
    uint256 public immutable maxVerifiers;

    /// Locks ever made; the last lock's id.
    uint256 public lockCount;
    mapping(Role => mapping(address operator => Pool)) private _pools;
    mapping(Role => mapping(address operator => mapping(address holder => Holding))) private _holdings;
    mapping(uint256 lockId => Lock) private _locks;
    mapping(Role => ActiveSet) private _active;
    mapping(Role => mapping(uint64 round => address blob)) private _snapshots;

    modifier onlyCourt() {
        if (msg.sender != court) revert NotTheCourt(msg.sender);
        _;
    }

    modifier whenNotFrozen(Role role, address operator) {
        uint256 openCases = _pools[role][operator].openCases;
        if (openCases != 0) revert PoolFrozen(role, operator, openCases);
        _;
    }

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.unbondingRounds == 0) revert InvalidParameter("unbondingRounds", 0, 1);
        if (parameters.maxTranscoders == 0 || parameters.maxTranscoders > 255) {
            revert InvalidParameter("maxTranscoders", parameters.maxTranscoders, 255);
        }
        if (parameters.maxVerifiers == 0 || parameters.maxVerifiers > 64) {
            revert InvalidParameter("maxVerifiers", parameters.maxVerifiers, 64);
        }
        if (parameters.minimumOwnBond == 0) revert InvalidParameter("minimumOwnBond", 0, 1);
        token = IERC20(addresses.token);
        rounds = IRoundsManager(addresses.rounds);
        court = addresses.court;
        minimumOwnBond = parameters.minimumOwnBond;
        unbondingRounds = parameters.unbondingRounds;
        unbondingBlocks = parameters.deadlineBlocks + parameters.evidenceWindow + parameters.caseWindow;
        delegationFactor = parameters.delegationFactor;
        maxTranscoders = parameters.maxTranscoders;
        maxVerifiers = parameters.maxVerifiers;
    }

    // ---- operators and delegators ----

    /// @inheritdoc IStakesBefore
    function bond(Role role, uint256 amount) external whenNotFrozen(role, msg.sender) {
        Pool storage p = _pools[role][msg.sender];
        p.ownShares += p.bonded.deposit(amount);
        uint256 own = p.bonded.toTokens(p.ownShares);
        if (own < minimumOwnBond) revert BondTooSmall(own, minimumOwnBond);
        emit Bonded(role, msg.sender, amount, own);
        _refresh(role, msg.sender, p);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakesBefore
    function delegate(Role role, address operator, uint256 amount) external whenNotFrozen(role, operator) {
        if (operator == msg.sender) revert SelfDelegation(operator);
        Pool storage p = _pools[role][operator];
        uint256 own = p.bonded.toTokens(p.ownShares);
        if (own < minimumOwnBond) revert OperatorNotBonded(role, operator, own, minimumOwnBond);
        Holding storage holding = _holdings[role][operator][msg.sender];
        uint120 held = _liveShares(p, holding);
        holding.shares = held + p.bonded.deposit(amount);
        holding.generation = p.generation;
        emit Delegated(role, operator, msg.sender, amount);
        _refresh(role, operator, p);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStakesBefore
    function unbond(Role role, address operator, uint256 amount)
        external
        whenNotFrozen(role, operator)
        returns (uint256 lockId)
    {
        Pool storage p = _pools[role][operator];
        uint120 shares;
        if (msg.sender == operator) {
            p.ownShares -= p.bonded.withdraw(p.ownShares, amount);
            shares = p.unbonding.deposit(amount);
            p.ownUnbondingShares += shares;
        } else {
            Holding storage holding = _holdings[role][operator][msg.sender];
            uint120 held = _liveShares(p, holding);
            holding.shares = held - p.bonded.withdraw(held, amount);
            holding.generation = p.generation;
            shares = p.unbonding.deposit(amount);
        }
        lockId = ++lockCount;
        _locks[lockId] =
            Lock(shares, p.unbondingGeneration, rounds.currentRound(), role, msg.sender, operator);
        emit Unbonded(role, operator, msg.sender, lockId, amount);
        _refresh(role, operator, p);
    }

    /// @inheritdoc IStakesBefore
    function withdraw(uint256 lockId) external returns (uint256 amount) {
        Lock memory lock = _locks[lockId];
        if (lock.holder == address(0)) revert UnknownLock(lockId);
        if (lock.holder != msg.sender) revert NotTheHolder(msg.sender, lock.holder);
        Pool storage p = _pools[lock.role][lock.operator];
        if (p.openCases != 0) revert PoolFrozen(lock.role, lock.operator, p.openCases);
        (uint64 fromRound, uint64 fromBlock) = _ripeness(lock.round);
        if (fromBlock == 0 || block.number < fromBlock || rounds.currentRound() < fromRound) {
            revert TooEarly(lockId, fromRound, fromBlock);
        }
        delete _locks[lockId];
        if (lock.generation == p.unbondingGeneration) {
            amount = p.unbonding.redeem(lock.shares);
            if (lock.holder == lock.operator) p.ownUnbondingShares -= lock.shares;
        }
        emit Withdrawn(lockId, msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakesBefore
    function setTerms(Role role, uint16 rewardCutBps, uint16 feeShareBps, uint64 pricePerPixel) external {
        if (rewardCutBps > BPS) revert ShareTooLarge(rewardCutBps, BPS);
        if (feeShareBps > BPS) revert ShareTooLarge(feeShareBps, BPS);
        Pool storage p = _pools[role][msg.sender];
        (p.rewardCutBps, p.feeShareBps, p.pricePerPixel) = (rewardCutBps, feeShareBps, pricePerPixel);
        emit TermsSet(role, msg.sender, rewardCutBps, feeShareBps, pricePerPixel);
    }

    /// @inheritdoc IStakesBefore
    function enlist(Role role, address operator) external {
        _refresh(role, operator, _pools[role][operator]);
    }

    // ---- the court ----

    /// @inheritdoc ISlashable
    function freeze(Role role, address operator) external onlyCourt {
        emit Frozen(role, operator, ++_pools[role][operator].openCases);
    }

    /// @inheritdoc ISlashable
    function unfreeze(Role role, address operator) external onlyCourt {
        emit Unfrozen(role, operator, --_pools[role][operator].openCases);
    }

    /// @inheritdoc ISlashable
    function slash(Role role, address operator, uint256 bps)
        external
        onlyCourt
        returns (uint256 ownCut, uint256 delegatedCut)
    {
        Pool storage p = _pools[role][operator];
        uint256 cut;
        bool wiped;
        (cut, ownCut, wiped) = _cut(p.bonded, p.ownShares, bps);
        if (wiped) {
            p.ownShares = 0;
            ++p.generation;
        }
        uint256 unbondingCut;
        uint256 ownUnbondingCut;
        (unbondingCut, ownUnbondingCut, wiped) = _cut(p.unbonding, p.ownUnbondingShares, bps);
        if (wiped) {
            p.ownUnbondingShares = 0;
            ++p.unbondingGeneration;
        }
        ownCut += ownUnbondingCut;
        cut += unbondingCut;
        delegatedCut = cut - ownCut;
        emit Slashed(role, operator, bps, ownCut, delegatedCut);
        _refresh(role, operator, p);
        if (cut != 0) token.safeTransfer(court, cut);
    }

    // ---- rounds ----

    /// @inheritdoc IStakesBefore
    function takeSnapshot(uint64 round) external {
        if (msg.sender != address(rounds)) revert NotTheRoundsManager(msg.sender);
        if (_snapshots[Role.Transcoder][round] != address(0)) revert SnapshotTaken(round);
        _store(Role.Transcoder, round);
        _store(Role.Verifier, round);
    }

    // ---- views ----

    /// @inheritdoc IStakesBefore
    function snapshot(Role role, uint64 round)
        external
        view
        returns (address[] memory operators, uint256[] memory weights, uint256[] memory prices)
    {
        address blob = _snapshots[role][round];
        if (blob == address(0)) revert NoSnapshot(role, round);
        return StakeSnapshots.load(blob);
    }

    /// @inheritdoc IStakesBefore
    function activeSet(Role role)
        external
        view
        returns (address[] memory operators, uint256[] memory weights)
    {
        uint256[] memory members = _active[role].members;
        operators = new address[](members.length);
        weights = new uint256[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            operators[i] = ActiveSets.operatorOf(members[i]);
            weights[i] = ActiveSets.weightOf(members[i]);
        }
    }

    /// @inheritdoc IStakesBefore
    function pool(Role role, address operator) external view returns (PoolState memory state) {
        Pool storage p = _pools[role][operator];
        state.ownStake = p.bonded.toTokens(p.ownShares);
        state.delegatedStake = p.bonded.tokens - state.ownStake;
        state.ownUnbonding = p.unbonding.toTokens(p.ownUnbondingShares);
        state.delegatedUnbonding = p.unbonding.tokens - state.ownUnbonding;
        state.weight = _weight(p);
        (state.rewardCutBps, state.feeShareBps) = (p.rewardCutBps, p.feeShareBps);
        (state.pricePerPixel, state.openCases) = (p.pricePerPixel, p.openCases);
        state.active = _active[role].contains(operator);
    }

    /// @inheritdoc IStakesBefore
    function stakeOf(Role role, address operator, address holder) external view returns (uint256) {
        Pool storage p = _pools[role][operator];
        uint256 shares = holder == operator ? p.ownShares : _liveShares(p, _holdings[role][operator][holder]);
        return p.bonded.toTokens(shares);
    }

    /// @inheritdoc IStakesBefore
    function lockOf(uint256 lockId) external view returns (LockState memory state) {
        Lock memory lock = _locks[lockId];
        if (lock.holder == address(0)) revert UnknownLock(lockId);
        Pool storage p = _pools[lock.role][lock.operator];
        (state.holder, state.role, state.operator) = (lock.holder, lock.role, lock.operator);
        if (lock.generation == p.unbondingGeneration) state.amount = p.unbonding.toTokens(lock.shares);
        (state.withdrawableRound, state.withdrawableBlock) = _ripeness(lock.round);
    }

    /// @inheritdoc ISlashable
    function slashable(Role role, address operator) external view returns (uint256) {
        Pool storage p = _pools[role][operator];
        return uint256(p.bonded.tokens) + p.unbonding.tokens;
    }

    /// @inheritdoc ISlashable
    function isFrozen(Role role, address operator) external view returns (bool) {
        return _pools[role][operator].openCases != 0;
    }

    // ---- rules ----

    /// @dev Cuts a share pool and says which part of the cut the operator's `ownShares` bear, rounded down:
    ///      rewards come from it.
    function _cut(SharePool storage shares, uint256 ownShares, uint256 bps)
        private
        returns (uint256 cut, uint256 ownCut, bool wiped)
    {
        uint256 all = shares.shares;
        (cut, wiped) = shares.slash(bps);
        if (all != 0) ownCut = Math.mulDiv(cut, ownShares, all);
    }

    function _liveShares(Pool storage p, Holding storage holding) private view returns (uint120) {
        return holding.generation == p.generation ? holding.shares : 0;
    }

    /// @dev 0 below the minimum bond: such an operator is not elected.
    function _weight(Pool storage p) private view returns (uint96) {
        uint256 own = p.bonded.toTokens(p.ownShares);
        if (own < minimumOwnBond) return 0;
        uint256 delegated = p.bonded.tokens - own;
        // Pools hold less than 2^96, see SharePools.MAX_TOKENS.
        return uint96(own + Math.min(delegated, delegationFactor * own));
    }

    /// @dev After every change of stake.
    function _refresh(Role role, address operator, Pool storage p) private {
        uint96 weight = _weight(p);
        ActiveSet storage set = _active[role];
        if (weight == 0) {
            if (set.remove(operator)) emit Deactivated(role, operator);
            return;
        }
        uint256 bound = role == Role.Transcoder ? maxTranscoders : maxVerifiers;
        (bool entered, address evicted) = set.put(operator, weight, bound);
        if (evicted != address(0)) emit Deactivated(role, evicted);
        if (entered) emit Activated(role, operator, weight);
    }

    /// @dev A lock made in round r can be withdrawn once r is over for D + evidence + case window blocks, so
    ///      that every assignment r could give has been judged, and `unbondingRounds` rounds later.
    function _ripeness(uint64 round) private view returns (uint64 fromRound, uint64 fromBlock) {
        fromRound = round + unbondingRounds;
        if (rounds.currentRound() > round) fromBlock = rounds.openedAt(round + 1) + unbondingBlocks;
    }

    function _store(Role role, uint64 round) private {
        uint256[] memory members = Arrays.sort(_active[role].members);
        uint64[] memory prices = new uint64[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            prices[i] = _pools[role][ActiveSets.operatorOf(members[i])].pricePerPixel;
        }
        address blob = StakeSnapshots.store(members, prices);
        _snapshots[role][round] = blob;
        emit SnapshotStored(role, round, members.length, blob);
    }
}
