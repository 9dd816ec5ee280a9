// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bls} from "../libraries/Bls.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {TestBase} from "./TestBase.sol";

contract BlsTest is TestBase {
    using BlsSigner for uint256;

    function test_hash_to_curve_agrees_with_the_vectors() external view {
        string memory json = vectors("bls");
        bytes32 message = vm.parseJsonBytes32(json, ".message");
        vm.assertEq(Bls.hashToG1(message, Bls.SIGNATURE_DST_PRIME), vm.parseJsonBytes(json, ".hashToCurve"));
    }

    function test_tags_end_with_their_length() external pure {
        vm.assertEq(Bls.SIGNATURE_DST_PRIME.length, 44);
        vm.assertEq(uint8(Bls.SIGNATURE_DST_PRIME[43]), 43);
        vm.assertEq(Bls.POSSESSION_DST_PRIME.length, 44);
        vm.assertEq(uint8(Bls.POSSESSION_DST_PRIME[43]), 43);
    }

    function test_signatures_possessions_and_aggregate_of_the_vectors_verify() external view {
        string memory json = vectors("bls");
        bytes32 message = vm.parseJsonBytes32(json, ".message");
        bytes memory keys = new bytes(Bls.G2_LENGTH);
        uint256 signers;
        for (; vm.keyExistsJson(json, item("signers", signers, "")); ++signers) {
            bytes memory key = vm.parseJsonBytes(json, item("signers", signers, ".key"));
            vm.assertTrue(
                Bls.verify(key, message, vm.parseJsonBytes(json, item("signers", signers, ".signature")))
            );
            bytes32 possession = vm.parseJsonBytes32(json, item("signers", signers, ".possessionMessage"));
            vm.assertTrue(
                Bls.verifyPossession(
                    key, possession, vm.parseJsonBytes(json, item("signers", signers, ".possession"))
                )
            );
            keys = Bls.addG2(keys, key);
        }
        vm.assertTrue(signers >= 2, "too few vectors");
        vm.assertTrue(Bls.verify(keys, message, vm.parseJsonBytes(json, ".aggregate")));
    }

    function test_compressed_signatures_are_those_of_the_vectors() external view {
        string memory json = vectors("bls");
        for (uint256 i = 0; vm.keyExistsJson(json, item("signers", i, "")); ++i) {
            bytes memory point = vm.parseJsonBytes(json, item("signers", i, ".signature"));
            vm.assertEq(
                Bls.compressG1(point), vm.parseJsonBytes(json, item("signers", i, ".signatureCompressed"))
            );
        }
    }

    function testFuzz_what_is_signed_verifies_and_nothing_else(uint128 seed, bytes32 digest) external view {
        uint256 secret = uint256(seed) + 1;
        bytes memory key = secret.key();
        bytes memory signature = secret.sign(digest);
        vm.assertTrue(Bls.verify(key, digest, signature));
        vm.assertFalse(Bls.verify(key, ~digest, signature));
        vm.assertFalse(Bls.verify((secret + 1).key(), digest, signature));
        // A possession is no signature: the tags differ.
        vm.assertFalse(Bls.verify(key, digest, secret.prove(digest)));
    }

    function testFuzz_negated_points_cancel(uint128 seed) external view {
        bytes memory point = (uint256(seed) + 1).key();
        bytes memory negated = bytes.concat(point);
        Bls.negateG2(negated, 0);
        vm.assertEq(Bls.addG2(point, negated), new bytes(Bls.G2_LENGTH));
        Bls.negateG2(negated, 0);
        vm.assertEq(negated, point);
        bytes memory infinity = new bytes(Bls.G2_LENGTH);
        Bls.negateG2(infinity, 0);
        vm.assertEq(infinity, new bytes(Bls.G2_LENGTH));
    }

    function test_infinity_and_wrong_lengths_are_refused() external {
        bytes memory key = uint256(5).key();
        bytes memory signature = uint256(5).sign("m");
        vm.expectRevert(Bls.PointAtInfinity.selector);
        this.verify(new bytes(256), "m", signature);
        vm.expectRevert(Bls.PointAtInfinity.selector);
        this.verify(key, "m", new bytes(128));
        vm.expectRevert(abi.encodeWithSelector(Bls.WrongPointLength.selector, 127, 128));
        this.verify(key, "m", new bytes(127));
        vm.expectRevert(abi.encodeWithSelector(Bls.WrongPointLength.selector, 128, 256));
        this.verify(signature, "m", signature);
    }

    function test_points_off_the_curve_or_the_subgroup_are_refused() external {
        bytes memory key = uint256(5).key();
        bytes memory signature = uint256(5).sign("m");
        signature[127] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(Bls.InvalidPoint.selector, address(0x0f)));
        this.verify{gas: 2_000_000}(key, "m", signature);
        // (0, 2) lies on the curve y^2 = x^3 + 4 but not in the subgroup of prime order.
        bytes memory small = new bytes(128);
        small[127] = 0x02;
        vm.expectRevert(abi.encodeWithSelector(Bls.InvalidPoint.selector, address(0x0f)));
        this.verify{gas: 2_000_000}(key, "m", small);
    }

    function verify(bytes memory key, bytes32 digest, bytes memory signature) external view returns (bool) {
        return Bls.verify(key, digest, signature);
    }
}
