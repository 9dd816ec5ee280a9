// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LeafProof, SignedReceipt} from "../../interfaces/IEvidence.sol";
import {CaseState, CaseStatus, FaultKind} from "../../interfaces/IFraudCourt.sol";
import {VerifierSets} from "../../libraries/VerifierSets.sol";
import {Cause} from "../../objects/Fault.sol";
import {Receipt} from "../../objects/Receipt.sol";
import {Role} from "../../objects/Role.sol";
import {Courtroom} from "../Courtroom.sol";
import {Trees} from "../Trees.sol";

/// @title Random proofs with random signers, contests, rulings, executions and claims, on real signatures
contract CourtInvariants is Courtroom {
    struct Slash {
        uint64 round;
        uint256 amount;
    }

    /// Of one segment, which all receipts are over: what is signed and counted differs by the assignment.
    bytes32 private _outputRoot;
    LeafProof private _leaf;
    bytes32[] private _opened;
    SignedReceipt[] private _shown;
    Slash[] private _quorumSlashes;
    uint32 private _seq;
    uint256 private _expectedStake;
    uint256 private _expectedOwn;

    function setUp() external {
        startCourt();
        token.transfer(transcoder, 1_000_000 * LPT);
        _expectedStake = _stake();
        _expectedOwn = ownStake(Role.Transcoder, transcoder);
        _outputRoot = Trees.root(leafHashes(0));
        LeafProof memory proof = leafProof(0, 3);
        (_leaf.leaf, _leaf.leafIndex, _leaf.path) = (proof.leaf, proof.leafIndex, proof.path);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function targetSelectors() external view returns (Targets[] memory targets) {
        targets = new Targets[](1);
        targets[0].target = address(this);
        bytes4[8] memory all = [
            this.tryProve.selector,
            this.tryProve.selector,
            this.tryJoin.selector,
            this.tryExecute.selector,
            this.tryContest.selector,
            this.tryEnd.selector,
            this.tryClaim.selector,
            this.pass.selector
        ];
        targets[0].selectors = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    struct Targets {
        address target;
        bytes4[] selectors;
    }

    /// A proof of this block makes a case exactly if its signers have two thirds; it freezes unless an executed
    /// case covers it.
    function tryProve(uint64 bitmap) external {
        bitmap = uint64(bound(bitmap, 1, 15));
        SignedReceipt memory signed = _receipt(_seq++);
        bool enough = VerifierSets.size(bitmap) >= 3;
        uint256 before = bonding.pool(Role.Transcoder, transcoder).openCases;
        bool covered = court.burstAt(transcoder, block.number) != 0;
        try this.proveWith(signed, bitmap) returns (bytes32 caseId) {
            vm.assertTrue(enough, "opened without a quorum");
            _opened.push(caseId);
            _shown.push(signed);
            uint256 open = bonding.pool(Role.Transcoder, transcoder).openCases;
            vm.assertEq(open, covered ? before : before + 1);
        } catch {
            vm.assertFalse(enough);
        }
    }

    /// A proof of an open case's leaf, or of one that the accused contests, counts exactly if it has all of the case's
    /// signers and more.
    function tryJoin(uint256 index, uint64 bitmap) external {
        if (_opened.length == 0) return;
        uint256 which = index % _opened.length;
        bitmap = uint64(bound(bitmap, 1, 15));
        CaseState memory state = court.caseOf(_opened[which]);
        bool inTime = block.number <= uint256(_shown[which].assignment.deadlineBlock) + 20;
        bool more = bitmap != state.bitmap && state.bitmap & ~bitmap == 0;
        (Cause cause,,) = contests.contestOf(_opened[which]);
        bool open = state.status == CaseStatus.Open
            || (state.status == CaseStatus.Contested && cause == Cause.Accused);
        uint256 before = bonding.pool(Role.Transcoder, transcoder).openCases;
        try this.proveWith(_shown[which], bitmap) returns (bytes32 caseId) {
            vm.assertTrue(more && inTime && open, "joined what it cannot");
            vm.assertEq(uint256(court.caseOf(caseId).bitmap), bitmap);
            vm.assertEq(bonding.pool(Role.Transcoder, transcoder).openCases, before);
        } catch {
            vm.assertFalse(more && inTime && open);
        }
    }

    function tryExecute(uint256 index) external {
        if (_opened.length == 0) return;
        bytes32 caseId = _opened[index % _opened.length];
        CaseState memory state = court.caseOf(caseId);
        bool due = state.status == CaseStatus.Open && block.number >= state.executableAt;
        uint256 bps = court.penaltyOf(FaultKind.WrongEncode, transcoder);
        uint256 before = _stake();
        try court.execute(caseId) {
            vm.assertTrue(due, "executed twice or too early");
            _ended(caseId, bps, before, false);
        } catch {
            vm.assertFalse(due);
        }
    }

    function tryContest(uint256 index) external {
        if (_opened.length == 0) return;
        bytes32 caseId = _opened[index % _opened.length];
        CaseState memory state = court.caseOf(caseId);
        bool possible = state.status == CaseStatus.Open && block.number < state.executableAt;
        vm.prank(transcoder);
        try contests.contest(caseId) {
            vm.assertTrue(possible, "contested what cannot be");
        } catch {
            vm.assertFalse(possible);
        }
    }

    /// By the resolver, or by its silence.
    function tryEnd(uint256 index, uint256 how) external {
        if (_opened.length == 0) return;
        bytes32 caseId = _opened[index % _opened.length];
        bool contested = statusOf(caseId) == CaseStatus.Contested;
        uint256 bps = court.penaltyOf(FaultKind.WrongEncode, transcoder);
        uint256 before = _stake();
        if (how % 3 == 0) {
            (, uint64 since,) = contests.contestOf(caseId);
            bool silent = rounds.currentRound() >= since + 7;
            try contests.lapse(caseId) {
                vm.assertTrue(contested && silent, "the resolver had time");
                _ended(caseId, bps, before, false);
            } catch {
                vm.assertFalse(contested && silent);
            }
            return;
        }
        vm.prank(RESOLVER);
        try contests.resolve(caseId, how % 3 == 1) {
            vm.assertTrue(contested, "nothing to rule on");
            _ended(caseId, bps, before, true);
        } catch {
            vm.assertFalse(contested);
        }
    }

    function tryClaim(uint256 index, uint256 position) external {
        if (_opened.length == 0) return;
        uint256 which = index % _opened.length;
        bytes32 caseId = _opened[which];
        position = position % 5;
        CaseState memory state = court.caseOf(caseId);
        if (position == 4) {
            bool closed = block.number > uint256(_shown[which].assignment.deadlineBlock) + 20;
            bool unpaid = state.status == CaseStatus.Executed && !state.finderPaid;
            try challenges.settleFinder(_shown[which].assignment) {
                vm.assertTrue(closed && unpaid, "a finder's part was settled twice or early");
            } catch {
                vm.assertFalse(closed && unpaid);
            }
            return;
        }
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
        return court.prove(signed, _leaf, verdict(signed, _leaf.leafIndex, RECOMPUTED, bitmap));
    }

    function invariant_court() external view {
        _casesStakesAndRewardsAgree();
        _theCapOnQuorumsHolds();
    }

    /// Frozen exactly while a case is open or contested; what the court holds pays every signer and finder that
    /// has not been paid; nothing is cut but by an execution; signers are held exactly while a case of theirs is
    /// not final.
    function _casesStakesAndRewardsAgree() private view {
        uint256 unfinished;
        uint256 owed;
        uint256 present;
        for (uint256 i = 0; i < _opened.length; ++i) {
            CaseState memory state = court.caseOf(_opened[i]);
            if (state.status == CaseStatus.Open || state.status == CaseStatus.Contested) {
                ++unfinished;
                if (state.round == rounds.currentRound()) ++present;
            }
            if (state.status != CaseStatus.Executed) continue;
            uint256 unpaid = VerifierSets.size(state.bitmap & ~state.claimed);
            owed += state.signersReward * unpaid / VerifierSets.size(state.bitmap);
            if (!state.finderPaid) owed += state.finderReward;
        }
        vm.assertEq(bonding.pool(Role.Transcoder, transcoder).openCases, unfinished);
        if (present != 0) {
            bool anybody;
            for (uint256 i = 0; i < VERIFIERS; ++i) {
                anybody = anybody || court.holds(Role.Verifier, seat(i), rounds.currentRound());
            }
            vm.assertTrue(anybody, "signers left before their case was final");
        }
        uint256 held = token.balanceOf(address(court));
        vm.assertGe(held + _opened.length, owed);
        // Rounding leaves at most a few units of each case behind.
        vm.assertLe(held, owed + 4 * _opened.length);
        vm.assertEq(_stake(), _expectedStake);
    }

    /// Without the resolver's word quorums never cut more in thirty rounds than their signers have at stake.
    function _theCapOnQuorumsHolds() private view {
        uint64 round = rounds.currentRound();
        uint256 sum;
        for (uint256 i = 0; i < _quorumSlashes.length; ++i) {
            if (_quorumSlashes[i].round + 30 > round) sum += _quorumSlashes[i].amount;
        }
        vm.assertLe(sum, 1200 * LPT);
        vm.assertLe(sum, court.quorumSlashes());
    }

    /// @dev A slash cuts what the penalty says, and no more than there is; its rewards are at most half of the own
    ///      part.
    function _ended(bytes32 caseId, uint256 bps, uint256 before, bool ruled) private {
        CaseState memory state = court.caseOf(caseId);
        uint256 cut = before - _stake();
        if (state.status != CaseStatus.Executed) {
            vm.assertEq(cut, 0);
            return;
        }
        vm.assertGe(cut, before * bps / 10_000);
        vm.assertLe(cut, before * bps / 10_000 + 2 + before / 1000);
        uint256 own = ownStake(Role.Transcoder, transcoder);
        vm.assertLe(2 * (state.signersReward + state.finderReward), _expectedOwn - own);
        _expectedOwn = own;
        _expectedStake = before - cut;
        if (ruled) return;
        _quorumSlashes.push(Slash(rounds.currentRound(), cut));
        _theCapOnQuorumsHolds();
    }

    function _receipt(uint32 seq) private view returns (SignedReceipt memory signed) {
        signed.assignment = assignment(0);
        signed.assignment.seq = seq;
        bytes32 digest = evidence.hashAssignment(signed.assignment);
        signed.broadcasterSignature = signature(BROADCASTER, digest);
        signed.receipt = Receipt(digest, _outputRoot, 400_000, keccak256("plant"));
        signed.transcoderSignature = signature(TRANSCODER, evidence.hashReceipt(signed.receipt));
    }

    function _stake() private view returns (uint256) {
        return ownStake(Role.Transcoder, transcoder) + bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
    }
}
