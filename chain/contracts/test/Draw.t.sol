// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Draw} from "../libraries/Draw.sol";
import {TestBase} from "./TestBase.sol";

contract DrawTest is TestBase {
    function test_agrees_with_the_vectors() external view {
        string memory json = vectors("draws");
        bool[] memory drawn = vm.parseJsonBoolArray(json, ".drawn");
        bytes memory ticket = vm.parseJsonBytes(json, ".ticket");
        bytes32 receiptHash = vm.parseJsonBytes32(json, ".receiptHash");
        uint256 weight = vm.parseJsonUint(json, ".weight");
        uint256 total = vm.parseJsonUint(json, ".total");
        uint256 ppm = vm.parseJsonUint(json, ".checksPerLeafPpm");
        vm.assertTrue(drawn.length >= 32);
        for (uint32 i = 0; i < drawn.length; ++i) {
            vm.assertEq(Draw.draws(ticket, receiptHash, i, weight, total, ppm), drawn[i]);
        }
    }

    function testFuzz_everything_is_drawn_when_the_share_reaches_one(bytes32 receiptHash, uint32 leaf)
        external
        pure
    {
        vm.assertTrue(Draw.draws(new bytes(48), receiptHash, leaf, 1, 2, 2_000_000));
        vm.assertFalse(Draw.draws(new bytes(48), receiptHash, leaf, 0, 2, 2_000_000));
    }
}
