//! Votes are counted by weight until equal ones make a certificate.

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::SignedVote;
use assay_protocol::checked::Now;
use assay_protocol::params::Params;
use assay_protocol::wire::Gossip;
use assay_protocol::work::RoundWork;
use assay_protocol::{Address, B256, U256};

use super::view::RoundView;
use super::{Certification, Certifier, Output, leader};

/// Blocks that each verifier after the leader waits before it submits in its place.
const SUBMIT_BLOCKS: u64 = 2;
/// Votes of one verifier that are kept for lists of which no proposal is known here: one may be late, or lost.
const MAX_STRAYS: usize = 4;

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
        view.make_room(digest, vote.verifier, self.me);
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
        let (Some((led, _)), Some((at, _))) =
            (leader(&view.verifiers, turn), view.verifiers.find(me))
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
    /// Forgets a verifier's oldest vote for a list that nobody proposes before another one is counted, so that junk costs
    /// its author's other votes and nobody else's. What this verifier has signed, or a leader has proposed, is kept: that
    /// is two lists in a turn.
    fn make_room(&mut self, digest: B256, verifier: Address, me: Address) {
        let (votes, proposed) = (&self.votes, &self.proposed);
        let stray = |list: &B256| {
            let signed = votes.get(list).map(|votes| &votes.signatures);
            !proposed.contains(list) && !signed.is_some_and(|s| s.contains_key(&me))
        };
        if verifier == me || !stray(&digest) {
            return;
        }
        let strays = self.strays.entry(verifier).or_default();
        strays.retain(|list| stray(list) && *list != digest);
        strays.push(digest);
        if strays.len() <= MAX_STRAYS {
            return;
        }
        let oldest = strays.remove(0);
        if let Some(votes) = self.votes.get_mut(&oldest) {
            votes.signatures.remove(&verifier);
            if votes.signatures.is_empty() {
                self.votes.remove(&oldest);
            }
        }
    }

    fn signed<'a>(&self, signers: impl Iterator<Item = &'a Address>) -> U256 {
        signers.fold(U256::ZERO, |sum, who| sum + self.weight(*who))
    }
}
