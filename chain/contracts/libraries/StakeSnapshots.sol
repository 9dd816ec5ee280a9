// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSets} from "./ActiveSets.sol";
import {Blob} from "./Blob.sol";

/// @title The bytes of a stake snapshot
/// @notice The sum of all weights (32 bytes), then the entries: a member word (address and weight, see `ActiveSets`)
///         and 8 bytes of price; entries ascend by address.
library StakeSnapshots {
    uint256 private constant HEADER_LENGTH = 32;
    uint256 private constant ENTRY_LENGTH = 40;

    /// @param sorted member words in ascending order
    /// @param prices prices in wei, in the same order
    function store(uint256[] memory sorted, uint64[] memory prices) internal returns (address blob) {
        bytes memory data = new bytes(HEADER_LENGTH + sorted.length * ENTRY_LENGTH);
        uint256 sum;
        for (uint256 i = 0; i < sorted.length; ++i) {
            uint256 member = sorted[i];
            uint256 price = uint256(prices[i]) << 192;
            sum += ActiveSets.weightOf(member);
            assembly ("memory-safe") {
                let place := add(add(data, 0x40), mul(i, ENTRY_LENGTH))
                mstore(place, member)
                // The price is the upper 8 bytes of this word; the rest is left as it is, because the last
                // entry's rest lies beyond the array.
                let tail := add(place, 0x20)
                mstore(tail, or(price, and(mload(tail), sub(shl(192, 1), 1))))
            }
        }
        assembly ("memory-safe") {
            mstore(add(data, 0x20), sum)
        }
        return Blob.write(data);
    }

    function load(address blob)
        internal
        view
        returns (address[] memory operators, uint256[] memory weights, uint256[] memory prices)
    {
        bytes memory data = Blob.read(blob);
        uint256 entries = (data.length - HEADER_LENGTH) / ENTRY_LENGTH;
        operators = new address[](entries);
        weights = new uint256[](entries);
        prices = new uint256[](entries);
        for (uint256 i = 0; i < entries; ++i) {
            uint256 member = _member(data, i);
            uint256 price;
            assembly ("memory-safe") {
                price := shr(192, mload(add(add(data, 0x60), mul(i, ENTRY_LENGTH))))
            }
            operators[i] = ActiveSets.operatorOf(member);
            weights[i] = ActiveSets.weightOf(member);
            prices[i] = price;
        }
    }

    /// @notice Sum of all weights.
    function total(address blob) internal view returns (uint256 sum) {
        bytes memory head = new bytes(HEADER_LENGTH);
        Blob.readInto(blob, head, 0);
        return uint256(bytes32(head));
    }

    /// @notice An operator's weight, found by halving; 0 if it has no entry.
    function weightOf(address blob, address operator) internal view returns (uint256) {
        bytes memory data = Blob.read(blob);
        uint256 low = 0;
        uint256 high = (data.length - HEADER_LENGTH) / ENTRY_LENGTH;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint256 member = _member(data, middle);
            address found = ActiveSets.operatorOf(member);
            if (found == operator) return ActiveSets.weightOf(member);
            if (found < operator) low = middle + 1;
            else high = middle;
        }
        return 0;
    }

    function _member(bytes memory data, uint256 index) private pure returns (uint256 member) {
        assembly ("memory-safe") {
            member := mload(add(add(data, 0x40), mul(index, ENTRY_LENGTH)))
        }
    }
}
