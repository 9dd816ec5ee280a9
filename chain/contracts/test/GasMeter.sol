// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TestBase} from "./TestBase.sol";

/// @title Holds the gas of the last transaction against a limit, and writes it down
/// @notice `chain/snapshots/gas.json` is what the tests measured last; commit it with what changed it.
abstract contract GasMeter is TestBase {
    /// Gas of a whole transaction: base cost, calldata and cold storage included, refunds deducted.
    event Measured(string what, uint256 gas);

    function atMost(string memory what, uint256 limit) internal {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit Measured(what, used);
        vm.snapshotValue("gas", what, used);
        vm.assertLe(used, limit, what);
    }
}
