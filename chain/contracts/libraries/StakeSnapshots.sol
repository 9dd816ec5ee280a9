// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ActiveSets} from "./ActiveSets.sol";
import {Blob} from "./Blob.sol";

/// @title The bytes of a stake snapshot
/// @notice An entry is a member word (address and weight, see `ActiveSets`) and 8 bytes of price; entries
///         ascend by address.
library StakeSnapshots {
    uint256 private constant ENTRY_LENGTH = 40;

    /// @param sorted member words in ascending order
    /// @param prices prices in wei, in the same order
    function store(uint256[] memory sorted, uint64[] memory prices) internal returns (address blob) {
        bytes memory data = new bytes(sorted.length * ENTRY_LENGTH);
        for (uint256 i = 0; i < sorted.length; ++i) {
            uint256 member = sorted[i];
            uint256 price = uint256(prices[i]) << 192;
            assembly ("memory-safe") {
                let place := add(add(data, 0x20), mul(i, ENTRY_LENGTH))
                mstore(place, member)
                // The price is the upper 8 bytes of this word; the rest is left as it is, because the last
                // entry's rest lies beyond the array.
                let tail := add(place, 0x20)
                mstore(tail, or(price, and(mload(tail), sub(shl(192, 1), 1))))
            }
        }
        return Blob.write(data);
    }

    function load(address blob)
        internal
        view
        returns (address[] memory operators, uint256[] memory weights, uint256[] memory prices)
    {
        bytes memory data = Blob.read(blob);
        uint256 count = data.length / ENTRY_LENGTH;
        operators = new address[](count);
        weights = new uint256[](count);
        prices = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 member;
            uint256 price;
            assembly ("memory-safe") {
                let place := add(add(data, 0x20), mul(i, ENTRY_LENGTH))
                member := mload(place)
                price := shr(192, mload(add(place, 0x20)))
            }
            operators[i] = ActiveSets.operatorOf(member);
            weights[i] = ActiveSets.weightOf(member);
            prices[i] = price;
        }
    }
}
