// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {IMinter} from "../interfaces/IMinter.sol";
import {LivepeerToken} from "../LivepeerToken.sol";
import {Minter} from "../Minter.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {TestBase} from "./TestBase.sol";

/// Stands for the bonding manager: says what is bonded, and remembers what was paid.
contract Pools {
    uint256 public totalBonded;
    mapping(Role => mapping(address operator => uint256)) public rewards;

    function setBonded(uint256 amount) external {
        totalBonded = amount;
    }

    function reward(uint64, Role role, address operator, uint256 amount) external {
        rewards[role][operator] += amount;
    }
}

contract MinterTest is TestBase {
    uint256 private constant SUPPLY = 1_000_000e18;
    address private constant OP = address(0xA);

    Pools private _pools;
    LivepeerToken private _token;
    Minter private _minter;

    function setUp() external {
        _pools = new Pools();
        Addresses memory a;
        (a.bonding, a.rounds, a.work) = (address(_pools), address(this), address(this));
        address minterAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        _token = LivepeerToken(create("LivepeerToken", abi.encode(address(this), SUPPLY, minterAt)));
        a.token = address(_token);
        _minter = Minter(create("Minter", abi.encode(_parameters(), a)));
    }

    function test_inflation_moves_toward_the_target_by_one_step_with_each_round() external {
        _minter.onRound(1);
        vm.assertEq(_minter.currentInflationPpb(), 219_000);
        _pools.setBonded(SUPPLY / 2);
        _minter.onRound(2);
        vm.assertEq(_minter.currentInflationPpb(), 219_000);
        _pools.setBonded(SUPPLY * 6 / 10);
        _minter.onRound(3);
        vm.assertEq(_minter.currentInflationPpb(), 218_500);
    }

    function testFuzz_inflation_stays_in_its_bounds(uint8[40] memory bonded) external {
        for (uint64 i = 0; i < bonded.length; ++i) {
            _pools.setBonded(SUPPLY * (uint256(bonded[i]) % 101) / 100);
            uint256 before = _minter.currentInflationPpb();
            _minter.onRound(i + 1);
            uint256 present = _minter.currentInflationPpb();
            vm.assertLe(present > before ? present - before : before - present, 500);
            vm.assertLe(present, 10_000_000);
        }
    }

    function test_inflation_ends_at_nothing_and_at_one_percent() external {
        Parameters memory p = _parameters();
        Addresses memory a;
        (a.token, a.bonding, a.rounds) = (address(_token), address(_pools), address(this));
        p.inflationPpb = 300;
        _pools.setBonded(SUPPLY);
        Minter low = Minter(create("Minter", abi.encode(p, a)));
        low.onRound(1);
        vm.assertEq(low.currentInflationPpb(), 0);
        low.onRound(2);
        (uint256 mintable,) = low.budgetOf(2);
        vm.assertEq(mintable, 0);
        p.inflationPpb = 9_999_900;
        _pools.setBonded(0);
        Minter high = Minter(create("Minter", abi.encode(p, a)));
        high.onRound(1);
        vm.assertEq(high.currentInflationPpb(), 10_000_000);
    }

    function test_a_budget_is_fixed_when_the_round_opens() external {
        _minter.onRound(1);
        (uint256 mintable, uint256 minted) = _minter.budgetOf(1);
        vm.assertEq(mintable, SUPPLY * 219_000 / 1_000_000_000);
        vm.assertEq(minted, 0);
        vm.expectRevert(abi.encodeWithSelector(IMinter.BudgetFixed.selector, 1));
        _minter.onRound(1);
        _token.burn(SUPPLY / 2);
        (uint256 later,) = _minter.budgetOf(1);
        vm.assertEq(later, mintable);
    }

    function testFuzz_never_more_is_minted_than_is_mintable(uint96[6] memory amounts) external {
        _minter.onRound(1);
        (uint256 mintable,) = _minter.budgetOf(1);
        uint256 sum;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 amount = amounts[i] % mintable;
            if (sum + amount > mintable) {
                vm.expectRevert(
                    abi.encodeWithSelector(IMinter.BudgetExceeded.selector, 1, amount, mintable - sum)
                );
                _minter.pay(1, Role.Transcoder, OP, amount);
                continue;
            }
            _minter.pay(1, Role.Transcoder, OP, amount);
            sum += amount;
        }
        (, uint256 minted) = _minter.budgetOf(1);
        vm.assertEq(minted, sum);
        vm.assertEq(_pools.rewards(Role.Transcoder, OP), sum);
        vm.assertEq(_token.balanceOf(address(_pools)), sum);
        vm.assertEq(_token.totalSupply(), SUPPLY + sum);
    }

    function test_a_round_that_was_not_opened_has_nothing_to_pay() external {
        vm.expectRevert(abi.encodeWithSelector(IMinter.BudgetExceeded.selector, 5, 1, 0));
        _minter.pay(5, Role.Verifier, OP, 1);
    }

    function test_only_the_rounds_manager_opens_and_only_the_work_ledger_pays() external {
        vm.expectRevert(abi.encodeWithSelector(IMinter.NotTheRoundsManager.selector, OP));
        vm.prank(OP);
        _minter.onRound(1);
        vm.expectRevert(abi.encodeWithSelector(IMinter.NotTheWorkLedger.selector, OP));
        vm.prank(OP);
        _minter.pay(1, Role.Verifier, OP, 0);
    }

    function test_parameters_out_of_bounds_are_no_deployment() external {
        Addresses memory a;
        Parameters memory p = _parameters();
        p.targetBondingBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "targetBondingBps", 10_001, 10_000));
        create("Minter", abi.encode(p, a));
        p = _parameters();
        p.inflationPpb = 10_000_001;
        vm.expectRevert(
            abi.encodeWithSelector(InvalidParameter.selector, "inflationPpb", 10_000_001, 10_000_000)
        );
        create("Minter", abi.encode(p, a));
    }

    function _parameters() private pure returns (Parameters memory p) {
        (p.targetBondingBps, p.inflationPpb, p.inflationStepPpb) = (5000, 218_500, 500);
    }
}
