//! The active sets after every change of a weight, and the snapshots of each round.

use alloy_primitives::U256;

use crate::differential::contracts::*;
use crate::differential::model::Actor;
use crate::differential::purses::Weights;
use crate::differential::run::Run;
use crate::differential::sets::{ActiveSet, Weight};

impl Run {
    fn actor(&self, address: alloy_primitives::Address) -> Actor {
        let found = self.actors.iter().position(|actor| *actor == address);
        found.unwrap_or_else(|| panic!("nobody is {address}"))
    }

    /// Holds what the chain made of the weights that were told against what may be made of them.
    pub(crate) fn look_at_sets(&mut self) {
        let told = std::mem::take(&mut self.model.told);
        for role in 0..2u8 {
            let told = told.iter().filter(|told| told.pool.0 == role);
            let mut outcomes = vec![self.model.sets[usize::from(role)].clone()];
            let mut any = false;
            for told in told {
                any = true;
                outcomes = outcomes.iter().flat_map(|set| set.outcomes(told)).collect();
            }
            if !any {
                continue;
            }
            let found = self
                .chain
                .read(self.chain.at.roster, &activeSetCall { role });
            let found: Vec<_> = found._0.into_iter().zip(found._1).collect();
            let is = |set: &ActiveSet| {
                let members = set.members.iter().zip(&found);
                let same = |((actor, weight), (address, found)): (&(Actor, Weight), &(_, U256))| {
                    self.actors[*actor] == *address && weight.admits(*found)
                };
                set.members.len() == found.len() && members.into_iter().all(same)
            };
            let Some(set) = outcomes.iter().find(|set| is(set)) else {
                panic!(
                    "operation {}: the active set {role} is {found:?}, expected one of {outcomes:?}",
                    self.tally.done
                );
            };
            let before = &self.model.sets[usize::from(role)];
            let members = before.members.iter();
            let gone = members.filter(|m| !set.members.iter().any(|is| is.0 == m.0));
            if before.members.len() == set.members.len() {
                self.tally.evicted += gone.count() as u64;
            }
            self.model.sets[usize::from(role)] = set.clone();
        }
    }

    /// The round that has just opened has the sets as they are, without those who were absent.
    pub(crate) fn hold_snapshots(&mut self) {
        self.look_at_sets();
        self.tally.jailed += self.model.sets[1].jail();
        let (roster, round) = (self.chain.at.roster, self.round);
        let mut snapshots = [Weights::new(), Weights::new()];
        for role in 0..2u8 {
            let found = self.chain.read(roster, &snapshotCall { role, round });
            let total = self.chain.read(roster, &totalAtCall { role, round });
            assert!(found._0.is_sorted(), "a snapshot is in no order");
            assert_eq!(found._1.iter().sum::<U256>(), total, "a snapshot's total");
            let expected = &self.model.sets[usize::from(role)].members;
            assert_eq!(found._0.len(), expected.len(), "a snapshot of another size");
            for (address, weight) in found._0.iter().zip(&found._1) {
                let actor = self.actor(*address);
                let member = expected.iter().find(|member| member.0 == actor);
                assert!(
                    member.is_some_and(|member| member.1.admits(*weight)),
                    "round {round}: {actor} has {weight} in the snapshot {role}, expected {member:?}"
                );
                snapshots[usize::from(role)].insert(actor, *weight);
            }
        }
        self.model.snapshots.insert(round, snapshots);
    }
}
