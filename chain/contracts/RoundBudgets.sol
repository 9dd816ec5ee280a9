// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IMinter} from "./interfaces/IMinter.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title A budget for each round, fixed when it opens and never overdrawn
/// @notice Where the tokens come from is left to the two contracts that build on this one.
abstract contract RoundBudgets is IMinter {
    /// @dev One slot. `minted` never exceeds `mintable`.
    struct Budget {
        uint128 mintable;
        uint128 minted;
    }

    uint256 internal constant BPS = 10_000;
    uint256 internal constant PPB = 1_000_000_000;
    /// 1 % of the supply for one round: where the inflation stops if the target is out of reach for good. At
    /// Livepeer's step it takes 19,563 rounds, or 47 years, to get there from its present value.
    uint256 internal constant MAX_INFLATION_PPB = 10_000_000;

    /// What pools are paid in.
    IERC20 public immutable token;
    /// Whose pools are paid.
    IBondingManager public immutable bonding;
    /// The only account that may open budgets.
    address public immutable rounds;
    /// The only account that may spend them.
    address public immutable work;
    /// @inheritdoc IMinter
    uint256 public immutable targetBondingBps;
    /// @inheritdoc IMinter
    uint256 public immutable inflationPpb;

    mapping(uint64 round => Budget) internal _budgets;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.targetBondingBps == 0 || parameters.targetBondingBps > BPS) {
            revert InvalidParameter("targetBondingBps", parameters.targetBondingBps, BPS);
        }
        if (parameters.inflationPpb > MAX_INFLATION_PPB) {
            revert InvalidParameter("inflationPpb", parameters.inflationPpb, MAX_INFLATION_PPB);
        }
        token = IERC20(addresses.token);
        bonding = IBondingManager(addresses.bonding);
        (rounds, work) = (addresses.rounds, addresses.work);
        targetBondingBps = parameters.targetBondingBps;
        inflationPpb = parameters.inflationPpb;
    }

    /// @inheritdoc IMinter
    function onRound(uint64 round) external {
        if (msg.sender != rounds) revert NotTheRoundsManager(msg.sender);
        if (_isOpen(round)) revert BudgetFixed(round);
        (uint256 supply, uint256 bonded) = (token.totalSupply(), bonding.totalBonded());
        uint256 bondedBps = supply == 0 ? 0 : bonded * BPS / supply;
        uint256 mintable = _open(round, supply, bonded, bondedBps);
        _budgets[round].mintable = SafeCast.toUint128(mintable);
        emit BudgetOpened(round, mintable, currentInflationPpb(), bondedBps);
    }

    /// @inheritdoc IMinter
    function pay(uint64 round, Role role, address operator, uint256 amount) external {
        if (msg.sender != work) revert NotTheWorkLedger(msg.sender);
        Budget storage budget = _budgets[round];
        uint256 left = budget.mintable - budget.minted;
        if (amount > left) revert BudgetExceeded(round, amount, left);
        // Not more than `mintable`, which has 128 bits.
        budget.minted += uint128(amount);
        emit Paid(round, role, operator, amount);
        _deliver(amount);
        bonding.reward(round, role, operator, amount);
    }

    /// @inheritdoc IMinter
    function budgetOf(uint64 round) external view returns (uint256 mintable, uint256 minted) {
        Budget storage budget = _budgets[round];
        return (budget.mintable, budget.minted);
    }

    /// @inheritdoc IMinter
    function currentInflationPpb() public view virtual returns (uint256);

    /// @dev Whether the round has been opened before.
    function _isOpen(uint64 round) internal view virtual returns (bool);

    /// @dev Opens the round and says what can be paid for it.
    /// @param bondedBps part of the supply that is bonded, in 1/10,000
    function _open(uint64 round, uint256 supply, uint256 bonded, uint256 bondedBps)
        internal
        virtual
        returns (uint256 mintable);

    /// @dev Hands the tokens to the bonding manager.
    function _deliver(uint256 amount) internal virtual;
}
