//! Chores whose transaction has failed, until they are done again.
//!
//! A node without ETH, a journal on a full disk, or a transaction that lost a race says nothing about the next try: what is not
//! to be done any more is refused before it is sent.

use std::collections::BTreeMap;

use assay_chain::exhibit::Kind;
use assay_chain::fault::CaseStatus;
use assay_chain::revert::Revert;
use assay_protocol::verdict::LeafId;
use assay_protocol::{B256, U256};

use crate::evidence::Finding;
use crate::keeper::prove_key;
use crate::roll_call::RollStep;

/// Blocks after which a chore that has failed is done again: twice as many each time, up to the second number.
const AGAIN: (u64, u64) = (4, 64);
/// Chores whose failures are counted.
const COUNTED: usize = 1_024;

/// Something that this node brings to the chain of its own accord, once unless it fails.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Opening a round.
    Open(u64),
    /// Executing a case.
    Execute(B256),
    /// Ending a case about which the resolver was silent.
    Lapse {
        /// The case.
        case: B256,
        /// Block in which it was contested: it may be again.
        contested: u64,
    },
    /// Submitting a proof that was gossiped.
    Prove(LeafId),
    /// Reporting a withheld leaf of a receipt.
    Report(LeafId),
    /// Bringing evidence.
    Bring(Box<Finding>),
    /// Writing down the seed of an own job.
    FixSeed(U256),
    /// Taking an own part of an executed case.
    Claim {
        /// The case.
        case: B256,
        /// Among the round's verifiers.
        position: u64,
    },
    /// Calling, answering or closing a roll.
    Roll(RollStep),
}

impl Chore {
    /// The idempotency key of its transaction.
    pub fn key(&self) -> String {
        match self {
            Self::Open(round) => format!("round:{round}"),
            Self::Execute(case) => format!("execute:{case}"),
            Self::Lapse { case, contested } => format!("lapse:{case}:{contested}"),
            Self::Prove(leaf) => prove_key(*leaf),
            Self::Report(leaf) => format!("withheld:{}:{}", leaf.receipt, leaf.index),
            Self::Bring(finding) => finding.name(),
            Self::FixSeed(job) => format!("seed:{job}"),
            Self::Claim { case, position } => format!("claim:{case}:{position}"),
            Self::Roll(RollStep::Call(failed)) => format!("call-roll:{failed}"),
            Self::Roll(RollStep::Answer(round)) => format!("answer-roll:{round}"),
            Self::Roll(RollStep::Close(round)) => format!("close-roll:{round}"),
        }
    }

    /// Whether the chain may take later what it refuses now: a case that waits for another one, the part of a signer or a finder
    /// that is frozen itself, a finder's part of a case that is not over. A case that somebody else has ended is not due any
    /// more.
    pub fn may_be_early(&self, revert: &Revert) -> bool {
        match self {
            Self::Execute(_) | Self::Lapse { .. } => true,
            Self::Claim { .. } => revert.is("SignerFrozen"),
            Self::Bring(finding) if finding.exhibit.kind() == Kind::SettleFinder => {
                let waits = |status: CaseStatus| !status.is_final();
                revert.is("FinderFrozen")
                    || revert.is("TooEarly")
                    || revert.is("WrongStatus") && revert.status("found").is_some_and(waits)
            }
            _ => false,
        }
    }
}

/// Chores that have failed.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// With the block from which on they are due.
    waiting: Vec<(u64, Chore)>,
    /// How often each has failed, by key.
    failures: BTreeMap<String, u32>,
}

impl Retries {
    /// Takes a chore that has failed at `block`.
    pub fn failed(&mut self, chore: Chore, block: u64) {
        if self.failures.len() >= COUNTED {
            self.failures.clear();
        }
        let failures = self.failures.entry(chore.key()).or_default();
        let wait = AGAIN.0 << (*failures).min(8);
        *failures += 1;
        self.waiting.push((block + wait.min(AGAIN.1), chore));
    }

    /// Takes out those that are due at `block`.
    pub fn due(&mut self, block: u64) -> Vec<Chore> {
        let due = self.waiting.extract_if(.., |(from, _)| *from <= block);
        due.map(|(_, chore)| chore).collect()
    }
}

#[cfg(test)]
mod tests {
    use assay_chain::exhibit::Exhibit;
    use assay_protocol::Address;
    use assay_protocol::assignment::Assignment;

    use super::*;

    #[test]
    fn what_waits_for_another_case_is_tried_again_and_what_is_done_is_not() {
        let refused = |name: &str| Revert {
            name: name.into(),
            args: Vec::new(),
        };
        let claim = Chore::Claim {
            case: B256::ZERO,
            position: 1,
        };
        assert!(Chore::Execute(B256::ZERO).may_be_early(&refused("SubjectNotFinal")));
        assert!(claim.may_be_early(&refused("SignerFrozen")));
        assert!(!claim.may_be_early(&refused("AlreadyPaid")));
        let assignment = Assignment::default();
        let exhibit = Exhibit::SettleFinder(Box::new(assignment));
        let settle = Chore::Bring(Box::new(Finding::new(exhibit, Address::ZERO, &[])));
        let wrong = |found: u8| Revert {
            args: vec![("found".into(), found.to_string())],
            ..refused("WrongStatus")
        };
        for (status, early) in [(1, true), (3, true), (4, false), (5, false), (6, false)] {
            assert_eq!(settle.may_be_early(&wrong(status)), early, "{status}");
        }
        assert!(settle.may_be_early(&refused("FinderFrozen")));
        assert!(!settle.may_be_early(&refused("AlreadyPaid")));
        assert!(!Chore::Open(3).may_be_early(&refused("RoundNotOver")));
    }

    #[test]
    fn what_fails_is_due_again_later_and_later() {
        let mut retries = Retries::default();
        let mut block = 100;
        let mut waits = Vec::new();
        for _ in 0..7 {
            retries.failed(Chore::Execute(B256::ZERO), block);
            let begun = block;
            while retries.due(block).is_empty() {
                block += 1;
            }
            waits.push(block - begun);
        }
        assert_eq!(waits, [4, 8, 16, 32, 64, 64, 64]);
        retries.failed(Chore::Open(3), block);
        assert!(retries.due(block + 3).is_empty());
        assert!(matches!(retries.due(block + 4)[..], [Chore::Open(3)]));
        assert!(retries.due(block + 99).is_empty(), "once");
    }
}
