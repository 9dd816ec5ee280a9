// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What the adapter needs of Livepeer's `Controller`: contracts by the keccak256 of their names.
interface ILivepeerController {
    function getContract(bytes32 id) external view returns (address);
}

/// @notice What the adapter needs of Livepeer's `BondingManager`.
interface ILivepeerBondingManager {
    /// @notice Cuts a part of a transcoder's own bond. Only the contract registered as "Verifier" may call it, and
    ///         only while the system is not paused.
    /// @param slashAmount part of the bond, in 1/1,000,000
    /// @param finderFee part of the penalty that the finder gets, in 1/1,000,000; the rest is burned
    function slashTranscoder(address transcoder, address finder, uint256 slashAmount, uint256 finderFee)
        external;

    /// @notice State of a delegator; a transcoder is its own.
    function getDelegator(address delegator)
        external
        view
        returns (
            uint256 bondedAmount,
            uint256 fees,
            address delegateAddress,
            uint256 delegatedAmount,
            uint256 startRound,
            uint256 lastClaimRound,
            uint256 nextUnbondingLockId
        );
}
