// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CaseState, CaseStatus, FaultKind, SignedReceipt} from "../../interfaces/IFraudCourt.sol";
import {VerifierSets} from "../../libraries/VerifierSets.sol";
import {Role} from "../../objects/Role.sol";
import {Stream} from "../Stream.sol";

/// @title Random proofs with random signers, executions and claims, on real signatures
contract CourtInvariants is Stream {
    bytes32[] private _opened;
    uint32 private _seq;
    uint256 private _expectedStake;
    uint256 private _burned;
    uint256 private _refused;
    uint64 private _lastOpening;

    function setUp() external {
        startStream();
        _expectedStake = _stake();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function targetSelectors() external view returns (Targets[] memory targets) {
        targets = new Targets[](1);
        targets[0].target = address(this);
        targets[0].selectors = new bytes4[](4);
        targets[0].selectors[0] = this.tryProve.selector;
        targets[0].selectors[1] = this.tryExecute.selector;
        targets[0].selectors[2] = this.tryClaim.selector;
        targets[0].selectors[3] = this.pass.selector;
    }

    struct Targets {
        address target;
        bytes4[] selectors;
    }

    /// A proof of this block opens a case exactly if its signers have two thirds and no burst covers it.
    function tryProve(uint64 bitmap) external {
        bitmap = uint64(bound(bitmap, 1, 15));
        SignedReceipt memory signed = receipt(_seq++);
        bool enough = VerifierSets.size(bitmap) >= 3;
        bool covered = _lastOpening == block.number;
        try this.proveWith(signed, bitmap) returns (bytes32 caseId) {
            vm.assertTrue(enough && !covered, "opened without a quorum or within a burst");
            _opened.push(caseId);
            _lastOpening = uint64(block.number);
        } catch {
            vm.assertTrue(!enough || covered, "a good proof was refused");
            ++_refused;
        }
    }

    function tryExecute(uint256 index) external {
        if (_opened.length == 0) return;
        bytes32 caseId = _opened[index % _opened.length];
        CaseState memory state = court.caseOf(caseId);
        uint256 bps = court.penaltyOf(FaultKind.WrongEncode, transcoder);
        uint256 before = _stake();
        uint256 supply = token.totalSupply();
        bool due = state.status == CaseStatus.Open && block.number >= state.executableAt;
        try court.execute(caseId) {
            vm.assertTrue(due, "executed twice or too early");
            uint256 cut = before - _stake();
            vm.assertGe(cut, before * bps / 10_000);
            vm.assertLe(cut, before * bps / 10_000 + 2 + before / 1000);
            _expectedStake = before - cut;
            _burned += supply - token.totalSupply();
        } catch {
            vm.assertFalse(due);
        }
    }

    function tryClaim(uint256 index, uint256 position) external {
        if (_opened.length == 0) return;
        bytes32 caseId = _opened[index % _opened.length];
        position = position % 5;
        CaseState memory state = court.caseOf(caseId);
        bool due = state.status == CaseStatus.Executed && (state.bitmap >> position) & 1 == 1
            && (state.claimed >> position) & 1 == 0;
        try court.claimSigner(caseId, position) {
            vm.assertTrue(due, "paid twice, too early, or to somebody else");
        } catch {
            vm.assertFalse(due);
        }
    }

    function pass(uint256 blocks) external {
        vm.roll(block.number + bound(blocks, 1, 6));
        if (block.number >= rounds.openableAt()) {
            rounds.openRound();
            // The present round is that of the next block on.
            vm.roll(block.number + 1);
        }
    }

    function proveWith(SignedReceipt memory signed, uint64 bitmap) external returns (bytes32) {
        return prove(signed, bitmap);
    }

    /// Frozen exactly while a case is open; what the court holds pays every signer that has not been paid;
    /// nothing is cut but by an execution; no token appears or is lost.
    /// forge-config: default.invariant.runs = 64
    /// forge-config: default.invariant.depth = 60
    function invariant_cases_stakes_and_rewards_agree() external view {
        uint256 open;
        uint256 owed;
        for (uint256 i = 0; i < _opened.length; ++i) {
            CaseState memory state = court.caseOf(_opened[i]);
            if (state.status == CaseStatus.Open) ++open;
            uint256 unpaid = VerifierSets.size(state.bitmap & ~state.claimed);
            owed += state.signersReward * unpaid / VerifierSets.size(state.bitmap);
        }
        vm.assertEq(bonding.pool(Role.Transcoder, transcoder).openCases, open);
        uint256 held = token.balanceOf(address(court));
        vm.assertGe(held + _opened.length, owed);
        // Rounding leaves at most a few units of each case behind.
        vm.assertLe(held, owed + 4 * _opened.length);
        vm.assertEq(_stake(), _expectedStake);
        vm.assertEq(token.totalSupply(), SUPPLY - _burned);
    }

    function _stake() private view returns (uint256) {
        return ownStake(Role.Transcoder, transcoder) + bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
    }
}
