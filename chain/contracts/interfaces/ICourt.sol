// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CaseStatus} from "../objects/Fault.sol";
import {Role} from "../objects/Role.sol";

/// @title What the other contracts ask the court
interface ICourt {
    /// @notice Whether a case is not final whose signers include this verifier, in `round` or an earlier one: what
    ///         began to unbond in `round` stays until then.
    function holds(Role role, address operator, uint64 round) external view returns (bool);

    /// @notice A case because of which nobody pays for an assignment: open, contested, or proven. Status None if
    ///         there is none.
    function caseAbout(bytes32 assignmentHash) external view returns (bytes32 caseId, CaseStatus status);
}
