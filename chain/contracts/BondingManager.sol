// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager, LockState, PoolState} from "./interfaces/IBondingManager.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {ISlashable} from "./interfaces/ISlashable.sol";
import {SharePool, SharePools} from "./libraries/SharePools.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";
import {StakePools} from "./StakePools.sol";

/// @title Stakes of transcoders, verifiers and their delegators
/// @notice Holds every staked token. Stake leaves a pool as a lock, which a slash of the pool still reaches, until
///         all evidence about the round in which it was locked is judged; then it is paid out, or arrives in
///         another pool. Nothing is ever set or stopped by anybody: withdrawals wait only for their time, for the
///         pool's open cases, and for cases that the verifier signed.
contract BondingManager is StakePools {
    using SafeERC20 for IERC20;
    using SharePools for SharePool;

    /// @dev `shares` of the unbonding pool's `generation`; `round` is the one in which it was locked.
    struct Lock {
        uint160 shares;
        uint32 generation;
        uint64 round;
        address holder;
        Role role;
        address operator;
        address destination;
    }

    /// The staked token.
    IERC20 public immutable token;
    /// Whose key acts for whom.
    IOperators public immutable operators;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// @inheritdoc ISlashable
    address public immutable court;
    /// The only account that brings rewards.
    address public immutable minter;
    /// Rounds that unbonding takes at least.
    uint64 public immutable unbondingRounds;
    /// Blocks after the end of the round in which unbonding began: D + evidence window + case window.
    uint64 public immutable unbondingBlocks;

    mapping(uint256 lockId => Lock) private _locks;

    modifier onlyCourt() {
        if (msg.sender != court) revert NotTheCourt(msg.sender);
        _;
    }

    constructor(Parameters memory parameters, Addresses memory addresses) StakePools(parameters, addresses) {
        if (parameters.unbondingRounds == 0) revert InvalidParameter("unbondingRounds", 0, 1);
        token = IERC20(addresses.token);
        operators = IOperators(addresses.operators);
        rounds = IRoundsManager(addresses.rounds);
        court = addresses.court;
        minter = addresses.minter;
        unbondingRounds = parameters.unbondingRounds;
        unbondingBlocks = parameters.deadlineBlocks + parameters.evidenceWindow + parameters.caseWindow;
    }

    // ---- operators and delegators ----

    /// @inheritdoc IBondingManager
    function bond(Role role, uint256 amount) public {
        _requireNoSigner(role, msg.sender);
        _deposit(role, msg.sender, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IBondingManager
    function bondWithPermit(Role role, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        _permit(amount, deadline, v, r, s);
        bond(role, amount);
    }

    /// @inheritdoc IBondingManager
    function delegate(Role role, address operator, uint256 amount) public {
        if (operator == msg.sender) revert SelfDelegation(operator);
        _deposit(role, operator, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IBondingManager
    function delegateWithPermit(
        Role role,
        address operator,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        _permit(amount, deadline, v, r, s);
        delegate(role, operator, amount);
    }

    /// @inheritdoc IBondingManager
    function unbond(Role role, address operator, uint256 amount) external returns (uint256 lockId) {
        lockId = _lock(role, operator, address(0), amount);
        emit Unbonded(role, operator, msg.sender, lockId, amount);
    }

    /// @inheritdoc IBondingManager
    function move(Role role, address from, address to, uint256 amount) external returns (uint256 lockId) {
        if (from == to) revert SamePool(from);
        uint256 own = ownStakeOf(role, to);
        // Who moves stake to its own pool need not be bonded yet.
        if (to != msg.sender && own + SharePools.ROUNDING < minimumOwnBond) {
            revert OperatorNotBonded(role, to, own, minimumOwnBond);
        }
        lockId = _lock(role, from, to, amount);
        emit MoveBegun(role, from, msg.sender, to, lockId, amount);
    }

    /// @inheritdoc IBondingManager
    function rebond(uint256 lockId) external returns (uint256 amount) {
        Lock memory lock = _held(lockId);
        amount = _end(lockId, lock);
        if (amount == 0) revert NothingLeft(lockId);
        if (lock.holder == lock.operator) _requireNoSigner(lock.role, lock.operator);
        emit Rebonded(lockId, lock.holder, amount);
        _deposit(lock.role, lock.operator, lock.holder, amount);
    }

    /// @inheritdoc IBondingManager
    function arrive(uint256 lockId) external returns (uint256 amount) {
        Lock memory lock = _known(lockId);
        if (lock.destination == address(0)) revert NotInTransit(lockId);
        _requireRipe(lockId, lock);
        amount = _end(lockId, lock);
        if (amount == 0) revert NothingLeft(lockId);
        if (lock.holder == lock.destination) _requireNoSigner(lock.role, lock.destination);
        emit Arrived(lockId, lock.holder, amount);
        _deposit(lock.role, lock.destination, lock.holder, amount);
    }

    /// @inheritdoc IBondingManager
    function withdraw(uint256 lockId) external returns (uint256 amount) {
        Lock memory lock = _held(lockId);
        _requireRipe(lockId, lock);
        amount = _end(lockId, lock);
        emit Withdrawn(lockId, lock.holder, amount);
        token.safeTransfer(lock.holder, amount);
    }

    /// @inheritdoc IBondingManager
    function enlist(Role role, address operator) external {
        Pool storage p = _pools[role][operator];
        _release(p);
        // Who is about to be taken out evicts nobody before.
        if (roster.isJailed(role, operator)) _refresh(role, operator, p);
        else roster.enter(role, operator, _weight(p.bonded, p.ownShares));
    }

    // ---- rewards ----

    /// @inheritdoc IBondingManager
    function reward(uint64 round, Role role, address operator, uint256 amount) external {
        if (msg.sender != minter) revert NotTheMinter(msg.sender);
        // Those of the round that is paid for, whenever it is claimed: nobody keeps more of it than it had promised.
        (uint16 cutBps,) = operators.cutsAt(role, operator, round);
        _reward(role, operator, amount, cutBps);
    }

    // ---- the court ----

    /// @inheritdoc ISlashable
    function freeze(Role role, address operator) external onlyCourt {
        ++_pools[role][operator].openCases;
    }

    /// @inheritdoc ISlashable
    function unfreeze(Role role, address operator) external onlyCourt {
        Pool storage p = _pools[role][operator];
        uint16 openCases = --p.openCases;
        if (openCases == 0) _resume(p);
        emit Unfrozen(role, operator, openCases);
    }

    /// @inheritdoc ISlashable
    function slash(Role role, address operator, uint256 bps)
        external
        onlyCourt
        returns (uint256 ownCut, uint256 delegatedCut)
    {
        (ownCut, delegatedCut) = _slash(role, operator, bps);
        emit Slashed(role, operator, bps, ownCut, delegatedCut);
        if (ownCut + delegatedCut != 0) token.safeTransfer(court, ownCut + delegatedCut);
    }

    // ---- views ----

    /// @inheritdoc IBondingManager
    function pool(Role role, address operator) external view returns (PoolState memory state) {
        Pool storage p = _pools[role][operator];
        SharePool memory bonded = _present(p);
        SharePool memory unbonding = p.unbonding;
        state.ownStake = bonded.toTokens(p.ownShares);
        state.delegatedStake = bonded.tokens - state.ownStake;
        state.ownUnbonding = unbonding.toTokens(p.ownUnbondingShares);
        state.delegatedUnbonding = unbonding.tokens - state.ownUnbonding;
        state.pendingRewards = p.pending - (bonded.tokens - p.bonded.tokens);
        state.pendingUntil = p.pendingUntil;
        state.weight = _weight(bonded, p.ownShares);
        (state.openCases, state.generation) = (p.openCases, p.generation);
    }

    /// @inheritdoc IBondingManager
    function stakeOf(Role role, address operator, address holder) external view returns (uint256) {
        Pool storage p = _pools[role][operator];
        uint256 shares = holder == operator ? p.ownShares : _liveShares(p, _holdings[role][operator][holder]);
        return _present(p).toTokens(shares);
    }

    /// @inheritdoc IBondingManager
    function ownStakeOf(Role role, address operator) public view returns (uint256) {
        Pool storage p = _pools[role][operator];
        return _present(p).toTokens(p.ownShares);
    }

    /// @inheritdoc IBondingManager
    function weightOf(Role role, address operator) external view returns (uint96) {
        Pool storage p = _pools[role][operator];
        return _weight(_present(p), p.ownShares);
    }

    /// @inheritdoc IBondingManager
    function sharesOf(Role role, address operator) external view returns (uint256, uint256, uint32) {
        Pool storage p = _pools[role][operator];
        return (p.ownShares, p.bonded.shares, p.generation);
    }

    /// @inheritdoc IBondingManager
    function holdingOf(Role role, address operator, address holder) external view returns (uint256, uint32) {
        Pool storage p = _pools[role][operator];
        if (holder == operator) return (p.ownShares, p.generation);
        Holding storage holding = _holdings[role][operator][holder];
        return (holding.shares, holding.generation);
    }

    /// @inheritdoc IBondingManager
    function lockOf(uint256 lockId) external view returns (LockState memory state) {
        Lock memory lock = _known(lockId);
        Pool storage p = _pools[lock.role][lock.operator];
        (state.holder, state.role, state.operator) = (lock.holder, lock.role, lock.operator);
        (state.destination, state.round) = (lock.destination, lock.round);
        SharePool memory unbonding = p.unbonding;
        if (lock.generation == p.unbondingGeneration) state.amount = unbonding.toTokens(lock.shares);
        (state.withdrawableRound, state.withdrawableBlock) = _ripeness(lock.round);
    }

    /// @inheritdoc IBondingManager
    function lockCount() external view returns (uint256) {
        return _nextLock - 1;
    }

    /// @inheritdoc IBondingManager
    function totalBonded() external view returns (uint256) {
        return _bonded;
    }

    /// @inheritdoc ISlashable
    function slashable(Role role, address operator) external view returns (uint256) {
        Pool storage p = _pools[role][operator];
        return uint256(p.bonded.tokens) + p.unbonding.tokens + p.pending;
    }

    /// @inheritdoc ISlashable
    function isFrozen(Role role, address operator) external view returns (bool) {
        return _pools[role][operator].openCases != 0;
    }

    // ---- locks ----

    function _lock(Role role, address operator, address destination, uint256 amount)
        private
        returns (uint256 lockId)
    {
        (uint160 shares, uint32 generation) = _unbond(role, operator, msg.sender, amount);
        lockId = _nextLock++;
        _locks[lockId] =
            Lock(shares, generation, rounds.currentRound(), msg.sender, role, operator, destination);
    }

    /// @dev Deletes the lock and takes its worth out of the pool it left; reverts while that pool is frozen.
    function _end(uint256 lockId, Lock memory lock) private returns (uint256) {
        delete _locks[lockId];
        return _redeem(lock.role, lock.operator, lock.holder, lock.shares, lock.generation);
    }

    function _known(uint256 lockId) private view returns (Lock memory lock) {
        lock = _locks[lockId];
        if (lock.holder == address(0)) revert UnknownLock(lockId);
    }

    function _held(uint256 lockId) private view returns (Lock memory lock) {
        lock = _known(lockId);
        if (lock.holder != msg.sender) revert NotTheHolder(msg.sender, lock.holder);
    }

    function _requireRipe(uint256 lockId, Lock memory lock) private view {
        _unfrozen(lock.role, lock.operator);
        (uint64 fromRound, uint64 fromBlock) = _ripeness(lock.round);
        if (fromBlock == 0 || block.number < fromBlock || rounds.currentRound() < fromRound) {
            revert TooEarly(lockId, fromRound, fromBlock);
        }
        if (lock.role == Role.Verifier && ICourt(court).holds(lock.role, lock.operator, lock.round)) {
            revert HeldByCourt(lockId, lock.operator);
        }
    }

    /// @dev A lock made in round r can be withdrawn once r is over for D + evidence + case window blocks, so
    ///      that every assignment r could give has been judged, and `unbondingRounds` rounds later.
    function _ripeness(uint64 round) private view returns (uint64 fromRound, uint64 fromBlock) {
        fromRound = round + unbondingRounds;
        if (rounds.currentRound() > round) fromBlock = rounds.openedAt(round + 1) + unbondingBlocks;
    }

    /// @dev Whoever signs for another is no operator: the first own bond makes one.
    function _requireNoSigner(Role role, address account) private view {
        if (_pools[role][account].ownShares != 0) return;
        address served = operators.claimedBy(account);
        if (served != address(0)) revert SignerCannotBond(account, served);
    }

    /// @dev A permit that somebody else has used already leaves its allowance; whether it is enough the transfer says.
    function _permit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {}
            catch {}
    }
}
