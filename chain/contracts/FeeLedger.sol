// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {FeePool, IFeeLedger} from "./interfaces/IFeeLedger.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {Role} from "./objects/Role.sol";
import {Parameters} from "./Parameters.sol";

/// @title ETH fees of transcoders and their delegators, at constant cost
/// @notice Holds all fees until they are withdrawn. For each pool and generation it keeps the fees that one
///         share has earned since the first; a holder's part is its shares times what that has grown since it
///         was last settled.
/// @dev Everything is rounded down in favour of the ledger, and what a division leaves over stays to be divided
///      again: the sum of all claims never exceeds the balance.
contract FeeLedger is IFeeLedger {
    using SafeCast for uint256;

    /// @dev One slot: a payment touches it and the operator's account, and asks for no shares. `pending` is
    ///      released evenly from `lastBlock` to `endBlock`; `undivided` is released and waits for the next
    ///      settlement, until which shares do not change.
    struct Pool {
        uint96 pending;
        uint96 undivided;
        uint32 lastBlock;
        uint32 endBlock;
    }

    /// @dev `perShare` is the pool's value for `generation` when the account was last settled.
    struct Account {
        uint96 owed;
        uint32 generation;
        uint256 perShare;
    }

    /// Scale of fees per share. Shares have up to 160 bits after many slashes; with 128 fractional bits a wei is
    /// still divided among 2^32 of the smallest fraction that a pool divides by, and what is left over stays.
    uint256 private constant SCALE = 1 << 128;
    uint256 private constant BPS = 10_000;

    /// Says who holds how many shares.
    IBondingManager public immutable bonding;
    /// Says what part is shared.
    IOperators public immutable operators;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// Who pays fees in.
    address public immutable broker;
    /// Blocks over which the shared part of a payment is released.
    uint256 public immutable releaseBlocks;

    mapping(address operator => Pool) private _pools;
    mapping(address operator => mapping(uint32 generation => uint256)) private _perShare;
    mapping(address operator => mapping(address holder => Account)) private _accounts;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        bonding = IBondingManager(addresses.bonding);
        operators = IOperators(addresses.operators);
        rounds = IRoundsManager(addresses.rounds);
        broker = addresses.broker;
        releaseBlocks = parameters.roundLength;
    }

    /// @inheritdoc IFeeLedger
    function credit(address operator) external payable {
        if (msg.sender != broker) revert NotTheBroker(msg.sender);
        // The cuts in force since the round's opening: nobody raises its own just before a payment.
        (, uint16 feeShareBps) = operators.cutsAt(Role.Transcoder, operator, rounds.currentRound());
        uint256 shared = msg.value * feeShareBps / BPS;
        emit FeesCredited(operator, msg.value, shared);
        if (shared != msg.value) _accounts[operator][operator].owed += (msg.value - shared).toUint96();
        if (shared != 0) _pools[operator] = _extend(_released(_pools[operator]), shared);
    }

    /// @inheritdoc IFeeLedger
    function settle(
        address operator,
        address holder,
        uint256 holderShares,
        uint256 totalShares,
        uint32 generation
    ) external {
        if (msg.sender != address(bonding)) revert NotTheBondingManager(msg.sender);
        _settle(operator, holder, holderShares, totalShares, generation);
    }

    /// @inheritdoc IFeeLedger
    function withdrawFees(address operator, address payable to) external returns (uint256 amount) {
        if (msg.sender == operator && bonding.isFrozen(Role.Transcoder, operator)) {
            revert OperatorFrozen(operator);
        }
        (uint256 shares, uint256 totalShares, uint32 generation) = _sharesOf(operator, msg.sender);
        Account storage account = _settle(operator, msg.sender, shares, totalShares, generation);
        if (msg.sender == operator && totalShares == 0) account.owed += _unshared(operator);
        amount = account.owed;
        if (amount == 0) revert NoFees(operator, msg.sender);
        account.owed = 0;
        emit FeesWithdrawn(operator, msg.sender, to, amount);
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert NotTaken(to, amount);
    }

    /// @inheritdoc IFeeLedger
    function feesOf(address operator, address holder) external view returns (uint256 amount) {
        (uint256 shares, uint256 totalShares, uint32 generation) = _sharesOf(operator, holder);
        Account memory account = _accounts[operator][holder];
        Pool memory pool = _released(_pools[operator]);
        (uint256 grown,) = _divided(pool.undivided, totalShares);
        uint256 perShare = _perShare[operator][generation] + grown;
        amount = account.owed + _earned(operator, holder, account, shares, generation, perShare);
        if (totalShares == 0 && holder == operator) amount += pool.undivided;
    }

    /// @inheritdoc IFeeLedger
    function poolOf(address operator) external view returns (FeePool memory) {
        Pool memory pool = _released(_pools[operator]);
        return FeePool(pool.pending, pool.undivided, pool.endBlock);
    }

    function _settle(
        address operator,
        address holder,
        uint256 holderShares,
        uint256 totalShares,
        uint32 generation
    ) private returns (Account storage account) {
        uint256 perShare = _divide(operator, totalShares, generation);
        account = _accounts[operator][holder];
        uint256 earned = _earned(operator, holder, account, holderShares, generation, perShare);
        account.owed += earned.toUint96();
        (account.generation, account.perShare) = (generation, perShare);
    }

    /// @dev Releases what is due and divides it by the shares, if there are any: those of a generation that has
    ///      ended have earned what they have. Returns what a share of the generation has earned.
    function _divide(address operator, uint256 totalShares, uint32 generation)
        private
        returns (uint256 perShare)
    {
        perShare = _perShare[operator][generation];
        Pool memory pool = _pools[operator];
        if (totalShares == 0 || (pool.pending == 0 && pool.undivided == 0)) return perShare;
        pool = _released(pool);
        (uint256 grown, uint256 left) = _divided(pool.undivided, totalShares);
        perShare += grown;
        pool.undivided = uint96(left);
        (_perShare[operator][generation], _pools[operator]) = (perShare, pool);
    }

    /// @dev With nobody to share with, what is released is the operator's, whose work it was.
    function _unshared(address operator) private returns (uint96 amount) {
        Pool memory pool = _released(_pools[operator]);
        amount = pool.undivided;
        pool.undivided = 0;
        _pools[operator] = pool;
    }

    /// @dev What a holder has earned since it was settled. If the pool has lost all its shares since, those it
    ///      held then have earned until that happened.
    function _earned(
        address operator,
        address holder,
        Account memory account,
        uint256 shares,
        uint32 generation,
        uint256 perShare
    ) private view returns (uint256) {
        if (account.generation == generation) {
            return Math.mulDiv(shares, perShare - account.perShare, SCALE);
        }
        (uint256 held, uint32 heldIn) = bonding.holdingOf(Role.Transcoder, operator, holder);
        if (heldIn != account.generation) return 0;
        return Math.mulDiv(held, _perShare[operator][heldIn] - account.perShare, SCALE);
    }

    function _sharesOf(address operator, address holder)
        private
        view
        returns (uint256 shares, uint256 totalShares, uint32 generation)
    {
        uint256 ownShares;
        (ownShares, totalShares, generation) = bonding.sharesOf(Role.Transcoder, operator);
        if (holder == operator) return (ownShares, totalShares, generation);
        uint32 heldIn;
        (shares, heldIn) = bonding.holdingOf(Role.Transcoder, operator, holder);
        if (heldIn != generation) shares = 0;
    }

    /// @dev Moves what is due in this block from `pending` to `undivided`.
    function _released(Pool memory pool) private view returns (Pool memory) {
        uint256 due = pool.pending;
        if (block.number < pool.endBlock) {
            due = due * (block.number - pool.lastBlock) / (pool.endBlock - pool.lastBlock);
        }
        pool.pending -= uint96(due);
        pool.undivided = (uint256(pool.undivided) + due).toUint96();
        pool.lastBlock = block.number.toUint32();
        return pool;
    }

    /// @dev Adds to what is pending. The end is the mean of the old and the new part's by amount, rounded down
    ///      and never before the old one: dust neither puts off what others wait for nor hastens it.
    function _extend(Pool memory pool, uint256 amount) private view returns (Pool memory) {
        uint256 left = pool.endBlock > block.number ? pool.endBlock - block.number : 0;
        uint256 total = pool.pending + amount;
        left = (pool.pending * left + amount * releaseBlocks) / total;
        pool.pending = total.toUint96();
        pool.endBlock = (block.number + left).toUint32();
        return pool;
    }

    /// @dev What a share earns, rounded down, and what then remains, so that nothing is lost.
    function _divided(uint256 amount, uint256 totalShares)
        private
        pure
        returns (uint256 perShare, uint256 left)
    {
        if (totalShares == 0) return (0, amount);
        perShare = Math.mulDiv(amount, SCALE, totalShares);
        left = amount - Math.mulDiv(perShare, totalShares, SCALE, Math.Rounding.Ceil);
    }
}
