// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";

/// @title Who is active, and the snapshot of each round
/// @notice Two bounded sets in which weight decides who stays. A round's snapshot never changes.
interface IRoster {
    /// Only the bonding manager may do this.
    error NotTheBondingManager(address caller);
    /// Only the rounds manager may do this.
    error NotTheRoundsManager(address caller);
    /// Only the work ledger may do this.
    error NotTheWorkLedger(address caller);
    /// Neither the operator nor its signer.
    error NotTheOperator(address caller, address operator);
    /// The operator is not jailed.
    error NotJailed(Role role, address operator);
    /// No snapshot was taken for this round.
    error NoSnapshot(Role role, uint64 round);
    /// The round's snapshot exists and never changes.
    error SnapshotTaken(uint64 round);

    /// The operator entered the active set.
    event Activated(Role indexed role, address indexed operator, uint256 weight);
    /// The operator left the active set.
    event Deactivated(Role indexed role, address indexed operator);
    /// These verifiers of the round, by position, leave the next snapshot unless they return before.
    event AbsenceNoted(uint64 indexed round, uint64 positions);
    /// The operator is in this snapshot no more, and in no other one until it returns.
    event Jailed(Role indexed role, address indexed operator);
    /// The operator may be in the next snapshot again.
    event Released(Role indexed role, address indexed operator);
    /// The round's snapshot of the role was stored as the code of `blob`.
    event SnapshotStored(Role indexed role, uint64 indexed round, uint256 operators, address blob);

    /// @notice Records the weight of an operator in the set; 0 takes it out. Of who is outside it records nothing. The
    ///         bonding manager's alone.
    function update(Role role, address operator, uint96 weight) external;

    /// @notice As `update`, and takes in who is outside and was not jailed with the last snapshot: to a free place, or to that of
    ///         the smallest member if that is smaller. Absences noted since are not asked about. The bonding manager's alone.
    function enter(Role role, address operator, uint96 weight) external;

    /// @notice Stores the snapshots of a round; the rounds manager's alone, once a round.
    function takeSnapshot(uint64 round) external;

    /// @notice Keeps verifiers out of the next snapshots until they return; nothing of who is kept out already. The work
    ///         ledger's alone.
    /// @param positions among the verifiers of `round`, as bits
    function jail(uint64 round, uint64 positions) external;

    /// @notice Ends a jailing: by the operator or its signer. Counts from the next snapshot on.
    function release(Role role, address operator) external;

    /// @notice The round's operators in ascending order of address, with weights and prices in wei.
    function snapshot(Role role, uint64 round)
        external
        view
        returns (address[] memory operators, uint256[] memory weights, uint256[] memory prices);

    /// @notice An operator's weight in a round; 0 if it is not in the snapshot.
    function weightAt(Role role, uint64 round, address operator) external view returns (uint256);

    /// @notice Sum of all weights of a round.
    function totalAt(Role role, uint64 round) external view returns (uint256);

    /// @notice The operators that have a place, in no order, with their weights. The next snapshot takes them, but for those
    ///         who are jailed by then and lose it.
    function activeSet(Role role) external view returns (address[] memory operators, uint256[] memory weights);

    /// @notice Whether the next snapshot takes the operator.
    function isActive(Role role, address operator) external view returns (bool);

    /// @notice Whether the operator is kept out until it returns.
    function isJailed(Role role, address operator) external view returns (bool);
}
