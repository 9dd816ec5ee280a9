// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {TestBase} from "./TestBase.sol";

contract SignaturesTest is TestBase {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// Against the library that it replaces, whatever the bytes.
    function testFuzz_what_openzeppelin_finds(bytes32 digest, uint256 secret, uint8 how, bytes calldata any)
        external
        view
    {
        secret = 1 + secret % (ORDER - 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        bytes memory signature = abi.encodePacked(r, s, v);
        how %= 8;
        if (how == 1) signature = abi.encodePacked(r, bytes32(ORDER - uint256(s)), uint8(55 - v));
        if (how == 2) signature = abi.encodePacked(r, s, v, uint8(0));
        if (how == 3) signature = abi.encodePacked(r, s);
        if (how == 4) signature = abi.encodePacked(r, s, uint8(55 - v));
        if (how == 5) signature = abi.encodePacked(r, s, uint8(v - 27));
        if (how == 6) signature = abi.encodePacked(bytes32(ORDER), s, v);
        if (how == 7) signature = any;
        (address found, address expected) = this.both(digest, signature);
        vm.assertEq(found, expected);
        vm.assertEq(found == vm.addr(secret), how == 0);
    }

    function both(bytes32 digest, bytes calldata signature)
        external
        view
        returns (address found, address expected)
    {
        ECDSA.RecoverError fault;
        (expected, fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault != ECDSA.RecoverError.NoError) expected = address(0);
        found = Signatures.signerOf(digest, signature);
    }
}
