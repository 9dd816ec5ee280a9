// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRollCalls} from "./interfaces/IRollCalls.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Parameters} from "./Parameters.sol";

/// @title Jails silent verifiers when there is no quorum that could
/// @notice [One third offline shielding everybody] Nobody who is there can be jailed: its answer is a transaction, which
///         no other verifier can keep off the chain. Nobody is jailed unless more than half of the weight has answered,
///         so that who is less never gets the network by waiting; and no more than it takes for those who have answered
///         to be two thirds of the rest, nor more than a tenth of the weight for one roll, so that the others have time
///         to return. Who stays silent on purpose and answers here still bars certificates: a third that lies can do
///         that in any protocol.
abstract contract RollCalls is IRollCalls {
    /// @dev One slot.
    struct Roll {
        uint64 round;
        uint64 until;
        uint64 answered;
        uint64 closedAt;
    }

    /// One roll jails verifiers of a tenth of the weight at most, or one of them.
    uint256 private constant JAILED_PART = 10;

    /// Whose key acts for whom.
    IOperators public immutable operators;
    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// Shares of the stake, and the jail.
    IRoster public immutable roster;
    /// Says who verifies in which round.
    IVerifierRegistry public immutable registry;
    /// Blocks in which a roll is answered: as many as a round's list is accepted in.
    uint64 public immutable answerBlocks;

    Roll private _roll;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        operators = IOperators(addresses.operators);
        rounds = IRoundsManager(addresses.rounds);
        roster = IRoster(addresses.roster);
        registry = IVerifierRegistry(addresses.registry);
        answerBlocks = parameters.certifyBlocks;
    }

    /// @inheritdoc IRollCalls
    function callRoll(uint64 failed, uint256 position) external {
        Roll memory last = _roll;
        if (last.until != 0 && last.closedAt == 0) revert RollOpen(last.round, last.until);
        (bool open, uint256 lastBlock) = _mayBeCertified(failed);
        if (open) revert NotFailed(failed, lastBlock);
        uint64 openedAt = rounds.openedAt(failed);
        if (openedAt <= last.closedAt) revert RollTooSoon(failed, openedAt, last.closedAt);
        (uint64 round, uint64 until) = (rounds.currentRound(), uint64(block.number) + answerBlocks);
        _roll = Roll(round, until, 0, 0);
        emit RollCalled(round, failed, until);
        _answer(round, position);
    }

    /// @inheritdoc IRollCalls
    function answerRoll(uint256 position) external {
        Roll memory present = _roll;
        if (present.closedAt != 0 || block.number > present.until) revert NoRoll(present.until);
        _answer(present.round, position);
    }

    /// @inheritdoc IRollCalls
    function closeRoll() external {
        Roll memory present = _roll;
        if (present.until == 0 || present.closedAt != 0) revert NoRoll(present.until);
        if (block.number <= present.until) revert RollOpen(present.round, present.until);
        _roll.closedAt = uint64(block.number);
        uint64 silent = _silent(present.round, present.answered);
        emit RollClosed(present.round, present.answered, silent);
        roster.jail(present.round, silent);
    }

    /// @inheritdoc IRollCalls
    function roll() external view returns (uint64, uint64, uint64, uint64) {
        Roll memory last = _roll;
        return (last.round, last.until, last.answered, last.closedAt);
    }

    /// @dev Whether a round has its list or may still get it, and the last block for it. Reverts while the round lasts.
    function _mayBeCertified(uint64 round) internal view virtual returns (bool, uint256 until);

    function _answer(uint64 round, uint256 position) private {
        (address verifier,) = registry.verifierAt(round, position);
        if (!operators.mayAct(msg.sender, verifier)) revert NotTheVerifier(msg.sender, verifier);
        uint64 bit = uint64(1) << uint64(position);
        if (_roll.answered & bit != 0) revert AlreadyAnswered(round, position);
        _roll.answered |= bit;
        emit RollAnswered(round, position);
    }

    /// @dev Who is jailed, by position: of the silent ones as many as the rule allows, from another position on in each
    ///      round. Bounded by the number of verifiers.
    function _silent(uint64 round, uint64 answered) private view returns (uint64 silent) {
        (address[] memory verifiers, uint256[] memory weights, uint256 total,) = registry.snapshot(round);
        (uint256 present,,) = registry.weigh(round, answered, address(0));
        if (2 * present <= total) return 0;
        (uint256 count, uint256 jailed) = (verifiers.length, 0);
        for (uint256 i = 0; i < count && 3 * present < 2 * (total - jailed); ++i) {
            uint256 position = (round + i) % count;
            if ((answered >> position) & 1 == 1) continue;
            uint256 with = jailed + weights[position];
            if (jailed != 0 && with * JAILED_PART > total) continue;
            jailed = with;
            silent |= uint64(1) << uint64(position);
        }
    }
}
