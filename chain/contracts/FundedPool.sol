// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Addresses} from "./Addresses.sol";
import {IMinter} from "./interfaces/IMinter.sol";
import {IWorkLedger} from "./interfaces/IWorkLedger.sol";
import {Parameters} from "./Parameters.sol";
import {RoundBudgets} from "./RoundBudgets.sol";

/// @title Rewards from a pool that somebody filled, for a deployment on a token that exists already
/// @notice Most of such a token is bonded or traded elsewhere, so its supply says nothing about this network and
///         no inflation is there to be moved. What is bonded here earns what it would earn by minting at the
///         target: the parameter's inflation of a supply of which the target is bonded, as long as the pool holds.
///         A round's budget is set aside when it opens and what is left of it returns to the pool when its claims
///         lapse. Whoever fills the pool gives its tokens away.
contract FundedPool is RoundBudgets {
    using SafeERC20 for IERC20;

    /// The pool received tokens.
    event Funded(address indexed from, uint256 amount);
    /// What was left of a round's budget returned to the pool.
    event Released(uint64 indexed round, uint256 amount);

    /// Rounds whose budgets are looked at when a round opens: as many as can lapse on average, and one more.
    uint256 private constant RELEASES = 2;

    /// Sum of what is left of all open budgets, in base units.
    uint128 public reserved;
    uint64 private _lastRound;
    /// @dev Budgets of this round and later ones are open.
    uint64 private _firstOpen = 1;

    constructor(Parameters memory parameters, Addresses memory addresses)
        RoundBudgets(parameters, addresses)
    {}

    /// @notice Adds to the pool, for good; needs an allowance. A plain transfer does the same.
    function fund(uint256 amount) external {
        emit Funded(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice What no round's budget has a claim on, in base units.
    function available() public view returns (uint256) {
        return token.balanceOf(address(this)) - reserved;
    }

    /// @inheritdoc IMinter
    function currentInflationPpb() public view override returns (uint256) {
        return inflationPpb;
    }

    function _isOpen(uint64 round) internal view override returns (bool) {
        return round <= _lastRound;
    }

    function _open(uint64 round, uint256, uint256 bonded, uint256)
        internal
        override
        returns (uint256 mintable)
    {
        _lastRound = round;
        for (uint256 i = 0; i < RELEASES; ++i) {
            // A round's claims end at a block that is known once the next round has opened.
            if (_firstOpen + 1 >= round || block.number <= IWorkLedger(work).claimableUntil(_firstOpen)) {
                break;
            }
            _release(_firstOpen++);
        }
        mintable = Math.min(available(), Math.mulDiv(bonded * BPS / targetBondingBps, inflationPpb, PPB));
        mintable = Math.min(mintable, type(uint128).max - reserved);
        reserved += uint128(mintable);
    }

    function _deliver(uint256 amount) internal override {
        reserved -= uint128(amount);
        token.safeTransfer(address(bonding), amount);
    }

    function _release(uint64 round) private {
        Budget storage budget = _budgets[round];
        uint128 left = budget.mintable - budget.minted;
        if (left == 0) return;
        budget.mintable = budget.minted;
        reserved -= left;
        emit Released(round, left);
    }
}
