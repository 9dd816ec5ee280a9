// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {FundedPool} from "../FundedPool.sol";
import {IMinter} from "../interfaces/IMinter.sol";
import {LivepeerToken} from "../LivepeerToken.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {Pools} from "./Minter.t.sol";
import {TestBase} from "./TestBase.sol";

contract FundedPoolTest is TestBase {
    uint256 private constant LPT = 1e18;
    uint256 private constant SUPPLY = 45_000_000 * LPT;
    uint256 private constant BONDED = 1_000_000 * LPT;
    /// 0.02185 % of the supply of which BONDED would be half.
    uint256 private constant BUDGET = 437 * LPT;
    address private constant OP = address(0xA);

    Pools private _pools;
    LivepeerToken private _token;
    FundedPool private _pool;
    /// Claims of a round are paid for this many blocks after its number.
    uint256 private _claims = 5;

    function setUp() external {
        _pools = new Pools();
        _pools.setBonded(BONDED);
        _token = LivepeerToken(create("LivepeerToken", abi.encode(address(this), SUPPLY, address(0))));
        Addresses memory a;
        (a.token, a.bonding, a.rounds, a.work) =
        (address(_token), address(_pools), address(this), address(this));
        Parameters memory p;
        (p.targetBondingBps, p.inflationPpb) = (5000, 218_500);
        _pool = FundedPool(create("FundedPool", abi.encode(p, a)));
        _token.approve(address(_pool), type(uint256).max);
        vm.roll(1);
    }

    /// This contract stands for the work ledger too: round r is a block here.
    function claimableUntil(uint64 round) external view returns (uint256) {
        return round + _claims;
    }

    function test_what_is_bonded_earns_as_by_minting_at_the_target() external {
        _pool.fund(10_000 * LPT);
        _pool.onRound(1);
        (uint256 mintable,) = _pool.budgetOf(1);
        vm.assertEq(mintable, BUDGET);
        vm.assertEq(_pool.available(), 10_000 * LPT - BUDGET);
        vm.assertEq(_pool.currentInflationPpb(), 218_500);
    }

    function test_an_empty_pool_opens_rounds_without_a_budget() external {
        _pool.onRound(1);
        (uint256 mintable,) = _pool.budgetOf(1);
        vm.assertEq(mintable, 0);
        _token.transfer(address(_pool), 100 * LPT);
        _pool.onRound(2);
        (mintable,) = _pool.budgetOf(2);
        vm.assertEq(mintable, 100 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IMinter.BudgetFixed.selector, 2));
        _pool.onRound(2);
    }

    function test_pays_from_the_pool_and_creates_nothing() external {
        _pool.fund(1000 * LPT);
        _pool.onRound(1);
        _pool.pay(1, Role.Transcoder, OP, 400 * LPT);
        vm.assertEq(_pools.rewards(Role.Transcoder, OP), 400 * LPT);
        vm.assertEq(_token.balanceOf(address(_pools)), 400 * LPT);
        vm.assertEq(_token.totalSupply(), SUPPLY);
        vm.assertEq(_pool.reserved(), 37 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IMinter.BudgetExceeded.selector, 1, 38 * LPT, 37 * LPT));
        _pool.pay(1, Role.Transcoder, OP, 38 * LPT);
    }

    function test_what_is_left_of_a_lapsed_round_returns_to_the_pool() external {
        _pool.fund(BUDGET);
        _pool.onRound(1);
        _pool.pay(1, Role.Transcoder, OP, 100 * LPT);
        vm.assertEq(_pool.available(), 0);
        for (uint64 round = 2; round <= 6; ++round) {
            vm.roll(round);
            _pool.onRound(round);
            (uint256 nothing,) = _pool.budgetOf(round);
            vm.assertEq(nothing, 0);
        }
        vm.roll(7);
        _pool.onRound(7);
        (uint256 mintable,) = _pool.budgetOf(7);
        vm.assertEq(mintable, 337 * LPT);
        (uint256 closed, uint256 minted) = _pool.budgetOf(1);
        vm.assertTrue(closed == 100 * LPT && minted == 100 * LPT);
    }

    /// Budgets of open rounds are always covered by tokens, whatever is funded, paid and lapses.
    function testFuzz_open_budgets_are_always_covered(uint96[20] memory steps, uint8 claims) external {
        _claims = claims % 8;
        for (uint64 i = 0; i < steps.length; ++i) {
            uint64 round = i + 1;
            vm.roll(round);
            if (steps[i] % 3 == 0) _pool.fund(steps[i] % BUDGET);
            _pools.setBonded(steps[i] % SUPPLY);
            _pool.onRound(round);
            (uint256 mintable, uint256 minted) = _pool.budgetOf(round);
            vm.assertEq(minted, 0);
            _pool.pay(round, Role.Verifier, OP, uint256(steps[i]) % (mintable + 1));
            vm.assertLe(_pool.reserved(), _token.balanceOf(address(_pool)));
        }
    }

    function test_only_the_rounds_manager_opens_and_only_the_work_ledger_pays() external {
        vm.expectRevert(abi.encodeWithSelector(IMinter.NotTheRoundsManager.selector, OP));
        vm.prank(OP);
        _pool.onRound(1);
        vm.expectRevert(abi.encodeWithSelector(IMinter.NotTheWorkLedger.selector, OP));
        vm.prank(OP);
        _pool.pay(1, Role.Verifier, OP, 0);
    }
}
