// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSets} from "./ActiveSets.sol";
import {Blob} from "./Blob.sol";

/// @notice The verifiers of one round, read from their blob.
/// @dev `data`: the sum of the weights (32 bytes), the sum of the keys (256), then one member word each
///      (address and weight, see `ActiveSets`) in ascending order, then the own bonds (12 bytes each) in that
///      order.
struct VerifierSet {
    bytes data;
    uint256 count;
    uint256 total;
}

/// @title Reading, weighing and storing the verifiers of a round
library VerifierSets {
    uint256 private constant KEY_OFFSET = 0x20;
    uint256 private constant KEY_LENGTH = 0x100;
    uint256 private constant MEMBERS_OFFSET = 0x120;
    uint256 private constant ENTRY_LENGTH = 0x2c;
    uint256 private constant WEIGHT_MASK = 0xffffffffffffffffffffffff;

    /// The bitmap names a position that the set does not have, or the verifier that is left out.
    error UnknownSigner(uint64 bitmap, uint256 verifiers);

    /// @param members member words in ascending order, of which the first `count` are taken
    /// @param owns own bonds in the same order
    function store(
        uint256[] memory members,
        uint96[] memory owns,
        uint256 count,
        uint256 total,
        bytes memory aggregateKey_
    ) internal returns (address blob) {
        bytes memory words;
        bytes memory bonds;
        for (uint256 i = 0; i < count; ++i) {
            words = abi.encodePacked(words, members[i]);
            bonds = abi.encodePacked(bonds, owns[i]);
        }
        return Blob.write(abi.encodePacked(total, aggregateKey_, words, bonds));
    }

    function load(address blob) internal view returns (VerifierSet memory set) {
        set.data = Blob.read(blob);
        set.count = (set.data.length - MEMBERS_OFFSET) / ENTRY_LENGTH;
        set.total = _word(set.data, 0);
    }

    /// @notice Verifier and weight at a position below `count`.
    function memberAt(VerifierSet memory self, uint256 position) internal pure returns (address, uint96) {
        uint256 member = _member(self, position);
        return (ActiveSets.operatorOf(member), ActiveSets.weightOf(member));
    }

    /// @notice Verifier at a position below `count`.
    function operatorAt(VerifierSet memory self, uint256 position) internal pure returns (address) {
        return ActiveSets.operatorOf(_member(self, position));
    }

    /// @notice The sum of all keys.
    function aggregateKey(VerifierSet memory self) internal pure returns (bytes memory key) {
        key = new bytes(KEY_LENGTH);
        copyAggregateKey(self, key);
    }

    /// @notice Writes the sum of all keys to the beginning of `target`, which has room for it.
    function copyAggregateKey(VerifierSet memory self, bytes memory target) internal pure {
        bytes memory data = self.data;
        assembly ("memory-safe") {
            mcopy(add(target, 0x20), add(add(data, 0x20), KEY_OFFSET), KEY_LENGTH)
        }
    }

    /// @notice Weight in the bitmap and in all, without the verifier `excluded`, who must not be in the bitmap, and
    ///         the own bonds of those in the bitmap.
    function weigh(VerifierSet memory self, uint64 bitmap, address excluded)
        internal
        pure
        returns (uint256 signed, uint256 total, uint256 ownStake)
    {
        if (bitmap & ~all(self) != 0) revert UnknownSigner(bitmap, self.count);
        total = self.total;
        uint256 position = _positionOf(self, excluded);
        if (position < self.count) {
            if ((bitmap >> position) & 1 == 1) revert UnknownSigner(bitmap, self.count);
            total -= ActiveSets.weightOf(_member(self, position));
        }
        (bytes memory data, uint256 count) = (self.data, self.count);
        // For each member: address in the upper 160 bits, weight in the lower 96. Sums of 64 weights fit a word.
        assembly ("memory-safe") {
            let place := add(data, add(0x20, MEMBERS_OFFSET))
            let bond := add(place, mul(count, 0x20))
            for {} bitmap { bitmap := shr(1, bitmap) } {
                // All ones for a signer.
                let mask := sub(0, and(bitmap, 1))
                signed := add(signed, and(mload(place), and(mask, WEIGHT_MASK)))
                // The upper 12 bytes of this word.
                ownStake := add(ownStake, and(shr(160, mload(bond)), mask))
                place := add(place, 0x20)
                bond := add(bond, 12)
            }
        }
    }

    /// @notice The bitmap of everybody.
    function all(VerifierSet memory self) internal pure returns (uint64) {
        // At most 64 verifiers; the shift by 64 of a wider word gives 2^64 - 1.
        unchecked {
            return uint64((uint256(1) << self.count) - 1);
        }
    }

    /// @notice Number of positions in a bitmap.
    function size(uint64 bitmap) internal pure returns (uint256 ones) {
        unchecked {
            // Sums of 2, 4 and 8 bits side by side; the product's upper byte is the sum of all bytes.
            uint256 sums = bitmap - ((bitmap >> 1) & 0x5555555555555555);
            sums = (sums & 0x3333333333333333) + ((sums >> 2) & 0x3333333333333333);
            sums = (sums + (sums >> 4)) & 0x0f0f0f0f0f0f0f0f;
            return uint8((sums * 0x0101010101010101) >> 56);
        }
    }

    /// @dev Where the verifier is, or `count`. Members are in ascending order.
    function _positionOf(VerifierSet memory self, address verifier) private pure returns (uint256 position) {
        (bytes memory data, uint256 count) = (self.data, self.count);
        // The first member that is not below the verifier.
        assembly ("memory-safe") {
            let members := add(data, add(0x20, MEMBERS_OFFSET))
            let lowest := shl(96, verifier)
            let end := count
            for {} lt(position, end) {} {
                let middle := shr(1, add(position, end))
                switch lt(mload(add(members, shl(5, middle))), lowest)
                case 0 { end := middle }
                default { position := add(middle, 1) }
            }
            // Another one's address, or what lies behind the members.
            if shr(96, xor(mload(add(members, shl(5, position))), lowest)) { position := count }
        }
    }

    function _member(VerifierSet memory self, uint256 position) private pure returns (uint256) {
        unchecked {
            return _word(self.data, MEMBERS_OFFSET + position * 0x20);
        }
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
    }
}
