//! Which work of a round counts: from what a verifier has seen to the list that it can certify.
//!
//! A rule and nothing else: what was seen goes in, the same list comes out on every machine. It has two steps, because
//! verifiers have not all seen the same. [`sheet`] judges one job: which of its segments are credited to whom. Sheets are
//! what verifiers compare, and a receipt that too few can confirm is struck from them ([`Sheet::strike`]). [`list`] makes
//! the claims of the round from sheets that are agreed.
//!
//! What the rule demands of a segment [routing work to a friend]: attempt 0, or a later one that freezes on chain
//! forced; one receipt, seen in time, neither withheld from the verifiers nor accused on chain; and no other credit for
//! the same (job, seq). Of a job: a price cap that admits two thirds of the stake, and a long enough run of segments in the
//! round, which begins where the last round's run ended [window shopping]. Everything in a run that has no credited receipt
//! counts against it as a segment without pixels: gaps, refusals, timeouts.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use serde::{Deserialize, Serialize};

use crate::assignment::{SignedAssignment, SkipReason};
use crate::demand::{CreditRule, credit, run_credit};
use crate::election::Snapshot;
use crate::params::Params;
use crate::profile::{Profiles, Rendition};
use crate::work::{WorkClaim, WorkList, receipts_root};

/// Most segments of one job in one round: more than three a second for mainnet's 21 hours. A broadcaster that jumps ahead
/// further makes no run, and nobody's memory.
pub const MAX_RUN: u32 = 1 << 18;

/// Whether these bounds are those of a run: not backwards, and not longer than [`MAX_RUN`].
pub fn is_run(start: u32, end: u32) -> bool {
    end.checked_sub(start)
        .is_some_and(|length| length <= MAX_RUN)
}

/// The numbers of the rule; see [`crate::params::Params`] for values and reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkRule {
    /// A receipt is late when it is first seen more than this many blocks after its deadline.
    pub late_blocks: u64,
    /// Least segments of a job's run in a round.
    pub min_segments: u32,
    /// Part of a run's segments that must be receipted, basis points.
    pub min_receipted_bps: u64,
    /// Part of the stake that a job's price cap must admit, basis points.
    pub admitted_bps: u64,
    /// How work is credited against stake.
    pub credit: CreditRule,
}

impl WorkRule {
    /// The rule of a deployment.
    pub fn new(params: &Params) -> Self {
        Self {
            late_blocks: params.late_blocks,
            min_segments: u32::try_from(params.job_segments).unwrap_or(u32::MAX),
            min_receipted_bps: params.receipted_bps,
            admitted_bps: params.admitted_bps,
            credit: CreditRule {
                trim_bps: params.demand_trim_bps,
                slack_bps: params.claim_slack_bps,
            },
        }
    }
}

/// A receipt as seen by one verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The receipt's hash.
    pub hash: B256,
    /// Block in which it was first seen.
    pub block: u64,
    /// Weight of the verifiers whose shown tickets draw one of its leaves, as soon as one of them says Unverifiable.
    pub drawn: U256,
    /// Weight of those of them that say Unverifiable.
    pub unverifiable: U256,
    /// Whether a case about it is open or proven.
    pub accused: bool,
}

impl Seen {
    /// Whether more than a third of the drawn weight could not check it: its source was withheld.
    pub fn withheld(&self) -> bool {
        self.unverifiable * U256::from(3) > self.drawn
    }
}

/// An assignment that holds, as seen by one verifier, with the receipts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The job.
    pub job: U256,
    /// The segment.
    pub seq: u32,
    /// Which attempt.
    pub attempt: u8,
    /// Its round.
    pub round: u64,
    /// Round of the segment's attempt 0.
    pub first_round: u64,
    /// Whether every earlier electee was frozen on chain; true for attempt 0.
    pub forced: bool,
    /// The electee.
    pub transcoder: Address,
    /// The deadline.
    pub deadline_block: u64,
    /// Output pixels of all renditions.
    pub pixels: u64,
    /// Receipts for it, in the order in which they were seen.
    pub receipts: Vec<Seen>,
}

impl Segment {
    /// An assignment that was checked, before its receipt.
    pub fn new(signed: &SignedAssignment, profiles: &Profiles) -> Self {
        let a = &signed.assignment;
        Self {
            job: a.jobId,
            seq: a.seq,
            attempt: a.attempt,
            round: a.round,
            first_round: signed.skips.first().map_or(a.round, |skip| skip.round),
            forced: signed
                .skips
                .iter()
                .all(|skip| skip.reason == SkipReason::Frozen),
            transcoder: a.transcoder,
            deadline_block: a.deadlineBlock,
            pixels: output_pixels(profiles, a.frameCount),
            receipts: Vec::new(),
        }
    }

    /// The receipt that counts for it, if one does. Two receipts for one assignment are an equivocation: none counts.
    fn credited(&self, rule: &WorkRule) -> Option<B256> {
        let [receipt] = self.receipts.as_slice() else {
            return None;
        };
        let timely = receipt.block <= self.deadline_block + rule.late_blocks;
        let due = self.forced && self.round == self.first_round;
        (due && timely && !receipt.withheld() && !receipt.accused).then_some(receipt.hash)
    }
}

/// Output pixels of a segment of `frames` source frames: every frame that is shown, in every rendition.
pub fn output_pixels(profiles: &Profiles, frames: u32) -> u64 {
    let pixels =
        |r: &Rendition| u64::from(r.width) * u64::from(r.height) * u64::from(r.frames(frames));
    profiles.renditions.iter().map(pixels).sum()
}

/// Whether a price cap admits at least this part of the stake of a round's snapshot, in basis points.
pub fn admits(snapshot: &Snapshot, max_price: U256, bps: u64) -> bool {
    let admitted = snapshot
        .candidates
        .iter()
        .filter(|c| c.price <= max_price)
        .fold(U256::ZERO, |sum, c| sum + c.weight);
    admitted * U256::from(10_000) >= snapshot.total() * U256::from(bps)
}

/// A credited segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its receipt.
    pub receipt: B256,
    /// Who made it.
    pub transcoder: Address,
    /// Its output pixels.
    pub pixels: u64,
}

/// One job's work in a round, as one verifier sees it or as several agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// First segment of the run.
    pub start: u32,
    /// First segment after the run.
    pub end: u32,
    /// Credited segments of the run.
    pub entries: BTreeMap<u32, Entry>,
}

impl Sheet {
    /// Names run and receipts: equal digests are equal sheets.
    pub fn digest(&self) -> B256 {
        let mut bytes = Vec::with_capacity(8 + 36 * self.entries.len());
        bytes.extend_from_slice(&self.start.to_be_bytes());
        bytes.extend_from_slice(&self.end.to_be_bytes());
        for (seq, entry) in &self.entries {
            bytes.extend_from_slice(&seq.to_be_bytes());
            bytes.extend_from_slice(entry.receipt.as_slice());
        }
        keccak256(bytes)
    }

    /// The same run without these segments' receipts.
    pub fn strike(&mut self, segments: &[u32]) {
        for seq in segments {
            self.entries.remove(seq);
        }
    }

    /// Pixels of the run's segments, 0 where none is credited.
    fn pixels(&self) -> Vec<u64> {
        let run = self.start..self.end;
        run.map(|seq| self.entries.get(&seq).map_or(0, |entry| entry.pixels))
            .collect()
    }
}

/// An attempt's number, its receipt where that is credited, and the segment.
type Attempt<'a> = (u8, Option<B256>, &'a Segment);

/// Judges one job's segments of one round; `None` where there is no run. `start` is where the last round's run ended, as
/// far as this verifier knows. Segments of other rounds may be among them.
pub fn sheet<'a>(
    segments: impl Iterator<Item = &'a Segment>,
    round: u64,
    start: Option<u32>,
    rule: &WorkRule,
) -> Option<Sheet> {
    // By segment, the attempts in order, and of equal attempts (a broadcaster's equivocation) the smaller receipt.
    let mut by_seq: BTreeMap<u32, Vec<Attempt<'_>>> = BTreeMap::new();
    for segment in segments.filter(|s| s.first_round == round && start.is_none_or(|at| s.seq >= at))
    {
        let receipt = segment.credited(rule);
        by_seq
            .entry(segment.seq)
            .or_default()
            .push((segment.attempt, receipt, segment));
    }
    let start = start.or_else(|| by_seq.keys().next().copied())?;
    let end = by_seq.keys().next_back()?.checked_add(1)?;
    if !is_run(start, end) {
        return None;
    }
    let mut entries = BTreeMap::new();
    for (seq, attempts) in by_seq {
        let best = attempts
            .into_iter()
            .filter_map(|(attempt, receipt, segment)| Some(((attempt, receipt?), segment)))
            .min_by_key(|(place, _)| *place);
        if let Some(((_, receipt), segment)) = best {
            let entry = Entry {
                receipt,
                transcoder: segment.transcoder,
                pixels: segment.pixels,
            };
            entries.insert(seq, entry);
        }
    }
    Some(Sheet {
        start,
        end,
        entries,
    })
}

/// Work of one transcoder in a round before it is credited against stake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Pixels of its credited segments, each cut to what one counts in its run.
    pub pixels: u64,
    /// Their receipts.
    pub receipts: Vec<B256>,
}

/// What counts in these sheets, by transcoder: nothing of a run that is too short, of one more than a fifth of whose
/// segments have no credited receipt ([`run_credit`]), or of what is no run ([`is_run`]), which costs no memory either.
pub fn counted<'a>(
    sheets: impl Iterator<Item = &'a Sheet>,
    rule: &WorkRule,
) -> BTreeMap<Address, Counted> {
    let mut work: BTreeMap<Address, Counted> = BTreeMap::new();
    for sheet in sheets {
        let length = sheet.end.saturating_sub(sheet.start);
        if length < rule.min_segments.max(1) || !is_run(sheet.start, sheet.end) {
            continue;
        }
        let most = run_credit(&sheet.pixels(), rule.min_receipted_bps);
        if most == 0 {
            continue;
        }
        for entry in sheet.entries.values() {
            let counted = work.entry(entry.transcoder).or_default();
            counted.pixels = counted.pixels.saturating_add(entry.pixels.min(most));
            counted.receipts.push(entry.receipt);
        }
    }
    work
}

/// The claims of a round from the agreed sheets of its jobs, whose price caps were checked ([`admits`]).
pub fn list<'a>(
    round: u64,
    sheets: impl Iterator<Item = &'a Sheet>,
    snapshot: &Snapshot,
    rule: &WorkRule,
) -> WorkList {
    let mut work = counted(sheets, rule);
    let worked: Vec<_> = work
        .iter()
        .map(|(who, counted)| (*who, counted.pixels))
        .collect();
    let credit = credit(snapshot, &worked, rule.credit);
    let claims = credit.pixels.iter().filter(|(_, pixels)| *pixels != 0);
    let claims = claims.filter_map(|(transcoder, pixels)| {
        let receipts = work.remove(transcoder)?.receipts;
        Some(WorkClaim {
            transcoder: *transcoder,
            round,
            receiptsRoot: receipts_root(receipts),
            pixels: *pixels,
        })
    });
    WorkList {
        round,
        claims: claims.collect(),
        total_pixels: credit.total,
    }
}

/// Whether a verifier did its duty in a round, in which it reported on `reported` of the `epochs` that had receipts: on at
/// least half of them. Who had nothing to report on did it.
pub fn dutiful(reported: u64, epochs: u64) -> bool {
    2 * reported >= epochs
}
