// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignedAccusation} from "../interfaces/IChallenges.sol";
import {QuorumVerdict} from "../interfaces/IEvidence.sol";
import {CaseStatus, FaultKind, SignedReceipt} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Courtroom} from "./Courtroom.sol";

/// [reporting oneself with delegators' money] Whatever parameters the constructor admits, whoever cheats, signs
/// every verdict, draws the leaf and delegates to itself is poorer afterwards.
contract SelfReportTest is Courtroom {
    using BlsSigner for uint256;

    Parameters private _p;

    /// @dev What the test has stored; the other networks' parameters are constants, hence pure.
    function parameters() internal pure override returns (Parameters memory) {
        function() internal view returns (Parameters memory) reads = _stored;
        function() internal pure returns (Parameters memory) stored;
        assembly ("memory-safe") {
            stored := reads
        }
        return stored();
    }

    function _stored() private view returns (Parameters memory) {
        return _p;
    }

    /// The accused's own bond, its delegations, and all rewards are one purse; what leaves it has burned.
    function testFuzz_reporting_oneself_always_loses(
        uint16 penalty,
        uint16 signers,
        uint16 finder,
        uint96 own,
        uint96 delegated
    ) external {
        _start(penalty, signers, finder);
        bond(Role.Transcoder, transcoder, bound(own, LPT, 10_000 * LPT));
        delegate(Role.Transcoder, transcoder, DELEGATOR, bound(delegated, LPT, 100_000 * LPT));
        passRounds(1);
        _losesByItself(1);
    }

    /// However often before: what doubles is the penalty, and with it what the rewards are a part of.
    function testFuzz_reporting_oneself_again_loses(
        uint16 penalty,
        uint16 signers,
        uint16 finder,
        uint8 before
    ) external {
        _start(penalty, signers, finder);
        uint32 strikes = uint32(bound(before, 1, 14));
        for (uint32 i = 1; i <= strikes; ++i) {
            bytes32 caseId = prove(receipt(i), 0xf);
            // No part of the next one's burst.
            vm.roll(block.number + 14);
            court.execute(caseId);
        }
        vm.assertEq(court.penaltyOf(FaultKind.WrongEncode, transcoder), _doubled(strikes));
        bond(Role.Transcoder, transcoder, 1000 * LPT);
        passRounds(1);
        _losesByItself(strikes + 1);
    }

    /// The other faults that pay a reporter: its signers, where a quorum is needed, are its friends too.
    function testFuzz_reporting_oneself_by_other_faults_loses(
        uint16 penalty,
        uint16 signers,
        uint16 finder,
        uint8 which
    ) external {
        _start(penalty, signers, finder);
        (bytes32 caseId, Role role, address accused) = _fault(which % 5);
        uint256 ownBefore = ownStake(role, accused);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        uint256 rewards = challenges.claimReward(caseId);
        // A false accusation's signers are paid too; other quorums' are, by the case that theirs rests on.
        for (uint256 i = 0; i < 3 && which % 5 == 0; ++i) {
            rewards += court.claimSigner(caseId, i);
        }
        vm.assertEq(court.finderBpsOf(FaultKind.EarlyTicket), 5000);
        uint256 cut = ownBefore - ownStake(role, accused);
        vm.assertTrue(cut > 0, "a fault is free");
        bool early = which % 5 == 3;
        vm.assertEq(rewards > 0, early || _p.finderBps != 0 || (which % 5 == 0 && _p.signersBps != 0));
        vm.assertLe(2 * rewards, cut);
    }

    /// A deployment in which a fault costs nothing is none.
    function test_a_fault_that_is_free_is_refused() external {
        string[6] memory names = [
            "wrongEncodeBps",
            "equivocationBps",
            "falsePassBps",
            "falseAccusationBps",
            "earlyTicketBps",
            "divergenceBps"
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            _p = super.parameters();
            if (i == 0) _p.wrongEncodeBps = 0;
            if (i == 1) _p.equivocationBps = 0;
            if (i == 2) _p.falsePassBps = 0;
            if (i == 3) _p.falseAccusationBps = 0;
            if (i == 4) _p.earlyTicketBps = 0;
            if (i == 5) _p.divergenceBps = 0;
            vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, names[i], 0, 1));
            this.startAll();
        }
    }

    function startAll() external {
        deploy();
    }

    function _start(uint16 penalty, uint16 signers, uint16 finder) private {
        _p = super.parameters();
        uint16 bps = uint16(bound(penalty, 1, 10_000));
        (_p.wrongEncodeBps, _p.falsePassBps, _p.falseAccusationBps) = (bps, bps, bps);
        (_p.earlyTicketBps, _p.divergenceBps) = (bps, bps);
        _p.signersBps = uint16(bound(signers, 0, 5000));
        _p.finderBps = uint16(bound(finder, 0, 5000 - _p.signersBps));
        startCourt();
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            bond(Role.Verifier, seat(i), 100_000 * LPT);
        }
        passRounds(1);
    }

    /// @dev A case of each other kind that has a beneficiary, with all the signers that it may have.
    function _fault(uint256 which) private returns (bytes32, Role, address) {
        SignedReceipt memory signed = receipt(1);
        if (which == 0) {
            SignedAccusation memory accused = accusation(signed, 3, 3);
            bytes32 acquitted = challenges.acquit(signed, leafProof(1, 3), passes(signed, 3, 0x7), accused);
            return (acquitted, Role.Verifier, seat(3));
        }
        if (which == 1) {
            bytes32 wrong = prove(signed, 0x7);
            QuorumVerdict memory none;
            bytes memory passed = passOf(signed, 3, 3);
            bytes32 passes_ = challenges.falsePass(signed, leafProof(1, 3), none, 3, passed);
            afterWindow();
            court.execute(wrong);
            return (passes_, Role.Verifier, seat(3));
        }
        if (which == 2) {
            vm.prank(ANYONE);
            challenges.challengeLeaf(signed, 6);
            vm.roll(block.number + 9);
            bytes32 closed = challenges.reportWithheld(evidence.hashReceipt(signed.receipt), 6);
            return (closed, Role.Transcoder, transcoder);
        }
        if (which == 3) {
            uint64 epoch = uint64(block.number / 5);
            return (challenges.showEarlyTicket(seat(1), epoch, ticket(1, epoch)), Role.Verifier, seat(1));
        }
        bytes32 proven = prove(signed, 0x7);
        vm.prank(transcoder);
        contests.contest(proven);
        vm.prank(RESOLVER);
        contests.resolve(proven, true);
        bytes memory said = seats[3].sign(evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2));
        bytes32 refuted = challenges.falseDivergence(signed.assignment, signed.receipt, 3, 2, said);
        return (refuted, Role.Verifier, seat(3));
    }

    function _doubled(uint256 strikes) private view returns (uint256 bps) {
        bps = uint256(_p.wrongEncodeBps) << (strikes > 13 ? 13 : strikes);
        if (bps > 10_000) bps = 10_000;
    }

    /// @dev It signs every verdict, draws the leaf, executes, claims all parts, and is poorer.
    function _losesByItself(uint32 seq) private {
        SignedReceipt memory signed = receipt(seq);
        bytes32 caseId = prove(signed, 0xf);
        vm.roll((uint256(epochOf(signed.assignment)) + 1) * 5);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            // Not every one has drawn it, and only the lowest counts.
            try challenges.claimFinder(signed.assignment, i, ticket(i, epochOf(signed.assignment))) {}
                catch {}
        }
        uint256 ownBefore = ownStake(Role.Transcoder, transcoder);
        uint256 delegatedBefore = bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
        uint256 supply = token.totalSupply();
        court.execute(caseId);
        uint256 rewards;
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            rewards += court.claimSigner(caseId, i);
        }
        vm.roll(signed.assignment.deadlineBlock + 21);
        uint256 burnedBefore = token.totalSupply();
        uint256 paid = challenges.settleFinder(signed.assignment);
        if (token.totalSupply() == burnedBefore) rewards += paid;
        uint256 ownCut = ownBefore - ownStake(Role.Transcoder, transcoder);
        uint256 cut = ownCut + delegatedBefore - bonding.stakeOf(Role.Transcoder, transcoder, DELEGATOR);
        vm.assertTrue(ownCut > 0 && rewards < cut, "reporting oneself pays");
        vm.assertLe(2 * rewards, ownCut + 2);
        vm.assertTrue(token.totalSupply() < supply);
    }
}
