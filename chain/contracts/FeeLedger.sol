// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {FeePool, IFeeLedger} from "./interfaces/IFeeLedger.sol";
import {IOperators} from "./interfaces/IOperators.sol";
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

    /// @dev One slot, the only one that a payment touches. `shared` is what shares have not been given yet; of it
    ///      `rate` wei for each block until `endBlock` are pending, the rest is released and waits for the next
    ///      settlement, until which shares do not change. `commission` is the operator's alone.
    struct Pool {
        uint80 shared;
        uint80 commission;
        uint64 rate;
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
        broker = addresses.broker;
        releaseBlocks = parameters.roundLength;
    }

    /// @inheritdoc IFeeLedger
    function credit(address operator, uint64 round) external payable {
        if (msg.sender != broker) revert NotTheBroker(msg.sender);
        // The cuts of the work's round: who has worked does not raise its own before it is paid.
        (, uint16 feeShareBps) = operators.cutsAt(Role.Transcoder, operator, round);
        uint256 shared = msg.value * feeShareBps / BPS;
        emit FeesCredited(operator, msg.value, shared);
        Pool memory pool = _pools[operator];
        pool.commission = (pool.commission + msg.value - shared).toUint80();
        if (shared != 0) _extend(pool, shared);
        _pools[operator] = pool;
    }

    /// @inheritdoc IFeeLedger
    function prepare(address operator) external {
        Pool storage pool = _pools[operator];
        if (pool.endBlock == 0) pool.endBlock = 1;
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
        amount = account.owed;
        if (amount != 0) account.owed = 0;
        if (msg.sender == operator) amount += _takeCommission(operator, totalShares);
        if (amount == 0) revert NoFees(operator, msg.sender);
        emit FeesWithdrawn(operator, msg.sender, to, amount);
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert NotTaken(to, amount);
    }

    /// @inheritdoc IFeeLedger
    function feesOf(address operator, address holder) external view returns (uint256 amount) {
        (uint256 shares, uint256 totalShares, uint32 generation) = _sharesOf(operator, holder);
        Account memory account = _accounts[operator][holder];
        Pool memory pool = _pools[operator];
        uint256 released = pool.shared - _pending(pool);
        (uint256 grown,) = _divided(released, totalShares);
        uint256 perShare = _perShare[operator][generation] + grown;
        amount = account.owed + _earned(operator, holder, account, shares, generation, perShare);
        if (holder == operator) amount += pool.commission + (totalShares == 0 ? released : 0);
    }

    /// @inheritdoc IFeeLedger
    function poolOf(address operator) external view returns (FeePool memory) {
        Pool memory pool = _pools[operator];
        uint256 pending = _pending(pool);
        return FeePool(pending, pool.shared - pending, pool.endBlock);
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
        // Shares of this generation have earned nothing yet, so the account's second slot is zero as it must be.
        if (perShare == 0 && account.generation == generation) return account;
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
        uint256 released = pool.shared - _pending(pool);
        if (totalShares == 0 || released == 0) return perShare;
        (uint256 grown, uint256 left) = _divided(released, totalShares);
        perShare += grown;
        _perShare[operator][generation] = perShare;
        _pools[operator].shared = uint80(pool.shared - (released - left));
    }

    /// @dev What is the operator's alone: with nobody to share with, also what is released, whose work it was.
    function _takeCommission(address operator, uint256 totalShares) private returns (uint256 amount) {
        Pool memory pool = _pools[operator];
        amount = pool.commission;
        pool.commission = 0;
        if (totalShares == 0) {
            uint256 pending = _pending(pool);
            amount += pool.shared - pending;
            pool.shared = uint80(pending);
        }
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

    function _pending(Pool memory pool) private view returns (uint256) {
        return block.number < pool.endBlock ? uint256(pool.rate) * (pool.endBlock - block.number) : 0;
    }

    /// @dev Adds to what is pending. The end is the mean of the old and the new part's by amount, rounded down
    ///      and never before the old one: dust neither puts off what others wait for nor hastens it. The rate is
    ///      rounded down, or cut to what it can hold (18 ETH a block); what that leaves over is released at once.
    function _extend(Pool memory pool, uint256 amount) private view {
        uint256 left = block.number < pool.endBlock ? pool.endBlock - block.number : 0;
        uint256 pending = pool.rate * left + amount;
        left = (pool.rate * left * left + amount * releaseBlocks) / pending;
        pool.shared = (pool.shared + amount).toUint80();
        pool.rate = uint64(Math.min(pending / left, type(uint64).max));
        pool.endBlock = (block.number + left).toUint32();
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
