// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MintRule} from "../libraries/MintRule.sol";
import {TestBase} from "./TestBase.sol";

contract MintRuleTest is TestBase {
    uint256 private constant SLACK = 2500;

    function test_agrees_with_the_vectors() external view {
        string memory json = vectors("work");
        uint256 count;
        for (; vm.keyExistsJson(json, item("mint", count, "")); ++count) {
            vm.assertEq(_ofTranscoder(json, count), _number(json, count, ".ofTranscoder"));
            vm.assertEq(_ofVerifier(json, count), _number(json, count, ".ofVerifier"));
        }
        vm.assertTrue(count >= 8, "too few vectors");
    }

    /// Whatever the shares of work and stake, and at the largest numbers that the types hold.
    function testFuzz_all_parts_together_never_exceed_the_budget(
        uint128 budget,
        uint16 transcodersBps,
        uint64[8] memory pixels,
        uint96[8] memory weights,
        uint64 full
    ) external pure {
        transcodersBps = uint16(bound(transcodersBps, 0, 10_000));
        full = uint64(bound(full, 1, type(uint64).max));
        (uint256 totalPixels, uint256 totalWeight) = (1, 1);
        for (uint256 i = 0; i < 8; ++i) {
            // A list's total has 64 bits.
            totalPixels += pixels[i] /= 8;
            totalWeight += weights[i] /= 8;
        }
        uint256 paid = MintRule.paidAt(MintRule.transcodersPart(budget, transcodersBps), totalPixels, full);
        uint256 duty = MintRule.paidAt(MintRule.verifiersPart(budget, transcodersBps), totalPixels, full);
        vm.assertLe(paid + duty, budget);
        uint256 sum;
        for (uint256 i = 0; i < 8; ++i) {
            uint256 amount =
                MintRule.ofTranscoder(paid, pixels[i], totalPixels, weights[i], totalWeight, SLACK);
            vm.assertLe(amount, _share(paid, weights[i], totalWeight));
            sum += amount + MintRule.ofVerifier(duty, weights[i], totalWeight);
        }
        vm.assertLe(sum, budget);
    }

    function test_no_more_than_the_stake_share_with_slack_and_no_more_than_the_work() external pure {
        // 10 % of the stake.
        vm.assertEq(MintRule.ofTranscoder(1000, 50, 100, 10, 100, SLACK), 125);
        vm.assertEq(MintRule.ofTranscoder(1000, 10, 100, 10, 100, SLACK), 100);
        vm.assertEq(MintRule.ofTranscoder(1000, 12, 100, 10, 100, SLACK), 120);
        vm.assertEq(MintRule.ofTranscoder(1000, 0, 100, 10, 100, SLACK), 0);
        // At a quarter of full demand a quarter is paid, at any higher demand all.
        vm.assertEq(MintRule.paidAt(1000, 25, 100), 250);
        vm.assertEq(MintRule.paidAt(1000, 100, 100), 1000);
        vm.assertEq(MintRule.paidAt(1000, 1000, 100), 1000);
    }

    function _ofTranscoder(string memory json, uint256 i) private pure returns (uint256) {
        uint256 part =
            MintRule.transcodersPart(_number(json, i, ".budget"), _number(json, i, ".transcodersBps"));
        uint256 total = _number(json, i, ".totalPixels");
        uint256 paid = MintRule.paidAt(part, total, _number(json, i, ".fullMintPixels"));
        uint256 pixels = _number(json, i, ".pixels");
        uint256 weight = _number(json, i, ".weight");
        uint256 totalWeight = _number(json, i, ".totalWeight");
        return MintRule.ofTranscoder(paid, pixels, total, weight, totalWeight, _number(json, i, ".slackBps"));
    }

    function _ofVerifier(string memory json, uint256 i) private pure returns (uint256) {
        uint256 part =
            MintRule.verifiersPart(_number(json, i, ".budget"), _number(json, i, ".transcodersBps"));
        uint256 paid =
            MintRule.paidAt(part, _number(json, i, ".totalPixels"), _number(json, i, ".fullMintPixels"));
        return MintRule.ofVerifier(paid, _number(json, i, ".weight"), _number(json, i, ".totalWeight"));
    }

    function _share(uint256 paid, uint256 weight, uint256 totalWeight) private pure returns (uint256) {
        return paid * weight * (10_000 + SLACK) / (totalWeight * 10_000);
    }

    function _number(string memory json, uint256 index, string memory field) private pure returns (uint256) {
        return vm.parseJsonUint(json, item("mint", index, field));
    }
}
