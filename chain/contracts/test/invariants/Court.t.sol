// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LeafProof, SignedReceipt} from "../../interfaces/IEvidence.sol";
import {CaseState, CaseStatus, FaultKind} from "../../interfaces/IFraudCourt.sol";
import {Cause} from "../../objects/Fault.sol";
import {Receipt} from "../../objects/Receipt.sol";
import {Role} from "../../objects/Role.sol";
import {Trees} from "../Trees.sol";
import {SignerExits} from "./SignerExits.sol";

/// @title Random proofs with random signers, second receipts, contests, rulings, executions and claims, on real signatures:
///        two transcoders, four verifiers of unequal stake
contract CourtInvariants is SignerExits {
    struct Slash {
        uint64 round;
        uint256 amount;
    }

    struct Filed {
        bytes32 caseId;
        FaultKind kind;
        address accused;
        /// Which of `_shown` it is about.
        uint256 work;
    }

    struct Stake {
        uint256 whole;
        uint256 own;
    }

    uint256 private constant SECOND = 0x71;

    /// Of one segment, which all receipts are over: what is signed and counted differs by the assignment.
    bytes32 private _outputRoot;
    LeafProof private _leaf;
    Filed[] private _filed;
    SignedReceipt[] private _shown;
    Slash[] private _quorumSlashes;
    address[2] private _accused;
    uint256[VERIFIERS] private _weights;
    mapping(address => Stake) private _expected;

    function setUp() external {
        startCourt();
        _accused = [transcoder, vm.addr(SECOND)];
        bond(Role.Transcoder, _accused[1], 2000 * LPT);
        delegate(Role.Transcoder, _accused[1], DELEGATOR, 300 * LPT);
        allow(_accused[1]);
        for (uint256 i = 0; i < _accused.length; ++i) {
            token.transfer(_accused[i], 1_000_000 * LPT);
            _expected[_accused[i]] = _stake(_accused[i]);
        }
        bond(Role.Verifier, seat(1), 200 * LPT);
        bond(Role.Verifier, seat(3), 500 * LPT);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            _weights[i] = ownStake(Role.Verifier, seat(i));
        }
        passRounds(1);
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
        bytes4[11] memory all = [
            this.tryProve.selector,
            this.tryProve.selector,
            this.tryJoin.selector,
            this.trySecond.selector,
            this.tryExecute.selector,
            this.tryContest.selector,
            this.tryEnd.selector,
            this.tryClaim.selector,
            this.depart.selector,
            this.tryWithdraw.selector,
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
    function tryProve(uint64 bitmap, uint256 who) external {
        bitmap = uint64(bound(bitmap, 1, 15));
        address accused = _accused[who % 2];
        SignedReceipt memory signed = _receipt(accused);
        bool enough = 3 * _weightOf(bitmap) >= 2 * _weightOf(15);
        uint256 before = _openCases(accused);
        bool covered = court.burstAt(accused, block.number) != 0;
        try this.proveWith(signed, bitmap) returns (bytes32 caseId) {
            vm.assertTrue(enough, "opened without a quorum");
            _filed.push(Filed(caseId, FaultKind.WrongEncode, accused, _shown.length));
            _quorumCases.push(caseId);
            _shown.push(signed);
            vm.assertEq(_openCases(accused), covered ? before : before + 1);
        } catch {
            vm.assertFalse(enough);
        }
    }

    /// A proof of an open case's leaf, or of one that the accused contests, counts exactly if it has all of the case's
    /// signers and more.
    function tryJoin(uint256 index, uint64 bitmap) external {
        if (_shown.length == 0) return;
        SignedReceipt memory signed = _shown[index % _shown.length];
        bytes32 known = wrongEncodeId(signed);
        bitmap = uint64(bound(bitmap, 1, 15));
        CaseState memory state = court.caseOf(known);
        bool more = bitmap != state.bitmap && state.bitmap & ~bitmap == 0;
        (Cause cause,,) = contests.contestOf(known);
        bool open = state.status == CaseStatus.Open
            || (state.status == CaseStatus.Contested && cause == Cause.Accused);
        bool joins = more && open && _inTime(signed);
        uint256 before = _openCases(state.operator);
        try this.proveWith(signed, bitmap) returns (bytes32 caseId) {
            vm.assertTrue(joins, "joined what it cannot");
            vm.assertEq(uint256(court.caseOf(caseId).bitmap), bitmap);
            vm.assertEq(_openCases(state.operator), before);
        } catch {
            vm.assertFalse(joins);
        }
    }

    /// A second receipt for one assignment is one fault, once, and needs nobody's verdict.
    function trySecond(uint256 index, bytes32 plant) external {
        if (_shown.length == 0) return;
        uint256 which = index % _shown.length;
        SignedReceipt memory signed = _shown[which];
        address accused = signed.assignment.transcoder;
        Receipt memory other = Receipt(signed.receipt.assignmentHash, _outputRoot, 400_000, plant);
        bytes memory sealed_ = signature(_secretOf(accused), evidence.hashReceipt(other));
        bool differs = plant != signed.receipt.plant;
        bool isNew = statusOf(court.caseIdOf(FaultKind.Equivocation, other.assignmentHash)) == CaseStatus.None;
        uint256 before = _openCases(accused);
        try court.equivocation(signed, other, sealed_) returns (bytes32 caseId) {
            vm.assertTrue(isNew && differs && _inTime(signed), "one fault twice, or too late");
            _filed.push(Filed(caseId, FaultKind.Equivocation, accused, which));
            vm.assertEq(_openCases(accused), before + 1);
        } catch {
            vm.assertFalse(isNew && differs && _inTime(signed));
        }
    }

    function tryExecute(uint256 index) external {
        if (_filed.length == 0) return;
        Filed memory filed = _filed[index % _filed.length];
        CaseState memory state = court.caseOf(filed.caseId);
        bool due = state.status == CaseStatus.Open && block.number >= state.executableAt;
        uint256 bps = court.penaltyOf(filed.kind, filed.accused);
        try court.execute(filed.caseId) {
            vm.assertTrue(due, "executed twice or too early");
            _ended(filed, bps, false);
        } catch {
            vm.assertFalse(due);
        }
    }

    function tryContest(uint256 index) external {
        if (_filed.length == 0) return;
        Filed memory filed = _filed[index % _filed.length];
        CaseState memory state = court.caseOf(filed.caseId);
        bool possible = state.status == CaseStatus.Open && block.number < state.executableAt;
        vm.prank(filed.accused);
        try contests.contest(filed.caseId) {
            vm.assertTrue(possible, "contested what cannot be");
        } catch {
            vm.assertFalse(possible);
        }
    }

    /// By the resolver, or by its silence.
    function tryEnd(uint256 index, uint256 how) external {
        if (_filed.length == 0) return;
        Filed memory filed = _filed[index % _filed.length];
        bool contested = statusOf(filed.caseId) == CaseStatus.Contested;
        uint256 bps = court.penaltyOf(filed.kind, filed.accused);
        if (how % 3 == 0) {
            (, uint64 since,) = contests.contestOf(filed.caseId);
            bool silent = rounds.currentRound() >= since + 7;
            try contests.lapse(filed.caseId) {
                vm.assertTrue(contested && silent, "the resolver had time");
                _ended(filed, bps, false);
            } catch {
                vm.assertFalse(contested && silent);
            }
            return;
        }
        vm.prank(RESOLVER);
        try contests.resolve(filed.caseId, how % 3 == 1) {
            vm.assertTrue(contested, "nothing to rule on");
            _ended(filed, bps, true);
        } catch {
            vm.assertFalse(contested);
        }
    }

    function tryClaim(uint256 index, uint256 position) external {
        if (_filed.length == 0) return;
        Filed memory filed = _filed[index % _filed.length];
        position = position % 5;
        CaseState memory state = court.caseOf(filed.caseId);
        bool executed = state.status == CaseStatus.Executed;
        if (position == 4) {
            if (filed.kind != FaultKind.WrongEncode) return;
            SignedReceipt memory signed = _shown[filed.work];
            bool unpaid = executed && !state.finderPaid && !_inTime(signed);
            try challenges.settleFinder(signed.assignment) {
                vm.assertTrue(unpaid, "a finder's part was settled twice or early");
            } catch {
                vm.assertFalse(unpaid);
            }
            return;
        }
        // Nobody signs a second receipt's case.
        bool due = executed && (state.bitmap >> position) & 1 == 1 && (state.claimed >> position) & 1 == 0;
        try court.claimSigner(filed.caseId, position) {
            vm.assertTrue(due, "paid twice, too early, or to somebody else");
        } catch {
            vm.assertFalse(due);
        }
    }

    /// Sometimes a round: what leaves must be ripe, and resolvers silent, in short runs too.
    function pass(uint256 blocks) external {
        uint256 later = block.number + bound(blocks, 1, 6);
        vm.roll(blocks % 3 == 0 && later < rounds.openableAt() ? rounds.openableAt() : later);
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
        _signersAreHeld();
        _theCapOnQuorumsHolds();
    }

    /// Frozen exactly while a case is open or contested; what the court holds pays every signer and finder that
    /// has not been paid; nothing is cut but by an execution against that operator.
    function _casesStakesAndRewardsAgree() private view {
        uint256[2] memory unfinished;
        uint256 owed;
        for (uint256 i = 0; i < _filed.length; ++i) {
            CaseState memory state = court.caseOf(_filed[i].caseId);
            if (state.status == CaseStatus.Open || state.status == CaseStatus.Contested) {
                ++unfinished[_filed[i].accused == transcoder ? 0 : 1];
            }
            if (state.status != CaseStatus.Executed || _filed[i].kind != FaultKind.WrongEncode) continue;
            owed += state.signersReward * _weightOf(state.bitmap & ~state.claimed) / _weightOf(state.bitmap);
            if (!state.finderPaid) owed += state.finderReward;
        }
        for (uint256 i = 0; i < _accused.length; ++i) {
            vm.assertEq(_openCases(_accused[i]), unfinished[i]);
            Stake memory stake = _stake(_accused[i]);
            vm.assertEq(stake.whole, _expected[_accused[i]].whole);
            vm.assertEq(stake.own, _expected[_accused[i]].own);
        }
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            vm.assertEq(ownStake(Role.Verifier, seat(i)), _weights[i]);
        }
        uint256 kept = token.balanceOf(address(court));
        vm.assertGe(kept + _filed.length, owed);
        // Rounding leaves at most a few units of each case behind.
        vm.assertLe(kept, owed + 4 * _filed.length);
    }

    /// Without the resolver's word quorums never cut more in thirty rounds than all verifiers have at stake.
    function _theCapOnQuorumsHolds() private view {
        uint256 sum = _cutByQuorums();
        vm.assertLe(sum, _weightOf(15));
        vm.assertLe(sum, court.quorumSlashes());
    }

    /// @dev A slash cuts what the penalty says, and no more than there is; its rewards are at most half of the own
    ///      part; with it, what quorums have cut is no more than this case's signers have at stake.
    function _ended(Filed memory filed, uint256 bps, bool ruled) private {
        CaseState memory state = court.caseOf(filed.caseId);
        Stake memory before = _expected[filed.accused];
        Stake memory stake = _stake(filed.accused);
        uint256 cut = before.whole - stake.whole;
        if (state.status != CaseStatus.Executed) {
            vm.assertEq(cut, 0);
            return;
        }
        vm.assertGe(cut, before.whole * bps / 10_000);
        vm.assertLe(cut, before.whole * bps / 10_000 + 2 + before.whole / 1000);
        vm.assertLe(2 * (state.signersReward + state.finderReward), before.own - stake.own);
        _expected[filed.accused] = stake;
        if (ruled || filed.kind != FaultKind.WrongEncode) return;
        _quorumSlashes.push(Slash(rounds.currentRound(), cut));
        vm.assertLe(_cutByQuorums(), _weightOf(state.bitmap));
    }

    function _cutByQuorums() private view returns (uint256 sum) {
        uint64 round = rounds.currentRound();
        for (uint256 i = 0; i < _quorumSlashes.length; ++i) {
            if (_quorumSlashes[i].round + 30 > round) sum += _quorumSlashes[i].amount;
        }
    }

    function _receipt(address accused) private view returns (SignedReceipt memory signed) {
        signed.assignment = assignment(0);
        signed.assignment.seq = uint32(_shown.length);
        signed.assignment.transcoder = accused;
        bytes32 digest = evidence.hashAssignment(signed.assignment);
        signed.broadcasterSignature = signature(BROADCASTER, digest);
        signed.receipt = Receipt(digest, _outputRoot, 400_000, keccak256("plant"));
        signed.transcoderSignature = signature(_secretOf(accused), evidence.hashReceipt(signed.receipt));
    }

    function _secretOf(address accused) private view returns (uint256) {
        return accused == transcoder ? TRANSCODER : SECOND;
    }

    /// @dev Up to this block its faults can be proven.
    function _inTime(SignedReceipt memory signed) private view returns (bool) {
        return block.number <= uint256(signed.assignment.deadlineBlock) + 20;
    }

    function _openCases(address accused) private view returns (uint256) {
        return bonding.pool(Role.Transcoder, accused).openCases;
    }

    function _weightOf(uint256 bitmap) private view returns (uint256 weight) {
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            if ((bitmap >> i) & 1 == 1) weight += _weights[i];
        }
    }

    function _stake(address accused) private view returns (Stake memory stake) {
        stake.own = ownStake(Role.Transcoder, accused);
        stake.whole = stake.own + bonding.stakeOf(Role.Transcoder, accused, DELEGATOR);
    }
}
