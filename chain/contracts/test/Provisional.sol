// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BondingManager} from "../BondingManager.sol";
import {Role} from "../objects/Role.sol";

/// @title Operators that all sign for themselves
contract SelfSigners {
    function signerAt(address operator, uint64) external pure returns (address) {
        return operator;
    }

    function operatorOf(address signer) external pure returns (address) {
        return signer;
    }

    function mayAct(address caller, address operator) external pure returns (bool) {
        return caller == operator;
    }
}

/// @title A roster that reads the bonding manager's snapshots
contract BondingRoster {
    BondingManager private immutable bonding;

    constructor(address bonding_) {
        bonding = BondingManager(bonding_);
    }

    function weightAt(Role role, uint64 round, address operator) external view returns (uint256) {
        (address[] memory operators, uint256[] memory weights,) = bonding.snapshot(role, round);
        for (uint256 i = 0; i < operators.length; ++i) {
            if (operators[i] == operator) return weights[i];
        }
        return 0;
    }

    function totalAt(Role role, uint64 round) external view returns (uint256 total) {
        (, uint256[] memory weights,) = bonding.snapshot(role, round);
        for (uint256 i = 0; i < weights.length; ++i) {
            total += weights[i];
        }
    }
}
