// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A parameter is beyond what the contracts can hold or what the rules allow.
error InvalidParameter(string name, uint256 found, uint256 bound);

/// @notice Everything that differs between deployments. The values of each chain live in `assay-protocol`
///         (`params`), with their reasons and sources; the contracts freeze them as immutables and nobody can
///         change them. Blocks and rounds are counts, `…Bps` are 1/10,000, amounts are base units (1e-18 LPT).
struct Parameters {
    // ---- time ----
    /// Blocks from one round's opening to the earliest opening of the next. Mainnet 6,377: about 21 hours.
    uint64 roundLength;
    /// Blocks of a sampling epoch.
    uint64 epochBlocks;
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
    // ---- stake ----
    /// Size of the active set of transcoders, at most 255.
    uint16 maxTranscoders;
    /// Size of the active set of verifiers, at most 64: one bit each in a proof's bitmap.
    uint16 maxVerifiers;
    /// Delegated stake counts for weight up to this many times the own bond.
    uint16 delegationFactor;
    /// Smallest own bond of an active operator.
    uint256 minimumOwnBond;
    // ---- penalties ----
    /// Rounds within which another wrong encode counts as a repeat and doubles the penalty.
    uint64 repeatRounds;
    /// Part of a pool cut for a first wrong encode or leaf fault.
    uint16 wrongEncodeBps;
    /// Part of a pool cut for signing two receipts or two verdicts.
    uint16 equivocationBps;
    /// Part of a verifier's pool cut for a pass that a quorum's verdict contradicts.
    uint16 falsePassBps;
    /// Part of a verifier's pool cut for accusing a leaf that a quorum finds correct.
    uint16 falseAccusationBps;
    /// Part of a verifier's pool cut for a ticket shown on chain before its epoch has ended.
    uint16 earlyTicketBps;
    /// Part of a verifier's pool cut for a Divergence that is refuted.
    uint16 divergenceBps;
    /// Part of what is cut from the own bond that the finder may claim.
    uint16 finderBps;
    /// Part of what is cut from the own bond that the signers of a proof share by weight; with `finderBps` at
    /// most one half, so that reporting oneself loses.
    uint16 signersBps;
    /// Expected checks per leaf over the whole network, in millionths: decides which draws win.
    uint32 checksPerLeafPpm;
    // ---- contests ----
    /// What contesting a case costs unless the resolver agrees.
    uint256 contestBond;
    /// Rounds after which a resolver that says nothing is not waited for.
    uint64 resolverRounds;
    /// Rounds within which quorum slashes are held against the signers' own stake.
    uint64 capRounds;
    /// More operators than these accused of wrong encodes in one round trip the breaker, if ...
    uint16 breakerOperators;
    /// ... they also have more than this part of the active stake. 10,000 switches the breaker off.
    uint16 breakerStakeBps;
    /// Rounds for which a tripped breaker stops an encoder's assignments, at most.
    uint64 breakerRounds;
    /// What demanding the opening of a leaf costs unless it stays closed.
    uint256 challengeBond;
    /// Blocks in which a demanded leaf must be opened.
    uint64 challengeBlocks;
    /// What planting a fault costs unless it is revealed.
    uint256 plantBond;
    // ---- fees ----
    /// Part of each payment that is burned, so that paying oneself costs.
    uint16 burnedFeeBps;
    /// Rounds from a broadcaster's `unlock` to its `withdraw`.
    uint64 unlockRounds;
    // ---- rewards ----
    /// Part of the supply that inflation moves bonding toward.
    uint16 targetBondingBps;
    /// Inflation of the first round, in 1/1,000,000,000 of the supply.
    uint64 inflationPpb;
    /// What inflation moves by each round, in 1/1,000,000,000 of the supply.
    uint64 inflationStepPpb;
    /// Part of a round's mint that is the transcoders'; the rest is the verifiers'.
    uint16 transcodersMintBps;
    /// By how much an operator's share of the certified work may exceed its share of stake and still be minted.
    uint16 claimSlackBps;
    /// Certified pixels of a round from which its whole budget is paid.
    uint256 fullMintPixels;
    /// Blocks from a round's end (and what its evidence needs) in which its work is certified.
    uint64 certifyBlocks;
    /// Blocks from the certificate in which its work is claimed.
    uint64 claimBlocks;
}
