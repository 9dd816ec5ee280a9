// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The EIP-712 domain of every signed object, for contracts other than its verifying contract
library CourtDomain {
    bytes32 private constant TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @notice The domain separator of the court at `court` on the present chain.
    function separator(address court) internal view returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, keccak256("Assay"), keccak256("1"), block.chainid, court));
    }
}
