// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";

/// @title Where rewards come from
interface IMinter {
    /// @notice Fixes the round's budget; the rounds manager's alone, when it opens the round.
    function onRound(uint64 round) external;

    /// @notice Pays a reward into an operator's pool; the work ledger's alone.
    function pay(Role role, address operator, uint256 amount) external;
}
