// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEvidenceErrors, LeafProof, QuorumVerdict, SignedReceipt} from "../interfaces/IEvidence.sol";
import {CaseState, CaseStatus, Cause, IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {Assignment} from "../objects/Assignment.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";

/// [a friend that proves first, with the weakest quorum] While a case is open, or the
/// accused contests it, a larger quorum takes the smaller one's place.
contract JoinsTest is Courtroom {
    function setUp() external {
        startCourt();
    }

    function test_a_larger_quorum_takes_the_place_of_the_first() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0x7);
        CaseState memory before = court.caseOf(caseId);
        vm.assertFalse(court.holds(Role.Verifier, seat(3), 1));
        vm.roll(block.number + 2);
        QuorumVerdict memory fails = verdict(signed, 3, RECOMPUTED, 0xf);
        LeafProof memory proof = leafProof(1, 3);
        vm.expectEmit(true, true, true, true, address(court));
        emit IFraudCourt.SignersJoined(caseId, 0xf);
        vm.assertEq(court.prove(signed, proof, fails), caseId);
        CaseState memory state = court.caseOf(caseId);
        vm.assertTrue(state.bitmap == 0xf && state.round == 1 && state.status == CaseStatus.Open);
        vm.assertEq(state.executableAt, before.executableAt, "nobody is given more time");
        vm.assertEq(bonding.pool(Role.Transcoder, transcoder).openCases, 1);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            vm.assertTrue(court.holds(Role.Verifier, seat(i), 1));
        }
        _executes(caseId);
    }

    /// [own bonds that are unequal] Four have more at stake than the slash, three have not: who proves with three does not
    /// save the accused.
    function test_a_quorum_of_little_at_stake_does_not_carry_a_case_over_the_cap() external {
        bond(Role.Transcoder, transcoder, 1000 * LPT);
        delegate(Role.Transcoder, transcoder, address(0xDE1F), 8500 * LPT);
        // 10 % of 11,000 is below four times 300, and above three times.
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0x7);
        bytes32 other = prove(receipt(2), 0x7);
        prove(signed, 0xf);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(court.caseOf(other).bitmap, 0x7);
    }

    /// [an accused that contests at once] It keeps nobody from joining: what the resolver's silence executes counts all who
    /// signed, and is not beyond the cap of those who were first.
    function test_signers_join_what_the_accused_contests() external {
        bond(Role.Transcoder, transcoder, 1000 * LPT);
        delegate(Role.Transcoder, transcoder, address(0xDE1F), 8500 * LPT);
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0x7);
        vm.prank(transcoder);
        contests.contest(caseId);
        prove(signed, 0xf);
        assertStatus(caseId, CaseStatus.Contested);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(court.caseOf(caseId).bitmap, 0xf);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            vm.assertFalse(court.holds(Role.Verifier, seat(i), 1));
        }
    }

    function test_only_more_signers_of_the_same_leaf_join_and_only_if_nobody_else_contests() external {
        Assignment memory a = assignment(1);
        SignedReceipt memory signed = receiptFor(a);
        SignedReceipt memory second = planted(a, "another receipt", 0);
        bytes32 caseId = prove(signed, 0x7);
        bytes memory proven = abi.encodeWithSelector(IFraudCourt.AlreadyProven.selector, caseId);
        vm.expectRevert(proven);
        this.proveWith(signed, 3, 0x7);
        vm.expectRevert(proven);
        this.proveWith(signed, 3, 0xe);
        vm.expectRevert(proven);
        this.proveWith(signed, 4, 0xf);
        vm.expectRevert(proven);
        this.proveWith(second, 3, 0xf);
        QuorumVerdict memory fails = verdict(signed, 3, RECOMPUTED, 0x7);
        fails.bitmap = 0xf;
        LeafProof memory proof = leafProof(1, 3);
        vm.expectRevert(IEvidenceErrors.InvalidAggregate.selector);
        court.prove(signed, proof, fails);
        vm.prank(address(contests));
        court.contest(caseId, Cause.Breaker);
        vm.expectRevert(proven);
        this.proveWith(signed, 3, 0xf);
        vm.assertEq(court.caseOf(caseId).bitmap, 0x7);
    }

    /// @dev Pays the fourth signer, and frees all: the case is counted once.
    function _executes(bytes32 caseId) private {
        afterWindow();
        court.execute(caseId);
        vm.assertEq(court.claimSigner(caseId, 3), 5 * LPT);
        for (uint256 i = 0; i < VERIFIERS; ++i) {
            vm.assertFalse(court.holds(Role.Verifier, seat(i), 1));
        }
    }

    function proveWith(SignedReceipt memory signed, uint32 index, uint64 bitmap) external {
        proveLeaf(signed, index, bitmap);
    }
}
