// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One segment given to one transcoder, signed by the job's broadcaster (docs/protocol.md, section 1).
struct Assignment {
    uint256 jobId;
    uint32 seq;
    uint8 attempt;
    uint64 round;
    address transcoder;
    bytes32 sourceHash;
    uint64 sourceLen;
    bytes32 framesRoot;
    uint32 frameCount;
    bytes32 profilesHash;
    bytes32 encoderId;
    uint32 leafCount;
    uint256 pricePerPixel;
    uint64 deadlineBlock;
}

/// @title EIP-712 struct hash of an assignment
library Assignments {
    bytes32 internal constant TYPEHASH = keccak256(
        "Assignment(uint256 jobId,uint32 seq,uint8 attempt,uint64 round,address transcoder,bytes32 sourceHash,uint64 sourceLen,bytes32 framesRoot,uint32 frameCount,bytes32 profilesHash,bytes32 encoderId,uint32 leafCount,uint256 pricePerPixel,uint64 deadlineBlock)"
    );

    /// @dev All fields are value types of one word each, so the ABI encoding is the EIP-712 encoding.
    function structHash(Assignment calldata self) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPEHASH, self));
    }
}
