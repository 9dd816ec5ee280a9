//! The rule of what work counts, against a naive reading of its sentences, and property by property.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::demand::CreditRule;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::round_work::{Seen, Segment, Sheet, WorkRule, admits, dutiful, list, sheet};
use assay_protocol::work::WorkList;
use assay_protocol::{Address, B256, U256, keccak256};
use proptest::prelude::*;

const ROUND: u64 = 4;

fn rule() -> WorkRule {
    WorkRule {
        late_blocks: 2,
        min_segments: 5,
        min_receipted_bps: 8_000,
        admitted_bps: 6_666,
        credit: CreditRule {
            // What is credited against stake is tested with `demand`.
            trim_bps: 0,
            slack_bps: 100_000,
        },
    }
}

fn transcoder(i: u8) -> Address {
    Address::with_last_byte(i + 1)
}

fn snapshot() -> Snapshot {
    let candidates = (0..4).map(|i| Candidate {
        operator: transcoder(i),
        weight: U256::from(100),
        price: U256::from(10 * (u64::from(i) + 1)),
    });
    Snapshot {
        round: ROUND,
        candidates: candidates.collect(),
    }
}

fn segment(job: u64, seq: u32) -> Segment {
    let name = keccak256([&job.to_be_bytes()[..], &seq.to_be_bytes()].concat());
    Segment {
        job: U256::from(job),
        seq,
        attempt: 0,
        round: ROUND,
        first_round: ROUND,
        forced: true,
        transcoder: transcoder((seq % 4) as u8),
        deadline_block: 100,
        pixels: 1_000,
        receipts: vec![Seen {
            hash: name,
            block: 99,
            drawn: U256::from(300),
            unverifiable: U256::ZERO,
            accused: false,
        }],
    }
}

fn stream(job: u64, segments: std::ops::Range<u32>) -> Vec<Segment> {
    segments.map(|seq| segment(job, seq)).collect()
}

fn whole(segments: &[Segment]) -> WorkList {
    let jobs: BTreeSet<_> = segments.iter().map(|s| s.job).collect();
    let sheets: Vec<_> = jobs
        .iter()
        .filter_map(|job| {
            let of_job = segments.iter().filter(|s| s.job == *job);
            sheet(of_job, ROUND, None, &rule())
        })
        .collect();
    list(ROUND, sheets.iter(), &snapshot(), &rule())
}

fn pixels(list: &WorkList) -> u64 {
    list.claims.iter().map(|claim| claim.pixels).sum()
}

#[test]
fn a_whole_run_counts_for_its_electees() {
    let list = whole(&stream(1, 0..8));
    assert_eq!(list.claims.len(), 4);
    assert!(
        list.claims
            .iter()
            .all(|c| c.pixels == 2_000 && c.round == ROUND)
    );
    assert!(list.claims.is_sorted_by_key(|c| c.transcoder));
    assert_eq!(list.total_pixels, 8_000);
}

#[test]
fn a_short_run_counts_nothing() {
    assert!(whole(&stream(1, 0..4)).is_empty());
    assert!(!whole(&stream(1, 0..5)).is_empty());
}

#[test]
fn a_run_with_more_than_a_fifth_unreceipted_counts_nothing() {
    let mut segments = stream(1, 0..10);
    segments[3].receipts.clear();
    segments[4].receipts.clear();
    assert_eq!(pixels(&whole(&segments)), 8_000);
    // What its broadcaster calls a timeout is a later attempt, which earns nothing and leaves a hole.
    segments[5].attempt = 1;
    segments[5].forced = false;
    assert!(whole(&segments).is_empty());
}

#[test]
fn a_gap_is_a_segment_without_a_receipt() {
    let mut segments = stream(1, 0..10);
    segments.retain(|s| s.seq != 3 && s.seq != 7);
    assert_eq!(pixels(&whole(&segments)), 8_000);
    segments.retain(|s| s.seq != 5);
    assert!(whole(&segments).is_empty());
}

#[test]
fn window_shopping_finds_no_start_but_the_end_of_the_last_run() {
    // The lucky segments from 1,000 on are a run of their own only for who has seen nothing of the job before.
    let segments = stream(1, 1_000..1_010);
    let seen = sheet(segments.iter(), ROUND, Some(3), &rule()).unwrap();
    assert!(list(ROUND, [&seen].into_iter(), &snapshot(), &rule()).is_empty());
    let far = stream(1, u32::MAX - 3..u32::MAX);
    assert_eq!(sheet(far.iter(), ROUND, Some(0), &rule()), None);
}

/// [attempt grinding]
#[test]
fn routing_work_to_a_friend_by_later_attempts_earns_nothing() {
    let mut segments = stream(1, 0..10);
    let honest = segments[0].clone();
    segments[0].receipts.clear();
    let friend = Segment {
        attempt: 1,
        forced: false,
        transcoder: transcoder(3),
        ..honest
    };
    segments.push(friend.clone());
    assert_eq!(pixels(&whole(&segments)), 9_000);
    // A freeze on chain is nobody's choice.
    segments.push(Segment {
        forced: true,
        ..friend
    });
    assert_eq!(pixels(&whole(&segments)), 10_000);
}

#[test]
fn late_withheld_and_accused_receipts_do_not_count() {
    let changes: [fn(&mut Segment); 4] = [
        |s| s.receipts[0].block = 103,
        |s| s.receipts[0].unverifiable = U256::from(101),
        |s| s.receipts[0].accused = true,
        |s| {
            let other = Seen {
                hash: B256::ZERO,
                ..s.receipts[0]
            };
            s.receipts.push(other);
        },
    ];
    for change in changes {
        let mut segments = stream(1, 0..10);
        change(&mut segments[2]);
        assert_eq!(pixels(&whole(&segments)), 9_000);
    }
    let mut segments = stream(1, 0..10);
    segments[2].receipts[0].block = 102;
    segments[3].receipts[0].unverifiable = U256::from(100);
    assert_eq!(pixels(&whole(&segments)), 10_000);
}

#[test]
fn sizing_segments_by_the_electee_pays_only_what_four_fifths_have() {
    let mut segments = stream(1, 0..10);
    for segment in &mut segments[..2] {
        segment.pixels = 1_000_000;
    }
    assert_eq!(pixels(&whole(&segments)), 10_000);
}

#[test]
fn two_assignments_of_one_segment_are_credited_once() {
    let mut segments = stream(1, 0..10);
    let mut twin = segments[0].clone();
    twin.receipts[0].hash = B256::ZERO;
    segments.push(twin);
    let sheet = sheet(segments.iter(), ROUND, None, &rule()).unwrap();
    assert_eq!(sheet.entries.len(), 10);
    assert_eq!(sheet.entries[&0].receipt, B256::ZERO);
}

#[test]
fn a_cap_must_admit_two_thirds_of_the_stake() {
    let snapshot = snapshot();
    assert!(!admits(&snapshot, U256::from(29), 6_666));
    assert!(admits(&snapshot, U256::from(30), 6_666));
}

#[test]
fn who_reported_on_half_of_the_epochs_did_its_duty() {
    assert!(dutiful(0, 0) && dutiful(1, 2) && dutiful(2, 3));
    assert!(!dutiful(0, 1) && !dutiful(1, 3));
}

/// The sentences of the rule, one after the other, over all segments and every number of a run.
fn naive(segments: &[Segment], rule: &WorkRule) -> BTreeMap<Address, (u64, BTreeSet<B256>)> {
    let mut paid: BTreeMap<Address, (u64, BTreeSet<B256>)> = BTreeMap::new();
    for job in segments.iter().map(|s| s.job).collect::<BTreeSet<_>>() {
        let mine = |s: &&Segment| s.job == job && s.first_round == ROUND;
        let Some(first) = segments.iter().filter(mine).map(|s| s.seq).min() else {
            continue;
        };
        let last = segments
            .iter()
            .filter(mine)
            .map(|s| s.seq)
            .max()
            .unwrap_or_default();
        if last - first + 1 < rule.min_segments {
            continue;
        }
        let mut run = Vec::new();
        for seq in first..=last {
            let mut found: Option<(u8, B256, Address, u64)> = None;
            for s in segments.iter().filter(mine).filter(|s| s.seq == seq) {
                let good = s.receipts.len() == 1
                    && s.forced
                    && s.round == ROUND
                    && s.receipts[0].block <= s.deadline_block + 2
                    && s.receipts[0].unverifiable * U256::from(3) <= s.receipts[0].drawn
                    && !s.receipts[0].accused;
                let entry = (
                    s.attempt,
                    s.receipts.first().map_or(B256::ZERO, |r| r.hash),
                    s.transcoder,
                    s.pixels,
                );
                let better = found.is_none_or(|f| (entry.0, entry.1) < (f.0, f.1));
                if good && better {
                    found = Some(entry);
                }
            }
            run.push(found);
        }
        // The most that four fifths of the run have.
        let mut most = 0;
        for candidate in run.iter().flatten().map(|f| f.3) {
            let have = run
                .iter()
                .filter(|f| f.is_some_and(|f| f.3 >= candidate))
                .count();
            if 10 * have >= 8 * run.len() {
                most = most.max(candidate);
            }
        }
        if most == 0 {
            continue;
        }
        for (_, hash, who, pixels) in run.into_iter().flatten() {
            let entry = paid.entry(who).or_default();
            entry.0 += pixels.min(most);
            entry.1.insert(hash);
        }
    }
    paid
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let flags = (0..12u8, 0..20u8, 0..20u8, 0..20u8, 0..15u8);
    (1..3u64, 0..12u32, 1..4u64, flags).prop_map(|(job, seq, size, flags)| {
        let mut s = segment(job, seq);
        s.pixels = size * 500;
        let (attempt, late, withheld, accused, other) = flags;
        if attempt == 0 {
            s.attempt = 1;
            s.forced = seq % 2 == 0;
            s.receipts[0].hash = keccak256(s.receipts[0].hash);
            s.transcoder = transcoder(((seq + 1) % 4) as u8);
        }
        s.receipts[0].block += 4 * u64::from(late == 0);
        s.receipts[0].unverifiable = U256::from(100 + u64::from(withheld == 0));
        s.receipts[0].accused = accused == 0;
        if other == 0 {
            s.receipts.clear();
        }
        if other == 1 {
            s.first_round = ROUND - 1;
        }
        s
    })
}

proptest! {
    #[test]
    fn agrees_with_the_naive_reading(segments in prop::collection::vec(any_segment(), 0..40)) {
        let list = whole(&segments);
        let naive = naive(&segments, &rule());
        let worked: Vec<_> = naive.iter().map(|(who, (pixels, _))| (*who, *pixels)).collect();
        let credit = assay_protocol::demand::credit(&snapshot(), &worked, rule().credit);
        let expected: Vec<_> = credit.pixels.into_iter().filter(|(_, p)| *p > 0).collect();
        let found: Vec<_> = list.claims.iter().map(|c| (c.transcoder, c.pixels)).collect();
        prop_assert_eq!(found, expected);
        for claim in &list.claims {
            let receipts = naive[&claim.transcoder].1.iter().copied().collect();
            prop_assert_eq!(claim.receiptsRoot, assay_protocol::work::receipts_root(receipts));
        }
    }

    #[test]
    fn order_of_arrival_says_nothing(
        segments in prop::collection::vec(any_segment(), 0..30),
        seed in any::<u64>(),
    ) {
        let mut turned = segments.clone();
        turned.sort_by_key(|s| keccak256([&seed.to_be_bytes()[..], &s.seq.to_be_bytes(), &[s.attempt]].concat()));
        // Equal segments keep their order; which of two equal receipts came first is no matter.
        prop_assert_eq!(whole(&segments), whole(&turned));
    }

    #[test]
    fn striking_never_gives_anybody_more(
        segments in prop::collection::vec(any_segment(), 10..40),
        struck in prop::collection::vec(0..12u32, 0..4),
    ) {
        let Some(mut one) = sheet(segments.iter().filter(|s| s.job == U256::from(1)), ROUND, None, &rule()) else {
            return Ok(());
        };
        let before = list(ROUND, [&one].into_iter(), &snapshot(), &rule());
        let digest = one.digest();
        let had = one.entries.len();
        one.strike(&struck);
        let after = list(ROUND, [&one].into_iter(), &snapshot(), &rule());
        prop_assert!(after.total_pixels <= before.total_pixels);
        prop_assert_eq!(one.digest() == digest, one.entries.len() == had);
        prop_assert!(pixels(&after) <= pixels(&before));
    }

    #[test]
    fn nobody_is_credited_twice_for_a_segment(segments in prop::collection::vec(any_segment(), 0..60)) {
        let jobs = [1u64, 2].map(U256::from);
        let sheets: Vec<Sheet> = jobs
            .iter()
            .filter_map(|job| sheet(segments.iter().filter(|s| s.job == *job), ROUND, None, &rule()))
            .collect();
        let credited: usize = sheets.iter().map(|s| s.entries.len()).sum();
        let places: BTreeSet<_> = segments.iter().map(|s| (s.job, s.seq)).collect();
        prop_assert!(credited <= places.len());
    }
}
