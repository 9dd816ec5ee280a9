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
    /// Of the delegations, what is unbonding and still slashable.
    uint256 delegatedUnbonding;
    /// Own stake plus delegations up to the delegation factor.
    uint256 weight;
    /// Part of rewards that the operator keeps before sharing, in 1/10,000.
    uint16 rewardCutBps;
    /// Part of fees that delegators share, in 1/10,000.
    uint16 feeShareBps;
    /// Price in wei; the next snapshot takes it.
    uint64 pricePerPixel;
    /// Open cases against it; while not 0 the pool is frozen.
    uint16 openCases;
    /// Whether the next snapshot takes it.
    bool active;
}

/// @notice Stake on its way out.
struct LockState {
    address holder;
    Role role;
    address operator;
    /// What it is worth now; slashes reach it.
    uint256 amount;
    /// First round in which it may be withdrawn.
    uint64 withdrawableRound;
    /// First block in which it may be withdrawn; 0 while the round it was locked in is not over.
    uint64 withdrawableBlock;
}

/// @title Pools of staked tokens, one for each role and operator
interface IStakesBefore is ISlashable {
    /// Only the rounds manager may do this.
    error NotTheRoundsManager(address caller);
    /// The pool has open cases.
    error PoolFrozen(Role role, address operator, uint256 openCases);
    /// The operator's own bond would be less than the minimum.
    error BondTooSmall(uint256 found, uint256 minimum);
    /// Operators bond; they do not delegate to themselves.
    error SelfDelegation(address operator);
    /// Delegations need an operator with at least the minimum bond.
    error OperatorNotBonded(Role role, address operator, uint256 ownStake, uint256 minimum);
    /// The share is more than the whole.
    error ShareTooLarge(uint256 found, uint256 maximum);
    /// No such lock, or it was withdrawn.
    error UnknownLock(uint256 lockId);
    /// The lock belongs to somebody else.
    error NotTheHolder(address caller, address holder);
    /// The lock is not ripe.
    error TooEarly(uint256 lockId, uint64 withdrawableRound, uint64 withdrawableBlock);
    /// No snapshot was taken for this round.
    error NoSnapshot(Role role, uint64 round);
    /// The round's snapshot exists and never changes.
    error SnapshotTaken(uint64 round);

    /// The operator added to its own bond.
    event Bonded(Role indexed role, address indexed operator, uint256 amount, uint256 ownStake);
    /// A delegator added to the pool.
    event Delegated(Role indexed role, address indexed operator, address indexed delegator, uint256 amount);
    /// Stake of the pool began to unbond.
    event Unbonded(
        Role indexed role, address indexed operator, address indexed holder, uint256 lockId, uint256 amount
    );
    /// A lock was paid out; less than what was locked if a slash reached it.
    event Withdrawn(uint256 indexed lockId, address indexed holder, uint256 amount);
    /// The operator set its terms.
    event TermsSet(
        Role indexed role,
        address indexed operator,
        uint16 rewardCutBps,
        uint16 feeShareBps,
        uint64 pricePerPixel
    );
    /// The operator entered the active set.
    event Activated(Role indexed role, address indexed operator, uint256 weight);
    /// The operator left the active set.
    event Deactivated(Role indexed role, address indexed operator);
    /// The round's snapshot of the role was stored as the code of `blob`.
    event SnapshotStored(Role indexed role, uint64 indexed round, uint256 operators, address blob);

    /// @notice Adds to the caller's own bond as an operator; needs an allowance.
    function bond(Role role, uint256 amount) external;

    /// @notice Delegates to an operator; needs an allowance.
    function delegate(Role role, address operator, uint256 amount) external;

    /// @notice Starts to take the caller's stake out of a pool. It stays slashable until withdrawn.
    function unbond(Role role, address operator, uint256 amount) external returns (uint256 lockId);

    /// @notice Pays out a ripe lock to its holder.
    function withdraw(uint256 lockId) external returns (uint256 amount);

    /// @notice Sets the caller's terms; the price counts from the next snapshot on.
    function setTerms(Role role, uint16 rewardCutBps, uint16 feeShareBps, uint64 pricePerPixel) external;

    /// @notice Brings the operator's place in the active set up to date, for instance after a place became
    ///         free. Anyone may call it; every change of stake does it by itself.
    function enlist(Role role, address operator) external;

    /// @notice Stores the snapshots of a round; the rounds manager's alone, once a round.
    function takeSnapshot(uint64 round) external;

    /// @notice The round's operators in ascending order of address, with weights and prices in wei.
    function snapshot(Role role, uint64 round)
        external
        view
        returns (address[] memory operators, uint256[] memory weights, uint256[] memory prices);

    /// @notice The operators that the next snapshot takes, in no order, with their weights.
    function activeSet(Role role) external view returns (address[] memory operators, uint256[] memory weights);

    /// @notice Full state of a pool; zeros if there is none.
    function pool(Role role, address operator) external view returns (PoolState memory);

    /// @notice What a holder's stake in a pool is worth, without what is unbonding; base units.
    function stakeOf(Role role, address operator, address holder) external view returns (uint256);

    /// @notice State of a lock.
    function lockOf(uint256 lockId) external view returns (LockState memory);

    /// @notice Smallest own bond of an active operator, in base units.
    function minimumOwnBond() external view returns (uint256);
}
