// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBondingManager} from "../interfaces/IBondingManager.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {Role} from "../objects/Role.sol";
import {Network} from "./Network.sol";

contract OperatorsTest is Network {
    address private constant OWNER = address(0x0E);
    address private constant OTHER = address(0x0F);
    uint256 private constant HOT = 0x407;
    Role private constant T = Role.Transcoder;

    address private _hot = vm.addr(HOT);

    function setUp() external {
        deploy();
        openRound();
    }

    // ---- signers ----

    function test_a_signer_counts_from_the_next_round_and_until_the_end_of_its_last() external {
        vm.assertEq(operators.signerAt(OWNER, 1), OWNER);
        authorise(OWNER, HOT);
        vm.assertEq(operators.signerAt(OWNER, 1), OWNER);
        vm.assertEq(operators.operatorOf(_hot), _hot);
        vm.assertEq(operators.claimedBy(_hot), OWNER);
        vm.assertFalse(operators.mayAct(_hot, OWNER));
        openRound();
        vm.assertEq(operators.signerAt(OWNER, 2), _hot);
        vm.assertEq(operators.operatorOf(_hot), OWNER);
        vm.assertTrue(operators.mayAct(_hot, OWNER) && operators.mayAct(OWNER, OWNER));
        vm.prank(OWNER);
        operators.revoke();
        vm.assertTrue(operators.mayAct(_hot, OWNER));
        openRound();
        vm.assertFalse(operators.mayAct(_hot, OWNER));
        vm.assertEq(operators.operatorOf(_hot), _hot);
        vm.assertEq(operators.claimedBy(_hot), address(0));
        // What was signed in its rounds is still the operator's.
        vm.assertEq(operators.signerAt(OWNER, 1), OWNER);
        vm.assertEq(operators.signerAt(OWNER, 2), _hot);
        vm.assertEq(operators.signerAt(OWNER, 3), OWNER);
        vm.expectRevert(abi.encodeWithSelector(IOperators.NothingToRevoke.selector, OWNER));
        vm.prank(OWNER);
        operators.revoke();
    }

    function test_nobody_claims_a_key_that_did_not_consent() external {
        (address found, bytes memory consent) =
            (vm.addr(0x666), _sign(0x666, operators.consentDigest(OWNER, _hot)));
        vm.expectRevert(abi.encodeWithSelector(IOperators.InvalidConsent.selector, found, _hot));
        vm.prank(OWNER);
        operators.authorise(_hot, consent);
        vm.expectRevert(abi.encodeWithSelector(IOperators.InvalidConsent.selector, address(0), _hot));
        vm.prank(OWNER);
        operators.authorise(_hot, hex"00");
        // Its consent to one operator is none to another.
        consent = _sign(HOT, operators.consentDigest(OWNER, _hot));
        vm.expectPartialRevert(IOperators.InvalidConsent.selector);
        vm.prank(OTHER);
        operators.authorise(_hot, consent);
    }

    function test_a_consent_counts_once() external {
        bytes memory consent = _sign(HOT, operators.consentDigest(OWNER, _hot));
        vm.prank(OWNER);
        operators.authorise(_hot, consent);
        vm.prank(OWNER);
        operators.revoke();
        vm.assertEq(operators.consentsOf(_hot), 1);
        vm.expectPartialRevert(IOperators.InvalidConsent.selector);
        vm.prank(OWNER);
        operators.authorise(_hot, consent);
    }

    function test_a_signer_serves_one_operator_and_is_none() external {
        authorise(OWNER, HOT);
        bytes memory consent = _sign(HOT, operators.consentDigest(OTHER, _hot));
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerTaken.selector, _hot, OWNER));
        vm.prank(OTHER);
        operators.authorise(_hot, consent);
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerTaken.selector, _hot, OWNER));
        vm.prank(OWNER);
        operators.authorise(_hot, consent);
        // It neither bonds nor names a signer of its own.
        fund(_hot, 100 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IBondingManager.SignerCannotBond.selector, _hot, OWNER));
        vm.prank(_hot);
        bonding.bond(T, 100 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerTaken.selector, _hot, OWNER));
        vm.prank(_hot);
        operators.authorise(address(9), "");
    }

    function test_who_bonds_or_has_a_signer_signs_for_no_other() external {
        bond(Role.Verifier, _hot, 100 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerIsOperator.selector, _hot));
        vm.prank(OWNER);
        operators.authorise(_hot, "");
        address head = vm.addr(0x408);
        authorise(head, 0x409);
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerIsOperator.selector, head));
        vm.prank(OWNER);
        operators.authorise(head, "");
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerIsOperator.selector, OWNER));
        vm.prank(OWNER);
        operators.authorise(OWNER, "");
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerIsOperator.selector, address(0)));
        vm.prank(OWNER);
        operators.authorise(address(0), "");
    }

    function test_after_its_service_a_key_may_serve_another_or_bond() external {
        authorise(OWNER, HOT);
        openRound();
        vm.prank(OWNER);
        operators.revoke();
        vm.expectRevert(abi.encodeWithSelector(IOperators.SignerTaken.selector, _hot, OWNER));
        vm.prank(OTHER);
        operators.authorise(_hot, "");
        openRound();
        authorise(OTHER, HOT);
        openRound();
        vm.assertEq(operators.operatorOf(_hot), OTHER);
        vm.assertEq(operators.signerAt(OWNER, 2), _hot);
    }

    function test_within_a_round_the_last_change_counts() external {
        authorise(OWNER, HOT);
        authorise(OWNER, 0x408);
        authorise(OWNER, 0x409);
        vm.assertEq(operators.claimedBy(_hot), address(0));
        openRound();
        vm.assertEq(operators.signerAt(OWNER, 2), vm.addr(0x409));
        vm.assertEq(operators.signerAt(OWNER, 1), OWNER);
    }

    /// Evidence of 12 + 20 + 3 + 10 blocks looks back 7 rounds of 8 blocks.
    function test_a_third_change_within_the_time_of_evidence_is_refused() external {
        vm.assertEq(operators.memoryRounds(), 7);
        for (uint256 i = 0; i < 3; ++i) {
            authorise(OWNER, HOT + i);
            openRound();
        }
        // Rounds 2, 3 and 4 have signers of their own; the next change would forget round 2's.
        bytes memory consent = _sign(0x500, operators.consentDigest(OWNER, vm.addr(0x500)));
        vm.expectRevert(abi.encodeWithSelector(IOperators.TooManyChanges.selector, OWNER, 10));
        vm.prank(OWNER);
        operators.authorise(vm.addr(0x500), consent);
        vm.expectRevert(abi.encodeWithSelector(IOperators.TooManyChanges.selector, OWNER, 10));
        vm.prank(OWNER);
        operators.revoke();
        while (rounds.currentRound() < 10) openRound();
        authorise(OWNER, 0x500);
        for (uint64 i = 0; i < 2; ++i) {
            vm.assertEq(operators.signerAt(OWNER, 3 + i), vm.addr(HOT + 1 + i));
        }
    }

    // ---- terms ----

    function test_cuts_count_from_the_next_round() external {
        vm.prank(OWNER);
        operators.setCuts(T, 1000, 2500);
        _cuts(1, 0, 0);
        _cuts(2, 1000, 2500);
        openRound();
        vm.startPrank(OWNER);
        operators.setCuts(T, 9000, 0);
        operators.setCuts(T, 8000, 100);
        vm.stopPrank();
        _cuts(2, 1000, 2500);
        _cuts(3, 8000, 100);
        (uint16 reward, uint16 fee) = operators.cutsAt(Role.Verifier, OWNER, 3);
        vm.assertTrue(reward == 0 && fee == 0);
    }

    function test_no_cut_is_more_than_the_whole() external {
        vm.expectRevert(abi.encodeWithSelector(IOperators.ShareTooLarge.selector, 10_001, 10_000));
        operators.setCuts(T, 10_001, 0);
        vm.expectRevert(abi.encodeWithSelector(IOperators.ShareTooLarge.selector, 10_001, 10_000));
        operators.setCuts(T, 0, 10_001);
    }

    function test_owner_and_signer_set_the_price() external {
        authorise(OWNER, HOT);
        openRound();
        vm.prank(_hot);
        operators.setPrice(OWNER, 1200);
        vm.assertEq(operators.priceOf(OWNER), 1200);
        vm.prank(OWNER);
        operators.setPrice(OWNER, 1300);
        vm.expectRevert(abi.encodeWithSelector(IOperators.NotTheOperator.selector, OTHER, OWNER));
        vm.prank(OTHER);
        operators.setPrice(OWNER, 1);
        vm.assertEq(operators.priceOf(OWNER), 1300);
    }

    /// The signer is hot: it may be stolen.
    function test_a_signer_moves_no_stake_and_sets_no_cuts() external {
        bond(T, OWNER, 100 * LPT);
        authorise(OWNER, HOT);
        openRound();
        vm.startPrank(_hot);
        vm.expectRevert();
        bonding.unbond(T, OWNER, 1);
        operators.setCuts(T, 10_000, 0);
        vm.stopPrank();
        _cuts(3, 0, 0);
    }

    function test_jobs_of_a_signer_are_its_operators() external {
        bytes memory profiles = vm.parseJsonBytes(vectors("merkle"), ".profiles");
        authorise(OWNER, HOT);
        openRound();
        vm.prank(_hot);
        uint256 jobId = jobs.createJob(profiles, 5);
        vm.assertEq(jobs.jobOf(jobId).broadcaster, OWNER);
        vm.prank(OTHER);
        jobId = jobs.createJob(profiles, 5);
        vm.assertEq(jobs.jobOf(jobId).broadcaster, OTHER);
    }

    function _cuts(uint64 round, uint16 rewardCut, uint16 feeShare) private view {
        (uint16 reward, uint16 fee) = operators.cutsAt(T, OWNER, round);
        vm.assertEq(reward, rewardCut);
        vm.assertEq(fee, feeShare);
    }

    function _sign(uint256 secret, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }
}
