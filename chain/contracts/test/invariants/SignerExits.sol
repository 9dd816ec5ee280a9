// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LockState} from "../../interfaces/IBondingManager.sol";
import {CaseState, CaseStatus} from "../../interfaces/IFraudCourt.sol";
import {Role} from "../../objects/Role.sol";
import {Courtroom} from "../Courtroom.sol";

/// @title Verifiers that take stake out, whatever they have signed
abstract contract SignerExits is Courtroom {
    /// Stake of a verifier's that is on its way out.
    struct Leaving {
        uint256 id;
        uint256 position;
        uint64 round;
    }

    /// Cases that need a quorum, oldest first.
    bytes32[] internal _quorumCases;
    Leaving[] private _leaving;

    /// A verifier puts in what it takes out at once: its weight stays what it is.
    function depart(uint256 position) external {
        position %= VERIFIERS;
        bond(Role.Verifier, seat(position), LPT);
        vm.prank(seat(position));
        uint256 id = bonding.unbond(Role.Verifier, seat(position), LPT);
        _leaving.push(Leaving(id, position, rounds.currentRound()));
    }

    /// What leaves is there for the penalty as long as a case is not final that its verifier signed while it was bonded.
    function tryWithdraw(uint256 index) external {
        if (_leaving.length == 0) return;
        index %= _leaving.length;
        Leaving memory leaving = _leaving[index];
        LockState memory lock = bonding.lockOf(leaving.id);
        bool ripe = lock.withdrawableBlock != 0 && block.number >= lock.withdrawableBlock
            && rounds.currentRound() >= lock.withdrawableRound;
        (bool must, bool may) = _held(leaving);
        vm.prank(seat(leaving.position));
        try bonding.withdraw(leaving.id) {
            vm.assertTrue(ripe && !must, "a signer left before its case was final");
            _leaving[index] = _leaving[_leaving.length - 1];
            _leaving.pop();
        } catch {
            vm.assertTrue(!ripe || may, "held by no case");
        }
    }

    function _signersAreHeld() internal view {
        for (uint256 c = 0; c < _quorumCases.length; ++c) {
            CaseState memory state = court.caseOf(_quorumCases[c]);
            if (!_isUnfinished(state)) continue;
            for (uint256 i = 0; i < VERIFIERS; ++i) {
                if ((state.bitmap >> i) & 1 == 0) continue;
                bool held = court.holds(Role.Verifier, seat(i), state.round);
                vm.assertTrue(held, "a signer is free before its case is final");
            }
        }
    }

    /// @dev Whether an unfinished case of the rounds that count for it has the leaver's signature, and whether any case of a round
    ///      with an unfinished one has: a round's signers are free together.
    function _held(Leaving memory leaving) private view returns (bool must, bool may) {
        uint64 since = leaving.round < registry.heldRounds() ? 0 : leaving.round - registry.heldRounds();
        for (uint64 round = since + 1; round <= leaving.round; ++round) {
            uint256 unfinished;
            uint256 all;
            for (uint256 c = 0; c < _quorumCases.length; ++c) {
                CaseState memory state = court.caseOf(_quorumCases[c]);
                if (state.round != round) continue;
                all |= state.bitmap;
                if (_isUnfinished(state)) unfinished |= state.bitmap;
            }
            must = must || (unfinished >> leaving.position) & 1 == 1;
            may = may || (unfinished != 0 && (all >> leaving.position) & 1 == 1);
        }
    }

    function _isUnfinished(CaseState memory state) private pure returns (bool) {
        return state.status == CaseStatus.Open || state.status == CaseStatus.Contested;
    }
}
