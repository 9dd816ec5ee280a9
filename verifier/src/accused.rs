//! Accusations: one's own and those of others.

use assay_protocol::Address;
use assay_protocol::accusation::{Accusation, SignedAccusation};
use assay_protocol::bls::BlsSignature;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::Draft;
use assay_protocol::verdict::{LeafId, SignedVerdict, Verdict};
use assay_protocol::wire::{Gossip, ReceiptMessage};

use crate::leaf::{LeafState, Matter, Own};
use crate::output::{Output, Urgency};
use crate::state::Verifier;

/// Leaves that are recomputed for one accuser at a time: as many as it can have found in a few receipts.
const HURRIED_EACH: usize = 64;

impl Verifier {
    pub(crate) fn on_own_verdict(
        &mut self,
        verdict: Verdict,
        signature: BlsSignature,
        now: Now,
    ) -> Vec<Output> {
        let me = self.me;
        let leaf = verdict.leaf();
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let pass =
            evidence.receipt.leaves[leaf.index as usize].output_hash == verdict.recomputedHash;
        let signed = SignedVerdict {
            verdict,
            verifier: me,
            signature,
        };
        state.own = Own::Said(signed.clone());
        state.verdicts.insert(me, signed.clone());
        let mut outputs = answer(&signed, pass, state.accusers());
        // Who drew the leaf accuses; who was asked only answers, and accuses later if nothing comes of it.
        if !pass && state.drawn && state.matter == Matter::Open {
            outputs.extend(Self::accuse(leaf, state));
        }
        outputs.extend(self.tally(leaf, now));
        outputs
    }

    pub(crate) fn accuse(leaf: LeafId, state: &mut LeafState) -> Option<Output> {
        match &state.own {
            Own::Said(own) if !state.accusing => {
                state.accusing = true;
                Some(Output::Sign(Draft::Accusation(Accusation::new(
                    leaf,
                    &own.signature,
                ))))
            }
            _ => None,
        }
    }

    pub(crate) fn on_own_accusation(&mut self, signed: SignedAccusation, now: Now) -> Vec<Output> {
        let me = self.me;
        let leaf = signed.accusation.leaf();
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        state.accused_by(me, signed.accusation.commit, now.block);
        let source = evidence.assignment.assignment.sourceHash;
        let mut outputs = vec![
            Output::ServeSource(source),
            Output::Gossip(Gossip::Accusation(signed)),
        ];
        outputs.extend(self.tally(leaf, now));
        outputs
    }

    pub(crate) fn on_accusation(
        &mut self,
        accusation: Checked<SignedAccusation>,
        now: Now,
    ) -> Vec<Output> {
        let leaf = accusation.message.accusation.leaf();
        let accuser = accusation.signer;
        let Some(watched) = self.receipts.get(&leaf.receipt) else {
            self.keep_early(accusation, now);
            return Vec::new();
        };
        let round = watched.round();
        if !self.sets.contains_key(&round) {
            self.keep_early(accusation, now);
            return Vec::new();
        }
        let stranger = self.seat_of(round, accuser).is_none() || accuser == watched.transcoder();
        if stranger || accuser == self.me {
            return Vec::new();
        }
        let proven = self.proven(leaf);
        let Some((_, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        // Nothing follows from it while the court has a case on the receipt, which may be of a planted leaf.
        if proven && state.matter == Matter::Open {
            state.matter = Matter::Settled;
        }
        // Said once is enough: repeating it under another commit buys nothing.
        let commit = accusation.message.accusation.commit;
        let new = state.accused_by(accuser, commit, now.block);
        if !new || state.matter != Matter::Open {
            return Vec::new();
        }
        self.hear_accusers(leaf, &[accuser])
    }

    /// Gives accusers of a leaf this verifier's word on it, if it has a seat in the leaf's round, or looks for one.
    pub(crate) fn hear_accusers(&mut self, leaf: LeafId, accusers: &[Address]) -> Vec<Output> {
        let round = self.receipts.get(&leaf.receipt).map(|w| w.round());
        let sits = round.is_some_and(|round| self.seat(round).is_some());
        let Some(accuser) = self.freest(accusers).filter(|_| sits) else {
            return Vec::new();
        };
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let claimed = evidence.receipt.leaves[leaf.index as usize].output_hash;
        match &state.own {
            Own::Said(own) => {
                let pass = own.verdict.recomputedHash == claimed;
                answer(own, pass, accusers.iter().copied())
            }
            Own::Unknown | Own::Running | Own::Failed => self.hurry(leaf, accuser),
            Own::Confirming(_) | Own::Signing | Own::Trouble => Vec::new(),
        }
    }

    /// For whom the least is under way: one of them may accuse everything.
    pub(crate) fn freest(&self, accusers: &[Address]) -> Option<Address> {
        let accusers = accusers.iter().copied();
        accusers.min_by_key(|who| self.hurried.get(who).copied().unwrap_or_default())
    }

    /// Asks for an accused leaf, once at a time. A sample that waits in a queue is asked for again: accused leaves go
    /// first. So is what failed: the accuser serves a source that was withheld, and an overload passes. What is too much for
    /// its accuser is asked for with a later block.
    pub(crate) fn hurry(&mut self, leaf: LeafId, accuser: Address) -> Vec<Output> {
        let for_it = self.hurried.get(&accuser).copied().unwrap_or_default();
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        if state.hurried {
            return Vec::new();
        }
        if for_it >= HURRIED_EACH {
            if state.own == Own::Unknown {
                state.own = Own::Failed;
            }
            return Vec::new();
        }
        state.own = Own::Running;
        state.hurried_for = Some(accuser);
        let asked = recompute(leaf, evidence, state, Urgency::Accused);
        self.hurried.insert(accuser, for_it + 1);
        vec![asked]
    }
}

/// A request for one leaf.
pub(crate) fn recompute(
    leaf: LeafId,
    evidence: &ReceiptMessage,
    state: &mut LeafState,
    urgency: Urgency,
) -> Output {
    state.ask(urgency);
    Output::Recompute {
        evidence: Box::new(evidence.clone()),
        receipt: leaf.receipt,
        leaves: vec![leaf.index],
        urgency,
    }
}

/// A pass is shown to all, a fail only to the accusers, who have committed to theirs: nobody can copy it.
fn answer(
    own: &SignedVerdict,
    pass: bool,
    accusers: impl IntoIterator<Item = Address>,
) -> Vec<Output> {
    let mut accusers = accusers
        .into_iter()
        .filter(|a| *a != own.verifier)
        .peekable();
    if pass && accusers.peek().is_some() {
        return vec![Output::Gossip(Gossip::Verdict(own.clone()))];
    }
    if pass {
        return Vec::new();
    }
    accusers
        .map(|to| Output::SendVerdict {
            to,
            verdict: own.clone(),
        })
        .collect()
}
