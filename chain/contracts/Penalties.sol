// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CaseIds} from "./CaseIds.sol";
import {FaultKind, IFraudCourt} from "./interfaces/IFraudCourt.sol";
import {Head} from "./libraries/CaseWords.sol";
import {OffenceRecords} from "./libraries/OffenceRecords.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @notice What an execution is about to do.
struct Sentence {
    uint64 round;
    /// Part of the pool, in 1/10,000.
    uint256 bps;
    /// Repeats so far.
    uint8 strikes;
    /// Weight of the signers, of all verifiers, and the signers' own bonds.
    uint256 signed;
    uint256 total;
    uint256 ownStake;
    /// The signers' part of the own cut if all had signed, in 1/10,000.
    uint256 signersBps;
    /// Of a leaf demanded before the last slash for silence: counted with that.
    bool sameSilence;
}

/// @notice The last slash for a withheld leaf that was no part of another silence.
struct Silence {
    uint64 executedBlock;
    /// Repeats before it.
    uint8 strikes;
}

/// @title What each fault costs, and who is rewarded
abstract contract Penalties is CaseIds {
    using OffenceRecords for uint256;

    uint256 internal constant BPS = 10_000;
    /// Rewards together never exceed half of the own cut, so that reporting oneself loses.
    uint256 internal constant MAX_REWARD_BPS = BPS / 2;
    /// Doubling this often makes any penalty the whole.
    uint8 private constant MAX_STRIKES = 14;

    /// Rounds within which another execution is a repeat.
    uint64 public immutable repeatRounds;
    /// D: blocks from an assignment's signing to its deadline.
    uint64 public immutable deadlineBlocks;
    /// Penalty of a first wrong encode, leaf fault or withheld leaf, in 1/10,000.
    uint256 public immutable wrongEncodeBps;
    /// Penalty of an equivocation, in 1/10,000.
    uint256 public immutable equivocationBps;
    /// Penalty of a false pass, in 1/10,000.
    uint256 public immutable falsePassBps;
    /// Penalty of a false accusation, in 1/10,000.
    uint256 public immutable falseAccusationBps;
    /// Penalty of a ticket shown early, in 1/10,000.
    uint256 public immutable earlyTicketBps;
    /// Penalty of a refuted divergence, in 1/10,000.
    uint256 public immutable divergenceBps;
    /// The signers' part of what is cut from the own bond, in 1/10,000.
    uint256 public immutable signersBps;
    /// The finder's part of what is cut from the own bond, in 1/10,000.
    uint256 public immutable finderBps;

    /// @dev Of wrong encodes, leaf faults and withheld leaves.
    mapping(address operator => uint256 record) private _records;
    mapping(address operator => Silence) private _silences;

    constructor(Parameters memory p) {
        _atMost("deadlineBlocks", p.deadlineBlocks, type(uint8).max);
        // A case keeps the age of the work that it is about in 16 bits.
        _atMost("evidenceWindow", p.evidenceWindow, type(uint16).max - p.deadlineBlocks);
        _costs("wrongEncodeBps", p.wrongEncodeBps);
        _costs("equivocationBps", p.equivocationBps);
        _costs("falsePassBps", p.falsePassBps);
        _costs("falseAccusationBps", p.falseAccusationBps);
        _costs("earlyTicketBps", p.earlyTicketBps);
        _costs("divergenceBps", p.divergenceBps);
        _atMost("signersBps", p.signersBps, MAX_REWARD_BPS);
        _atMost("finderBps", p.finderBps, MAX_REWARD_BPS - p.signersBps);
        if (p.capRounds == 0) revert InvalidParameter("capRounds", 0, 1);
        repeatRounds = p.repeatRounds;
        deadlineBlocks = p.deadlineBlocks;
        wrongEncodeBps = p.wrongEncodeBps;
        equivocationBps = p.equivocationBps;
        falsePassBps = p.falsePassBps;
        falseAccusationBps = p.falseAccusationBps;
        earlyTicketBps = p.earlyTicketBps;
        divergenceBps = p.divergenceBps;
        signersBps = p.signersBps;
        finderBps = p.finderBps;
    }

    /// @inheritdoc IFraudCourt
    function finderBpsOf(FaultKind kind) public view returns (uint256) {
        // Own signatures and leaves that contradict themselves need no finder to be found.
        if (
            kind == FaultKind.LeafFault || kind == FaultKind.Equivocation
                || kind == FaultKind.VerifierEquivocation
        ) return 0;
        return kind == FaultKind.EarlyTicket ? MAX_REWARD_BPS : finderBps;
    }

    /// @inheritdoc IFraudCourt
    function burstAt(address operator, uint256 signedBlock) public view returns (uint64 openedBlock) {
        return _records[operator].covering(signedBlock, uint256(deadlineBlocks) + 1);
    }

    /// @dev Counts an offence of the kinds that double; a wrong encode's burst is one fault from now on.
    function _count(Head memory head, Sentence memory sentence) internal {
        if (!_doubles(head.kind) || sentence.sameSilence) return;
        uint256 record = _records[head.operator].punished(sentence.round, sentence.strikes + 1);
        _records[head.operator] =
            head.kind == FaultKind.WrongEncode ? record.opened(head.openedBlock) : record;
        if (head.kind == FaultKind.WithheldLeaf) {
            _silences[head.operator] = Silence(uint64(block.number), sentence.strikes);
        }
    }

    /// @dev Who is away for a while answers nobody: leaves that were demanded before the first of them was punished cost what
    ///      that one did each, and are no repeats of it [an outage that costs everything].
    function _asAtDemand(Head memory head, Sentence memory sentence) internal view {
        Silence memory silence = _silences[head.operator];
        bool longAgo = head.age == type(uint16).max;
        sentence.sameSilence =
            silence.executedBlock != 0 && (longAgo || head.openedBlock - head.age <= silence.executedBlock);
        if (!sentence.sameSilence) return;
        if (silence.strikes < sentence.strikes) sentence.strikes = silence.strikes;
        sentence.bps = _doubled(sentence.strikes);
    }

    function _penalty(FaultKind kind, address operator, uint64 round)
        internal
        view
        returns (uint256 bps, uint8 strikes)
    {
        if (!_doubles(kind)) return (_fixedPenalty(kind), 0);
        (uint64 last, uint8 past) = _records[operator].lastOf();
        if (past != 0 && round <= last + repeatRounds) strikes = past;
        if (strikes >= MAX_STRIKES) strikes = MAX_STRIKES - 1;
        bps = _doubled(strikes);
    }

    /// @dev Whose signers a quorum's reward goes to.
    function _rewardsSigners(FaultKind kind) internal pure returns (bool) {
        return kind == FaultKind.WrongEncode || kind == FaultKind.FalseAccusation;
    }

    function _roleOf(FaultKind kind) internal pure returns (Role) {
        // In the order of the kinds: a verifier's begin with its equivocation, but for the leaf that is withheld.
        return kind < FaultKind.VerifierEquivocation || kind == FaultKind.WithheldLeaf
            ? Role.Transcoder
            : Role.Verifier;
    }

    function _doubled(uint8 strikes) private view returns (uint256 bps) {
        bps = wrongEncodeBps << strikes;
        if (bps > BPS) bps = BPS;
    }

    function _fixedPenalty(FaultKind kind) private view returns (uint256) {
        if (kind == FaultKind.FalsePass) return falsePassBps;
        if (kind == FaultKind.FalseAccusation) return falseAccusationBps;
        if (kind == FaultKind.EarlyTicket) return earlyTicketBps;
        if (kind == FaultKind.FalseDivergence) return divergenceBps;
        return equivocationBps;
    }

    function _doubles(FaultKind kind) private pure returns (bool) {
        return kind == FaultKind.WrongEncode || kind == FaultKind.LeafFault || kind == FaultKind.WithheldLeaf;
    }

    /// @dev A fault that is free would cost nothing to report of oneself, and to commit.
    function _costs(string memory name, uint256 bps) private pure {
        if (bps == 0) revert InvalidParameter(name, 0, 1);
        _atMost(name, bps, BPS);
    }

    function _atMost(string memory name, uint256 found, uint256 maximum) private pure {
        if (found > maximum) revert InvalidParameter(name, found, maximum);
    }
}
