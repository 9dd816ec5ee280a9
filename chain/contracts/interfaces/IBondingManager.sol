// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ISlashable} from "./ISlashable.sol";
import {Role} from "../objects/Role.sol";

/// @notice State of one operator's pool; amounts in base units of the token.
struct PoolState {
    /// The operator's own bond.
    uint256 ownStake;
    /// What others delegate to it.
    uint256 delegatedStake;
    /// Of the operator's bond, what is unbonding and still slashable.
    uint256 ownUnbonding;
    /// Of the delegations, what is unbonding or moving and still slashable.
    uint256 delegatedUnbonding;
    /// Rewards that are not released yet, slashable like the rest.
    uint256 pendingRewards;
    /// Block in which the last of them is released, unless the pool is frozen before.
    uint64 pendingUntil;
    /// Own stake plus delegations up to the delegation factor; 0 below the minimum bond.
    uint256 weight;
    /// Open cases against it; while not 0 the pool is frozen.
    uint16 openCases;
    /// Counts how often the pool has lost everything: shares of earlier generations are void.
    uint32 generation;
}

/// @notice Stake on its way out, or to another pool.
struct LockState {
    address holder;
    Role role;
    /// The pool it left, whose slashes still reach it.
    address operator;
    /// The pool it moves to; zero if it leaves.
    address destination;
    /// What it is worth now.
    uint256 amount;
    /// Round in which it was locked.
    uint64 round;
    /// First round in which it may be withdrawn or arrive.
    uint64 withdrawableRound;
    /// First block in which it may; 0 while the round it was locked in is not over.
    uint64 withdrawableBlock;
}

/// @title Pools of staked tokens, one for each role and operator
/// @notice A holder's stake in a pool is a number of shares. Worth is rounded against the holder, by at most one
///         base unit for each change of a holding; whatever rounding takes stays in the pool.
interface IBondingManager is ISlashable {
    /// Only the minter may do this.
    error NotTheMinter(address caller);
    /// The pool has open cases.
    error PoolFrozen(Role role, address operator, uint256 openCases);
    /// The operator's own bond would be less than the minimum by more than the rounding of its worth.
    error BondTooSmall(uint256 found, uint256 minimum);
    /// Operators bond; they do not delegate to themselves.
    error SelfDelegation(address operator);
    /// Who signs for an operator is none itself.
    error SignerCannotBond(address signer, address operator);
    /// Delegations need an operator with at least the minimum bond.
    error OperatorNotBonded(Role role, address operator, uint256 ownStake, uint256 minimum);
    /// Stake moves to another pool.
    error SamePool(address operator);
    /// No such lock, or it is over.
    error UnknownLock(uint256 lockId);
    /// The lock belongs to somebody else.
    error NotTheHolder(address caller, address holder);
    /// The lock is not ripe.
    error TooEarly(uint256 lockId, uint64 withdrawableRound, uint64 withdrawableBlock);
    /// The lock does not move anywhere.
    error NotInTransit(uint256 lockId);
    /// The lock's pool lost everything since.
    error NothingLeft(uint256 lockId);
    /// A case is not final that this verifier signed.
    error HeldByCourt(uint256 lockId, address operator);

    /// The operator added to its own bond.
    event Bonded(Role indexed role, address indexed operator, uint256 amount, uint256 ownStake);
    /// A delegator added to the pool.
    event Delegated(Role indexed role, address indexed operator, address indexed delegator, uint256 amount);
    /// Stake of the pool began to unbond.
    event Unbonded(
        Role indexed role, address indexed operator, address indexed holder, uint256 lockId, uint256 amount
    );
    /// Stake left the pool `from` for the pool `to`; it counts in neither until it arrives.
    event MoveBegun(
        Role indexed role,
        address indexed from,
        address indexed holder,
        address to,
        uint256 lockId,
        uint256 amount
    );
    /// A lock went back into its pool; a `Bonded` or `Delegated` says how much.
    event Rebonded(uint256 indexed lockId, address indexed holder, uint256 amount);
    /// A lock reached the pool it moved to; a `Bonded` or `Delegated` says how much.
    event Arrived(uint256 indexed lockId, address indexed holder, uint256 amount);
    /// A lock was paid out; less than what was locked if a slash reached it.
    event Withdrawn(uint256 indexed lockId, address indexed holder, uint256 amount);
    /// The pool got a reward: `ownAmount` at once and for the operator alone, `sharedAmount` by the block
    /// `pendingUntil` and by shares.
    event Rewarded(
        Role indexed role,
        address indexed operator,
        uint256 ownAmount,
        uint256 sharedAmount,
        uint64 pendingUntil
    );
    /// What many slashes left of the pool's older shares became pending rewards, and a generation began.
    event PoolRenewed(Role indexed role, address indexed operator, uint32 generation, uint256 left);

    /// @notice Adds to the caller's own bond as an operator; needs an allowance. Where nobody has anything in the pool it
    ///         enters the active set if there is a place or a smaller member; otherwise who is outside needs `enlist`.
    function bond(Role role, uint256 amount) external;

    /// @notice As `bond`, with an ERC-2612 permit in place of the allowance.
    function bondWithPermit(Role role, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Delegates to an operator; needs an allowance.
    function delegate(Role role, address operator, uint256 amount) external;

    /// @notice As `delegate`, with an ERC-2612 permit in place of the allowance.
    function delegateWithPermit(
        Role role,
        address operator,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Starts to take the caller's stake out of a pool. It stays slashable until withdrawn.
    function unbond(Role role, address operator, uint256 amount) external returns (uint256 lockId);

    /// @notice Starts to move the caller's stake from one pool to another of the same role. Until it arrives it
    ///         can be slashed with the pool it left, and neither earns nor counts.
    function move(Role role, address from, address to, uint256 amount) external returns (uint256 lockId);

    /// @notice Puts a lock of the caller's back into the pool it left, ripe or not.
    function rebond(uint256 lockId) external returns (uint256 amount);

    /// @notice Puts a ripe moving lock into the pool it moves to. Anyone may call it.
    function arrive(uint256 lockId) external returns (uint256 amount);

    /// @notice Pays out a ripe lock to its holder, also one that moves.
    function withdraw(uint256 lockId) external returns (uint256 amount);

    /// @notice Adds a reward for a round, whose tokens were sent before, to a pool: the operator's reward cut of that
    ///         round to its own bond, the rest over the next `roundLength` blocks to all by shares. The minter's alone.
    function reward(uint64 round, Role role, address operator, uint256 amount) external;

    /// @notice Releases what rewards are due, brings the operator's weight in the roster up to date, which every change of
    ///         stake does by itself, and brings the operator into the active set if it is outside and there is a place or
    ///         a smaller member. Anyone may call it.
    function enlist(Role role, address operator) external;

    /// @notice Full state of a pool; zeros if there is none.
    function pool(Role role, address operator) external view returns (PoolState memory);

    /// @notice What a holder's stake in a pool is worth, without what is unbonding; base units.
    function stakeOf(Role role, address operator, address holder) external view returns (uint256);

    /// @notice The operator's own bond, without what is unbonding; base units.
    function ownStakeOf(Role role, address operator) external view returns (uint256);

    /// @notice The operator's weight for the next snapshot.
    function weightOf(Role role, address operator) external view returns (uint96);

    /// @notice Shares of the pool's present generation: the operator's own, and all.
    function sharesOf(Role role, address operator)
        external
        view
        returns (uint256 ownShares, uint256 totalShares, uint32 generation);

    /// @notice A holder's shares and the generation they belong to, which may be a past one.
    function holdingOf(Role role, address operator, address holder)
        external
        view
        returns (uint256 shares, uint32 generation);

    /// @notice State of a lock.
    function lockOf(uint256 lockId) external view returns (LockState memory);

    /// @notice Number of locks ever made; the last lock's id.
    function lockCount() external view returns (uint256);

    /// @notice All that is bonded in all pools, without what is unbonding or pending; base units.
    function totalBonded() external view returns (uint256);

    /// @notice Smallest own bond of an active operator, in base units.
    function minimumOwnBond() external view returns (uint256);
}
