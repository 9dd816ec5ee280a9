// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One chunk of one rendition under a receipt's output root (docs/protocol.md, section 3).
struct Leaf {
    uint8 rendition;
    uint32 chunk;
    bytes32 framesRoot;
    uint32 outputLen;
    bytes32 outputHash;
}

/// @title The 73 bytes of a leaf
library Leaves {
    function pack(Leaf calldata self) internal pure returns (bytes memory) {
        return abi.encodePacked(self.rendition, self.chunk, self.framesRoot, self.outputLen, self.outputHash);
    }
}
