// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A parameter is beyond what the contracts can hold or what the rules allow.
error InvalidParameter(string name, uint256 found, uint256 bound);

/// @notice Everything that differs between deployments. The values of each chain live in `assay-protocol`
///         (`params`), with their sources; the contracts freeze them as immutables and nobody can change them.
struct Parameters {
    /// Blocks from one round's opening to the earliest opening of the next. Mainnet 6,377: about 21 hours.
    uint64 roundLength;
    /// D: blocks from the signing of an assignment to its deadline, at most 255.
    uint64 deadlineBlocks;
    /// Blocks after a deadline during which faults of that assignment are accepted.
    uint64 evidenceWindow;
    /// Blocks from the opening of a case to its earliest execution.
    uint64 caseWindow;
    /// Rounds that unbonding stake waits at least; 1 or more, so that the round it could be elected in is over.
    uint64 unbondingRounds;
    /// Blocks from a job's creation to the block that gives its seed; 1 or more, so that nobody can choose it.
    uint64 seedDelayBlocks;
    /// Rounds within which another wrong encode counts as a repeat and doubles the penalty.
    uint64 repeatRounds;
    /// Part of a pool cut for a first wrong encode or leaf fault, in 1/10,000.
    uint16 wrongEncodeBps;
    /// Part of a pool cut for signing two receipts or two verdicts, in 1/10,000.
    uint16 equivocationBps;
    /// Part of what is cut from the own bond that the signers of a proof share by weight, in 1/10,000.
    uint16 signersBps;
    /// Size of the active set of transcoders, at most 255.
    uint16 maxTranscoders;
    /// Size of the active set of verifiers, at most 64: one bit each in a proof's bitmap.
    uint16 maxVerifiers;
    /// Delegated stake counts for weight up to this many times the own bond.
    uint16 delegationFactor;
    /// Smallest own bond of an active operator, in the token's base units.
    uint256 minimumOwnBond;
}
