//! Cases of the court: whoever's they are, somebody must end them, and their signers take their parts.

use assay_chain::call::{ContestCall, CourtCall};
use assay_protocol::B256;

use crate::chain_state::Case;
use crate::driver::Node;
use crate::retry::Chore;

impl Node {
    /// Executes what is due, and ends what the resolver was silent about.
    pub(crate) fn end_cases(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let silence = self.params.resolver_rounds;
        let lapsed = self.read(|state| state.lapsed(silence, block.saturating_sub(wait)));
        for (case, contested) in lapsed {
            if self.keeper.lapsing.insert((case, contested)) {
                let call = ContestCall::Lapse { case };
                self.submit_chore("lapse", case, call, Chore::Lapse { case, contested });
            }
        }
        let due = self.read(|state| state.due(block.saturating_sub(wait)));
        for case in due {
            if self.keeper.executing.insert(case) {
                let call = CourtCall::Execute { case };
                self.submit_chore("execute", case, call, Chore::Execute(case));
            }
        }
    }

    /// Takes this verifier's part of an executed case.
    pub(crate) fn claim(&self, case: &Case) {
        let seat = self.read(|state| {
            state
                .verifiers(case.round)
                .and_then(|set| set.find(self.me))
                .map(|(i, _)| i)
        });
        let position = seat.filter(|position| case.bitmap.bit(*position));
        if let Some(position) = position {
            self.claim_part(case.id, position as u64);
        }
    }

    pub(crate) fn claim_part(&self, case: B256, position: u64) {
        let call = CourtCall::ClaimSigner { case, position };
        self.submit_chore("claim", case, call, Chore::Claim { case, position });
    }
}
