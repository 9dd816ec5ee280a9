// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IFeeLedger} from "./interfaces/IFeeLedger.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {SharePool, SharePools} from "./libraries/SharePools.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title What happens inside a pool: deposits, withdrawals, rewards over time, slashes
/// @notice Each pool has two share pools, bonded and unbonding, and rewards that are pending. A slash cuts all
///         three, so it reaches the operator, its delegators and everybody on the way out at once and at
///         constant cost. A pool that loses everything starts a new generation: old shares count nothing, new
///         ones are clean.
/// @dev The fee ledger hears of every change of bonded shares of transcoders before it happens, the roster of every
///      weight after it.
abstract contract StakePools is IBondingManager {
    using SafeCast for uint256;
    using SharePools for SharePool;

    /// @dev `ownShares` belong to `bonded`'s present generation, `ownUnbondingShares` to `unbonding`'s. `pending`
    ///      rewards are released from `pendingFrom` to `pendingUntil` (blocks), except while cases are open.
    struct Pool {
        SharePool bonded;
        SharePool unbonding;
        uint160 ownShares;
        uint16 openCases;
        uint32 generation;
        uint32 unbondingGeneration;
        uint160 ownUnbondingShares;
        uint96 pending;
        uint64 pendingFrom;
        uint64 pendingUntil;
    }

    /// @dev A delegator's shares; void if the pool's generation is another.
    struct Holding {
        uint160 shares;
        uint32 generation;
    }

    uint256 internal constant BPS = 10_000;

    /// Keeps the active sets.
    IRoster public immutable roster;
    /// Shares fees among the bonded shares of transcoders' pools.
    IFeeLedger public immutable fees;
    /// @inheritdoc IBondingManager
    uint256 public immutable minimumOwnBond;
    /// Delegations count for weight up to this many times the own bond.
    uint256 public immutable delegationFactor;
    /// Blocks over which a reward is released.
    uint64 public immutable releaseBlocks;

    mapping(Role => mapping(address operator => Pool)) internal _pools;
    mapping(Role => mapping(address operator => mapping(address holder => Holding))) internal _holdings;
    /// @dev One slot, which is never zero: the first bond of all pays as little as every other.
    uint128 internal _bonded;
    uint128 internal _nextLock = 1;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.minimumOwnBond == 0) revert InvalidParameter("minimumOwnBond", 0, 1);
        roster = IRoster(addresses.roster);
        fees = IFeeLedger(addresses.fees);
        minimumOwnBond = parameters.minimumOwnBond;
        delegationFactor = parameters.delegationFactor;
        releaseBlocks = parameters.roundLength;
    }

    /// @dev Adds to the holder's stake: the operator's own bond if it is the holder, else a delegation. The tokens
    ///      are in the contract, or the caller fetches them.
    function _deposit(Role role, address operator, address holder, uint256 amount) internal {
        Pool storage p = _unfrozen(role, operator);
        _release(p);
        if (p.bonded.isWorn()) _renew(role, operator, p);
        bool isNew = p.bonded.shares == 0;
        if (holder == operator) {
            _tell(role, operator, holder, p.ownShares, p);
            p.ownShares += p.bonded.deposit(amount);
            uint256 own = _worth(p, p.ownShares);
            if (_isBelowMinimum(own)) revert BondTooSmall(own, minimumOwnBond);
            emit Bonded(role, operator, amount, own);
        } else {
            uint256 own = _worth(p, p.ownShares);
            if (_isBelowMinimum(own)) revert OperatorNotBonded(role, operator, own, minimumOwnBond);
            uint160 held = _settled(role, operator, holder, p);
            _holdings[role][operator][holder] = Holding(held + p.bonded.deposit(amount), p.generation);
            emit Delegated(role, operator, holder, amount);
        }
        // A pool holds less than 2^96.
        _bonded += uint128(amount);
        // A new operator pays for its place in the set. Later deposits, which settle rewards and fees of the pool, do not
        // look for one: that is `enlist`'s.
        if (isNew) roster.enter(role, operator, _weight(p.bonded, p.ownShares));
        else _refresh(role, operator, p);
    }

    /// @dev Takes from the holder's bonded stake and puts it into the unbonding pool; returns its shares there.
    function _unbond(Role role, address operator, address holder, uint256 amount)
        internal
        returns (uint160 shares, uint32 generation)
    {
        Pool storage p = _unfrozen(role, operator);
        _release(p);
        bool own = holder == operator;
        if (own) {
            _tell(role, operator, holder, p.ownShares, p);
            p.ownShares -= p.bonded.withdraw(p.ownShares, amount);
        } else {
            uint160 held = _settled(role, operator, holder, p);
            _holdings[role][operator][holder] = Holding(held - p.bonded.withdraw(held, amount), p.generation);
        }
        _bonded -= uint128(amount);
        // What slashes left of older locks, less than a millionth, must not expose this one to being wiped with it.
        if (p.unbonding.isWorn()) {
            _queue(p, p.unbonding.clear());
            (p.ownUnbondingShares, p.unbondingGeneration) = (0, p.unbondingGeneration + 1);
        }
        shares = p.unbonding.deposit(amount);
        generation = p.unbondingGeneration;
        if (own) p.ownUnbondingShares += shares;
        _refresh(role, operator, p);
    }

    /// @dev Takes a lock's shares out of the unbonding pool; returns their worth, 0 if the pool was wiped since.
    function _redeem(Role role, address operator, address holder, uint160 shares, uint32 generation)
        internal
        returns (uint256 amount)
    {
        Pool storage p = _unfrozen(role, operator);
        if (generation != p.unbondingGeneration) return 0;
        amount = p.unbonding.redeem(shares);
        if (holder == operator) p.ownUnbondingShares -= shares;
    }

    /// @dev The operator's part goes to its own bond at once, where it can be slashed and unbonds like any stake; the
    ///      rest is released over the next blocks, so that nobody hops from payout to payout. Nobody else to share
    ///      with: all is the operator's. Frozen pools take rewards and hold them.
    function _reward(Role role, address operator, uint256 amount, uint256 cutBps) internal {
        Pool storage p = _pools[role][operator];
        _release(p);
        uint256 own;
        if (p.bonded.shares == 0) own = amount;
        else if (!p.bonded.isWorn()) own = amount * cutBps / BPS;
        if (own != 0) {
            _tell(role, operator, operator, p.ownShares, p);
            p.ownShares += p.bonded.deposit(own);
            _bonded += uint128(own);
        }
        if (own != amount) _queue(p, amount - own);
        emit Rewarded(role, operator, own, amount - own, p.pendingUntil);
        _refresh(role, operator, p);
    }

    /// @dev Cuts bonded, unbonding and pending alike. What the operator's own shares bear of the cut is rounded
    ///      down: rewards for reporting come from it.
    function _slash(Role role, address operator, uint256 bps)
        internal
        returns (uint256 ownCut, uint256 delegatedCut)
    {
        Pool storage p = _pools[role][operator];
        (uint256 ownShares, uint256 allShares) = (p.ownShares, p.bonded.shares);
        (uint256 cut, bool wiped) = p.bonded.slash(bps);
        _bonded -= uint128(cut);
        if (wiped) {
            _tell(role, operator, operator, ownShares, allShares, p.generation);
            (p.ownShares, p.generation) = (0, p.generation + 1);
        }
        uint256 pending = p.pending;
        if (pending != 0) {
            uint256 pendingCut = Math.ceilDiv(pending * bps, BPS);
            p.pending = uint96(pending - pendingCut);
            cut += pendingCut;
        }
        if (allShares != 0) ownCut = Math.mulDiv(cut, ownShares, allShares);

        (ownShares, allShares) = (p.ownUnbondingShares, p.unbonding.shares);
        uint256 unbondingCut;
        (unbondingCut, wiped) = p.unbonding.slash(bps);
        if (wiped) (p.ownUnbondingShares, p.unbondingGeneration) = (0, p.unbondingGeneration + 1);
        if (allShares != 0) ownCut += Math.mulDiv(unbondingCut, ownShares, allShares);
        delegatedCut = cut + unbondingCut - ownCut;
        _refresh(role, operator, p);
    }

    /// @dev Releases what is due of the pending rewards to all shares.
    function _release(Pool storage p) internal {
        uint256 pending = p.pending;
        if (pending == 0 || p.openCases != 0) return;
        SharePool memory bonded = p.bonded;
        uint256 amount = bonded.releasable(_due(p, pending));
        // In its time: what cannot be released waits.
        p.pendingFrom = uint64(Math.min(block.number, p.pendingUntil));
        if (amount == 0) return;
        // `releasable` leaves the pool below 2^96.
        p.bonded.tokens = bonded.tokens + uint96(amount);
        p.pending = uint96(pending - amount);
        _bonded += uint128(amount);
    }

    /// @dev After the last open case: what is pending waits as long as it still had to when it was last released.
    function _resume(Pool storage p) internal {
        if (p.pending == 0) return;
        uint64 left = p.pendingUntil - p.pendingFrom;
        (p.pendingFrom, p.pendingUntil) = (uint64(block.number), uint64(block.number) + left);
    }

    /// @dev After every change of stake.
    function _refresh(Role role, address operator, Pool storage p) internal {
        roster.update(role, operator, _weight(p.bonded, p.ownShares));
    }

    function _unfrozen(Role role, address operator) internal view returns (Pool storage p) {
        p = _pools[role][operator];
        if (p.openCases != 0) revert PoolFrozen(role, operator, p.openCases);
    }

    /// @dev The bonded pool as it is with all that is due.
    function _present(Pool storage p) internal view returns (SharePool memory bonded) {
        bonded = p.bonded;
        uint256 pending = p.pending;
        if (pending == 0 || p.openCases != 0) return bonded;
        bonded.tokens += uint96(bonded.releasable(_due(p, pending)));
    }

    /// @dev 0 below the minimum bond: such an operator is not elected.
    function _weight(SharePool memory bonded, uint256 ownShares) internal view returns (uint96) {
        uint256 own = bonded.toTokens(ownShares);
        if (_isBelowMinimum(own)) return 0;
        // Pools hold less than 2^96, see SharePools.MAX_TOKENS.
        return uint96(own + Math.min(bonded.tokens - own, delegationFactor * own));
    }

    function _liveShares(Pool storage p, Holding storage holding) internal view returns (uint160) {
        return holding.generation == p.generation ? holding.shares : 0;
    }

    /// @dev Puts tokens behind what is pending, all released over the next `releaseBlocks`.
    function _queue(Pool storage p, uint256 amount) private {
        p.pending = (p.pending + amount).toUint96();
        (p.pendingFrom, p.pendingUntil) = (uint64(block.number), uint64(block.number) + releaseBlocks);
    }

    /// @dev Begins a worn pool anew. What slashes left of it, less than a millionth of what was there, becomes
    ///      pending rewards of whoever is in it from now on.
    function _renew(Role role, address operator, Pool storage p) private {
        _tell(role, operator, operator, p.ownShares, p);
        uint256 left = p.bonded.clear();
        _bonded -= uint128(left);
        if (left != 0) _queue(p, left);
        (p.ownShares, p.generation) = (0, p.generation + 1);
        emit PoolRenewed(role, operator, p.generation, left);
    }

    /// @dev A delegator's live shares, after the fee ledger has heard of them and of those that were wiped.
    function _settled(Role role, address operator, address holder, Pool storage p)
        private
        returns (uint160 held)
    {
        Holding storage holding = _holdings[role][operator][holder];
        held = holding.shares;
        if (holding.generation != p.generation) {
            if (held != 0) _tell(role, operator, holder, held, 0, holding.generation);
            held = 0;
        }
        _tell(role, operator, holder, held, p);
    }

    function _tell(Role role, address operator, address holder, uint256 shares, Pool storage p) private {
        _tell(role, operator, holder, shares, p.bonded.shares, p.generation);
    }

    function _tell(
        Role role,
        address operator,
        address holder,
        uint256 shares,
        uint256 allShares,
        uint32 generation
    ) private {
        if (role != Role.Transcoder) return;
        fees.settle(operator, holder, shares, allShares, generation);
    }

    function _worth(Pool storage p, uint256 shares) private view returns (uint256) {
        SharePool memory bonded = p.bonded;
        return bonded.toTokens(shares);
    }

    /// @dev What was deposited must meet the minimum; its worth may lie below that by the rounding of shares.
    function _isBelowMinimum(uint256 own) private view returns (bool) {
        return own + SharePools.ROUNDING < minimumOwnBond;
    }

    function _due(Pool storage p, uint256 pending) private view returns (uint256) {
        (uint256 from, uint256 until) = (p.pendingFrom, p.pendingUntil);
        if (block.number >= until) return pending;
        // Rounded down: the last block releases the rest.
        return pending * (block.number - from) / (until - from);
    }
}
