// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager} from "../interfaces/IBondingManager.sol";
import {DivergenceVotes, IContests} from "../interfaces/IContests.sol";
import {IEvidenceErrors, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {Role} from "../objects/Role.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Courtroom} from "./Courtroom.sol";

/// Who contests a case by a divergence answers for it: its stake waits for the resolver's word.
contract DivergersTest is Courtroom {
    using BlsSigner for uint256;

    function setUp() external {
        startCourt();
    }

    /// [a determinism bug that nobody has] Verifiers that have left by the time they are refuted would stop a network and
    /// its slashes for nothing.
    function test_who_diverges_does_not_leave_before_it_can_be_refuted() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        uint256 lockId = _leave(3);
        _trip(signed);
        assertStatus(base, CaseStatus.Contested);
        passRounds(6);
        _held(lockId);
        vm.expectRevert(abi.encodeWithSelector(IContests.StillHeld.selector, base, 0, block.number));
        contests.freeDivergers(base);
        vm.prank(RESOLVER);
        contests.resolve(base, true);
        // The ruling and the accusation are two transactions, and the culprit reads the first one too.
        _held(lockId);
        uint64 from = uint64(block.number) + 3;
        vm.expectRevert(abi.encodeWithSelector(IContests.StillHeld.selector, base, from, block.number));
        contests.freeDivergers(base);
        bytes32 caseId = _accuse(signed, 3);
        vm.roll(from);
        contests.freeDivergers(base);
        court.execute(caseId);
        vm.prank(seat(3));
        vm.assertEq(bonding.withdraw(lockId), 270 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IContests.NobodyHeld.selector, base));
        contests.freeDivergers(base);
    }

    function test_who_is_not_refuted_is_free_with_the_end_of_the_case() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        uint256 lockId = _leave(3);
        _trip(signed);
        passRounds(7);
        _held(lockId);
        contests.lapse(base);
        assertStatus(base, CaseStatus.Annulled);
        vm.prank(seat(3));
        vm.assertEq(bonding.withdraw(lockId), 300 * LPT);
        vm.assertFalse(court.holds(Role.Verifier, seat(0), 1));
        vm.expectRevert(abi.encodeWithSelector(IContests.NobodyHeld.selector, base));
        contests.freeDivergers(base);
    }

    function test_an_acquittal_frees_at_once() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        _trip(signed);
        vm.assertTrue(court.holds(Role.Verifier, seat(3), 1));
        vm.prank(RESOLVER);
        contests.resolve(base, false);
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 1));
    }

    function test_nobody_diverges_who_has_not_signed() external {
        SignedReceipt memory signed = receipt(1);
        DivergenceVotes[] memory votes = new DivergenceVotes[](1);
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2);
        votes[0] = DivergenceVotes(2, 0xc, aggregate(digest, 0x4));
        prove(signed, 0x7);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        contests.tripByDivergence(signed, 3, votes);
    }

    /// [a third that stops an encoder for nothing] Without a case about the leaf there is nothing that the resolver could
    /// refute, and nobody to protect.
    function test_a_divergence_stops_nothing_without_a_case_about_its_leaf() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = wrongEncodeId(signed);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotOpen.selector, caseId, CaseStatus.None));
        this.trip(signed);
        proveLeaf(signed, 4, 0x7);
        bytes32 receiptHash = evidence.hashReceipt(signed.receipt);
        bytes memory another = abi.encodeWithSelector(IContests.AnotherLeaf.selector, caseId, receiptHash, 4);
        vm.expectRevert(another);
        this.trip(signed);
        SignedReceipt memory second = planted(signed.assignment, "another receipt", 0);
        vm.expectRevert(another);
        this.trip(second);
        SignedReceipt memory executed = receipt(2);
        bytes32 over = prove(executed, 0x7);
        afterWindow();
        court.execute(over);
        vm.expectRevert(abi.encodeWithSelector(IContests.NotOpen.selector, over, CaseStatus.Executed));
        this.trip(executed);
        vm.assertEq(contests.stoppedUntil(signed.assignment.encoderId), 0);
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 1));
    }

    /// [a third that stops an encoder for ever] One case trips once, and an encoder that was stopped runs for as long before
    /// it is stopped again; meanwhile each case is contested as before.
    function test_an_encoder_runs_for_as_long_as_it_was_stopped() external {
        SignedReceipt memory signed = receipt(0);
        bytes32 first = prove(signed, 0x7);
        bytes32 encoder = signed.assignment.encoderId;
        uint64 start = rounds.currentRound();
        _trip(signed);
        vm.expectRevert(abi.encodeWithSelector(IContests.AlreadyTripped.selector, first));
        this.trip(signed);
        for (uint32 i = 1; i <= 4; ++i) {
            passRounds(1);
            signed = receipt(i);
            bytes32 caseId = prove(signed, 0x7);
            _trip(signed);
            assertStatus(caseId, CaseStatus.Contested);
            // Stopped in rounds 0 and 1, not in 2 and 3, and again in 4 and 5.
            vm.assertEq(contests.stoppedUntil(encoder), i < 4 ? start + 1 : start + 5);
        }
    }

    /// Guilty, and one fault with another case of the same burst: the divergence is refuted all the same.
    function test_a_refuted_divergence_about_an_absorbed_case_costs_a_tenth() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        bytes32 other = prove(receipt(2), 0x7);
        _trip(signed);
        afterWindow();
        court.execute(other);
        vm.prank(RESOLVER);
        contests.resolve(base, true);
        assertStatus(base, CaseStatus.Absorbed);
        bytes32 caseId = _accuse(signed, 3);
        afterWindow();
        court.execute(caseId);
        vm.assertEq(ownStake(Role.Verifier, seat(3)), 270 * LPT);
    }

    function test_a_divergence_helps_who_has_contested_before() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 base = prove(signed, 0x7);
        vm.prank(transcoder);
        contests.contest(base);
        _trip(signed);
        vm.assertTrue(court.holds(Role.Verifier, seat(3), 1));
        passRounds(7);
        contests.lapse(base);
        assertStatus(base, CaseStatus.Annulled);
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 1));
        vm.assertEq(contests.owed(transcoder), 10 * LPT);
    }

    function test_nobody_else_holds_verifiers() external {
        vm.expectPartialRevert(bytes4(keccak256("NotTheCourt(address)")));
        registry.hold(1, 1);
        vm.expectPartialRevert(bytes4(keccak256("NotTheCourt(address)")));
        registry.release(1);
    }

    function _leave(uint256 position) private returns (uint256 lockId) {
        vm.prank(seat(position));
        lockId = bonding.unbond(Role.Verifier, seat(position), 300 * LPT);
    }

    /// @dev Ripe by its time.
    function _held(uint256 lockId) private {
        vm.assertGe(block.number, bonding.lockOf(lockId).withdrawableBlock);
        vm.prank(seat(3));
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.HeldByCourt.selector, lockId, seat(3)));
        bonding.withdraw(lockId);
    }

    /// @dev By the verifiers at 2 and 3: half of the weight.
    function _trip(SignedReceipt memory signed) private {
        DivergenceVotes[] memory votes = new DivergenceVotes[](1);
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2);
        votes[0] = DivergenceVotes(2, 0xc, aggregate(digest, 0xc));
        contests.tripByDivergence(signed, 3, votes);
    }

    function trip(SignedReceipt memory signed) external {
        _trip(signed);
    }

    function _accuse(SignedReceipt memory signed, uint256 position) private returns (bytes32) {
        bytes32 digest = evidence.hashDivergence(evidence.hashReceipt(signed.receipt), 3, 2);
        bytes memory said = seats[position].sign(digest);
        return challenges.falseDivergence(signed.assignment, signed.receipt, position, 2, said);
    }
}
