// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleTree} from "../libraries/MerkleTree.sol";
import {Leaf, Leaves} from "../objects/Leaf.sol";
import {TestBase} from "./TestBase.sol";

contract MerkleTreeTest is TestBase {
    function test_every_path_of_the_vectors_leads_to_the_root() external view {
        string memory json = vectors("merkle");
        uint256 trees;
        for (; vm.keyExistsJson(json, item("trees", trees, "")); ++trees) {
            uint256 count = vm.parseJsonUint(json, item("trees", trees, ".count"));
            bytes32 root = vm.parseJsonBytes32(json, item("trees", trees, ".root"));
            bytes32[] memory payloads = vm.parseJsonBytes32Array(json, item("trees", trees, ".payloads"));
            vm.assertEq(payloads.length, count);
            for (uint256 i = 0; i < count; i += 1 + count / 24) {
                string memory key = string.concat(item("trees", trees, ".paths"), "[", vm.toString(i), "]");
                bytes32[] memory path = vm.parseJsonBytes32Array(json, key);
                vm.assertEq(this.rootOf(abi.encodePacked(payloads[i]), i, count, path), root);
            }
        }
        vm.assertTrue(trees >= 3, "too few vectors");
    }

    function test_a_leaf_packs_as_in_the_vectors() external view {
        string memory json = vectors("merkle");
        Leaf memory leaf = Leaf({
            rendition: uint8(vm.parseJsonUint(json, ".leaf.rendition")),
            chunk: uint32(vm.parseJsonUint(json, ".leaf.chunk")),
            framesRoot: vm.parseJsonBytes32(json, ".leaf.frames_root"),
            outputLen: uint32(vm.parseJsonUint(json, ".leaf.output_len")),
            outputHash: vm.parseJsonBytes32(json, ".leaf.output_hash")
        });
        bytes memory packed = this.pack(leaf);
        vm.assertEq(packed, vm.parseJsonBytes(json, ".leafPacked"));
        vm.assertEq(MerkleTree.leafHash(packed), vm.parseJsonBytes32(json, ".leafHash"));
    }

    function test_index_and_length_are_exact() external {
        bytes32[] memory path = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.IndexOutOfTree.selector, 3, 3));
        this.rootOf("", 3, 3, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.WrongPathLength.selector, 2, 3));
        this.rootOf("", 4, 5, path);
        vm.expectRevert(abi.encodeWithSelector(MerkleTree.WrongPathLength.selector, 2, 0));
        this.rootOf("", 0, 1, path);
    }

    /// A tree built level by level, as an oracle.
    function testFuzz_agrees_with_a_whole_tree(bytes32 salt, uint256 count, uint256 index) external view {
        count = bound(count, 1, 40);
        index = bound(index, 0, count - 1);
        uint256 depth = MerkleTree.depthOf(count);
        bytes32[] memory level = new bytes32[](1 << depth);
        for (uint256 i = 0; i < count; ++i) {
            level[i] = keccak256(abi.encodePacked(bytes1(0), salt, i));
        }
        bytes32[] memory path = new bytes32[](depth);
        for (uint256 d = 0; d < depth; ++d) {
            path[d] = level[(index >> d) ^ 1];
            for (uint256 i = 0; i < level.length >> (d + 1); ++i) {
                level[i] = keccak256(abi.encodePacked(bytes1(0x01), level[2 * i], level[2 * i + 1]));
            }
        }
        vm.assertEq(this.rootOf(abi.encodePacked(salt, index), index, count, path), level[0]);
    }

    function rootOf(bytes calldata payload, uint256 index, uint256 count, bytes32[] calldata path)
        external
        pure
        returns (bytes32)
    {
        return MerkleTree.rootFrom(MerkleTree.leafHash(payload), index, count, path);
    }

    function pack(Leaf calldata leaf) external pure returns (bytes memory) {
        return Leaves.pack(leaf);
    }
}
