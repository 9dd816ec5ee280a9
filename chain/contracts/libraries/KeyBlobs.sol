// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Blob} from "./Blob.sol";

/// @title Verifiers' keys as code, at addresses that follow from the operators'
/// @notice Whoever knows the registry and the operator reads the key without asking anybody where it is.
/// @dev CREATE2 makes a factory that is the same for all, and the factory's first CREATE the blob, so that no address
///      depends on a key ("CREATE3", as in Solmate's library of that name).
library KeyBlobs {
    /// Code that creates a contract of its calldata, behind the code that returns it.
    bytes private constant FACTORY = hex"67363d3d37363d34f03d5260086018f3";
    /// keccak256 of `FACTORY`.
    bytes32 private constant FACTORY_HASH =
        0x21c35dbe1b344a2488cf3321d6ce542f8e9f305544ff09e4993a62319a497c1f;

    /// @notice Stores the key of an operator that has none; for the registry itself.
    function write(address operator, bytes memory key) internal {
        bytes memory factoryCode = FACTORY;
        bytes memory creation = Blob.creationOf(key);
        address blob = placeOf(address(this), operator);
        assembly ("memory-safe") {
            let factory := create2(0, add(factoryCode, 0x20), mload(factoryCode), operator)
            pop(call(gas(), factory, 0, add(creation, 0x20), mload(creation), 0x00, 0x00))
        }
        if (!exists(blob)) revert Blob.BlobNotWritten(key.length);
    }

    /// @notice Where the registry at `registry` keeps the operator's key, if it has one.
    function placeOf(address registry, address operator) internal pure returns (address blob) {
        assembly ("memory-safe") {
            let place := mload(0x40)
            // keccak(0xff, registry, salt, hash of the creation code), then keccak of the RLP of (factory, 1).
            mstore(place, or(shl(248, 0xff), shl(88, registry)))
            mstore(add(place, 21), operator)
            mstore(add(place, 53), FACTORY_HASH)
            let factory := keccak256(place, 85)
            mstore(
                place,
                or(shl(240, 0xd694), shl(80, and(factory, 0xffffffffffffffffffffffffffffffffffffffff)))
            )
            mstore8(add(place, 22), 1)
            blob := and(keccak256(place, 23), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    function exists(address blob) internal view returns (bool) {
        return blob.code.length != 0;
    }
}
