// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DivergenceVotes, IContests} from "../interfaces/IContests.sol";
import {QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus, Cause, FaultKind, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {Courtroom} from "./Courtroom.sol";

/// Who takes a case to the resolver, and how it ends.
contract ContestsTest is Courtroom {
    uint256 private constant OTHER = 0x7100;

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        p.breakerStakeBps = 1000;
    }

    function setUp() external {
        startCourt();
    }

    // ---- by the accused ----

    function test_the_accused_contests_with_a_bond_and_is_acquitted() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0xf);
        uint256 had = token.balanceOf(transcoder);
        vm.prank(transcoder);
        contests.contest(caseId);
        assertStatus(caseId, CaseStatus.Contested);
        vm.assertEq(had - token.balanceOf(transcoder), 10 * LPT);
        afterWindow();
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudCourt.WrongStatus.selector, caseId, CaseStatus.Contested, CaseStatus.Open
            )
        );
        court.execute(caseId);
        vm.assertTrue(frozen(), "until the resolver speaks");
        vm.prank(RESOLVER);
        contests.resolve(caseId, false);
        assertStatus(caseId, CaseStatus.Acquitted);
        vm.assertFalse(frozen());
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 1000 * LPT);
        vm.prank(transcoder);
        vm.assertEq(contests.withdraw(), 10 * LPT);
        vm.assertEq(token.balanceOf(transcoder), had);
        // The work is as good as any, and paid.
        (, CaseStatus about) = court.caseAbout(signed.receipt.assignmentHash);
        vm.assertTrue(about == CaseStatus.None);
    }

    function test_a_ruling_of_guilt_slashes_and_burns_the_bond() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        uint256 supply = token.totalSupply();
        vm.prank(RESOLVER);
        contests.resolve(caseId, true);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        vm.assertEq(supply - token.totalSupply(), 130 * LPT);
        vm.assertTrue(contests.ruledGuilty(caseId));
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IContests.NothingOwed.selector, transcoder));
        contests.withdraw();
    }

    function test_silence_executes_what_the_accused_contested() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        passRounds(6);
        vm.expectRevert(abi.encodeWithSelector(IContests.ResolverHasTime.selector, caseId, 8, 7));
        contests.lapse(caseId);
        passRounds(1);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        vm.expectPartialRevert(IFraudCourt.WrongStatus.selector);
        contests.lapse(caseId);
    }

    // ---- the bond ----

    /// Silence about a case beyond the cap annuls it: then the accused was right to contest.
    function test_the_bond_waits_for_the_cap_and_comes_back_from_a_void_case() external {
        delegate(Role.Transcoder, transcoder, address(0xDE1F), 8490 * LPT);
        delegate(Role.Transcoder, transcoder, address(0xDE20), 3000 * LPT);
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        uint256 supply = token.totalSupply();
        passRounds(7);
        contests.lapse(caseId);
        uint256 snapshot = vm.snapshotState();
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.assertEq(contests.owed(transcoder), 10 * LPT);
        vm.revertToState(snapshot);
        vm.prank(RESOLVER);
        contests.resolve(caseId, false);
        vm.assertEq(contests.owed(transcoder), 10 * LPT);
        vm.revertToState(snapshot);
        vm.assertEq(token.totalSupply(), supply, "nothing has burned so far");
        vm.prank(RESOLVER);
        contests.resolve(caseId, true);
        vm.assertEq(contests.owed(transcoder), 0);
        vm.assertEq(token.balanceOf(address(contests)), 0);
    }

    function test_the_bond_burns_with_a_case_that_is_absorbed() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        bytes32 other = prove(receipt(2), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        afterWindow();
        court.execute(other);
        passRounds(7);
        uint256 supply = token.totalSupply();
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Absorbed);
        vm.assertEq(supply - token.totalSupply(), 10 * LPT);
        vm.assertEq(contests.owed(transcoder), 0);
    }

    /// A false pass of a leaf whose case fell: the verifier was right, although the resolver did not speak of it.
    function test_the_bond_comes_back_if_what_the_case_rests_on_is_void() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes memory said = passOf(signed, 3, 3);
        QuorumVerdict memory none;
        bytes32 caseId = challenges.falsePass(signed, leafProof(1, 3), none, 3, said);
        token.transfer(seat(3), 10 * LPT);
        allow(seat(3));
        vm.prank(transcoder);
        contests.contest(base);
        vm.prank(seat(3));
        contests.contest(caseId);
        vm.prank(RESOLVER);
        contests.resolve(base, false);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.assertEq(contests.owed(seat(3)), 10 * LPT);
    }

    function test_only_the_accused_contests_and_only_within_the_window() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(ANYONE);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotTheAccused.selector, ANYONE, transcoder));
        contests.contest(caseId);
        uint256 executableAt = block.number + 3;
        vm.roll(executableAt);
        vm.prank(transcoder);
        vm.expectRevert(
            abi.encodeWithSelector(IContests.TooLate.selector, caseId, executableAt, executableAt)
        );
        contests.contest(caseId);
        vm.prank(transcoder);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotOpen.selector, bytes32("no"), CaseStatus.None));
        contests.contest("no");
    }

    function test_only_the_resolver_rules_and_only_the_court_begins() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotTheResolver.selector, address(this), RESOLVER));
        contests.resolve(caseId, false);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotTheCourt.selector, address(this)));
        contests.begin(caseId, Cause.Cap);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotTheCourt.selector, address(this)));
        contests.forget(caseId);
        vm.expectPartialRevert(IFraudCourt.NotAllowed.selector);
        court.conclude(caseId, CaseStatus.Acquitted, true);
        vm.expectPartialRevert(IFraudCourt.NotAllowed.selector);
        court.contest(caseId, Cause.Breaker);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotContested.selector, bytes32("no")));
        contests.lapse("no");
        vm.prank(RESOLVER);
        vm.expectRevert(abi.encodeWithSelector(IFraudCourt.UnknownCase.selector, bytes32("no")));
        contests.resolve("no", true);
    }

    // ---- the cap on quorums ----

    /// [whales immune to small verifiers, and small verifiers that take a whale] A pool that could lose more than
    /// the signers have at stake is slashed by the resolver's word only, and frozen until then.
    function test_a_quorum_cannot_slash_more_than_its_signers_have_at_stake() external {
        bytes32 caseId = _beyondTheCap();
        assertStatus(caseId, CaseStatus.Contested);
        vm.assertTrue(frozen());
        (Cause cause, uint64 round,) = contests.contestOf(caseId);
        vm.assertTrue(cause == Cause.Cap && round == rounds.currentRound());
        vm.prank(RESOLVER);
        contests.resolve(caseId, true);
        assertStatus(caseId, CaseStatus.Executed);
        // The resolver's slashes are not the quorum's.
        vm.assertLe(court.quorumSlashes(), 1 << 40);
    }

    function test_silence_about_a_case_beyond_the_cap_annuls_it() external {
        bytes32 caseId = _beyondTheCap();
        uint256 stake = ownStake(Role.Transcoder, transcoder);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
        vm.assertFalse(frozen());
        vm.assertEq(ownStake(Role.Transcoder, transcoder), stake);
    }

    function test_silence_does_not_carry_a_contested_case_over_the_cap() external {
        delegate(Role.Transcoder, transcoder, address(0xDE1F), 8490 * LPT);
        delegate(Role.Transcoder, transcoder, address(0xDE20), 3000 * LPT);
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Contested);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Annulled);
    }

    function test_slashes_of_thirty_rounds_count_together() external {
        delegate(Role.Transcoder, transcoder, DELEGATOR, 4500 * LPT);
        // 600, then twice 10 % of what is left: together beyond 1,200.
        bytes32 first = prove(receipt(1), 0xf);
        afterWindow();
        court.execute(first);
        vm.assertGe(court.quorumSlashes(), 600 * LPT);
        passRounds(2);
        bytes32 second = prove(receipt(2), 0xf);
        afterWindow();
        court.execute(second);
        assertStatus(second, CaseStatus.Contested);
        passRounds(40);
        vm.assertEq(court.quorumSlashes(), 0);
    }

    // ---- the breaker ----

    /// [a determinism bug slashing the honest] Four operators of one encoder accused in one round: their cases wait
    /// for the resolver and, if it is silent, are void.
    function test_a_determinism_bug_does_not_slash_the_honest() external {
        (Assignment[] memory assignments, bytes32[] memory cases) = _accuseFour();
        contests.tripByCases(assignments);
        for (uint256 i = 0; i < cases.length; ++i) {
            assertStatus(cases[i], CaseStatus.Contested);
            vm.assertTrue(bonding.isFrozen(Role.Transcoder, assignments[i].transcoder), "stays frozen");
        }
        bytes32 encoder = assignments[0].encoderId;
        vm.assertEq(contests.stoppedUntil(encoder), rounds.currentRound() + 1);
        vm.expectRevert(IContests.NothingOpen.selector);
        contests.tripByCases(assignments);
        vm.expectRevert(IContests.NothingOpen.selector);
        contests.contestStopped(assignments);
        // Another one of that encoder, proven while it is stopped.
        Assignment[] memory more = new Assignment[](1);
        vm.roll(block.number + 1);
        SignedReceipt memory signed = receipt(9);
        more[0] = signed.assignment;
        bytes32 later = prove(signed, 0xf);
        contests.contestStopped(more);
        assertStatus(later, CaseStatus.Contested);
        passRounds(7);
        for (uint256 i = 0; i < cases.length; ++i) {
            contests.lapse(cases[i]);
            assertStatus(cases[i], CaseStatus.Annulled);
        }
        vm.expectRevert(abi.encodeWithSelector(IContests.NotStopped.selector, encoder));
        contests.contestStopped(more);
    }

    function test_three_operators_or_a_tenth_of_the_stake_do_not_trip_the_breaker() external {
        (Assignment[] memory assignments,) = _accuseFour();
        Assignment[] memory three = new Assignment[](3);
        for (uint256 i = 0; i < 3; ++i) {
            three[i] = assignments[i];
        }
        vm.expectPartialRevert(IContests.BelowBreaker.selector);
        contests.tripByCases(three);
        // The same one twice, or out of order.
        (assignments[1], assignments[0]) = (assignments[0], assignments[1]);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotOneGroup.selector, 1));
        contests.tripByCases(assignments);
        assignments[1] = assignments[0];
        vm.expectRevert(abi.encodeWithSelector(IContests.NotOneGroup.selector, 1));
        contests.tripByCases(assignments);
    }

    function test_many_small_operators_do_not_trip_the_breaker() external {
        bond(Role.Transcoder, transcoder, 20_000 * LPT);
        (Assignment[] memory assignments,) = _accuseFour();
        // 21,000 and 500 that are delegated, besides the four.
        vm.expectRevert(abi.encodeWithSelector(IContests.BelowBreaker.selector, 4, 1600 * LPT, 23_100 * LPT));
        contests.tripByCases(assignments);
    }

    function test_cases_that_are_all_executed_trip_nothing() external {
        (Assignment[] memory assignments, bytes32[] memory cases) = _accuseFour();
        afterWindow();
        for (uint256 i = 0; i < cases.length; ++i) {
            court.execute(cases[i]);
        }
        vm.expectRevert(IContests.NothingOpen.selector);
        contests.tripByCases(assignments);
    }

    function test_cases_that_do_not_exist_trip_nothing() external {
        (Assignment[] memory assignments,) = _accuseFour();
        assignments[0].seq = 77;
        vm.expectPartialRevert(IContests.NotOpen.selector);
        contests.tripByCases(assignments);
    }

    function test_divergence_by_more_than_a_third_contests_the_case() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0xf);
        DivergenceVotes[] memory votes = new DivergenceVotes[](1);
        votes[0] = _votes(signed, 2, 0x1);
        vm.expectPartialRevert(IContests.BelowBreaker.selector);
        contests.tripByDivergence(signed, 3, votes);
        votes = new DivergenceVotes[](2);
        (votes[0], votes[1]) = (_votes(signed, 2, 0x1), _votes(signed, 2, 0x1));
        vm.expectRevert(abi.encodeWithSelector(IContests.CountedTwice.selector, 0x1));
        contests.tripByDivergence(signed, 3, votes);
        votes[1] = _votes(signed, 4, 0x8);
        contests.tripByDivergence(signed, 3, votes);
        assertStatus(caseId, CaseStatus.Contested);
        vm.assertEq(contests.stoppedUntil(signed.assignment.encoderId), rounds.currentRound() + 1);
    }

    // ---- signers are held ----

    function test_signers_stay_until_their_case_is_final() external {
        vm.assertFalse(court.holds(Role.Verifier, seat(0), 1));
        bytes32 caseId = prove(receipt(1), 0x7);
        vm.assertTrue(court.holds(Role.Verifier, seat(0), 1));
        vm.assertTrue(court.holds(Role.Verifier, seat(0), 9), "what unbonds later too");
        vm.assertFalse(court.holds(Role.Verifier, seat(0), 0));
        // Who did not sign is free.
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 1));
        vm.assertFalse(court.holds(Role.Transcoder, seat(0), 1));
        vm.prank(transcoder);
        contests.contest(caseId);
        passRounds(7);
        vm.assertTrue(court.holds(Role.Verifier, seat(0), 1));
        contests.lapse(caseId);
        vm.assertFalse(court.holds(Role.Verifier, seat(0), 1));
    }

    function _votes(SignedReceipt memory signed, uint8 level, uint64 bitmap)
        private
        view
        returns (DivergenceVotes memory)
    {
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, level);
        return DivergenceVotes(level, bitmap, aggregate(digest, bitmap));
    }

    /// @dev 10 % of 13,000 against four times 300.
    function _beyondTheCap() private returns (bytes32 caseId) {
        bond(Role.Transcoder, transcoder, 3000 * LPT);
        delegate(Role.Transcoder, transcoder, address(0xDE1F), 8500 * LPT);
        caseId = prove(receipt(1), 0xf);
        afterWindow();
        court.execute(caseId);
    }

    /// @dev Four operators, each with a wrong leaf in the same round; in ascending order.
    function _accuseFour() private returns (Assignment[] memory assignments, bytes32[] memory cases) {
        uint256[] memory secrets = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            secrets[i] = OTHER + i;
            for (uint256 j = i; j > 0 && vm.addr(secrets[j]) < vm.addr(secrets[j - 1]); --j) {
                (secrets[j], secrets[j - 1]) = (secrets[j - 1], secrets[j]);
            }
        }
        for (uint256 i = 0; i < 4; ++i) {
            bond(Role.Transcoder, vm.addr(secrets[i]), 400 * LPT);
        }
        passRounds(1);
        (assignments, cases) = (new Assignment[](4), new bytes32[](4));
        for (uint32 i = 0; i < 4; ++i) {
            assignments[i] = assignment(20 + i);
            assignments[i].transcoder = vm.addr(secrets[i]);
            SignedReceipt memory signed = receiptFor(assignments[i]);
            signed.transcoderSignature = signature(secrets[i], evidence.hashReceipt(signed.receipt));
            cases[i] = prove(signed, 0xf);
        }
    }
}
