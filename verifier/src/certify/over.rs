//! When a round is over: with its certificate, once no reorganisation takes that back, or when the chain takes no list of it.

use super::view::RoundView;
use super::{Certifier, Output};

/// Blocks for which a certified round is kept: so deep a reorganisation is followed.
pub const KEPT_BLOCKS: u64 = 256;

impl Certifier {
    pub(super) fn on_certified(&mut self, round: u64, block: u64) -> Vec<Output> {
        if let Some(view) = self.rounds.get_mut(&round) {
            view.certified = Some(block);
        }
        vec![self.keep()]
    }

    pub(super) fn on_rewound(&mut self, ancestor: u64) {
        for view in self.rounds.values_mut() {
            view.rewind(ancestor);
        }
    }

    /// The first round that is kept in case its certificate is lost.
    pub(super) fn first_certified(&self) -> Option<u64> {
        let mut rounds = self.rounds.iter();
        let first = rounds.find(|(_, view)| view.certified.is_some());
        first.map(|(round, _)| *round)
    }

    /// Whether nothing can become of a round any more, or be lost of it.
    pub(super) fn is_over(&self, view: &RoundView, block: u64) -> bool {
        match (view.certified, self.turns(view)) {
            (Some(certified), _) => block > certified.saturating_add(KEPT_BLOCKS),
            (None, Some(turns)) => block > turns.last.max(turns.first),
            (None, None) => false,
        }
    }

    /// Forgets a round that is over, but for where its runs ended.
    pub(super) fn finish(&mut self, round: u64) {
        let Some(view) = self.rounds.remove(&round) else {
            return;
        };
        let mut known = self.known_before(round);
        view.end_runs(round, &mut known);
        self.known.take(&known, round);
    }

    /// What the next start needs: where the runs of certified rounds have ended too, although a reorganisation could bring
    /// these back here.
    pub(super) fn keep(&self) -> Output {
        let mut known = self.known.clone();
        for (round, view) in &self.rounds {
            if view.certified.is_some() {
                let mut before = self.known_before(*round);
                view.end_runs(*round, &mut before);
                known.take(&before, *round);
            }
        }
        Output::Keep(Box::new(known))
    }
}

impl RoundView {
    /// Forgets a certificate above block `ancestor`. Who has submitted it may not be there any more, so all who can stand in
    /// line for it again.
    fn rewind(&mut self, ancestor: u64) {
        if self.certified.take_if(|block| *block > ancestor).is_some() {
            for votes in self.votes.values_mut() {
                (votes.submitted, votes.quorum_at) = (false, None);
            }
        }
    }
}
