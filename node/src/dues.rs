//! What certified rounds owe this node, and its release from jail, until the chain says that it is done.
//!
//! A transaction may fail for want of ETH, a list may come late, a reorganisation may take either back. So nothing is
//! forgotten when it is submitted: it is offered again in each round until it is seen on chain or too late.

use std::collections::BTreeMap;

use assay_protocol::B256;

use crate::chain_feed::REORG_BLOCKS;

/// Times in jail that are remembered.
const JAILINGS: usize = 16;

/// A round that the chain has certified, as its claims need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Certified {
    pub claims_root: B256,
    pub duties: u64,
    /// Block in which it was certified.
    pub block: u64,
    /// Last block in which this node claims.
    pub until: u64,
}

/// Where something that is to be done on chain stands.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Block in which it was done.
    done: Option<u64>,
    /// Round in which it was last offered to the chain.
    offered: Option<u64>,
}

impl Progress {
    fn open(&self, round: u64) -> bool {
        self.done.is_none() && self.offered.is_none_or(|last| last < round)
    }

    fn rewind(&mut self, ancestor: u64) {
        self.done = self.done.filter(|block| *block <= ancestor);
        self.offered = None;
    }
}

#[derive(Clone, Copy, Debug)]
struct Due {
    certified: Certified,
    work: Progress,
    duty: Progress,
}

/// One of the two claims of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A transcoder's, by the list.
    Work,
    /// A verifier's.
    Duty,
}

/// Claims by round, and times in jail.
#[derive(Debug, Default)]
pub(crate) struct Dues {
    rounds: BTreeMap<u64, Due>,
    /// Blocks of jailing with the release, in order.
    jail: Vec<(u64, Progress)>,
}

impl Due {
    fn claim(&mut self, claim: Claim) -> &mut Progress {
        match claim {
            Claim::Work => &mut self.work,
            Claim::Duty => &mut self.duty,
        }
    }
}

impl Dues {
    /// A round was certified.
    pub(crate) fn certified(&mut self, round: u64, certified: Certified) {
        let due = Due {
            certified,
            work: Progress::default(),
            duty: Progress::default(),
        };
        self.rounds.insert(round, due);
    }

    /// A claim was paid in `block`.
    pub(crate) fn paid(&mut self, round: u64, claim: Claim, block: u64) {
        if let Some(due) = self.rounds.get_mut(&round) {
            due.claim(claim).done = Some(block);
        }
    }

    /// The claims that may be offered in a block of round `present`; see [`Self::offered`].
    pub(crate) fn open(&mut self, block: u64, present: u64) -> Vec<(u64, Claim, Certified)> {
        self.rounds.retain(|_, due| {
            let last = due.certified.until.max(due.certified.block + REORG_BLOCKS);
            block <= last
        });
        let due = self.rounds.iter();
        let due = due.filter(|(_, due)| block <= due.certified.until);
        due.flat_map(|(round, due)| {
            let claims = [(Claim::Work, due.work), (Claim::Duty, due.duty)];
            let open = claims.into_iter().filter(|(_, at)| at.open(present));
            open.map(|(claim, _)| (*round, claim, due.certified))
        })
        .collect()
    }

    /// A claim was handed to the queue in round `present`, or there is none of this node: it waits for the next round.
    pub(crate) fn offered(&mut self, round: u64, claim: Claim, present: u64) {
        if let Some(due) = self.rounds.get_mut(&round) {
            due.claim(claim).offered = Some(present);
        }
    }

    /// This node's verifier was jailed in `block`.
    pub(crate) fn jailed(&mut self, block: u64) {
        if self.jail.len() >= JAILINGS {
            self.jail.remove(0);
        }
        self.jail.push((block, Progress::default()));
    }

    /// It was released in `block`, from every time before.
    pub(crate) fn released(&mut self, block: u64) {
        for (_, release) in &mut self.jail {
            release.done.get_or_insert(block);
        }
    }

    /// Offers the release in round `present`: the block of the jailing.
    pub(crate) fn release(&mut self, present: u64) -> Option<u64> {
        let (block, release) = self.jail.last_mut()?;
        if !release.open(present) {
            return None;
        }
        release.offered = Some(present);
        Some(*block)
    }

    /// Forgets what happened above block `ancestor`: a reorganisation.
    pub(crate) fn rewind(&mut self, ancestor: u64) {
        self.rounds.retain(|_, due| due.certified.block <= ancestor);
        for due in self.rounds.values_mut() {
            due.work.rewind(ancestor);
            due.duty.rewind(ancestor);
        }
        self.jail.retain(|(block, _)| *block <= ancestor);
        for (_, release) in &mut self.jail {
            release.rewind(ancestor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(block: u64) -> Dues {
        let mut dues = Dues::default();
        let certified = Certified {
            claims_root: B256::repeat_byte(1),
            duties: 1,
            block,
            until: block + 100,
        };
        dues.certified(3, certified);
        dues
    }

    fn open(dues: &mut Dues, block: u64, present: u64) -> Vec<Claim> {
        let open = dues.open(block, present);
        open.into_iter().map(|(_, claim, _)| claim).collect()
    }

    #[test]
    fn a_claim_is_offered_each_round_until_it_is_paid_or_too_late() {
        let mut dues = dues(50);
        assert_eq!(open(&mut dues, 51, 4), [Claim::Work, Claim::Duty]);
        // Without its list nothing was offered, and the next block asks again.
        dues.offered(3, Claim::Duty, 4);
        assert_eq!(open(&mut dues, 52, 4), [Claim::Work]);
        dues.offered(3, Claim::Work, 4);
        assert_eq!(open(&mut dues, 53, 4), []);
        // The next round tries both again; one has been paid.
        dues.paid(3, Claim::Work, 54);
        assert_eq!(open(&mut dues, 60, 5), [Claim::Duty]);
        assert_eq!(open(&mut dues, 151, 9), []);
    }

    #[test]
    fn a_reorganisation_takes_payments_and_certificates_back() {
        let mut dues = dues(50);
        for claim in [Claim::Work, Claim::Duty] {
            dues.offered(3, claim, 4);
        }
        dues.paid(3, Claim::Work, 60);
        dues.paid(3, Claim::Duty, 55);
        dues.rewind(57);
        assert_eq!(open(&mut dues, 61, 4), [Claim::Work]);
        dues.rewind(49);
        assert_eq!(open(&mut dues, 61, 4), []);
    }

    #[test]
    fn a_release_is_offered_until_it_is_seen_and_again_when_it_is_taken_back() {
        let mut dues = Dues::default();
        assert_eq!(dues.release(4), None);
        dues.jailed(10);
        assert_eq!(dues.release(4), Some(10));
        assert_eq!(dues.release(4), None);
        assert_eq!(dues.release(5), Some(10));
        dues.released(20);
        assert_eq!(dues.release(6), None);
        dues.rewind(19);
        assert_eq!(dues.release(6), Some(10));
        dues.released(21);
        dues.jailed(30);
        dues.rewind(25);
        assert_eq!(dues.release(7), None);
        dues.rewind(9);
        assert_eq!(dues.release(7), None);
    }
}
