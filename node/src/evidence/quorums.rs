//! What follows from many signatures together: acquittals, passes that a quorum contradicts, the breaker.

use std::collections::{BTreeMap, BTreeSet};

use assay_chain::challenge::{
    Acquittal, Diverged, DivergenceVotes, Fails, FalseDivergence, FalsePass,
};
use assay_chain::exhibit::Exhibit;
use assay_chain::fault::FaultKind;
use assay_protocol::accusation::commit;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::params::Params;
use assay_protocol::rules::ChainView;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

use super::Finding;
use super::memory::{Memory, Work, about};
use crate::chain_state::{Case, ChainState};

/// Names a leaf in a finding's subject.
pub(super) fn named(leaf: LeafId) -> [u8; 36] {
    let mut name = [0; 36];
    name[..32].copy_from_slice(leaf.receipt.as_slice());
    name[32..].copy_from_slice(&leaf.index.to_be_bytes());
    name
}

/// Bits of positions as the contracts count them.
fn bit(position: usize) -> u64 {
    u32::try_from(position)
        .ok()
        .and_then(|position| 1u64.checked_shl(position))
        .unwrap_or(0)
}

impl Memory {
    /// Accusers of a leaf that a quorum has passed.
    pub(super) fn acquittals(&self, state: &ChainState, leaf: LeafId) -> Vec<Finding> {
        if self.accusations.range(about(leaf)).next().is_none() {
            return Vec::new();
        }
        self.try_acquittals(state, leaf).unwrap_or_default()
    }

    fn try_acquittals(&self, state: &ChainState, leaf: LeafId) -> Option<Vec<Finding>> {
        let work = self.receipts.get(&leaf.receipt)?;
        let (assignment, path) = (&work.signed.assignment, work.leaf_path(leaf.index)?);
        let set = state.verifiers(assignment.round)?;
        let accused = assignment.transcoder;
        let (mut bitmap, mut weight, mut passes) = (0u64, U256::ZERO, Vec::new());
        for ((_, verifier), (verdict, signature)) in self.verdicts.range(about(leaf)) {
            let seat = set.find(*verifier).filter(|_| *verifier != accused);
            if let Some((position, seat)) = seat
                && verdict.recomputedHash == path.leaf.output_hash
            {
                bitmap |= bit(position);
                weight += seat.weight;
                passes.push(*signature);
            }
        }
        if !Params::quorum(weight, set.total(Some(accused))) {
            return None;
        }
        let aggregate = BlsSignature::aggregate(&passes).ok()?;
        let found = self.accusations.range(about(leaf));
        let found = found.filter_map(|((_, accuser), signed)| {
            let (position, _) = set.find(*accuser)?;
            // The court asks for the key of the work's round.
            let key = signed
                .signature
                .recover(self.domain.digest(&signed.accusation));
            let counts = key == Ok(state.signer_at(*accuser, assignment.round));
            (counts && bitmap & bit(position) == 0).then(|| {
                let exhibit = Exhibit::Acquit(Box::new(Acquittal {
                    work: work.signed.clone(),
                    leaf: path.clone(),
                    bitmap,
                    aggregate,
                    accuser: position as u64,
                    commit: signed.accusation.commit,
                    accusation: signed.signature,
                }));
                Finding::new(exhibit, *accuser, &[&named(leaf)])
            })
        });
        Some(found.collect())
    }

    /// Passes of a leaf that a quorum has found wrong: the leaf's case, or, where the assignment's case is about another leaf
    /// or a burst has absorbed it, verdicts.
    pub(super) fn false_passes(&self, state: &ChainState, leaf: LeafId) -> Vec<Finding> {
        self.try_false_passes(state, leaf).unwrap_or_default()
    }

    fn try_false_passes(&self, state: &ChainState, leaf: LeafId) -> Option<Vec<Finding>> {
        let work = self.receipts.get(&leaf.receipt)?;
        let path = work.leaf_path(leaf.index)?;
        let passes = self.verdicts.range(about(leaf));
        let passes = passes.filter(|(_, (v, _))| v.recomputedHash == path.leaf.output_hash);
        let passes: Vec<_> = passes.collect();
        if passes.is_empty() {
            return None;
        }
        let fails = match self.proven.get(&leaf) {
            Some(_) => None,
            None if self.gets_no_case(state, work) => {
                Some(self.fails(state, leaf, work, path.leaf.output_hash, U256::MAX)?)
            }
            None => return None,
        };
        let set = state.verifiers(work.signed.assignment.round)?;
        let found = passes
            .into_iter()
            .filter_map(|((_, verifier), (_, signature))| {
                let (position, _) = set.find(*verifier)?;
                let exhibit = Exhibit::FalsePass(Box::new(FalsePass {
                    work: work.signed.clone(),
                    leaf: path.clone(),
                    fails: fails.clone(),
                    position: position as u64,
                    signature: *signature,
                }));
                Some(Finding::new(exhibit, *verifier, &[&named(leaf)]))
            });
        Some(found.collect())
    }

    /// The same of all leaves of a receipt.
    pub(super) fn all_false_passes(&self, state: &ChainState, receipt: B256) -> Vec<Finding> {
        let leaf = |index| LeafId { receipt, index };
        let all = (leaf(0), Address::ZERO)..=(leaf(u32::MAX), Address::repeat_byte(0xff));
        let spoken = self.verdicts.range(all);
        let spoken: BTreeSet<_> = spoken.map(|((leaf, _), _)| *leaf).collect();
        let found = spoken
            .into_iter()
            .flat_map(|leaf| self.false_passes(state, leaf));
        found.collect()
    }

    /// Whether no further leaf of this work gets a case: there is one about another leaf, or a burst takes it in.
    fn gets_no_case(&self, state: &ChainState, work: &Work) -> bool {
        let leaf = |index| LeafId {
            receipt: work.hash,
            index,
        };
        let mut cases = self.proven.range(leaf(0)..=leaf(u32::MAX));
        let (assignment, within) = (&work.signed.assignment, self.params.response_blocks);
        let signed = assignment.deadlineBlock.saturating_sub(within);
        let absorbs = |case: &Case| {
            case.kind == FaultKind::WrongEncode
                && case.operator == assignment.transcoder
                && case.is_executed()
                && case.burst(within).contains(&signed)
        };
        cases.next().is_some() || state.cases.values().any(absorbs)
    }

    /// Equal verdicts against a leaf by two thirds of the weight. Of accusers whose verdict is not the one that they have
    /// committed to [copying], those at positions of `taken` alone.
    pub(super) fn fails(
        &self,
        state: &ChainState,
        leaf: LeafId,
        work: &Work,
        claimed: B256,
        taken: U256,
    ) -> Option<Fails> {
        let copied = |verifier: &Address, signature: &BlsSignature| {
            let accused = self.accusations.get(&(leaf, *verifier));
            accused.is_some_and(|signed| signed.accusation.commit != commit(signature))
        };
        let assignment = &work.signed.assignment;
        let (set, accused) = (
            state.verifiers(assignment.round)?,
            Some(assignment.transcoder),
        );
        let mut said: BTreeMap<B256, (u64, U256, Vec<BlsSignature>)> = BTreeMap::new();
        for ((_, verifier), (verdict, signature)) in self.verdicts.range(about(leaf)) {
            let seat = set.find(*verifier).filter(|_| Some(*verifier) != accused);
            if let Some((position, seat)) = seat
                && verdict.recomputedHash != claimed
                && (taken.bit(position) || !copied(verifier, signature))
            {
                let votes = said.entry(verdict.recomputedHash).or_default();
                votes.0 |= bit(position);
                votes.1 += seat.weight;
                votes.2.push(*signature);
            }
        }
        let total = set.total(accused);
        let mut said = said.into_iter();
        let (recomputed_hash, (bitmap, _, signatures)) =
            said.find(|(_, (_, weight, _))| Params::quorum(*weight, total))?;
        Some(Fails {
            recomputed_hash,
            bitmap,
            aggregate: BlsSignature::aggregate(&signatures).ok()?,
        })
    }

    /// Divergences on a leaf that the resolver has found wrong: of who has signed one, and of who was counted.
    pub(super) fn refuted(&self, state: &ChainState, case: &Case) -> Vec<Finding> {
        let leaf = case.leaf();
        let (Some(work), Some(set)) = (
            self.receipts.get(&leaf.receipt),
            state.verifiers(case.round),
        ) else {
            return Vec::new();
        };
        let found = set.seats.iter().enumerate().filter_map(|(position, seat)| {
            let counted = case.diverged & bit(position) != 0;
            let said = self.divergences.get(&(leaf, seat.operator));
            let (level, signature) = match said {
                Some((level, signature)) => (*level, Some(*signature)),
                None if counted => (0, None),
                None => return None,
            };
            let exhibit = Exhibit::FalseDivergence(Box::new(FalseDivergence {
                assignment: work.signed.assignment.clone(),
                receipt: work.signed.receipt.clone(),
                position: position as u64,
                level,
                signature,
            }));
            Some(Finding::new(exhibit, seat.operator, &[&named(leaf)]))
        });
        found.collect()
    }

    /// Divergences of more than a third on one leaf.
    pub(super) fn diverged(&self, state: &ChainState, leaf: LeafId) -> Option<Finding> {
        let work = self.receipts.get(&leaf.receipt)?;
        let assignment = &work.signed.assignment;
        let set = state.verifiers(assignment.round)?;
        let mut weight = U256::ZERO;
        let mut levels: BTreeMap<u8, (u64, Vec<BlsSignature>)> = BTreeMap::new();
        for ((_, verifier), (level, signature)) in self.divergences.range(about(leaf)) {
            let seat = set.find(*verifier);
            let Some((position, seat)) = seat.filter(|_| *verifier != assignment.transcoder) else {
                continue;
            };
            weight += seat.weight;
            let votes = levels.entry(*level).or_default();
            votes.0 |= bit(position);
            votes.1.push(*signature);
        }
        if weight * U256::from(3) <= set.total(Some(assignment.transcoder)) {
            return None;
        }
        let votes = levels.into_iter().map(|(level, (bitmap, signatures))| {
            let aggregate = BlsSignature::aggregate(&signatures).ok()?;
            Some(DivergenceVotes {
                level,
                bitmap,
                aggregate,
            })
        });
        let exhibit = Exhibit::TripByDivergence(Box::new(Diverged {
            work: work.signed.clone(),
            leaf_index: leaf.index,
            votes: votes.collect::<Option<_>>()?,
        }));
        Some(Finding::new(exhibit, Address::ZERO, &[&named(leaf)]))
    }

    /// The cases that stand, as the chain has them now, with their work.
    fn standing<'a>(
        &'a self,
        state: &'a ChainState,
    ) -> impl Iterator<Item = (&'a Case, &'a Assignment)> {
        self.proven.values().filter_map(move |case| {
            let case = state.cases.get(&case.id)?;
            let work = self.receipts.get(&case.receipt)?;
            let stands = case.is_open() || case.is_executed();
            stands.then_some((case, &work.signed.assignment))
        })
    }

    /// Cases against so many, with so much stake, that the encoder is more likely at fault than they are.
    pub(super) fn breaker(&self, state: &ChainState) -> Vec<Finding> {
        let mut groups: BTreeMap<(B256, u64), BTreeMap<Address, &Assignment>> = BTreeMap::new();
        for (_, assignment) in self.standing(state) {
            let group = (assignment.encoderId, assignment.round);
            let group = groups.entry(group).or_default();
            group.entry(assignment.transcoder).or_insert(assignment);
        }
        let (operators, bps) = (self.params.breaker_operators, self.params.breaker_stake_bps);
        let many = groups.into_iter().filter(|((_, round), group)| {
            let Some(snapshot) = state.transcoders(*round) else {
                return false;
            };
            let weights = group.keys().filter_map(|who| snapshot.get(*who));
            let stake = weights.fold(U256::ZERO, |sum, c| sum + c.weight);
            group.len() as u64 > operators
                && stake * U256::from(10_000) > snapshot.total() * U256::from(bps)
        });
        let found = many.map(|((encoder, round), group)| {
            let assignments: Vec<_> = group.into_values().cloned().collect();
            let about = [encoder.as_slice(), &round.to_be_bytes()];
            let exhibit = Exhibit::Trip(Box::new(assignments));
            Finding::new(exhibit, Address::ZERO, &about)
        });
        found.collect()
    }

    /// Open cases of an encoder, while it is stopped.
    pub(super) fn of_stopped(&self, state: &ChainState, encoder: B256) -> Option<Finding> {
        if !state.is_stopped(encoder) {
            return None;
        }
        let open = self.standing(state).filter(|(case, assignment)| {
            case.is_open() && !case.is_contested() && assignment.encoderId == encoder
        });
        let (ids, assignments): (Vec<_>, Vec<_>) =
            open.map(|(case, a)| (case.id, a.clone())).unzip();
        if assignments.is_empty() {
            return None;
        }
        let about: Vec<&[u8]> = ids.iter().map(B256::as_slice).collect();
        let exhibit = Exhibit::ContestStopped(Box::new(assignments));
        Some(Finding::new(exhibit, Address::ZERO, &about))
    }
}
