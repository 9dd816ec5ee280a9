//! Certified lists of work, what is claimed of them, and who is jailed by them.

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256};
use assay_protocol::bls::BlsSignature;
use assay_protocol::work::{WorkClaim, WorkList};

use crate::differential::contracts::*;
use crate::differential::mint::{self, of_duty, of_work};
use crate::differential::model::Actor;
use crate::differential::run::{OPERATORS, Run};

/// Blocks after a round in which its list is taken: D, and two epochs.
const SETTLE: u64 = DEADLINE + 2 * EPOCH;

/// A round's list.
pub struct Certified {
    list: WorkList,
    duties: u64,
    claimed: BTreeSet<Actor>,
    claimed_duties: BTreeSet<usize>,
}

impl Run {
    /// The verifiers of a round in the order of their positions.
    pub(crate) fn seats(&self, round: u64) -> Vec<(Actor, U256)> {
        let mut seats: Vec<_> = self.model.snapshots[&round][1]
            .iter()
            .map(|(actor, weight)| (*actor, *weight))
            .collect();
        seats.sort_by_key(|(actor, _)| self.actors[*actor]);
        seats
    }

    /// The sum of what the verifiers at these positions sign.
    pub(crate) fn together(
        &self,
        seats: &[(Actor, U256)],
        bitmap: u64,
        digest: B256,
    ) -> alloy_primitives::Bytes {
        let signers = seats.iter().enumerate();
        let signatures: Vec<_> = signers
            .filter(|(position, _)| bitmap >> position & 1 == 1)
            .map(|(_, (actor, _))| self.bls[*actor].sign(digest).unwrap())
            .collect();
        let sum = BlsSignature::aggregate(&signatures).unwrap();
        sum.to_evm().unwrap().to_vec().into()
    }

    /// The block from which a round's list is taken; none while it lasts.
    fn taken_from(&self, round: u64) -> Option<u64> {
        let next = self.opened.get(round as usize + 1)?;
        Some(next + SETTLE)
    }

    /// The list of the last round that may have one, or a release of who was jailed by an earlier one.
    pub(crate) fn certify(&mut self) {
        if self.random.below(2) == 0 && self.leave_jail() {
            return;
        }
        let now = self.chain.now();
        let open = (1..self.round).rev().find(|round| {
            let from = self.taken_from(*round);
            from.is_some_and(|from| (from..from + CERTIFY - 1).contains(&now))
                && !self.certified.contains_key(round)
                && !self.model.snapshots[round][1].is_empty()
        });
        let Some(round) = open else { return };
        let seats = self.seats(round);
        let all = (1u64 << seats.len()) - 1;
        let duties = if self.random.below(3) == 0 {
            self.random.next() & all
        } else {
            all
        };
        let total_pixels = 1 + self.random.below(2 * mint::FULL_PIXELS);
        let mut left = total_pixels;
        let mut order: Vec<Actor> = (0..OPERATORS as usize).collect();
        order.sort_by_key(|actor| self.actors[*actor]);
        let claims = order.into_iter().map(|actor| {
            let pixels = self.random.below(left + 1);
            left -= pixels;
            WorkClaim {
                transcoder: self.actors[actor],
                round,
                receiptsRoot: B256::repeat_byte(actor as u8 + 1),
                pixels,
            }
        });
        let list = WorkList {
            round,
            claims: claims.collect(),
            total_pixels,
        };
        let work = list.work(&self.chain.domain, duties);
        let digest = self.chain.domain.digest(&work);
        let call = |bitmap: u64, aggregate| certifyCall {
            work: List {
                round,
                claimsRoot: work.claimsRoot,
                claims: work.claims,
                totalPixels: work.totalPixels,
                duties,
            },
            bitmap,
            aggregate,
        };
        let (from, ledger) = (self.actors[0], self.chain.at.work);
        let weight: U256 = seats.iter().map(|seat| seat.1).sum();
        // Without the first one, if two thirds of the weight are the others'.
        let rest = all & !1;
        let signed = weight - seats[0].1;
        let few = signed * U256::from(3) < weight * U256::from(2);
        let mut bitmap = all;
        if few && rest != 0 {
            let aggregate = self.together(&seats, rest, digest);
            self.must_refuse(from, ledger, &call(rest, aggregate));
        } else if rest != 0 {
            bitmap = rest;
        }
        let aggregate = self.together(&seats, bitmap, digest);
        self.chain.run(from, ledger, &call(bitmap, aggregate));
        self.note_absent(&seats, duties, weight);
        let certified = Certified {
            list,
            duties,
            claimed: BTreeSet::new(),
            claimed_duties: BTreeSet::new(),
        };
        self.certified.insert(round, certified);
        self.tally.certified += 1;
    }

    /// Those without duty leave with the next round, unless less than two thirds of the weight did theirs.
    fn note_absent(&mut self, seats: &[(Actor, U256)], duties: u64, weight: U256) {
        let did = |position: usize| duties >> position & 1 == 1;
        let present: U256 = seats
            .iter()
            .enumerate()
            .filter(|(position, _)| did(*position))
            .map(|(_, seat)| seat.1)
            .sum();
        if present * U256::from(3) < weight * U256::from(2) {
            return;
        }
        for (position, (actor, _)) in seats.iter().enumerate() {
            if !did(position) {
                self.model.sets[1].absent.push(*actor);
            }
        }
    }

    /// Who was jailed, or is about to be, returns with the weight that it has.
    fn leave_jail(&mut self) -> bool {
        let set = &self.model.sets[1];
        let Some(operator) = set.absent.first().or(set.jailed.first()).copied() else {
            return false;
        };
        let call = releaseCall {
            role: 1,
            operator: self.actors[operator],
        };
        let roster = self.chain.at.roster;
        let stranger = self.actors[OPERATORS as usize];
        self.must_refuse(stranger, roster, &call);
        let mined = self.chain.run(self.actors[operator], roster, &call);
        self.model.sets[1].forgive(operator);
        // As it is with all that is due, which stays due.
        let mut model = self.model.clone();
        model.enlist((1, operator), mined.block);
        self.model.told = model.told;
        true
    }

    /// Somebody's part of a certified round.
    pub(crate) fn claim(&mut self) {
        let rounds: Vec<_> = self.certified.keys().copied().collect();
        if rounds.is_empty() {
            return;
        }
        // Of the last ones, so that not too much lapses.
        let recent = rounds.len().saturating_sub(4);
        let at = recent as u64 + self.random.below((rounds.len() - recent) as u64);
        let round = rounds[at as usize];
        if self.chain.now() == self.last_of(round) {
            return;
        }
        if self.random.below(3) == 0 {
            self.claim_duty(round);
        } else {
            self.claim_work(round);
        }
    }

    /// The last block in which claims of the round are paid.
    fn last_of(&self, round: u64) -> u64 {
        let from = self.taken_from(round).unwrap_or_default();
        from + CERTIFY - 1 + CLAIM
    }

    fn lapsed(&mut self, round: u64) -> bool {
        self.chain.now() > self.last_of(round)
    }

    fn claim_work(&mut self, round: u64) {
        let operator = self.random.below(OPERATORS) as usize;
        let domain = self.chain.domain;
        let Certified { list, claimed, .. } = &self.certified[&round];
        let (claim, index, path) = list.open(&domain, self.actors[operator]).unwrap();
        let (all, again) = (list.total_pixels, claimed.contains(&operator));
        let call = claimCall {
            claim_: Claim {
                transcoder: claim.transcoder,
                round,
                receiptsRoot: claim.receiptsRoot,
                pixels: claim.pixels,
            },
            index: U256::from(index),
            path: path.0,
        };
        let weights = &self.model.snapshots[&round][0];
        let total: U256 = weights.values().sum();
        let weight = weights.get(&operator).copied().unwrap_or_default();
        let budget = self.budget(round);
        let amount = of_work(budget, claim.pixels, all, weight, total);
        let (from, ledger) = (self.any_actor(), self.chain.at.work);
        let from = self.actors[from];
        if again || amount.is_zero() || self.left_of(round) < amount || self.lapsed(round) {
            return self.must_refuse(from, ledger, &call);
        }
        let left = self.left_of(round);
        let mined = self.chain.run(from, ledger, &call);
        let paid = left - self.left_of(round);
        assert_eq!(paid, amount, "what {operator} earned in round {round}");
        let cut = self.terms((0, operator), round).reward_cut;
        self.model.reward((0, operator), amount, cut, mined.block);
        self.tally.claimed += 1;
        self.certified
            .entry(round)
            .and_modify(|certified| _ = certified.claimed.insert(operator));
    }

    fn claim_duty(&mut self, round: u64) {
        let seats = self.seats(round);
        let position = self.random.below(seats.len() as u64) as usize;
        let (operator, weight) = seats[position];
        let certified = &self.certified[&round];
        let done = certified.duties >> position & 1 == 1;
        let again = certified.claimed_duties.contains(&position);
        let pixels = certified.list.total_pixels;
        let total = seats.iter().map(|seat| seat.1).sum();
        let budget = self.budget(round);
        let amount = of_duty(budget, pixels, weight, total);
        let call = claimDutyCall {
            round,
            position: U256::from(position),
        };
        let (from, ledger) = (self.any_actor(), self.chain.at.work);
        let from = self.actors[from];
        let left = self.left_of(round);
        if !done || again || amount.is_zero() || left < amount || self.lapsed(round) {
            return self.must_refuse(from, ledger, &call);
        }
        let mined = self.chain.run(from, ledger, &call);
        let paid = left - self.left_of(round);
        assert_eq!(paid, amount, "the duty of {operator} in round {round}");
        let cut = self.terms((1, operator), round).reward_cut;
        self.model.reward((1, operator), amount, cut, mined.block);
        self.tally.claimed += 1;
        self.certified
            .entry(round)
            .and_modify(|certified| _ = certified.claimed_duties.insert(position));
    }

    fn budget(&mut self, round: u64) -> U256 {
        let minter = self.chain.at.minter;
        self.chain.read(minter, &budgetOfCall { round })._0
    }
}
