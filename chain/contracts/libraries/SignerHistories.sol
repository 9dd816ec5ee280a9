// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A signer and the round from which it counts; one slot.
struct SignerChange {
    address signer;
    uint64 fromRound;
}

/// @notice The last three signers of an operator, the newest first.
struct SignerHistory {
    SignerChange[3] changes;
}

/// @title Who signed for an operator in a round
/// @notice Evidence about a round is held against that round's signer, so as many changes are kept as can lie within
///         the time that evidence looks back, and a change that would need more is refused.
library SignerHistories {
    /// @notice Lets `signer` count from the round after `present`. A change that does not count yet is replaced.
    /// @param memoryRounds rounds before `present` that must stay known
    /// @return free 0, or the round in which the change will be possible
    function set(SignerHistory storage self, address signer, uint64 present, uint64 memoryRounds)
        internal
        returns (uint64 free)
    {
        SignerChange memory newest_ = self.changes[0];
        if (newest_.signer != address(0) && newest_.fromRound != present + 1) {
            SignerChange memory middle = self.changes[1];
            // The oldest is forgotten: before `middle` nothing is known any more.
            if (self.changes[2].signer != address(0) && middle.fromRound + memoryRounds > present) {
                return middle.fromRound + memoryRounds;
            }
            self.changes[2] = middle;
            self.changes[1] = newest_;
        }
        self.changes[0] = SignerChange(signer, present + 1);
    }

    /// @notice Whose signature counted in `round`: the operator's own before its first change.
    function signerIn(SignerHistory storage self, address operator, uint64 round)
        internal
        view
        returns (address)
    {
        unchecked {
            for (uint256 i = 0; i < 3; ++i) {
                SignerChange storage change = self.changes[i];
                address signer = change.signer;
                if (signer == address(0)) return operator;
                if (round >= change.fromRound) return signer;
            }
        }
        return operator;
    }

    /// @notice The signer from the next round on.
    function newest(SignerHistory storage self, address operator) internal view returns (address signer) {
        signer = self.changes[0].signer;
        if (signer == address(0)) return operator;
    }
}
