//! The leader's part: what it sees, and then what two thirds can confirm of it ([`super::reduce`]).

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::U256;
use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{
    JobSheet, MAX_JOBS, MAX_STRUCK, Proposed, SignedProposal, WorkProposal,
};
use assay_protocol::draft::Draft;
use assay_protocol::round_work::{Sheet, list};
use assay_protocol::wire::Gossip;

use super::reduce::{Places, reduced};
use super::runs::pixels;
use super::view::RoundView;
use super::{Certifier, Output, SECOND_BLOCKS, leader};

impl Certifier {
    pub(super) fn lead(&mut self, round: u64, turn: u32, passed: u64) -> Vec<Output> {
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        if leader(&view.verifiers, turn).map(|(_, who)| who) != Some(self.me) {
            return Vec::new();
        }
        let (first, second) = (2 * turn, 2 * turn + 1);
        let led = |view: &RoundView, number| {
            view.proposals.contains_key(&number)
                || view
                    .pending_proposals
                    .iter()
                    .any(|(n, _)| n.number == number)
        };
        let (number, sheets, struck, duties) = if !led(view, first) {
            let duties = view.duties;
            (first, view.sheets.clone(), Places::new(), duties)
        } else if passed >= SECOND_BLOCKS && !led(view, second) {
            let Some((sheets, struck, duties)) = reduced(view, self.me, first) else {
                return Vec::new();
            };
            (second, sheets, struck, duties)
        } else {
            return Vec::new();
        };
        let (sheets, struck) = bounded(sheets, struck);
        let list = list(round, sheets.values(), &view.transcoders, &self.rule);
        if list.is_empty() {
            return Vec::new();
        }
        let work = list.work(&self.domain, duties);
        let places: BTreeMap<_, _> = (0u32..)
            .zip(sheets.keys())
            .map(|(i, job)| (*job, i))
            .collect();
        let proposed = Proposed {
            jobs: sheets
                .iter()
                .map(|(job, sheet)| JobSheet {
                    job: *job,
                    start: sheet.start,
                    end: sheet.end,
                    digest: sheet.digest(),
                })
                .collect(),
            struck: struck
                .into_iter()
                .filter_map(|(job, seqs)| Some((*places.get(&job)?, seqs.into_iter().collect())))
                .collect(),
            claims: list.claims,
            work: work.clone(),
        };
        let name = proposed.name(number);
        view.pending_proposals.push((name.clone(), proposed));
        view.answered.insert(number);
        vec![
            Output::Sign(Draft::WorkProposal(name)),
            Output::Sign(Draft::RoundWork { work, number }),
        ]
    }

    pub(super) fn on_own_proposal(
        &mut self,
        name: &WorkProposal,
        signature: BlsSignature,
    ) -> Vec<Output> {
        let me = self.me;
        let Some(view) = self.rounds.get_mut(&name.round) else {
            return Vec::new();
        };
        let Some(at) = view.pending_proposals.iter().position(|(n, _)| n == name) else {
            return Vec::new();
        };
        let (_, proposed) = view.pending_proposals.swap_remove(at);
        let signed = SignedProposal {
            number: name.number,
            leader: me,
            proposed,
            signature,
        };
        view.proposals.insert(name.number, signed.clone());
        vec![Output::Gossip(Gossip::WorkProposal(Box::new(signed)))]
    }
}

/// What fits a message: the jobs with most pixels, and not more strikes than it holds.
fn bounded(
    mut sheets: BTreeMap<U256, Sheet>,
    mut struck: Places,
) -> (BTreeMap<U256, Sheet>, Places) {
    let count = |struck: &Places| struck.values().map(BTreeSet::len).sum::<usize>();
    while count(&struck) > MAX_STRUCK {
        let most = struck.iter().max_by_key(|(_, seqs)| seqs.len());
        let Some(job) = most.map(|(job, _)| *job) else {
            break;
        };
        struck.remove(&job);
        sheets.remove(&job);
    }
    while sheets.len() > MAX_JOBS {
        let least = sheets.iter().min_by_key(|(_, sheet)| pixels(sheet));
        let Some(job) = least.map(|(job, _)| *job) else {
            break;
        };
        struck.remove(&job);
        sheets.remove(&job);
    }
    (sheets, struck)
}
