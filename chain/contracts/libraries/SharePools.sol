// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice Tokens owned by shares, so that one slash reaches every holder at once. One storage slot.
struct SharePool {
    uint96 tokens;
    uint160 shares;
}

/// @title Arithmetic of share pools
/// @notice Rounds against the holder everywhere: deposits give shares rounded down, withdrawals burn shares
///         rounded up, slashes cut rounded up. Worth is computed with one virtual token against `VIRTUAL_SHARES`
///         virtual shares. Only deposits and released rewards change `tokens`, never transfers to the contract.
/// @dev Invariants, with q = (shares + VIRTUAL_SHARES) / (tokens + 1), the shares for a token:
///      - q >= 1: a share is never worth more than one base unit, so that no deposit loses more than one to
///        rounding, whoever was there first and whatever rewards came. `release` keeps it.
///      - shares <= (tokens + 1) * 2^64, so that they fit 160 bits. A slash that would break it takes all.
///      Slashes raise q, from 2^24 in a new pool. From 2^44 on a pool is *worn* and takes no deposits before it
///      is begun anew; so a deposit is at least 2^20 away from being taken whole: what is then wiped is less
///      than one millionth of it.
library SharePools {
    using SharePools for SharePool;

    uint256 internal constant VIRTUAL_SHARES = 1 << 24;
    uint256 internal constant VIRTUAL_TOKENS = 1;
    /// Base units that the worth of a holding may lie below what was deposited.
    uint256 internal constant ROUNDING = 1;
    uint256 internal constant WORN_SHARES_PER_TOKEN = 1 << 44;
    uint256 internal constant MAX_SHARES_PER_TOKEN = 1 << 64;
    uint256 internal constant MAX_TOKENS = type(uint96).max;
    uint256 internal constant BPS = 10_000;

    /// Nothing was asked for.
    error AmountTooSmall(uint256 tokens);
    /// More tokens than the holder's shares are worth.
    error NotEnoughStake(uint256 requested, uint256 available);
    /// A pool holds at most 2^96 - 1 base units.
    error PoolTooLarge(uint256 tokens);

    /// @notice Worth of `shares`, rounded down. The sum over all holders never exceeds `tokens`.
    function toTokens(SharePool memory self, uint256 shares) internal pure returns (uint256) {
        return Math.mulDiv(shares, self.tokens + VIRTUAL_TOKENS, self.shares + VIRTUAL_SHARES);
    }

    /// @notice Whether the pool must be begun anew before it takes a deposit.
    function isWorn(SharePool storage self) internal view returns (bool) {
        return self.shares > (self.tokens + VIRTUAL_TOKENS) * WORN_SHARES_PER_TOKEN;
    }

    /// @notice Adds `tokens` to a pool that is not worn; returns the shares they give, at least one for each.
    function deposit(SharePool storage self, uint256 tokens) internal returns (uint160 shares) {
        (uint256 total, uint256 totalShares) = (self.tokens, self.shares);
        if (tokens == 0) revert AmountTooSmall(tokens);
        if (tokens > MAX_TOKENS - total) revert PoolTooLarge(tokens);
        shares = SafeCast.toUint160(Math.mulDiv(tokens, totalShares + VIRTUAL_SHARES, total + VIRTUAL_TOKENS));
        (self.tokens, self.shares) = (uint96(total + tokens), SafeCast.toUint160(totalShares + shares));
    }

    /// @notice Takes `tokens` out of a holding of `held` shares; returns the shares burned. A holder that asks
    ///         for everything burns everything and leaves no dust.
    function withdraw(SharePool storage self, uint256 held, uint256 tokens)
        internal
        returns (uint160 burned)
    {
        SharePool memory present = self;
        uint256 available = present.toTokens(held);
        if (tokens == 0) revert AmountTooSmall(tokens);
        if (tokens > available) revert NotEnoughStake(tokens, available);
        // `held` and what is needed of it fit 160 bits, `tokens` is part of a pool.
        burned = uint160(
            tokens == available
                ? held
                : Math.mulDiv(
                    tokens,
                    present.shares + VIRTUAL_SHARES,
                    present.tokens + VIRTUAL_TOKENS,
                    Math.Rounding.Ceil
                )
        );
        (self.tokens, self.shares) = (present.tokens - uint96(tokens), present.shares - burned);
    }

    /// @notice Burns all of `held` shares; returns the tokens they were worth, possibly none.
    function redeem(SharePool storage self, uint256 held) internal returns (uint256 tokens) {
        SharePool memory present = self;
        tokens = present.toTokens(held);
        (self.tokens, self.shares) =
        (present.tokens - uint96(tokens), present.shares - SafeCast.toUint160(held));
    }

    /// @notice How many of `tokens` may be added to the worth of all shares: none if there are no shares, and never
    ///         so many that a share is worth more than one base unit.
    function releasable(SharePool memory self, uint256 tokens) internal pure returns (uint256) {
        if (self.shares == 0) return 0;
        uint256 room = self.shares + VIRTUAL_SHARES - VIRTUAL_TOKENS - self.tokens;
        return Math.min(Math.min(tokens, room), MAX_TOKENS - self.tokens);
    }

    /// @notice Cuts `bps` of the tokens, rounded up. If nothing worth counting remains, everything goes, `wiped` is
    ///         true and the caller must forget every share (a new generation), so that the pool can be used again.
    function slash(SharePool storage self, uint256 bps) internal returns (uint256 cut, bool wiped) {
        (uint256 total, uint256 totalShares) = (self.tokens, self.shares);
        if (total == 0 && totalShares == 0) return (0, false);
        cut = Math.min(total, Math.ceilDiv(total * bps, BPS));
        wiped = total == cut || totalShares > (total - cut) * MAX_SHARES_PER_TOKEN;
        if (wiped) (cut, self.shares) = (total, 0);
        self.tokens = uint96(total - cut);
    }

    /// @notice Forgets every share; returns the tokens that nobody owns now.
    function clear(SharePool storage self) internal returns (uint256 left) {
        left = self.tokens;
        (self.tokens, self.shares) = (0, 0);
    }
}
