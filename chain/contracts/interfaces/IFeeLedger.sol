// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title ETH fees of transcoders and their delegators
/// @notice Fees follow the bonded shares of a transcoder's pool. A share of a pool is worth at most one base unit
///         of LPT, usually 2^-24 of one, after many slashes 2^-64; totals fit 160 bits. Keep fees per share with
///         128 fractional bits or more.
interface IFeeLedger {
    /// @notice Told by the bonding manager before a holder's bonded shares in a transcoder's pool change, and
    ///         before a generation ends (then with the operator as the holder).
    /// @param holder the operator itself for its own bond
    /// @param holderShares what the holder has in `generation`, before the change
    /// @param totalShares all shares of `generation`, before the change; 0 if `generation` has ended, whose fees
    ///        per share are final
    /// @param generation of the pool: all shares of earlier ones are void, but fees earned by them are not
    function settle(
        address operator,
        address holder,
        uint256 holderShares,
        uint256 totalShares,
        uint32 generation
    ) external;

    /// @notice Takes fees of an operator; the ticket broker's alone.
    function credit(address operator) external payable;
}
