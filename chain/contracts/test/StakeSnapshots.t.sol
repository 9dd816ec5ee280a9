// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSets} from "../libraries/ActiveSets.sol";
import {Blob} from "../libraries/Blob.sol";
import {StakeSnapshots} from "../libraries/StakeSnapshots.sol";
import {TestBase} from "./TestBase.sol";

contract StakeSnapshotsTest is TestBase {
    function testFuzz_what_is_stored_is_loaded(uint96[] memory weights, uint64 price) external {
        uint256 count = weights.length % 101;
        uint256[] memory members = new uint256[](count);
        uint64[] memory prices = new uint64[](count);
        for (uint256 i = 0; i < count; ++i) {
            members[i] = ActiveSets.pack(address(uint160(uint256(keccak256(abi.encode(i))))), weights[i]);
            prices[i] = uint64(uint256(keccak256(abi.encode(price, i))));
        }
        address blob = StakeSnapshots.store(members, prices);
        (address[] memory operators, uint256[] memory loaded, uint256[] memory loadedPrices) =
            StakeSnapshots.load(blob);
        vm.assertEq(operators.length, count);
        for (uint256 i = 0; i < count; ++i) {
            vm.assertEq(operators[i], ActiveSets.operatorOf(members[i]));
            vm.assertEq(loaded[i], weights[i]);
            vm.assertEq(loadedPrices[i], prices[i]);
        }
    }

    function testFuzz_weights_are_found_by_operator(uint96[40] memory weights, uint160 stranger) external {
        uint256[] memory members = new uint256[](weights.length);
        uint256 sum;
        for (uint160 i = 0; i < weights.length; ++i) {
            members[i] = ActiveSets.pack(address(3 * i + 2), weights[i]);
            sum += weights[i];
        }
        address blob = StakeSnapshots.store(members, new uint64[](weights.length));
        vm.assertEq(StakeSnapshots.total(blob), sum);
        for (uint160 i = 0; i < weights.length; ++i) {
            vm.assertEq(StakeSnapshots.weightOf(blob, address(3 * i + 2)), weights[i]);
            vm.assertEq(StakeSnapshots.weightOf(blob, address(3 * i + 1)), 0);
        }
        if (stranger > 119) vm.assertEq(StakeSnapshots.weightOf(blob, address(stranger)), 0);
        vm.assertEq(
            StakeSnapshots.weightOf(StakeSnapshots.store(new uint256[](0), new uint64[](0)), address(2)), 0
        );
    }

    function testFuzz_blobs_keep_their_bytes_and_cannot_be_run(bytes memory data) external {
        address blob = Blob.write(data);
        vm.assertEq(Blob.read(blob), data);
        (bool ok, bytes memory out) = blob.call("");
        vm.assertTrue(ok && out.length == 0);
    }

    function test_a_blob_that_does_not_fit_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(Blob.BlobNotWritten.selector, 24_576));
        this.write(new bytes(24_576));
        this.write(new bytes(24_575));
    }

    function write(bytes memory data) external returns (address) {
        return Blob.write(data);
    }
}
