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

    uint256 private constant LENGTH = 0x1c0;

    /// @dev All fields are value types of one word each, so the ABI encoding, as it lies in the calldata, is the
    ///      EIP-712 encoding. Like the decoder it refuses words that say more than their type holds.
    function structHash(Assignment calldata self) internal pure returns (bytes32 hash) {
        bytes32 typeHash = TYPEHASH;
        assembly ("memory-safe") {
            let place := mload(0x40)
            let fields := add(place, 0x20)
            mstore(place, typeHash)
            calldatacopy(fields, self, LENGTH)
            let excess := shr(32, mload(add(fields, 0x20))) // seq
            excess := or(excess, shr(8, mload(add(fields, 0x40)))) // attempt
            excess := or(excess, shr(64, mload(add(fields, 0x60)))) // round
            excess := or(excess, shr(160, mload(add(fields, 0x80)))) // transcoder
            excess := or(excess, shr(64, mload(add(fields, 0xc0)))) // sourceLen
            excess := or(excess, shr(32, mload(add(fields, 0x100)))) // frameCount
            excess := or(excess, shr(32, mload(add(fields, 0x160)))) // leafCount
            excess := or(excess, shr(64, mload(add(fields, 0x1a0)))) // deadlineBlock
            if excess { revert(0x00, 0x00) }
            hash := keccak256(place, add(LENGTH, 0x20))
        }
    }
}
