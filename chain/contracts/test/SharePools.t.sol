// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SharePool, SharePools} from "../libraries/SharePools.sol";
import {TestBase} from "./TestBase.sol";

contract SharePoolsTest is TestBase {
    using SharePools for SharePool;

    uint256 private constant HOLDERS = 4;

    SharePool private _pool;
    uint160[HOLDERS] private _shares;
    uint256[HOLDERS] private _ideal;

    function test_a_lone_holder_has_exactly_what_it_put_in() external {
        uint160 shares = _pool.deposit(1000e18);
        vm.assertEq(_worth(shares), 1000e18);
        _pool.withdraw(shares, 1000e18);
        vm.assertTrue(_pool.tokens == 0 && _pool.shares == 0);
    }

    function test_the_first_depositor_cannot_inflate_the_price() external {
        // One unit, then as much rounding as one can provoke; the victim loses at most one unit.
        uint160 attacker = _pool.deposit(1);
        for (uint256 i = 0; i < 20; ++i) {
            uint160 more = _pool.deposit(3);
            _pool.withdraw(more, 2);
            _pool.slash(1);
        }
        uint160 victim = _pool.deposit(100e18);
        vm.assertGe(_worth(victim) + 1, 100e18);
        vm.assertLe(_worth(attacker), 100);
    }

    function test_a_whole_slash_wipes_and_the_pool_is_like_new() external {
        _pool.deposit(7e18);
        (uint256 cut, bool wiped) = _pool.slash(10_000);
        vm.assertTrue(wiped && cut == 7e18 && _pool.tokens == 0 && _pool.shares == 0);
        vm.assertEq(_worth(_pool.deposit(5e18)), 5e18);
    }

    function test_slashing_dust_wipes() external {
        _pool.deposit(1);
        (uint256 cut, bool wiped) = _pool.slash(1);
        vm.assertTrue(wiped && cut == 1);
    }

    /// Fourteen slashes of one half, new stake, and one of a hundredth: it costs a hundredth.
    function test_many_slashes_do_not_wear_a_pool_out() external {
        _pool.deposit(1e27);
        for (uint256 i = 0; i < 14; ++i) {
            (, bool wiped) = _pool.slash(5000);
            vm.assertFalse(wiped);
        }
        uint160 shares = _pool.deposit(1e27);
        (, bool all) = _pool.slash(100);
        vm.assertFalse(all);
        vm.assertApproxEqAbs(_worth(shares), 0.99e27, 1);
    }

    /// Whatever slashes come after a deposit, it is not taken whole before a millionth of it is left.
    function test_a_worn_pool_is_begun_anew_and_none_is_wiped_early() external {
        uint256 renewals;
        for (uint256 i = 0; i < 300; ++i) {
            if (_pool.isWorn()) {
                vm.assertLe(_pool.clear(), 2e27 >> 20);
                ++renewals;
            }
            uint160 shares = _pool.deposit(1e27);
            vm.assertApproxEqAbs(_worth(shares), 1e27, 1);
            // 20 halvings, and the worth is still what it must be.
            SharePool memory before = _pool;
            for (uint256 j = 0; j < 20 && i % 10 == 0; ++j) {
                (, bool wiped) = _pool.slash(5000);
                vm.assertFalse(wiped);
            }
            _pool = before;
            _pool.withdraw(shares, _worth(shares));
            if (_pool.tokens < 1e9) _pool.deposit(1e27);
            (, bool gone) = _pool.slash(5000);
            vm.assertFalse(gone);
        }
        vm.assertTrue(renewals >= 5);
    }

    function test_what_nobody_would_own_is_not_released() external {
        SharePool memory pool = _pool;
        vm.assertEq(pool.releasable(1e18), 0);
        // A holder of one unit: its shares never come to be worth more than one unit each.
        _pool.deposit(1);
        pool = _pool;
        uint256 released = pool.releasable(1e18);
        vm.assertEq(released, 2 * (1 << 24) - 2);
        _pool.tokens += uint96(released);
        pool = _pool;
        vm.assertEq(pool.releasable(1e18), 0);
        uint160 victim = _pool.deposit(100e18);
        vm.assertEq(_worth(victim), 100e18);
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
        vm.expectRevert(abi.encodeWithSelector(SharePools.PoolTooLarge.selector, type(uint256).max));
        this.deposit(type(uint256).max);
        uint160 shares = _pool.deposit(10);
        vm.expectRevert(abi.encodeWithSelector(SharePools.NotEnoughStake.selector, 11, 10));
        this.withdraw(shares, 11);
        vm.expectRevert(abi.encodeWithSelector(SharePools.AmountTooSmall.selector, 0));
        this.withdraw(shares, 0);
    }

    /// Random deposits, withdrawals, rewards and slashes against each holder's amount in exact rationals (scaled
    /// by 1e9): nobody ever has more than that, nor less by more than a few units, and the sum fits the pool.
    function testFuzz_follows_the_exact_amounts(uint256[24] memory steps) external {
        uint256 operations;
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 holder = steps[i] % HOLDERS;
            uint256 amount = (steps[i] >> 16) % 1e24 + 1;
            uint256 kind = (steps[i] >> 8) % 4;
            uint256 worth = _worth(_shares[holder]);
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

    /// Deposits, withdrawals, releases and slashes of any size keep a share between 2^-64 of a unit and one unit.
    function testFuzz_shares_never_inflate(uint256[32] memory steps) external {
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 kind = (steps[i] >> 8) % 5;
            uint256 amount = (steps[i] >> 16) % (steps[i] & 1 == 0 ? 1e3 : 1e27) + 1;
            SharePool memory pool = _pool;
            uint256 worth = pool.toTokens(_shares[0]);
            if (kind < 2) {
                if (_pool.isWorn()) {
                    _pool.clear();
                    _shares[0] = 0;
                }
                uint160 shares = _pool.deposit(amount);
                vm.assertGe(shares, amount);
                vm.assertLe(_worth(shares), amount);
                vm.assertGe(_worth(shares) + 1, amount);
                if (kind == 0) _shares[0] += shares;
            } else if (kind == 2 && worth > 0) {
                _shares[0] -= _pool.withdraw(_shares[0], steps[i] & 2 == 0 ? worth : amount % worth + 1);
            } else if (kind == 3) {
                _pool.tokens += uint96(pool.releasable(amount));
            } else if (kind == 4) {
                (, bool wiped) = _pool.slash(amount % 9_999 + 1);
                if (wiped) _shares[0] = 0;
            }
            vm.assertLe(uint256(_pool.tokens) + 1, uint256(_pool.shares) + (1 << 24));
            vm.assertLe(_pool.shares, (uint256(_pool.tokens) + 1) << 64);
        }
    }

    function deposit(uint256 tokens) external returns (uint160) {
        return _pool.deposit(tokens);
    }

    function withdraw(uint256 shares, uint256 tokens) external returns (uint160) {
        return _pool.withdraw(shares, tokens);
    }

    function _worth(uint256 shares) private view returns (uint256) {
        SharePool memory pool = _pool;
        return pool.toTokens(shares);
    }

    function _check(uint256 operations) private view {
        uint256 sum;
        for (uint256 h = 0; h < HOLDERS; ++h) {
            uint256 worth = _worth(_shares[h]);
            sum += worth;
            // What others lose by rounding stays in the pool, so one may gain that much.
            vm.assertLe(worth, _ideal[h] / 1e9 + 4 * operations);
            vm.assertGe(worth + 4 * operations, _ideal[h] / 1e9);
        }
        vm.assertLe(sum, _pool.tokens);
    }
}
