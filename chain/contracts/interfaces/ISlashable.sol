// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";

/// @title Stake that the fraud court can reach
/// @notice All the court needs of whoever holds the stake, so that another staking contract can stand behind
///         it. Every function that changes state is the court's alone.
interface ISlashable {
    /// Only the fraud court may do this.
    error NotTheCourt(address caller);

    /// A case against the pool has ended; while `openCases` is not 0 its stake can neither leave nor grow. Of each case that
    /// begins the court says `CaseOpened`.
    event Unfrozen(Role indexed role, address indexed operator, uint256 openCases);
    /// `bps` of the pool, bonded and unbonding, were cut; amounts in base units.
    event Slashed(
        Role indexed role, address indexed operator, uint256 bps, uint256 ownCut, uint256 delegatedCut
    );

    /// @notice The only account that may freeze and slash.
    function court() external view returns (address);

    /// @notice Whether a case is open against the pool.
    function isFrozen(Role role, address operator) external view returns (bool);

    /// @notice All that a slash could reach now: `slash` cuts `bps` of it, give or take its rounding. Base units.
    function slashable(Role role, address operator) external view returns (uint256);

    /// @notice Counts one more open case against the pool.
    function freeze(Role role, address operator) external;

    /// @notice Counts one open case less.
    function unfreeze(Role role, address operator) external;

    /// @notice Cuts `bps` of 10,000 of the operator's bond, the delegations to it and what is unbonding from
    ///         either, and hands the tokens to the court.
    /// @return ownCut the part that was the operator's own
    /// @return delegatedCut the part that was its delegators'
    function slash(Role role, address operator, uint256 bps)
        external
        returns (uint256 ownCut, uint256 delegatedCut);
}
