// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Profiles} from "../libraries/Profiles.sol";
import {TestBase} from "./TestBase.sol";

contract ProfilesTest is TestBase {
    function test_agrees_with_the_vectors() external view {
        string memory json = vectors("merkle");
        bytes memory profiles = vm.parseJsonBytes(json, ".profiles");
        (uint256 chunkFrames, uint256 renditions) = this.shape(profiles);
        vm.assertEq(chunkFrames, vm.parseJsonUint(json, ".profilesChunkFrames"));
        vm.assertEq(renditions, vm.parseJsonUint(json, ".profilesRenditions"));
        vm.assertEq(keccak256(profiles), vm.parseJsonBytes32(json, ".profilesHash"));
    }

    function testFuzz_counts_and_length_must_agree(uint8 version, uint16 frames, uint8 count, uint8 length)
        external
    {
        bytes memory profiles = new bytes(length);
        if (length > 0) profiles[0] = bytes1(version);
        if (length > 2) (profiles[1], profiles[2]) = (bytes1(uint8(frames >> 8)), bytes1(uint8(frames)));
        if (length > 3) profiles[3] = bytes1(count);
        bool good = version == 1 && frames > 0 && count > 0 && count <= 16
            && uint256(length) == 21 + 12 * uint256(count);
        if (!good) vm.expectPartialRevert(Profiles.MalformedProfiles.selector);
        this.shape(profiles);
    }

    function test_the_last_chunk_may_be_short() external pure {
        vm.assertEq(Profiles.chunksOf(60, 15), 4);
        vm.assertEq(Profiles.chunksOf(61, 15), 5);
        vm.assertEq(Profiles.chunksOf(1, 15), 1);
        vm.assertEq(Profiles.chunksOf(0, 15), 0);
    }

    function shape(bytes calldata profiles) external pure returns (uint256, uint256) {
        return Profiles.shape(profiles);
    }
}
