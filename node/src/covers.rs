//! What the court's cases make of others' proofs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use assay_chain::fault::FaultKind;
use assay_protocol::assignment::Assignment;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256};

use crate::chain_state::{Case, ChainState};

/// What follows from the cases for proofs of wrong encoding; other kinds bar and absorb none.
pub(crate) struct Covers {
    /// Cases of wrong encoding by receipt.
    proven: BTreeMap<B256, Case>,
    /// Receipts of work that nobody pays for.
    accused: BTreeSet<B256>,
    /// Blocks of signing whose faults a case of the operator absorbs, or will once it is executed.
    bursts: BTreeMap<Address, Vec<RangeInclusive<u64>>>,
    response_blocks: u64,
}

impl Covers {
    pub fn of(state: &ChainState, response_blocks: u64) -> Self {
        let cases = state.cases.values();
        let proven = cases.filter(|case| case.kind == FaultKind::WrongEncode);
        let proven: BTreeMap<_, _> = proven.map(|case| (case.receipt, case.clone())).collect();
        let mut bursts: BTreeMap<Address, Vec<_>> = BTreeMap::new();
        for case in proven.values().filter(|case| case.may_absorb()) {
            let burst = case.burst(response_blocks);
            bursts.entry(case.operator).or_default().push(burst);
        }
        Self {
            proven,
            accused: state.accused(),
            bursts,
            response_blocks,
        }
    }

    /// The block in which the case was opened that lets the court take no proof about this leaf.
    pub fn barred(&self, leaf: LeafId) -> Option<u64> {
        let case = self.proven.get(&leaf.receipt);
        case.filter(|case| case.bars(leaf)).map(|case| case.opened)
    }

    /// Whether a case on a receipt has voided its payment.
    pub fn is_accused(&self, receipt: &B256) -> bool {
        self.accused.contains(receipt)
    }

    /// Whether a case makes a fault of this work part of itself.
    pub fn absorbs(&self, assignment: &Assignment) -> bool {
        let signed = assignment.signed_block(self.response_blocks);
        let bursts = self.bursts.get(&assignment.transcoder);
        bursts.is_some_and(|bursts| bursts.iter().any(|blocks| blocks.contains(&signed)))
    }
}

#[cfg(test)]
mod tests {
    use assay_chain::fault::CaseStatus;
    use assay_protocol::U256;

    use super::*;

    const OPERATOR: Address = Address::repeat_byte(1);
    const RECEIPT: B256 = B256::repeat_byte(2);

    fn covers(kind: FaultKind, status: Option<CaseStatus>) -> Covers {
        let case = Case {
            id: B256::repeat_byte(9),
            kind,
            operator: OPERATOR,
            round: 1,
            bitmap: U256::ZERO,
            joined: vec![],
            receipt: RECEIPT,
            opened: 100,
            executable: 103,
            leaf: 0,
            ended: status.map(|status| (103, status)),
            contested: None,
            joined_by: None,
            diverged: 0,
            finder_paid: None,
        };
        let mut state = ChainState::default();
        state.cases.insert(case.id, case);
        Covers::of(&state, 12)
    }

    /// docs/decisions.md: "a case that is spared, acquitted or annulled hides nothing", and other kinds absorb nothing.
    #[test]
    fn only_a_wrong_encode_that_is_open_or_executed_absorbs_a_burst() {
        let absorbs = |kind, status| {
            let signed_in = |block: u64| Assignment {
                transcoder: OPERATOR,
                deadlineBlock: block + 12,
                ..Assignment::default()
            };
            let covers = covers(kind, status);
            assert!(!covers.absorbs(&signed_in(87)) && !covers.absorbs(&signed_in(101)));
            covers.absorbs(&signed_in(88)) && covers.absorbs(&signed_in(100))
        };
        assert!(absorbs(FaultKind::WrongEncode, None));
        assert!(absorbs(FaultKind::WrongEncode, Some(CaseStatus::Executed)));
        for status in [
            CaseStatus::Spared,
            CaseStatus::Acquitted,
            CaseStatus::Annulled,
            CaseStatus::Absorbed,
        ] {
            assert!(!absorbs(FaultKind::WrongEncode, Some(status)), "{status:?}");
        }
        for kind in [
            FaultKind::LeafFault,
            FaultKind::FalsePass,
            FaultKind::VerifierEquivocation,
        ] {
            assert!(!absorbs(kind, None), "{kind:?}");
        }
    }

    #[test]
    fn a_verifiers_case_hides_no_proof_and_voids_no_payment() {
        let leaf = LeafId {
            receipt: RECEIPT,
            index: 3,
        };
        for (kind, barred, accused) in [
            (FaultKind::WrongEncode, Some(100), true),
            (FaultKind::LeafFault, None, true),
            (FaultKind::FalseAccusation, None, false),
        ] {
            let covers = covers(kind, None);
            assert_eq!(covers.barred(leaf), barred, "{kind:?}");
            assert_eq!(covers.is_accused(&RECEIPT), accused, "{kind:?}");
        }
        let spared = covers(FaultKind::WrongEncode, Some(CaseStatus::Spared));
        assert_eq!(spared.barred(leaf), None, "only the planted leaf is spared");
    }
}
