//! Where the jobs' next runs begin, which outlives the rounds and is kept over restarts.
//!
//! Of a job that it knows nothing of, a verifier must tell two cases apart: that there was nothing, and that it was not there.
//! A broadcaster can compute its elections ahead; if its job's first run could begin wherever it likes, it would look for the
//! numbers that fall to a friend [window shopping].

use std::collections::BTreeMap;

use assay_protocol::U256;
use serde::{Deserialize, Serialize};

/// What a verifier knows of runs before the present ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Segments come in order; where a job's next run starts, by job, with the round that said so.
    next: BTreeMap<U256, (u64, u32)>,
    /// Block from which on it has been there.
    since: Option<u64>,
    /// Latest block of which it has heard.
    heard: u64,
}

impl Known {
    /// Notes that it is there in a block. Who was away for more than `gap` blocks may have missed whole runs.
    pub(super) fn hear(&mut self, block: u64, gap: u64) {
        if self.since.is_none() || block > self.heard.saturating_add(gap) {
            self.since = Some(block);
        }
        self.heard = self.heard.max(block);
    }

    /// Notes that a job's run in a round has this segment.
    pub(super) fn run(&mut self, job: U256, round: u64, seq: u32) {
        let next = self.next.entry(job).or_insert((round, 0));
        if next.0 <= round {
            *next = (round, next.1.max(seq.saturating_add(1)));
        }
    }

    /// Where a job's run in a round begins: behind its last one, and with segment 0 where there was none, because the job's
    /// seed is no older than the round or than what is known. `None` where there may have been one.
    pub(super) fn start(
        &self,
        job: U256,
        round: u64,
        opened: Option<u64>,
        seed_block: u64,
    ) -> Option<u32> {
        // What a job did in later rounds says nothing about where this round's run starts.
        let before = self.next.get(&job).filter(|(said, _)| *said < round);
        let from = opened.into_iter().chain(self.since).min();
        let is_new = from.is_some_and(|block| seed_block >= block);
        before.map(|(_, seq)| *seq).or(is_new.then_some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: U256 = U256::from_limbs([1, 0, 0, 0]);

    #[test]
    fn who_was_away_for_long_does_not_know_what_it_has_missed() {
        let mut known = Known::default();
        let start = |known: &Known, seed_block| known.start(JOB, 5, Some(500), seed_block);
        assert_eq!(start(&known, 499), None);
        for block in [100, 101, 111, 121] {
            known.hear(block, 10);
        }
        assert_eq!(start(&known, 99), None);
        assert_eq!(start(&known, 100), Some(0));
        known.hear(132, 10);
        assert_eq!(start(&known, 131), None);
        assert_eq!(start(&known, 132), Some(0));
        // The chain has gone back a little.
        known.hear(130, 10);
        known.hear(142, 10);
        assert_eq!(start(&known, 132), Some(0));
        known.run(JOB, 4, 6);
        assert_eq!(start(&known, 99), Some(7));
        // What is said of the round itself and of later ones is nothing that was before it.
        known.run(JOB, 5, 9);
        assert_eq!(start(&known, 99), None);
    }
}
