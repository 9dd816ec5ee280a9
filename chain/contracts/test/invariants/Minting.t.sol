// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../../objects/Role.sol";
import {RoundWork} from "../../objects/RoundWork.sol";
import {WorkClaim} from "../../objects/WorkClaim.sol";
import {Trees} from "../Trees.sol";
import {WorkStage} from "../WorkStage.sol";

/// @title Random rounds, lists with random signers, claims, duties, bonds and slashes, on real signatures
contract MintingInvariants is WorkStage {
    uint64 private constant MAX_PIXELS = 20_000_000;

    mapping(uint64 round => uint64[3]) private _pixels;
    mapping(uint64 round => bool) private _certified;
    mapping(uint64 round => mapping(address operator => bool)) private _paid;
    uint256 private _burned;

    function setUp() external {
        startWork();
    }

    struct Targets {
        address target;
        bytes4[] selectors;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function targetSelectors() external view returns (Targets[] memory targets) {
        targets = new Targets[](1);
        targets[0].target = address(this);
        bytes4[7] memory all = [
            this.pass.selector,
            this.pass.selector,
            this.tryCertify.selector,
            this.tryClaim.selector,
            this.tryDuty.selector,
            this.bondMore.selector,
            this.slash.selector
        ];
        targets[0].selectors = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    function pass(uint256 blocks) external {
        vm.roll(block.number + bound(blocks, 1, 12));
        if (block.number >= rounds.openableAt()) rounds.openRound();
    }

    /// Two thirds certify a list, once and in its window.
    function tryCertify(uint256 back, uint64[3] memory pixels, uint64 bitmap, uint256 duties) external {
        (bool over, uint64 round) = _past(back);
        if (!over) return;
        for (uint256 i = 0; i < 3; ++i) {
            pixels[i] %= MAX_PIXELS;
        }
        (RoundWork memory list,) = listOf(round, pixels);
        if (list.claims == 0) return;
        // All did their duty, or so few that nobody is jailed: seats stay as they are. Who earns for long weighs more.
        list.duties = [ALL, 0x3, 0x8, 0x6][duties % 4];
        (uint256 present, uint256 all,) = registry.weigh(round, list.duties, address(0));
        if (3 * present >= 2 * all) list.duties = ALL;
        bitmap &= ALL;
        bytes memory aggregate = signList(list, bitmap);
        (uint256 signed, uint256 total,) = registry.weigh(round, bitmap, address(0));
        (uint256 from, uint256 until) = work.windowOf(round);
        bool due = signed != 0 && 3 * signed >= 2 * total && !_certified[round] && block.number >= from
            && block.number <= until;
        try work.certify(list, bitmap, aggregate) {
            vm.assertTrue(due, "certified without a quorum, twice, or at another time");
            (_certified[round], _pixels[round]) = (true, pixels);
        } catch {
            vm.assertFalse(due);
        }
    }

    /// No more than the share of the stake with its slack, nor than the share of the work.
    function tryClaim(uint256 back, uint256 who) external {
        (bool over, uint64 round) = _past(back);
        if (!over || !_certified[round]) return;
        (RoundWork memory list, WorkClaim[] memory claims) = listOf(round, _pixels[round]);
        WorkClaim memory claim_ = claims[who % claims.length];
        bytes32[] memory path = Trees.path(leaves(claims), who % claims.length);
        bool due = !_paid[round][claim_.transcoder] && block.number <= work.claimableUntil(round)
            && work.earnedBy(round, claim_.transcoder, claim_.pixels) != 0;
        try work.claim(claim_, who % claims.length, path) returns (uint256 amount) {
            vm.assertTrue(due, "paid twice, too late, or for nothing");
            _paid[round][claim_.transcoder] = true;
            (uint256 mintable,) = minter.budgetOf(round);
            uint256 part = mintable * 9000 / 10_000;
            vm.assertLe(amount, part * claim_.pixels / list.totalPixels);
            uint256 weight = roster.weightAt(Role.Transcoder, round, claim_.transcoder);
            vm.assertLe(amount, part * weight * 11 / (10 * roster.totalAt(Role.Transcoder, round)));
        } catch {
            vm.assertTrue(!due, "certified work is not paid");
        }
    }

    function tryDuty(uint256 back, uint256 position) external {
        (bool over, uint64 round) = _past(back);
        if (!over || !_certified[round]) return;
        position %= 4;
        address by = verifier(position);
        bool due = !_paid[round][by] && block.number <= work.claimableUntil(round)
            && (work.certificateOf(round).duties >> position) & 1 == 1;
        if (due) {
            (, uint256 owed) = work.dutyOf(round, position);
            due = owed != 0;
        }
        try work.claimDuty(round, position) returns (uint256 amount) {
            vm.assertTrue(due, "paid twice, too late, or for nothing");
            _paid[round][by] = true;
            (uint256 mintable,) = minter.budgetOf(round);
            vm.assertLe(amount, mintable * 1000 / 10_000);
        } catch {
            vm.assertTrue(!due, "a duty is not paid");
        }
    }

    function bondMore(uint256 who, uint256 amount) external {
        bond(Role.Transcoder, transcoders[who % 3], bound(amount, 10 * LPT, 1e6 * LPT));
    }

    /// As the court does it: what it gets it burns.
    function slash(uint256 who, uint256 bps) external {
        if (who % 4 == 3) return;
        vm.startPrank(address(court));
        (uint256 own, uint256 delegated) =
            bonding.slash(Role.Transcoder, transcoders[who % 4], bound(bps, 1, 5000));
        token.burn(own + delegated);
        vm.stopPrank();
        _burned += own + delegated;
    }

    /// No round mints more than its budget, and no token comes from anywhere else.
    function invariant_minting() external view {
        uint256 sum;
        for (uint64 round = 1; round <= rounds.currentRound(); ++round) {
            (uint256 mintable, uint256 minted) = minter.budgetOf(round);
            vm.assertLe(minted, mintable);
            if (!_certified[round]) vm.assertEq(minted, 0);
            sum += minted;
        }
        vm.assertEq(token.totalSupply(), SUPPLY + sum - _burned);
        vm.assertLe(bonding.totalBonded(), token.balanceOf(address(bonding)));
    }

    /// @dev One of the last rounds that are over.
    function _past(uint256 back) private view returns (bool over, uint64 round) {
        uint64 present = rounds.currentRound();
        if (present < 2) return (false, 0);
        return (true, present - 1 - uint64(back % (present < 12 ? present - 1 : 11)));
    }
}
