// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";

/// @title Where rewards come from: a budget for each round, fixed when it opens
interface IMinter {
    /// Only the rounds manager may do this.
    error NotTheRoundsManager(address caller);
    /// Only the work ledger may do this.
    error NotTheWorkLedger(address caller);
    /// The round has its budget and it never changes.
    error BudgetFixed(uint64 round);
    /// The round's budget does not hold this amount any more.
    error BudgetExceeded(uint64 round, uint256 requested, uint256 left);

    /// A round opened: `mintable` is all that can be paid for its work, in base units; `inflationPpb` the part of
    /// the supply that the rule gives it, in 1/10^9.
    event BudgetOpened(uint64 indexed round, uint256 mintable, uint256 inflationPpb, uint256 bondedBps);
    /// A pool was paid for its work in a round.
    event Paid(uint64 indexed round, Role indexed role, address indexed operator, uint256 amount);

    /// @notice Moves the inflation by one step toward the target and fixes the round's budget. The rounds
    ///         manager's alone, once a round.
    function onRound(uint64 round) external;

    /// @notice Pays `amount` of the round's budget to an operator's pool. The work ledger's alone.
    function pay(uint64 round, Role role, address operator, uint256 amount) external;

    /// @notice What can be paid at most for the round's work and what has been, in base units.
    function budgetOf(uint64 round) external view returns (uint256 mintable, uint256 minted);

    /// @notice Part of the supply that a round's budget is, in 1/10^9: at first, and now.
    function inflationPpb() external view returns (uint256);
    function currentInflationPpb() external view returns (uint256);

    /// @notice Part of the supply whose bonding the inflation works toward, in 1/10,000.
    function targetBondingBps() external view returns (uint256);
}
