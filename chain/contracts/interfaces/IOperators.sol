// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";

/// @title Whose key acts for whom, and on which terms
/// @notice An operator is known by its owner's account: the cold one that bonds. A hot signer may act for it:
///         it signs messages and pays gas, and can move no stake. An operator that never authorised one signs
///         itself. Signers, cuts and prices all count from the next round on.
interface IOperators {
    /// The signer serves `operator`, or will from the next round on.
    error SignerTaken(address signer, address operator);
    /// Who bonds or has a signer of its own is an operator, and serves no other.
    error SignerIsOperator(address signer);
    /// The key did not consent to serve this operator, on this chain and contract.
    error InvalidConsent(address found, address expected);
    /// A third change of signer within the time that evidence looks back; the next one is possible from `round`.
    error TooManyChanges(address operator, uint64 round);
    /// The operator signs itself already.
    error NothingToRevoke(address operator);
    /// The share is more than the whole.
    error ShareTooLarge(uint256 found, uint256 maximum);
    /// Neither the operator nor its signer.
    error NotTheOperator(address caller, address operator);

    /// From the round on, `signer`'s signatures are the operator's; the operator's own if they are the same.
    event SignerSet(address indexed operator, address indexed signer, uint64 fromRound);
    /// From the round on, the operator keeps and shares these parts.
    event CutsSet(
        Role indexed role, address indexed operator, uint16 rewardCutBps, uint16 feeShareBps, uint64 fromRound
    );
    /// The next snapshot takes this price in wei.
    event PriceSet(address indexed operator, uint64 pricePerPixel, uint64 fromRound);

    /// @notice Lets `signer` act for the caller from the next round on, in place of whoever does.
    /// @param consent the signer's 65 bytes over `consentDigest(caller, signer)`, so that nobody claims
    ///        another's key
    function authorise(address signer, bytes calldata consent) external;

    /// @notice From the next round on the caller signs itself again.
    function revoke() external;

    /// @notice Sets the caller's parts from the next round on: what it keeps of rewards before sharing them, and
    ///         what it shares of fees.
    function setCuts(Role role, uint16 rewardCutBps, uint16 feeShareBps) external;

    /// @notice Sets an operator's price per pixel, in wei; by it or by its signer.
    function setPrice(address operator, uint64 pricePerPixel) external;

    /// @notice Whose signatures were the operator's in a round. Exact for the last `memoryRounds` rounds.
    function signerAt(address operator, uint64 round) external view returns (address);

    /// @notice `signerAt` of two operators, in one call because evidence needs two.
    function signersAt(address operator, address other, uint64 round)
        external
        view
        returns (address signer, address otherSigner);

    /// @notice The operator that a key acts for in the present round: itself if it serves none.
    function operatorOf(address signer) external view returns (address);

    /// @notice The operator that has claimed this key, now or from the next round on; zero if none.
    function claimedBy(address signer) external view returns (address operator);

    /// @notice Whether `caller` is the operator or its present signer.
    function mayAct(address caller, address operator) external view returns (bool);

    /// @notice Rounds that evidence can look back: signers are known exactly for as long.
    function memoryRounds() external view returns (uint64);

    /// @notice The operator's parts in a round. Known from its fourth last change on; before it everything is its
    ///         delegators'.
    function cutsAt(Role role, address operator, uint64 round)
        external
        view
        returns (uint16 rewardCutBps, uint16 feeShareBps);

    /// @notice The price that the next snapshot takes, in wei.
    function priceOf(address operator) external view returns (uint64);

    /// @notice What a signer signs to serve an operator: the EIP-712 digest, in the network's domain, of
    ///         `Consent(address operator,address signer,uint256 number)` with `consentsOf(signer)` as the number, so
    ///         that a consent counts once.
    function consentDigest(address operator, address signer) external view returns (bytes32);

    /// @notice How often a key has consented to serve an operator.
    function consentsOf(address signer) external view returns (uint256);
}
