// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What an operator did.
enum FaultKind {
    /// A quorum of verifiers recomputed another output for a leaf.
    WrongEncode,
    /// A leaf is not the one that its place in the tree or the source's frames call for, or is marked with a plant that was
    /// revealed in another receipt.
    LeafFault,
    /// A transcoder signed two receipts for one assignment.
    Equivocation,
    /// A verifier signed two verdicts for one leaf.
    VerifierEquivocation,
    /// A transcoder did not open a leaf that was demanded.
    WithheldLeaf,
    /// A verifier passed a leaf that a quorum found wrong.
    FalsePass,
    /// A verifier accused a leaf that a quorum found correct.
    FalseAccusation,
    /// A verifier's ticket was shown before its epoch had ended.
    EarlyTicket,
    /// A verifier signed a divergence that the resolver refuted.
    FalseDivergence
}

/// @notice Where a case stands.
enum CaseStatus {
    None,
    /// Proven; executable after the window.
    Open,
    /// The operator was slashed.
    Executed,
    /// The resolver decides.
    Contested,
    /// The resolver found the operator innocent.
    Acquitted,
    /// Void: the resolver said nothing about a case that a cap, the breaker or another quorum contested, or what
    /// the case rests on is void.
    Annulled,
    /// One fault with another case of the same burst, which was executed.
    Absorbed,
    /// The operator had planted this fault.
    Spared
}

/// @notice Why a case is contested.
enum Cause {
    None,
    /// By the accused, with a bond.
    Accused,
    /// Slashes by quorums would exceed what the signers have at stake.
    Cap,
    /// Too many operators of one encoder are accused, or too many verifiers report a divergence.
    Breaker,
    /// Two quorums contradict each other.
    Conflict
}
