// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {IMinter} from "../interfaces/IMinter.sol";
import {Certificate, IWorkLedger} from "../interfaces/IWorkLedger.sol";
import {MerkleTree} from "../libraries/MerkleTree.sol";
import {VerifierSets} from "../libraries/VerifierSets.sol";
import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {WorkClaim} from "../objects/WorkClaim.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {WorkLedger} from "../WorkLedger.sol";
import {Trees} from "./Trees.sol";
import {WorkStage} from "./WorkStage.sol";

contract WorkLedgerTest is WorkStage {
    Role private constant T = Role.Transcoder;
    Role private constant V = Role.Verifier;

    function setUp() external {
        startWork();
    }

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        (p.fullMintPixels, p.claimSlackBps) = (1_000_000, 1000);
    }

    // ---- digests ----

    function test_digests_and_roots_agree_with_the_vectors() external {
        string memory json = vectors("work");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        Addresses memory a = addresses;
        a.court = vm.parseJsonAddress(json, ".court");
        WorkLedger ledger = WorkLedger(create("WorkLedger", abi.encode(parameters(), a)));
        uint256 lists;
        for (; vm.keyExistsJson(json, item("lists", lists, "")); ++lists) {
            _agrees(ledger, json, lists);
        }
        vm.assertTrue(lists >= 3, "too few vectors");
    }

    function _agrees(WorkLedger ledger, string memory json, uint256 list) private view {
        string memory path = item("lists", list, "");
        RoundWork memory expected = RoundWork(
            uint64(vm.parseJsonUint(json, string.concat(path, ".work.round"))),
            vm.parseJsonBytes32(json, string.concat(path, ".work.claimsRoot")),
            uint32(vm.parseJsonUint(json, string.concat(path, ".work.claims"))),
            uint64(vm.parseJsonUint(json, string.concat(path, ".work.totalPixels"))),
            uint64(vm.parseJsonUint(json, string.concat(path, ".work.duties")))
        );
        vm.assertEq(
            ledger.hashRoundWork(expected), vm.parseJsonBytes32(json, string.concat(path, ".workDigest"))
        );
        bytes32[] memory digests = vm.parseJsonBytes32Array(json, string.concat(path, ".digests"));
        vm.assertEq(digests.length, expected.claims);
        bytes32[] memory hashes = new bytes32[](digests.length);
        for (uint256 i = 0; i < digests.length; ++i) {
            string memory claim_ = string.concat(path, ".claims[", vm.toString(i), "]");
            WorkClaim memory c = WorkClaim(
                vm.parseJsonAddress(json, string.concat(claim_, ".transcoder")),
                uint64(vm.parseJsonUint(json, string.concat(claim_, ".round"))),
                vm.parseJsonBytes32(json, string.concat(claim_, ".receiptsRoot")),
                uint64(vm.parseJsonUint(json, string.concat(claim_, ".pixels")))
            );
            vm.assertEq(ledger.hashWorkClaim(c), digests[i]);
            hashes[i] = MerkleTree.leafHash(abi.encodePacked(digests[i]));
        }
        vm.assertEq(Trees.root(hashes), expected.claimsRoot);
    }

    // ---- certificates ----

    function test_a_list_is_stored_and_a_second_one_refused() external {
        (RoundWork memory list,) = listOf(1, [uint64(100_000), 200_000, 700_000]);
        certify(list, 0x7);
        Certificate memory certificate = work.certificateOf(1);
        vm.assertEq(certificate.claimsRoot, list.claimsRoot);
        vm.assertTrue(certificate.totalPixels == 1_000_000 && certificate.claims == 3);
        vm.assertEq(certificate.duties, ALL);
        (RoundWork memory other,) = listOf(1, [uint64(0), 0, 900_000]);
        bytes memory aggregate = signList(other, ALL);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.AlreadyCertified.selector, 1));
        work.certify(other, ALL, aggregate);
    }

    function test_a_list_is_accepted_once_all_have_reported_and_not_for_ever() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        bytes memory aggregate = signList(list, ALL);
        vm.expectRevert();
        work.certify(list, ALL, aggregate);
        uint256 ended = openRound() == 2 ? block.number : 0;
        (uint256 from, uint256 until) = work.windowOf(1);
        // D and two epochs: 12 + 2 * 5.
        vm.assertEq(from, ended + 22);
        vm.assertEq(until, from + 23);
        vm.roll(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.OutsideWindow.selector, 1, from, until));
        work.certify(list, ALL, aggregate);
        vm.roll(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.OutsideWindow.selector, 1, from, until));
        work.certify(list, ALL, aggregate);
        vm.roll(until);
        work.certify(list, ALL, aggregate);
    }

    function test_less_than_two_thirds_certify_nothing() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        settle(1);
        bytes memory aggregate = signList(list, 0x3);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.QuorumMissed.selector, 200 * LPT, 400 * LPT));
        work.certify(list, 0x3, aggregate);
        // Two signatures do not become three by saying so.
        vm.expectRevert(IWorkLedger.InvalidAggregate.selector);
        work.certify(list, 0x7, aggregate);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.QuorumMissed.selector, 0, 400 * LPT));
        work.certify(list, 0, aggregate);
        vm.expectRevert(abi.encodeWithSelector(VerifierSets.UnknownSigner.selector, 0x1f, 4));
        work.certify(list, 0x1f, aggregate);
    }

    function test_signatures_hold_for_one_list_of_one_round_only() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        settle(1);
        bytes memory aggregate = signList(list, ALL);
        list.totalPixels += 1;
        vm.expectRevert(IWorkLedger.InvalidAggregate.selector);
        work.certify(list, ALL, aggregate);
        list.totalPixels -= 1;
        list.duties = 0x7;
        vm.expectRevert(IWorkLedger.InvalidAggregate.selector);
        work.certify(list, ALL, aggregate);
        (list.duties, list.round) = (ALL, 2);
        openRound();
        settle(2);
        vm.expectRevert(IWorkLedger.InvalidAggregate.selector);
        work.certify(list, ALL, aggregate);
    }

    function test_an_empty_list_and_unknown_duties_are_refused() external {
        (RoundWork memory list,) = listOf(1, [uint64(0), 0, 0]);
        settle(1);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.EmptyList.selector, 1));
        work.certify(list, ALL, new bytes(128));
        (list,) = listOf(1, [uint64(1), 0, 0]);
        list.duties = 0x10;
        bytes memory aggregate = signList(list, ALL);
        vm.expectRevert(abi.encodeWithSelector(VerifierSets.UnknownSigner.selector, 0x10, 4));
        work.certify(list, ALL, aggregate);
    }

    // ---- claims ----

    function test_claims_are_paid_by_work_and_stake_into_the_pool() external {
        // The first has 10 % of the stake and half of the work.
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(500_000), 200_000, 300_000]);
        certify(list, ALL);
        (uint256 budget,) = minter.budgetOf(1);
        vm.assertTrue(budget != 0);
        uint256 part = budget * 9 / 10;
        uint256 supply = token.totalSupply();
        vm.assertEq(claim(claims, 0), part * 11 / 100);
        vm.assertEq(claim(claims, 1), part * 20 / 100);
        vm.assertEq(claim(claims, 2), part * 30 / 100);
        vm.assertEq(token.totalSupply() - supply, part * 11 / 100 + part * 20 / 100 + part * 30 / 100);
        // What no claim is entitled to is never minted.
        (uint256 mintable, uint256 minted) = minter.budgetOf(1);
        vm.assertTrue(mintable == budget && minted == token.totalSupply() - supply && minted < budget);
    }

    function test_at_a_tenth_of_full_demand_a_tenth_is_paid() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(10_000), 20_000, 70_000]);
        certify(list, ALL);
        (uint256 budget,) = minter.budgetOf(1);
        vm.assertEq(claim(claims, 2), budget * 9 / 10 / 10 * 70 / 100);
        vm.assertEq(work.claimDuty(1, 0), budget / 10 / 10 / 4);
    }

    /// A cut is what was promised for the round that is paid, whenever it is claimed: raising it afterwards, once or
    /// more often, takes nothing of what was earned before.
    function test_a_cut_that_is_raised_counts_for_no_round_before() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(100_000), 200_000, 700_000]);
        vm.prank(transcoders[0]);
        operators.setCuts(T, 10_000, 0);
        certify(list, ALL);
        vm.assertTrue(rounds.currentRound() > 1);
        vm.prank(transcoders[0]);
        operators.setCuts(T, 9_999, 0);
        uint256 own = bonding.stakeOf(T, transcoders[0], transcoders[0]);
        uint256 paid = claim(claims, 0);
        vm.assertEq(bonding.pool(T, transcoders[0]).pendingRewards, paid);
        vm.assertEq(bonding.stakeOf(T, transcoders[0], transcoders[0]), own);
    }

    function test_nobody_is_paid_twice() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(1000), 1000, 1000]);
        certify(list, ALL);
        claim(claims, 1);
        vm.assertTrue(work.isPaid(1, transcoders[1]) && !work.isPaid(1, transcoders[0]));
        bytes32[] memory path = Trees.path(leaves(claims), 1);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.AlreadyPaid.selector, 1, transcoders[1]));
        work.claim(claims[1], 1, path);
        work.claimDuty(1, 2);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.AlreadyPaid.selector, 1, verifier(2)));
        work.claimDuty(1, 2);
    }

    /// A quorum that names an operator twice pays it once, whatever its places.
    function test_a_list_that_names_one_twice_pays_it_once() external {
        WorkClaim[] memory claims = new WorkClaim[](2);
        claims[0] = WorkClaim(transcoders[2], 1, "a", 1000);
        claims[1] = WorkClaim(transcoders[2], 1, "b", 2000);
        RoundWork memory list = RoundWork(1, Trees.root(leaves(claims)), 2, 3000, ALL);
        certify(list, ALL);
        claim(claims, 1);
        bytes32[] memory path = Trees.path(leaves(claims), 0);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.AlreadyPaid.selector, 1, transcoders[2]));
        work.claim(claims[0], 0, path);
    }

    function test_what_is_not_in_the_list_is_not_paid() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(1000), 1000, 1000]);
        settle(1);
        bytes32[] memory path = Trees.path(leaves(claims), 0);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.NotCertified.selector, 1));
        work.claim(claims[0], 0, path);
        certify(list, ALL);
        claims[0].pixels = 1001;
        vm.expectPartialRevert(IWorkLedger.NotInTheList.selector);
        work.claim(claims[0], 0, path);
        claims[0].pixels = 1000;
        vm.expectPartialRevert(IWorkLedger.NotInTheList.selector);
        work.claim(claims[0], 1, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.IndexOutOfTree.selector, 3, 3));
        work.claim(claims[0], 3, path);
        work.claim(claims[0], 0, path);
    }

    /// A quorum that lies about the total can pay nobody more than the budget and nobody beyond its stake.
    function test_a_list_that_understates_its_total_mints_no_more_than_the_budget() external {
        WorkClaim[] memory claims = new WorkClaim[](3);
        for (uint256 i = 0; i < 3; ++i) {
            claims[i] = WorkClaim(transcoders[i], 1, "r", 1_000_000);
        }
        certify(RoundWork(1, Trees.root(leaves(claims)), 3, 1_000_000, ALL), ALL);
        (uint256 budget,) = minter.budgetOf(1);
        vm.assertEq(claim(claims, 2), budget * 9 / 10 * 77 / 100);
        vm.assertEq(claim(claims, 1), budget * 9 / 10 * 22 / 100);
        for (uint256 i = 0; i < 4; ++i) {
            // What the operators took beyond their part is missing for the last.
            (, uint256 due) = work.dutyOf(1, i);
            (, uint256 minted) = minter.budgetOf(1);
            if (due + minted > budget) {
                vm.expectRevert(
                    abi.encodeWithSelector(IMinter.BudgetExceeded.selector, 1, due, budget - minted)
                );
            }
            work.claimDuty(1, i);
        }
        bytes32[] memory path = Trees.path(leaves(claims), 0);
        vm.expectPartialRevert(IMinter.BudgetExceeded.selector);
        work.claim(claims[0], 0, path);
    }

    function test_more_pixels_than_the_whole_list_are_refused() external {
        WorkClaim[] memory claims = new WorkClaim[](1);
        claims[0] = WorkClaim(transcoders[0], 1, "r", 11);
        certify(RoundWork(1, Trees.root(leaves(claims)), 1, 10, ALL), ALL);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.PixelsBeyondTotal.selector, 11, 10));
        work.claim(claims[0], 0, new bytes32[](0));
    }

    function test_who_is_not_in_the_snapshot_earns_nothing() external {
        WorkClaim[] memory claims = new WorkClaim[](1);
        claims[0] = WorkClaim(address(0xBAD), 1, "r", 10);
        certify(RoundWork(1, Trees.root(leaves(claims)), 1, 10, ALL), ALL);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.NothingEarned.selector, 1, address(0xBAD)));
        work.claim(claims[0], 0, new bytes32[](0));
    }

    function test_claims_lapse() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(1000), 1000, 1000]);
        certify(list, ALL);
        uint256 last = work.claimableUntil(1);
        vm.roll(last);
        claim(claims, 0);
        vm.roll(last + 1);
        bytes32[] memory path = Trees.path(leaves(claims), 1);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.ClaimLapsed.selector, 1, last));
        work.claim(claims[1], 1, path);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.ClaimLapsed.selector, 1, last));
        work.claimDuty(1, 0);
    }

    /// An open case does not stop the claim: the reward waits in the pool, and a slash cuts it like the rest.
    function test_a_reward_paid_while_a_case_is_open_is_cut_with_the_pool() external {
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(1, [uint64(1000), 1000, 1000]);
        certify(list, ALL);
        vm.prank(address(court));
        bonding.freeze(T, transcoders[2]);
        uint256 held = token.balanceOf(address(bonding));
        uint256 amount = claim(claims, 2);
        vm.assertEq(token.balanceOf(address(bonding)) - held, amount);
        vm.roll(block.number + 100);
        vm.prank(address(court));
        (uint256 own, uint256 delegated) = bonding.slash(T, transcoders[2], 5000);
        vm.assertApproxEqAbs(own + delegated, (stakes[2] + amount) / 2, 10);
    }

    // ---- duty ----

    function test_verifiers_are_paid_by_weight_for_duty_done() external {
        (RoundWork memory list,) = listOf(1, [uint64(1_000_000), 0, 0]);
        list.duties = 0xe;
        certify(list, 0x7);
        (uint256 budget,) = minter.budgetOf(1);
        // The absent one's part is nobody's.
        (address who, uint256 amount) = work.dutyOf(1, 1);
        vm.assertTrue(who == verifier(1) && amount == budget / 10 / 4);
        vm.assertEq(work.claimDuty(1, 1), amount);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.NoDuty.selector, 1, 0));
        work.claimDuty(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.NoDuty.selector, 1, 64));
        work.claimDuty(1, 64);
    }

    function test_who_is_absent_leaves_the_next_snapshot_until_it_returns() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        list.duties = 0x7;
        certify(list, 0x7);
        vm.assertTrue(roster.isJailed(V, verifier(3)) && !roster.isJailed(V, verifier(0)));
        uint64 round = openRound();
        (address[] memory present,,,) = registry.snapshot(round);
        vm.assertEq(present.length, 3);
        vm.prank(verifier(3));
        roster.release(V, verifier(3));
        (present,,,) = registry.snapshot(openRound());
        vm.assertEq(present.length, 4);
    }

    /// One third offline shields nobody for longer than a round; two thirds jail no half of the network.
    function test_a_round_from_which_more_than_a_third_was_absent_jails_nobody() external {
        (RoundWork memory list,) = listOf(1, [uint64(1), 1, 1]);
        list.duties = 0x3;
        certify(list, ALL);
        vm.assertFalse(roster.isJailed(V, verifier(2)) || roster.isJailed(V, verifier(3)));
    }

    function test_parameters_out_of_bounds_are_no_deployment() external {
        Parameters memory p = parameters();
        p.fullMintPixels = 0;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "fullMintPixels", 0, 1));
        create("WorkLedger", abi.encode(p, addresses));
        p = parameters();
        p.transcodersMintBps = 10_001;
        vm.expectRevert(
            abi.encodeWithSelector(InvalidParameter.selector, "transcodersMintBps", 10_001, 10_000)
        );
        create("WorkLedger", abi.encode(p, addresses));
        p = parameters();
        p.claimSlackBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "claimSlackBps", 10_001, 10_000));
        create("WorkLedger", abi.encode(p, addresses));
        p = parameters();
        (p.certifyBlocks, p.epochBlocks, p.claimBlocks) = (0, 5, 5);
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "certifyBlocks", 0, 1));
        create("WorkLedger", abi.encode(p, addresses));
        (p.certifyBlocks, p.epochBlocks, p.claimBlocks) = (5, 0, 5);
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "epochBlocks", 0, 1));
        create("WorkLedger", abi.encode(p, addresses));
        (p.certifyBlocks, p.epochBlocks, p.claimBlocks) = (5, 5, 0);
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "claimBlocks", 0, 1));
        create("WorkLedger", abi.encode(p, addresses));
    }
}
