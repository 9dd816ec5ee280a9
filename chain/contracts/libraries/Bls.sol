// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Blob} from "./Blob.sol";

/// @title BLS12-381 signatures over the EIP-2537 precompiles
/// @notice Signatures in G1 (128 bytes), keys in G2 (256 bytes), hash-to-curve by RFC 9380
///         (docs/protocol.md, section 2). A failing precompile burns the gas it is given, so whoever submits
///         points should simulate first.
library Bls {
    /// RFC 9380 domain separation tag of signatures, and its length as the trailing byte of DST_prime.
    bytes internal constant SIGNATURE_DST_PRIME = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_\x2b";
    /// The same for proofs of possession.
    bytes internal constant POSSESSION_DST_PRIME = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_\x2b";

    /// EIP-2537 precompiles.
    address private constant G1_ADD = address(0x0b);
    address private constant G2_ADD = address(0x0d);
    address private constant PAIRING = address(0x0f);
    address private constant MAP_FP_TO_G1 = address(0x10);

    /// The field modulus: 16 bytes of zeros and high part, then 32 bytes.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    /// (p - 1) / 2, in the same two parts.
    uint256 private constant HALF_P_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_P_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;

    /// The negated generator of G2.
    bytes private constant NEGATED_G2 = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bcb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa"
        hex"0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed";

    uint256 internal constant G1_LENGTH = 128;
    uint256 internal constant G2_LENGTH = 256;

    /// A point has another length than its group's encoding.
    error WrongPointLength(uint256 found, uint256 expected);
    /// The point at infinity is neither a key nor a signature.
    error PointAtInfinity();
    /// The precompile refused its input: not a field element, not on the curve, or not in the subgroup.
    error InvalidPoint(address precompile);

    /// @dev Places in the pairing's input: the signature and the negated generator, then the hash and the key.
    uint256 private constant GENERATOR_PLACE = 128;
    uint256 private constant HASH_PLACE = 384;
    uint256 private constant KEY_PLACE = 512;
    uint256 private constant INPUT_LENGTH = 768;

    /// @notice Whether `signature` is the key's over `digest`, or the aggregate of several keys' if `key` is
    ///         their sum. The pairing checks both points for curve and subgroup.
    function verify(bytes memory key, bytes32 digest, bytes memory signature) internal view returns (bool) {
        bytes memory input = _begin(signature);
        _hashInto(input, HASH_PLACE, digest, SIGNATURE_DST_PRIME);
        return _pairs(input, key);
    }

    /// @notice Whether `proof` is the key's proof of possession over `message`.
    function verifyPossession(bytes memory key, bytes32 message, bytes memory proof)
        internal
        view
        returns (bool)
    {
        bytes memory input = _begin(proof);
        _hashInto(input, HASH_PLACE, message, POSSESSION_DST_PRIME);
        return _pairs(input, key);
    }

    /// @notice Whether `aggregate` is the sum of the key's signatures over two different digests, which only who
    ///         signed both can make. The key is read from a blob: one that was checked before, or nothing, which is infinity
    ///         and verifies no signature.
    function verifyBoth(address keyBlob, bytes32 digest, bytes32 other, bytes calldata aggregate)
        internal
        view
        returns (bool)
    {
        if (aggregate.length != G1_LENGTH) revert WrongPointLength(aggregate.length, G1_LENGTH);
        bytes memory input = _withGenerator();
        bool any;
        assembly ("memory-safe") {
            let place := add(input, 0x20)
            calldatacopy(place, aggregate.offset, G1_LENGTH)
            any := or(
                or(mload(place), mload(add(place, 0x20))),
                or(mload(add(place, 0x40)), mload(add(place, 0x60)))
            )
        }
        if (!any) revert PointAtInfinity();
        bytes memory dstPrime = SIGNATURE_DST_PRIME;
        _hashInto(input, HASH_PLACE, digest, dstPrime);
        // Where the key comes next.
        _hashInto(input, KEY_PLACE, other, dstPrime);
        _fold(G1_ADD, input, HASH_PLACE, G1_LENGTH);
        Blob.readInto(keyBlob, input, KEY_PLACE);
        return _isOne(input);
    }

    function _begin(bytes memory signature) private pure returns (bytes memory input) {
        requirePoint(signature, G1_LENGTH);
        input = _withGenerator();
        assembly ("memory-safe") {
            mcopy(add(input, 0x20), add(signature, 0x20), G1_LENGTH)
        }
    }

    /// @dev The pairing's input with nothing but the generator in it: all else is written before it is read.
    function _withGenerator() private pure returns (bytes memory input) {
        bytes memory generator = NEGATED_G2;
        assembly ("memory-safe") {
            input := mload(0x40)
            mstore(0x40, add(input, add(INPUT_LENGTH, 0x20)))
            mstore(input, INPUT_LENGTH)
            mcopy(add(input, add(GENERATOR_PLACE, 0x20)), add(generator, 0x20), G2_LENGTH)
        }
    }

    function _pairs(bytes memory input, bytes memory key) private view returns (bool) {
        requirePoint(key, G2_LENGTH);
        assembly ("memory-safe") {
            mcopy(add(input, add(KEY_PLACE, 0x20)), add(key, 0x20), G2_LENGTH)
        }
        return _isOne(input);
    }

    /// @dev Whether `e(signature, -G2) * e(hash, key) = 1`. Reverts on malformed points.
    function _isOne(bytes memory input) private view returns (bool one) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 0x0f, add(input, 0x20), mload(input), 0x00, 0x20)
            ok := and(ok, eq(returndatasize(), 0x20))
            one := eq(mload(0x00), 1)
        }
        if (!ok) revert InvalidPoint(PAIRING);
    }

    /// @notice Reverts unless `point` has the length and is not infinity.
    function requirePoint(bytes memory point, uint256 length) internal pure {
        if (point.length != length) revert WrongPointLength(point.length, length);
        for (uint256 offset = 0x20; offset <= length; offset += 0x20) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(point, offset))
            }
            if (word != 0) return;
        }
        revert PointAtInfinity();
    }

    /// @notice RFC 9380 hash_to_curve, suite BLS12381G1_XMD:SHA-256_SSWU_RO_, of a 32-byte message.
    /// @param dstPrime tag and its length, 44 bytes
    function hashToG1(bytes32 message, bytes memory dstPrime) internal view returns (bytes memory point) {
        point = new bytes(2 * G1_LENGTH);
        _hashInto(point, 0, message, dstPrime);
        _truncate(point, G1_LENGTH);
    }

    /// @dev Writes the point to `offset`; what comes in the 128 bytes behind it is lost. In one buffer, because copying
    ///      would cost a third of what the precompiles do.
    function _hashInto(bytes memory target, uint256 offset, bytes32 message, bytes memory dstPrime)
        private
        view
    {
        bool ok;
        assembly ("memory-safe") {
            let points := add(add(target, 0x20), offset)
            let tag := mload(add(dstPrime, 0x20))
            let tagEnd := mload(add(dstPrime, 0x40))
            let free := mload(0x40)

            // expand_message_xmd: b0 = H(64 zeros, message, 128 as two bytes, 0, tag).
            calldatacopy(free, calldatasize(), 0x40)
            mstore(add(free, 0x40), message)
            mstore(add(free, 0x60), shl(232, 0x008000))
            mstore(add(free, 0x63), tag)
            mstore(add(free, 0x83), tagEnd)
            ok := staticcall(gas(), 0x02, free, 143, 0x00, 0x20)
            let b0 := mload(0x00)

            // b_i = H(b0 xor b_(i-1), i, tag), with b_0 of the chain taken as zero. Four of them make two field
            // elements, each reduced modulo p by MODEXP and mapped to the curve.
            let block_ := free
            let element := add(free, 0x80)
            mstore(element, 64)
            mstore(add(element, 0x20), 1)
            mstore(add(element, 0x40), 64)
            mstore(add(element, 0xa1), P_HIGH)
            mstore8(add(element, 0xa0), 1)
            mstore(add(element, 0xc1), P_LOW)
            mstore(add(block_, 0x21), tag)
            mstore(add(block_, 0x41), tagEnd)
            let previous := 0
            for { let i := 0 } lt(i, 4) { i := add(i, 2) } {
                mstore(block_, xor(b0, previous))
                mstore8(add(block_, 0x20), add(i, 1))
                ok := and(ok, staticcall(gas(), 0x02, block_, 77, add(element, 0x60), 0x20))
                mstore(block_, xor(b0, mload(add(element, 0x60))))
                mstore8(add(block_, 0x20), add(i, 2))
                ok := and(ok, staticcall(gas(), 0x02, block_, 77, add(element, 0x80), 0x20))
                previous := mload(add(element, 0x80))
                ok := and(ok, staticcall(gas(), 0x05, element, 0xe1, 0x00, 0x40))
                ok := and(ok, staticcall(gas(), 0x10, 0x00, 0x40, add(points, shl(6, i)), 0x80))
            }
            // Their sum, in the place of the first.
            ok := and(ok, staticcall(gas(), 0x0b, points, 0x100, points, 0x80))
        }
        // No element below p fails, and no sum of points; only gas does.
        if (!ok) revert InvalidPoint(MAP_FP_TO_G1);
    }

    /// @notice Sum of two points of G1; no subgroup check.
    function addG1(bytes memory a, bytes memory b) internal view returns (bytes memory sum) {
        sum = abi.encodePacked(a, b);
        _fold(G1_ADD, sum, 0, G1_LENGTH);
        _truncate(sum, G1_LENGTH);
    }

    /// @notice Sum of two points of G2; no subgroup check.
    function addG2(bytes memory a, bytes memory b) internal view returns (bytes memory sum) {
        sum = abi.encodePacked(a, b);
        foldG2(sum);
        _truncate(sum, G2_LENGTH);
    }

    /// @notice Adds the second point of G2 in `points` to the first, in place; the second stays.
    function foldG2(bytes memory points) internal view {
        _fold(G2_ADD, points, 0, G2_LENGTH);
    }

    /// @notice The first point of G2 in `points`, which then holds nothing else.
    function firstG2(bytes memory points) internal pure returns (bytes memory) {
        _truncate(points, G2_LENGTH);
        return points;
    }

    /// @notice The 48 bytes of a point of G1 that is neither infinity nor malformed: x, with the flags of the
    ///         ZCash format in its three upper bits (compressed, and whether y is the larger of the two roots).
    function compressG1(bytes memory point) internal pure returns (bytes memory compressed) {
        requirePoint(point, G1_LENGTH);
        compressed = new bytes(48);
        assembly ("memory-safe") {
            let high := mload(add(point, 0x60))
            let low := mload(add(point, 0x80))
            let larger := or(gt(high, HALF_P_HIGH), and(eq(high, HALF_P_HIGH), gt(low, HALF_P_LOW)))
            mcopy(add(compressed, 0x20), add(point, 0x30), 48)
            let first := add(compressed, 0x20)
            mstore(first, or(mload(first), shl(253, or(4, larger))))
        }
    }

    /// @notice Negates the canonical point of G2 at `offset` in place; infinity stays infinity.
    function negateG2(bytes memory points, uint256 offset) internal pure {
        assembly ("memory-safe") {
            // y.c0 and y.c1 become p minus themselves, unless they are zero.
            let place := add(add(points, 0xa0), offset)
            for { let end := add(place, 0x80) } lt(place, end) { place := add(place, 0x40) } {
                let high := mload(place)
                let low := mload(add(place, 0x20))
                if or(high, low) {
                    // Borrow by hand; the element is below p, so the high part cannot underflow.
                    mstore(place, sub(sub(P_HIGH, high), gt(low, P_LOW)))
                    mstore(add(place, 0x20), sub(P_LOW, low))
                }
            }
        }
    }

    /// @dev The first of two points of `length` bytes at `offset` becomes their sum.
    function _fold(address precompile, bytes memory points, uint256 offset, uint256 length) private view {
        bool ok;
        assembly ("memory-safe") {
            let place := add(add(points, 0x20), offset)
            ok := staticcall(gas(), precompile, place, shl(1, length), place, length)
            ok := and(ok, eq(returndatasize(), length))
        }
        if (!ok) revert InvalidPoint(precompile);
    }

    /// @dev Cuts off what lies behind `length`, which is at most the present length.
    function _truncate(bytes memory points, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(points, length)
        }
    }
}
