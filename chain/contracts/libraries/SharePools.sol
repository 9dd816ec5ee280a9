// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice Tokens owned by shares, so that one slash reaches every holder at once. One storage slot.
struct SharePool {
    uint128 tokens;
    uint128 shares;
}

/// @title Arithmetic of share pools
/// @notice Rounds against the holder everywhere: deposits give shares rounded down, withdrawals burn shares
///         rounded up, slashes cut rounded up. One virtual token against `VIRTUAL_SHARES` virtual shares makes
///         it unprofitable to be the first and inflate the price of a share; only deposits, never transfers to
///         the contract, change `tokens`.
/// @dev Invariant: `shares <= (tokens + 1) * 2^24`, so shares fit 120 bits for any pool below 2^96. A slash that
///      would break it takes the whole pool (see `slash`).
library SharePools {
    using SharePools for SharePool;

    uint256 internal constant VIRTUAL_SHARES = 1000;
    uint256 internal constant VIRTUAL_TOKENS = 1;
    /// Below about one 16,000th of the first price what is left of a pool is taken too.
    uint256 internal constant MAX_SHARES_PER_TOKEN = 1 << 24;
    uint256 internal constant MAX_TOKENS = type(uint96).max;
    uint256 internal constant BPS = 10_000;

    /// Less than one share's worth.
    error AmountTooSmall(uint256 tokens);
    /// More tokens than the holder's shares are worth.
    error NotEnoughStake(uint256 requested, uint256 available);
    /// A pool holds at most 2^96 - 1 base units.
    error PoolTooLarge(uint256 tokens);

    /// @notice Worth of `shares`, rounded down. The sum over all holders never exceeds `tokens`.
    function toTokens(SharePool storage self, uint256 shares) internal view returns (uint256) {
        return Math.mulDiv(shares, self.tokens + VIRTUAL_TOKENS, self.shares + VIRTUAL_SHARES);
    }

    /// @notice Adds `tokens`; returns the shares they give.
    function deposit(SharePool storage self, uint256 tokens) internal returns (uint120 shares) {
        uint256 total = self.tokens;
        uint256 totalShares = self.shares;
        shares = SafeCast.toUint120(Math.mulDiv(tokens, totalShares + VIRTUAL_SHARES, total + VIRTUAL_TOKENS));
        if (shares == 0) revert AmountTooSmall(tokens);
        if (total + tokens > MAX_TOKENS) revert PoolTooLarge(total + tokens);
        self.tokens = uint128(total + tokens);
        self.shares = SafeCast.toUint120(totalShares + shares);
    }

    /// @notice Takes `tokens` out of a holding of `held` shares; returns the shares burned. A holder that asks
    ///         for everything burns everything and leaves no dust.
    function withdraw(SharePool storage self, uint256 held, uint256 tokens)
        internal
        returns (uint120 burned)
    {
        uint256 available = self.toTokens(held);
        if (tokens == 0) revert AmountTooSmall(tokens);
        if (tokens > available) revert NotEnoughStake(tokens, available);
        uint256 total = self.tokens;
        uint256 totalShares = self.shares;
        uint256 needed = tokens == available
            ? held
            : Math.mulDiv(tokens, totalShares + VIRTUAL_SHARES, total + VIRTUAL_TOKENS, Math.Rounding.Ceil);
        burned = SafeCast.toUint120(needed);
        self.tokens = uint128(total - tokens);
        self.shares = uint128(totalShares - burned);
    }

    /// @notice Burns all of `held` shares; returns the tokens they were worth, possibly none.
    function redeem(SharePool storage self, uint256 held) internal returns (uint256 tokens) {
        tokens = self.toTokens(held);
        self.tokens -= uint128(tokens);
        self.shares -= SafeCast.toUint128(held);
    }

    /// @notice Cuts `bps` of the tokens. If nothing worth counting remains, everything goes, `wiped` is true
    ///         and the caller must forget every share (a new generation), so that the pool can be used again.
    function slash(SharePool storage self, uint256 bps) internal returns (uint256 cut, bool wiped) {
        uint256 total = self.tokens;
        uint256 totalShares = self.shares;
        if (total == 0 && totalShares == 0) return (0, false);
        cut = Math.mulDiv(total, bps, BPS, Math.Rounding.Ceil);
        if (cut > total) cut = total;
        wiped = total - cut == 0 || totalShares > (total - cut) * MAX_SHARES_PER_TOKEN;
        if (wiped) {
            self.tokens = 0;
            self.shares = 0;
            return (total, true);
        }
        self.tokens = uint128(total - cut);
    }
}
