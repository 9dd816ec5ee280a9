//! Verdicts are counted by weight until equal ones make a quorum.

use std::collections::BTreeMap;

use assay_protocol::checked::{Checked, Now};
use assay_protocol::params::Params;
use assay_protocol::verdict::{LeafId, SignedVerdict};
use assay_protocol::wire::ReceiptMessage;
use assay_protocol::{B256, U256};

use crate::leaf::{LeafState, Matter, Own};
use crate::output::{Conviction, Equivocation, Note, Output};
use crate::state::Verifier;

/// Blocks that an accuser waits for each one before it in line, so that one proof is sent and not several. One is
/// enough: a proof sent before a block is in it, and the core hears of a case before it hears of its block.
const TURN_BLOCKS: u64 = 1;

impl Verifier {
    pub(crate) fn on_verdict(&mut self, verdict: Checked<SignedVerdict>, now: Now) -> Vec<Output> {
        self.count(verdict.message, now)
    }

    /// Counts a verdict, however it came.
    pub(crate) fn count(&mut self, signed: SignedVerdict, now: Now) -> Vec<Output> {
        let leaf = signed.verdict.leaf();
        let Some(watched) = self.receipts.get(&leaf.receipt) else {
            return Vec::new();
        };
        if self.seat_of(watched.round(), signed.verifier).is_none()
            || signed.verifier == watched.transcoder()
        {
            return Vec::new();
        }
        let Some((_, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        match state.verdicts.get(&signed.verifier) {
            Some(known) if known.verdict != signed.verdict => {
                let both = [known.clone(), signed];
                return vec![Output::ReportEquivocation(Equivocation::Verifier(both))];
            }
            Some(_) => return Vec::new(),
            None => state.verdicts.insert(signed.verifier, signed),
        };
        self.tally(leaf, now)
    }

    /// Looks whether equal verdicts on an accused leaf make a quorum, and acts on it when it is one's turn.
    pub(crate) fn tally(&mut self, leaf: LeafId, now: Now) -> Vec<Output> {
        let me = self.me;
        let (open_blocks, Some(watched)) =
            (self.params.open_blocks, self.receipts.get(&leaf.receipt))
        else {
            return Vec::new();
        };
        let (round, transcoder) = (watched.round(), watched.transcoder());
        let (proven, settled) = (self.proven(leaf), self.decided(leaf));
        let Some(set) = self.sets.get(&round).cloned() else {
            return Vec::new();
        };
        let Some((evidence, state)) = self.leaf_mut(leaf) else {
            return Vec::new();
        };
        let (Some(accused_at), Matter::Open) = (state.accused_at, state.matter) else {
            return Vec::new();
        };
        let claimed = evidence.receipt.leaves[leaf.index as usize].output_hash;

        let mut weights: BTreeMap<B256, U256> = BTreeMap::new();
        for verdict in state.counted() {
            let weight = set
                .find(verdict.verifier)
                .map_or(U256::ZERO, |(_, seat)| seat.weight);
            *weights.entry(verdict.verdict.recomputedHash).or_default() += weight;
        }
        let total = set.total(Some(transcoder));
        let decided = weights
            .iter()
            .find(|(_, weight)| Params::quorum(**weight, total))
            .map(|(hash, _)| *hash);

        let failed = matches!(&state.own, Own::Said(own) if own.verdict.recomputedHash != claimed);
        let Some(decided) = decided else {
            if failed && weights.contains_key(&claimed) && !state.tried_levels {
                state.tried_levels = true;
                return vec![Output::TryLevels {
                    evidence: Box::new(evidence.clone()),
                    leaf,
                }];
            }
            return Vec::new();
        };
        if decided == claimed {
            state.matter = Matter::Acquitted;
            return Self::note(Note::Acquitted(leaf));
        }
        let conviction = |evidence: &ReceiptMessage, state: &LeafState| Conviction {
            evidence: evidence.clone(),
            leaf,
            recomputed_hash: decided,
            verdicts: state
                .counted()
                .filter(|v| v.verdict.recomputedHash == decided)
                .cloned()
                .collect(),
        };
        if settled {
            state.matter = Matter::Settled;
            // One accuser may be the cheat's friend.
            let makes = !proven && state.accusers().take(2).any(|who| who == me);
            let absorbed = makes.then(|| Output::Absorbed(Box::new(conviction(evidence, state))));
            return absorbed.into_iter().collect();
        }
        let anyone = now.block >= accused_at + open_blocks;
        let place = state.accusers().position(|accuser| accuser == me);
        if place.is_none() && !anyone {
            return Vec::new();
        }
        let accusers = state.accusations.len();
        let due = *state.submit_at.get_or_insert_with(|| {
            // Who accused first submits first; the rest of the round's verifiers come after the accusers.
            let seat = set.find(me).map_or(0, |(position, _)| position);
            let before = place.unwrap_or(accusers + seat) as u64;
            now.block + TURN_BLOCKS * before
        });
        if now.block < due {
            return Vec::new();
        }
        state.matter = Matter::Settled;
        let conviction = conviction(evidence, state);
        let signers = conviction.verdicts.len();
        vec![
            Output::Note(Note::Quorum { leaf, signers }),
            Output::Convict(Box::new(conviction)),
        ]
    }
}
