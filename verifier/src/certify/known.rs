//! Where the jobs' next runs begin, which outlives the rounds and is kept over restarts.
//!
//! A broadcaster can compute its job's elections ahead; if a run could begin wherever it likes, it would look for the numbers that
//! fall to a friend [window shopping]. So runs follow each other, and a job that skips numbers to get to others has left the
//! order for good: a round given up would else buy any of 2^32 windows.
//!
//! Of a job that it knows nothing of, a verifier must tell two cases apart: that there was nothing, and that it was not there.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::U256;
use assay_protocol::round_work::is_run;
use serde::{Deserialize, Serialize};

/// What a verifier knows of runs before the present ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// By job.
    next: BTreeMap<U256, Next>,
    /// Block from which on it has been there.
    since: Option<u64>,
    /// Latest block of which it has heard.
    heard: u64,
}

/// Where a job's next run starts: segments come in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Next {
    /// The round that said so.
    round: u64,
    /// `None` for a job that has skipped numbers: it has no runs any more.
    seq: Option<u32>,
    /// Whether it was there all the time since; if not, what it has not seen may have been assigned all the same.
    sure: bool,
}

impl Known {
    /// Notes that it is there in a block. Who was away for more than `brief` blocks may have missed most of a run, for more than
    /// `long` blocks whole ones.
    pub(super) fn hear(&mut self, block: u64, brief: u64, long: u64) {
        let away = |blocks: u64| block > self.heard.saturating_add(blocks);
        if away(brief) {
            for next in self.next.values_mut() {
                next.sure = false;
            }
        }
        if self.since.is_none() || away(long) {
            self.since = Some(block);
        }
        self.heard = self.heard.max(block);
    }

    /// Notes a job's run in a round: the numbers of all segments that were seen assigned.
    pub(super) fn run(&mut self, job: U256, round: u64, seed_block: u64, seen: &BTreeSet<u32>) {
        let Some(last) = seen.last() else {
            return;
        };
        let is_new = self.since.is_some_and(|since| seed_block >= since);
        let first = Next {
            round,
            seq: Some(0),
            sure: is_new,
        };
        let next = self.next.entry(job).or_insert(first);
        let Some(start) = next.seq.filter(|_| next.round <= round) else {
            return;
        };
        let end = last.saturating_add(1).max(start);
        let in_order = !next.sure || is_dense(start, end, seen);
        *next = Next {
            round,
            seq: in_order.then_some(end),
            sure: true,
        };
    }

    /// Takes over what was said of runs in one round.
    pub(super) fn take(&mut self, other: &Self, round: u64) {
        let said = other.next.iter().filter(|(_, next)| next.round == round);
        self.next.extend(said);
    }

    /// Whether a job has left the order of its segments before a round.
    pub(super) fn has_left(&self, job: U256, round: u64) -> bool {
        let next = self.next.get(&job);
        next.is_some_and(|next| next.seq.is_none() && next.round < round)
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
        let before = self.next.get(&job).filter(|next| next.round < round);
        let from = opened.into_iter().chain(self.since).min();
        let is_new = from.is_some_and(|block| seed_block >= block);
        before.and_then(|next| next.seq).or(is_new.then_some(0))
    }
}

/// Whether half of a run's segments were assigned, but for two: more are missing only where they were skipped, because a
/// broadcaster assigns each, whoever answers. Two thirds of the verifiers would have to miss the rest.
fn is_dense(start: u32, end: u32, seen: &BTreeSet<u32>) -> bool {
    let length = end - start;
    is_run(start, end) && seen.range(start..end).count() as u32 + 2 >= length / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: U256 = U256::from_limbs([1, 0, 0, 0]);

    /// Knows all blocks from 100 to 121.
    fn present() -> Known {
        let mut known = Known::default();
        for block in [100, 101, 111, 121] {
            known.hear(block, 10, 10);
        }
        known
    }

    #[test]
    fn who_was_away_for_long_does_not_know_what_it_has_missed() {
        let mut known = Known::default();
        let start = |known: &Known, seed_block| known.start(JOB, 5, Some(500), seed_block);
        assert_eq!(start(&known, 499), None);
        known = present();
        assert_eq!(start(&known, 99), None);
        assert_eq!(start(&known, 100), Some(0));
        known.hear(132, 10, 10);
        assert_eq!(start(&known, 131), None);
        assert_eq!(start(&known, 132), Some(0));
        // The chain has gone back a little.
        known.hear(130, 10, 10);
        known.hear(142, 10, 10);
        assert_eq!(start(&known, 132), Some(0));
        known.run(JOB, 4, 99, &(3..7).collect());
        assert_eq!(start(&known, 99), Some(7));
        // What is said of the round itself and of later ones is nothing that was before it.
        known.run(JOB, 5, 99, &(7..10).collect());
        assert_eq!(start(&known, 99), None);
    }

    #[test]
    fn who_skips_numbers_has_no_runs_any_more() {
        let seen = |runs: &[(u32, u32)]| runs.iter().flat_map(|(from, to)| *from..*to).collect();
        let far = 1_234_567;
        for (jump, left) in [
            (seen(&[(far, far + 1)]), true),
            (seen(&[(300, 310), (far, far + 1)]), true),
            // Half of it is what it costs.
            (seen(&[(300, 400), (520, 600)]), false),
            (seen(&[(300, 400), (620, 640)]), true),
            // Some are not heard.
            (seen(&[(303, 304)]), false),
        ] {
            let mut known = present();
            known.run(JOB, 4, 100, &(0..300).collect());
            known.run(JOB, 5, 100, &jump);
            assert!(!known.has_left(JOB, 5), "its runs of earlier rounds count");
            assert_eq!(known.has_left(JOB, 6), left, "{jump:?}");
            // For good, and whatever comes late of earlier rounds.
            let next = jump.last().unwrap() + 1;
            known.run(JOB, 4, 100, &(0..305).collect());
            known.run(JOB, 6, 100, &(next..next + 300).collect());
            assert_eq!(known.has_left(JOB, 7), left, "{jump:?}");
        }
        let mut first = present();
        first.run(JOB, 4, 100, &(far..far + 300).collect());
        assert!(first.has_left(JOB, 5), "a job's first run too");
    }

    #[test]
    fn who_was_away_holds_no_hole_against_a_job() {
        let mut known = present();
        known.run(JOB, 4, 100, &(0..300).collect());
        known.hear(132, 10, 20);
        known.run(JOB, 5, 100, &(900..1_000).collect());
        assert_eq!(known.start(JOB, 6, Some(500), 100), Some(1_000));
        // From then on it has seen all.
        known.run(JOB, 6, 100, &(2_000..2_100).collect());
        assert!(known.has_left(JOB, 7));
        // Nor against one from before its time.
        let old = U256::from(2);
        known.run(old, 6, 99, &(5_000..5_001).collect());
        assert_eq!(known.start(old, 7, Some(500), 99), Some(5_001));
    }
}
