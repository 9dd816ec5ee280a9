// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SharePool, SharePools} from "../libraries/SharePools.sol";
import {TestBase} from "./TestBase.sol";

contract SharePoolsTest is TestBase {
    using SharePools for SharePool;

    uint256 private constant HOLDERS = 4;

    SharePool private _pool;
    uint120[HOLDERS] private _shares;
    uint256[HOLDERS] private _ideal;

    function test_a_lone_holder_has_exactly_what_it_put_in() external {
        uint120 shares = _pool.deposit(1000e18);
        vm.assertEq(_pool.toTokens(shares), 1000e18);
        _pool.withdraw(shares, 1000e18);
        vm.assertTrue(_pool.tokens == 0 && _pool.shares == 0);
    }

    function test_the_first_depositor_cannot_inflate_the_price() external {
        // One unit, then as much rounding as one can provoke; the victim loses at most one unit.
        uint120 attacker = _pool.deposit(1);
        for (uint256 i = 0; i < 20; ++i) {
            uint120 more = _pool.deposit(3);
            _pool.withdraw(more, 2);
            _pool.slash(1);
        }
        uint120 victim = _pool.deposit(100e18);
        vm.assertGe(_pool.toTokens(victim) + 1, 100e18);
        vm.assertLe(_pool.toTokens(attacker), 100);
    }

    function test_a_whole_slash_wipes_and_the_pool_is_like_new() external {
        _pool.deposit(7e18);
        (uint256 cut, bool wiped) = _pool.slash(10_000);
        vm.assertTrue(wiped && cut == 7e18 && _pool.tokens == 0 && _pool.shares == 0);
        vm.assertEq(_pool.toTokens(_pool.deposit(5e18)), 5e18);
    }

    function test_slashing_dust_wipes() external {
        _pool.deposit(1);
        (uint256 cut, bool wiped) = _pool.slash(1);
        vm.assertTrue(wiped && cut == 1);
    }

    function test_however_often_slashed_a_pool_takes_deposits() external {
        uint256 wipes;
        _pool.deposit(1e27);
        for (uint256 i = 0; i < 300; ++i) {
            (, bool wiped) = _pool.slash(5000);
            if (wiped) ++wipes;
            uint120 shares = _pool.deposit(1e27);
            vm.assertApproxEqAbs(_pool.toTokens(shares), 1e27, 1);
            _pool.withdraw(shares, _pool.toTokens(shares));
        }
        vm.assertTrue(wipes >= 1);
    }

    function test_slashing_nothing_does_nothing() external {
        (uint256 cut, bool wiped) = _pool.slash(10_000);
        vm.assertTrue(cut == 0 && !wiped);
    }

    function test_amounts_are_bounded() external {
        vm.expectRevert(abi.encodeWithSelector(SharePools.AmountTooSmall.selector, 0));
        this.deposit(0);
        vm.expectRevert(abi.encodeWithSelector(SharePools.PoolTooLarge.selector, uint256(1) << 96));
        this.deposit(1 << 96);
        uint120 shares = _pool.deposit(10);
        vm.expectRevert(abi.encodeWithSelector(SharePools.NotEnoughStake.selector, 11, 10));
        this.withdraw(shares, 11);
        vm.expectRevert(abi.encodeWithSelector(SharePools.AmountTooSmall.selector, 0));
        this.withdraw(shares, 0);
    }

    /// Random deposits, withdrawals and slashes against each holder's amount in exact rationals (scaled by
    /// 1e9): nobody ever has more than that, nor less by more than a few units, and the sum fits the pool.
    function testFuzz_follows_the_exact_amounts(uint256[24] memory steps) external {
        uint256 operations;
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 holder = steps[i] % HOLDERS;
            uint256 amount = (steps[i] >> 16) % 1e24 + 1;
            uint256 kind = (steps[i] >> 8) % 4;
            uint256 worth = _pool.toTokens(_shares[holder]);
            if (kind < 2) {
                _shares[holder] += _pool.deposit(amount);
                _ideal[holder] += amount * 1e9;
            } else if (kind == 2 && worth > 0) {
                amount = amount % worth + 1;
                _shares[holder] -= _pool.withdraw(_shares[holder], amount);
                uint256 ideal = _ideal[holder];
                _ideal[holder] = ideal > amount * 1e9 ? ideal - amount * 1e9 : 0;
                if (_shares[holder] == 0) _ideal[holder] = 0;
            } else if (kind == 3) {
                uint256 bps = amount % 9_000 + 1;
                (, bool wiped) = _pool.slash(bps);
                for (uint256 h = 0; h < HOLDERS; ++h) {
                    _ideal[h] = wiped ? 0 : _ideal[h] - _ideal[h] * bps / 10_000;
                    if (wiped) _shares[h] = 0;
                }
            }
            ++operations;
            _check(operations);
        }
    }

    function deposit(uint256 tokens) external returns (uint120) {
        return _pool.deposit(tokens);
    }

    function withdraw(uint256 shares, uint256 tokens) external returns (uint120) {
        return _pool.withdraw(shares, tokens);
    }

    function _check(uint256 operations) private view {
        uint256 sum;
        for (uint256 h = 0; h < HOLDERS; ++h) {
            uint256 worth = _pool.toTokens(_shares[h]);
            sum += worth;
            // What others lose by rounding stays in the pool, so one may gain that much.
            vm.assertLe(worth, _ideal[h] / 1e9 + 4 * operations);
            vm.assertGe(worth + 4 * operations, _ideal[h] / 1e9);
        }
        vm.assertLe(sum, _pool.tokens);
        vm.assertLe(_pool.shares, (uint256(_pool.tokens) + 1) << 24);
    }
}
