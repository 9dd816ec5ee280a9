// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The EIP-712 domain of a deployment, for contracts other than the court that gives it its address
library AssayDomain {
    bytes32 private constant TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME = keccak256("Assay");
    bytes32 private constant VERSION = keccak256("1");

    /// @notice Digest of an object: what is signed, and the object's hash everywhere. The chain's id is read each
    ///         time, so that nothing signed before a split counts on both sides.
    function digest(address court, bytes32 structHash) internal view returns (bytes32) {
        bytes32 separator = keccak256(abi.encode(TYPEHASH, NAME, VERSION, block.chainid, court));
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }
}
