// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockhashRandomSource} from "../BlockhashRandomSource.sol";
import {FixedRandomSource} from "../FixedRandomSource.sol";
import {IRandomSource} from "../interfaces/IRandomSource.sol";
import {TestBase} from "./TestBase.sol";

contract RandomSourcesTest is TestBase {
    function test_the_fixed_source_says_the_same_for_every_block() external {
        FixedRandomSource source = FixedRandomSource(create("FixedRandomSource", abi.encode(bytes32("seed"))));
        vm.assertEq(source.valueAt(0), "seed");
        vm.assertEq(source.valueAt(type(uint256).max), "seed");
    }

    function test_block_hashes_come_neither_early_nor_late() external {
        BlockhashRandomSource source = BlockhashRandomSource(create("BlockhashRandomSource", ""));
        vm.roll(20_000);
        vm.setBlockhash(19_999, "hash");
        vm.assertEq(source.valueAt(19_999), "hash");
        vm.expectRevert(abi.encodeWithSelector(IRandomSource.ValueNotYet.selector, 20_000, 20_000));
        source.valueAt(20_000);
        vm.expectRevert(abi.encodeWithSelector(IRandomSource.ValueGone.selector, 100, 20_000));
        source.valueAt(100);
    }
}
