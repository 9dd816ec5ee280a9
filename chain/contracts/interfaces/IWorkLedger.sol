// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RoundWork} from "../objects/RoundWork.sol";
import {WorkClaim} from "../objects/WorkClaim.sol";

/// @notice A round's certified list, and who of the verifiers has been paid for it.
struct Certificate {
    /// Root over the claims; zero if the round has no certificate.
    bytes32 claimsRoot;
    /// Output pixels of all claims.
    uint64 totalPixels;
    /// Verifiers that did their duty, by position.
    uint64 duties;
    /// Verifiers that have been paid, by position.
    uint64 paidVerifiers;
    /// Number of claims.
    uint32 claims;
}

/// @title Certified work of each round, and what it earns
interface IWorkLedger {
    /// A list without work needs no certificate.
    error EmptyList(uint64 round);
    /// The list is accepted in blocks `from` to `until`.
    error OutsideWindow(uint64 round, uint256 from, uint256 until);
    /// The round has its list.
    error AlreadyCertified(uint64 round);
    /// The signers hold too little weight: `3 * signed` must reach `2 * total`.
    error QuorumMissed(uint256 signed, uint256 total);
    /// The aggregate signature does not fit signers and list.
    error InvalidAggregate();
    /// The round has no list.
    error NotCertified(uint64 round);
    /// Claims of this round were paid until block `until`.
    error ClaimLapsed(uint64 round, uint256 until);
    /// The claim does not open into the round's list.
    error NotInTheList(uint64 round, bytes32 found, bytes32 expected);
    /// The claim says more than the whole list.
    error PixelsBeyondTotal(uint64 pixels, uint64 totalPixels);
    /// This operator has been paid for the round.
    error AlreadyPaid(uint64 round, address operator);
    /// The verifier at this position did not do its duty in the round, or there is none.
    error NoDuty(uint64 round, uint256 position);
    /// The claim earns nothing: less than one base unit, or the operator was not in the round's snapshot.
    error NothingEarned(uint64 round, address operator);

    /// The verifiers have certified a round's list.
    event RoundCertified(
        uint64 indexed round,
        bytes32 claimsRoot,
        uint32 claims,
        uint64 totalPixels,
        uint64 duties,
        uint64 signers
    );
    /// A transcoder's pool was paid for a round, in base units.
    event WorkPaid(uint64 indexed round, address indexed transcoder, uint64 pixels, uint256 amount);
    /// A verifier's pool was paid for a round, in base units.
    event DutyPaid(uint64 indexed round, address indexed verifier, uint256 amount);

    /// @notice Takes the round's list, once, by two thirds of the weight of the round's verifiers, and jails the
    ///         verifiers that were absent from the round. Anyone may submit it.
    /// @param bitmap signers by position in the round's verifiers
    /// @param aggregate sum of their signatures on the list's digest, 128 bytes
    function certify(RoundWork calldata work, uint64 bitmap, bytes calldata aggregate) external;

    /// @notice Pays a claim of a certified list to the transcoder's pool, once. Anyone may call it.
    /// @param index the claim's place in the list
    /// @param path from the claim to the list's root
    function claim(WorkClaim calldata claim_, uint256 index, bytes32[] calldata path)
        external
        returns (uint256 amount);

    /// @notice Pays the pool of the verifier at a position of the round's verifiers, once. Anyone may call it.
    function claimDuty(uint64 round, uint256 position) external returns (uint256 amount);

    /// @notice The round's certificate; zeros if there is none.
    function certificateOf(uint64 round) external view returns (Certificate memory);

    /// @notice Whether the transcoder has been paid for the round.
    function isPaid(uint64 round, address transcoder) external view returns (bool);

    /// @notice First and last block in which the round's list is accepted. Reverts before the next round has
    ///         opened, because nobody knows it before.
    function windowOf(uint64 round) external view returns (uint256 from, uint256 until);

    /// @notice What a transcoder earns with these pixels in a certified round, in base units.
    function earnedBy(uint64 round, address transcoder, uint64 pixels) external view returns (uint256);

    /// @notice What the verifier at this position earns in a certified round, in base units.
    function dutyOf(uint64 round, uint256 position) external view returns (address verifier, uint256 amount);

    /// @notice Last block in which claims of the round are paid. Reverts before the next round has opened.
    function claimableUntil(uint64 round) external view returns (uint256);

    /// @notice EIP-712 digest of a round's list: what its verifiers sign.
    function hashRoundWork(RoundWork calldata work) external view returns (bytes32);

    /// @notice EIP-712 digest of a claim: its hash, a leaf's payload in the list's tree.
    function hashWorkClaim(WorkClaim calldata claim_) external view returns (bytes32);
}
