// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Addresses} from "./Addresses.sol";
import {IMinter} from "./interfaces/IMinter.sol";
import {Certificate, IWorkLedger} from "./interfaces/IWorkLedger.sol";
import {Bls} from "./libraries/Bls.sol";
import {CourtDomain} from "./libraries/CourtDomain.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {MintRule} from "./libraries/MintRule.sol";
import {Role} from "./objects/Role.sol";
import {RoundWork, RoundWorks} from "./objects/RoundWork.sol";
import {WorkClaim, WorkClaims} from "./objects/WorkClaim.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";
import {RollCalls} from "./RollCalls.sol";

/// @title One certified list of work for each round, and what it earns
/// @notice A quorum of two thirds of a round's verifiers is trusted with which work counts; how much it earns is
///         bounded by the round's budget and by each operator's share of the stake, whatever the list says.
contract WorkLedger is IWorkLedger, RollCalls {
    using RoundWorks for RoundWork;
    using WorkClaims for WorkClaim;

    /// The verifying contract of the domain.
    address public immutable court;
    /// Pays.
    IMinter public immutable minter;
    /// Blocks from the end of a round to the first in which its list is accepted: its last assignment reaches its
    /// deadline (D), then the deadline's epoch ends and one more passes until all have reported on it.
    uint64 public immutable settleBlocks;
    /// Blocks in which a list is accepted from then on.
    uint64 public immutable certifyBlocks;
    /// Blocks in which claims are paid after a list can no longer be certified.
    uint64 public immutable claimBlocks;
    /// Output pixels from which on a round's whole budget is paid.
    uint256 public immutable fullMintPixels;
    /// The transcoders' part of a budget, in 1/10,000; the rest is the verifiers'.
    uint256 public immutable transcodersMintBps;
    /// By how much a share of the work may exceed the share of the stake and be paid, in 1/10,000 of the latter.
    uint256 public immutable claimSlackBps;

    mapping(uint64 round => Certificate) private _certificates;
    mapping(uint64 round => mapping(address transcoder => bool)) private _paid;

    constructor(Parameters memory parameters, Addresses memory addresses) RollCalls(parameters, addresses) {
        if (parameters.epochBlocks == 0) revert InvalidParameter("epochBlocks", 0, 1);
        if (parameters.certifyBlocks == 0) revert InvalidParameter("certifyBlocks", 0, 1);
        if (parameters.claimBlocks == 0) revert InvalidParameter("claimBlocks", 0, 1);
        if (parameters.fullMintPixels == 0) revert InvalidParameter("fullMintPixels", 0, 1);
        if (parameters.transcodersMintBps > MintRule.BPS) {
            revert InvalidParameter("transcodersMintBps", parameters.transcodersMintBps, MintRule.BPS);
        }
        if (parameters.claimSlackBps > MintRule.BPS) {
            revert InvalidParameter("claimSlackBps", parameters.claimSlackBps, MintRule.BPS);
        }
        court = addresses.court;
        minter = IMinter(addresses.minter);
        settleBlocks = parameters.deadlineBlocks + 2 * parameters.epochBlocks;
        certifyBlocks = parameters.certifyBlocks;
        claimBlocks = parameters.claimBlocks;
        fullMintPixels = parameters.fullMintPixels;
        transcodersMintBps = parameters.transcodersMintBps;
        claimSlackBps = parameters.claimSlackBps;
    }

    /// @inheritdoc IWorkLedger
    function certify(RoundWork calldata work, uint64 bitmap, bytes calldata aggregate) external {
        uint64 round = work.round;
        if (work.claims == 0 || work.totalPixels == 0 || work.claimsRoot == 0) revert EmptyList(round);
        (uint256 from, uint256 until) = windowOf(round);
        if (block.number < from || block.number > until) revert OutsideWindow(round, from, until);
        Certificate storage certificate = _certificates[round];
        if (certificate.claimsRoot != 0) revert AlreadyCertified(round);
        _checkQuorum(work, bitmap, aggregate);
        certificate.claimsRoot = work.claimsRoot;
        certificate.totalPixels = work.totalPixels;
        certificate.duties = work.duties;
        certificate.claims = work.claims;
        emit RoundCertified(round, work.claimsRoot, work.claims, work.totalPixels, work.duties, bitmap);
        _jailAbsent(round, work.duties);
    }

    /// @inheritdoc IWorkLedger
    function claim(WorkClaim calldata claim_, uint256 index, bytes32[] calldata path)
        external
        returns (uint256 amount)
    {
        (uint64 round, address transcoder) = (claim_.round, claim_.transcoder);
        Certificate storage certificate = _claimable(round);
        bytes32 expected = certificate.claimsRoot;
        bytes32 leaf = MerkleTree.leafHash(abi.encodePacked(hashWorkClaim(claim_)));
        bytes32 root = MerkleTree.rootFrom(leaf, index, certificate.claims, path);
        if (root != expected) revert NotInTheList(round, root, expected);
        // By operator, not by place: a list that names one twice pays it once.
        if (_paid[round][transcoder]) revert AlreadyPaid(round, transcoder);
        _paid[round][transcoder] = true;
        amount = earnedBy(round, transcoder, claim_.pixels);
        if (amount == 0) revert NothingEarned(round, transcoder);
        emit WorkPaid(round, transcoder, claim_.pixels, amount);
        minter.pay(round, Role.Transcoder, transcoder, amount);
    }

    /// @inheritdoc IWorkLedger
    function claimDuty(uint64 round, uint256 position) external returns (uint256 amount) {
        Certificate storage certificate = _claimable(round);
        address verifier;
        (verifier, amount) = dutyOf(round, position);
        uint64 bit = uint64(1) << uint64(position);
        if (certificate.paidVerifiers & bit != 0) revert AlreadyPaid(round, verifier);
        certificate.paidVerifiers |= bit;
        if (amount == 0) revert NothingEarned(round, verifier);
        emit DutyPaid(round, verifier, amount);
        minter.pay(round, Role.Verifier, verifier, amount);
    }

    /// @inheritdoc IWorkLedger
    function certificateOf(uint64 round) external view returns (Certificate memory) {
        return _certificates[round];
    }

    /// @inheritdoc IWorkLedger
    function isPaid(uint64 round, address transcoder) external view returns (bool) {
        return _paid[round][transcoder];
    }

    /// @inheritdoc IWorkLedger
    function windowOf(uint64 round) public view returns (uint256 from, uint256 until) {
        // Round `round` ends with the block before the next one opens.
        from = uint256(rounds.openedAt(round + 1)) + settleBlocks;
        until = from + certifyBlocks - 1;
    }

    /// @inheritdoc IWorkLedger
    function claimableUntil(uint64 round) public view returns (uint256) {
        (, uint256 until) = windowOf(round);
        return until + claimBlocks;
    }

    /// @inheritdoc IWorkLedger
    function earnedBy(uint64 round, address transcoder, uint64 pixels) public view returns (uint256) {
        uint64 total = _certified(round).totalPixels;
        if (pixels > total) revert PixelsBeyondTotal(pixels, total);
        uint256 weight = roster.weightAt(Role.Transcoder, round, transcoder);
        if (weight == 0) return 0;
        (uint256 budget,) = minter.budgetOf(round);
        uint256 paid =
            MintRule.paidAt(MintRule.transcodersPart(budget, transcodersMintBps), total, fullMintPixels);
        return MintRule.ofTranscoder(
            paid, pixels, total, weight, roster.totalAt(Role.Transcoder, round), claimSlackBps
        );
    }

    /// @inheritdoc IWorkLedger
    function dutyOf(uint64 round, uint256 position) public view returns (address verifier, uint256 amount) {
        Certificate storage certificate = _certified(round);
        if (position > 63 || (certificate.duties >> position) & 1 == 0) revert NoDuty(round, position);
        uint256 weight;
        (verifier, weight) = registry.verifierAt(round, position);
        (uint256 budget,) = minter.budgetOf(round);
        uint256 part = MintRule.verifiersPart(budget, transcodersMintBps);
        uint256 paid = MintRule.paidAt(part, certificate.totalPixels, fullMintPixels);
        (, uint256 total) = _weigh(round, 0);
        amount = MintRule.ofVerifier(paid, weight, total);
    }

    /// @inheritdoc IWorkLedger
    function hashRoundWork(RoundWork calldata work) public view returns (bytes32) {
        return _digest(work.structHash());
    }

    /// @inheritdoc IWorkLedger
    function hashWorkClaim(WorkClaim calldata claim_) public view returns (bytes32) {
        return _digest(claim_.structHash());
    }

    /// @dev Two thirds of the weight of the round's verifiers, and the pairing over the sum of their keys.
    function _checkQuorum(RoundWork calldata work, uint64 bitmap, bytes calldata aggregate) private view {
        (uint256 signed, uint256 total,, bytes memory key) = registry.tally(work.round, bitmap, address(0));
        if (signed == 0 || 3 * signed < 2 * total) revert QuorumMissed(signed, total);
        if (!Bls.verify(key, hashRoundWork(work), aggregate)) revert InvalidAggregate();
    }

    /// @dev Who was absent from the round leaves the next snapshot until it returns, so that what it would not sign
    ///      no longer shields anybody. A round from which more than a third were absent jails nobody here: that was the
    ///      network's trouble, and jailing them would leave a rest that two thirds of can be bought cheaply. They are
    ///      asked for first (`RollCalls`). `weigh` has found no position in `duties` that the round has not.
    function _jailAbsent(uint64 round, uint64 duties) private {
        (uint256 present, uint256 total) = _weigh(round, duties);
        if (present != total && 3 * present >= 2 * total) {
            roster.jail(round, registry.everybody(round) ^ duties);
        }
    }

    /// @inheritdoc RollCalls
    function _mayBeCertified(uint64 round) internal view override returns (bool, uint256 until) {
        (, until) = windowOf(round);
        return (block.number <= until || _certificates[round].claimsRoot != 0, until);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(CourtDomain.separator(court), structHash);
    }

    function _weigh(uint64 round, uint64 bitmap) private view returns (uint256 weight, uint256 total) {
        (weight, total,) = registry.weigh(round, bitmap, address(0));
    }

    function _certified(uint64 round) private view returns (Certificate storage certificate) {
        certificate = _certificates[round];
        if (certificate.claimsRoot == 0) revert NotCertified(round);
    }

    /// @dev Certified and not lapsed. A pool with an open case is paid like any other: nothing of it leaves before the
    ///      case has ended, and what has been claimed by then is slashed with the rest of the pool. What is claimed
    ///      later is not; but anybody claims for anybody, so whoever executes a case may claim for the accused first.
    function _claimable(uint64 round) private view returns (Certificate storage) {
        uint256 last = claimableUntil(round);
        if (block.number > last) revert ClaimLapsed(round, last);
        return _certified(round);
    }
}
