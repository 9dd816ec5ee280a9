//! Votes are counted by weight until equal ones make a certificate.

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::SignedVote;
use assay_protocol::checked::Now;
use assay_protocol::params::Params;
use assay_protocol::wire::Gossip;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, U256};

use super::view::RoundView;
use super::{Certification, Certifier, Output};

/// Blocks that each verifier after the leader waits before it submits in its place.
const SUBMIT_BLOCKS: u64 = 2;
/// Lists of one round whose votes are kept: two for each turn, and as many again.
const MAX_LISTS: usize = 256;

impl Certifier {
    pub(super) fn on_own_vote(
        &mut self,
        work: RoundWork,
        signature: BlsSignature,
        now: Now,
    ) -> Vec<Output> {
        let vote = SignedVote {
            work,
            verifier: self.me,
            signature,
        };
        let mut outputs = vec![Output::Gossip(Gossip::WorkVote(vote.clone()))];
        outputs.extend(self.on_vote(vote, now));
        outputs
    }

    pub(super) fn on_vote(&mut self, vote: SignedVote, now: Now) -> Vec<Output> {
        let (round, digest) = (vote.work.round, self.domain.digest(&vote.work));
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        if view.verifiers.find(vote.verifier).is_none() {
            return Vec::new();
        }
        if view.votes.len() >= MAX_LISTS && !view.votes.contains_key(&digest) {
            return Vec::new();
        }
        let votes = view.votes.entry(digest).or_default();
        votes.work = vote.work;
        votes.signatures.insert(vote.verifier, vote.signature);
        self.submit(round, now)
    }

    /// Submits a list that two thirds have signed: the leader of the turn at once, the others after it.
    pub(super) fn submit(&mut self, round: u64, now: Now) -> Vec<Output> {
        let me = self.me;
        let Some(view) = self.rounds.get(&round) else {
            return Vec::new();
        };
        let Some((turn, _)) = self.turn(view, now) else {
            return Vec::new();
        };
        let (Some((led, _)), Some((at, _))) = (Self::leader(view, turn), view.verifiers.find(me))
        else {
            return Vec::new();
        };
        let count = view.verifiers.seats.len();
        let place = (at + count - led) % count;
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        let total = view.verifiers.total(None);
        let quorate: Vec<_> = view
            .votes
            .iter()
            .filter(|(_, votes)| {
                !votes.submitted && Params::quorum(view.signed(votes.signatures.keys()), total)
            })
            .map(|(digest, _)| *digest)
            .collect();
        let mut outputs = Vec::new();
        for digest in quorate {
            let Some(votes) = view.votes.get_mut(&digest) else {
                continue;
            };
            let since = *votes.quorum_at.get_or_insert(now.block);
            if now.block < since + SUBMIT_BLOCKS * place as u64 {
                continue;
            }
            votes.submitted = true;
            let votes = votes.clone();
            let signatures = votes.signatures.iter().filter_map(|(who, signature)| {
                let (position, _) = view.verifiers.find(*who)?;
                Some((position, *signature))
            });
            outputs.push(Output::Certify(Box::new(Certification {
                work: votes.work,
                signatures: signatures.collect(),
            })));
        }
        outputs
    }
}

impl RoundView {
    fn signed<'a>(&self, signers: impl Iterator<Item = &'a Address>) -> U256 {
        signers.fold(U256::ZERO, |sum, who| sum + self.weight(*who))
    }
}
