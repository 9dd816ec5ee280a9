// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {LivepeerToken} from "./LivepeerToken.sol";
import {IMinter} from "./interfaces/IMinter.sol";
import {Parameters} from "./Parameters.sol";
import {RoundBudgets} from "./RoundBudgets.sol";

/// @title New tokens for certified work, at an inflation that works toward a target bonding rate
/// @notice As Livepeer's: with each round the inflation rises by a step while less than the target is bonded, and
///         falls by a step while more is. What no claim is entitled to is never minted.
contract Minter is RoundBudgets {
    /// By how much the inflation moves with a round, in 1/10^9 of the supply.
    uint256 public immutable inflationStepPpb;

    /// @dev One slot: the inflation and the last round that was opened.
    uint64 private _currentPpb;
    uint64 private _lastRound;

    constructor(Parameters memory parameters, Addresses memory addresses)
        RoundBudgets(parameters, addresses)
    {
        inflationStepPpb = parameters.inflationStepPpb;
        _currentPpb = parameters.inflationPpb;
    }

    /// @inheritdoc IMinter
    function currentInflationPpb() public view override returns (uint256) {
        return _currentPpb;
    }

    function _isOpen(uint64 round) internal view override returns (bool) {
        return round <= _lastRound;
    }

    function _open(uint64 round, uint256 supply, uint256, uint256 bondedBps)
        internal
        override
        returns (uint256 mintable)
    {
        uint256 inflation = _currentPpb;
        if (bondedBps < targetBondingBps) {
            inflation += inflationStepPpb;
            if (inflation > MAX_INFLATION_PPB) inflation = MAX_INFLATION_PPB;
        } else if (bondedBps > targetBondingBps) {
            inflation = inflation > inflationStepPpb ? inflation - inflationStepPpb : 0;
        }
        // At most MAX_INFLATION_PPB.
        (_currentPpb, _lastRound) = (uint64(inflation), round);
        return supply * inflation / PPB;
    }

    function _deliver(uint256 amount) internal override {
        LivepeerToken(address(token)).mint(address(bonding), amount);
    }
}
