use assay_protocol::B256;
use assay_protocol::bls::BlsKey;
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::round_work::Entry;
use assay_protocol::work::RoundWork;

use super::*;

const END: u32 = 12;

fn operator(i: u8) -> Address {
    Address::with_last_byte(i + 1)
}

fn sheet(pixels: u64) -> Sheet {
    let entry = |seq: u32| Entry {
        receipt: B256::from(U256::from(seq + 1)),
        transcoder: Address::ZERO,
        pixels,
    };
    Sheet {
        start: 0,
        end: END,
        entries: (0..END).map(|seq| (seq, entry(seq))).collect(),
    }
}

/// What the third of four verifiers sees; the first one leads, with a first proposal of these jobs.
fn view(jobs: impl Iterator<Item = u64>, pixels: impl Fn(u64) -> u64) -> RoundView {
    let seat = |i: u8| VerifierSeat {
        operator: operator(i),
        key: BlsKey::derive(&[i + 1; 32]).unwrap().public(),
        weight: U256::from(1),
    };
    let sheets: BTreeMap<_, _> = jobs
        .map(|job| (U256::from(job), sheet(pixels(job))))
        .collect();
    let proposal = |number| SignedProposal {
        number,
        leader: operator(0),
        proposed: Proposed {
            jobs: sheets
                .iter()
                .map(|(job, sheet)| JobSheet {
                    job: *job,
                    start: sheet.start,
                    end: sheet.end,
                    digest: sheet.digest(),
                })
                .collect(),
            // Of an epoch without work everybody has done its duty.
            work: RoundWork {
                duties: 0b1111,
                ..Default::default()
            },
            ..Proposed::default()
        },
        signature: BlsSignature::from_bytes([0; 48]),
    };
    RoundView {
        verifiers: VerifierSet {
            round: 0,
            seats: (0..4).map(seat).collect(),
        },
        proposals: BTreeMap::from([(0, proposal(0)), (1, proposal(1))]),
        sheets,
        ..RoundView::default()
    }
}

fn places(seqs: &[u32]) -> Places {
    Places::from([(U256::from(1), seqs.iter().copied().collect())])
}

#[test]
fn an_accomplice_that_lacks_one_receipt_does_not_excuse_the_strike_of_another() {
    let mut view = view([1].into_iter(), |_| 1);
    let own = view.sheets[&U256::from(1)].clone();
    let lacks = [7, 8];
    let receipts = own.entries.iter().filter(|(seq, _)| !lacks.contains(*seq));
    let objected = Objected {
        parts: 1,
        duties: 0,
        jobs: vec![JobView {
            job: U256::from(1),
            start: 0,
            end: END,
            receipts: receipts.map(|(seq, e)| (*seq, tag(&e.receipt))).collect(),
        }],
    };
    let accomplice = (0, operator(1));
    view.objections
        .insert(accomplice, BTreeMap::from([(0, objected)]));
    let me = operator(2);
    assert!(view.excused(1, me, &Places::new()));
    assert!(view.excused(1, me, &places(&[7])) && view.excused(1, me, &places(&[7, 8])));
    // As many, but not these.
    assert!(!view.excused(1, me, &places(&[5])) && !view.excused(1, me, &places(&[5, 7])));
}

#[test]
fn a_proposal_without_room_may_leave_out_what_is_no_larger_than_what_it_holds() {
    let all = MAX_JOBS as u64 + 1;
    // One more than fits; the last one is as large as the others, or a quarter larger.
    for (last, differs) in [(80, false), (100, true)] {
        let mut view = view(1..=all, |job| if job == all { last } else { 80 });
        let proposed = {
            let first = view.proposals.get_mut(&0).unwrap();
            first.proposed.jobs.pop();
            first.proposed.clone()
        };
        let answer = view.compare(&proposed, 0, operator(2), |_| true);
        let jobs = match answer {
            Answer::Differs(jobs) => jobs.len(),
            _ => 0,
        };
        assert_eq!(jobs, usize::from(differs), "{last} pixels");
    }
    // Where there is room nothing is left out.
    let mut view = view(1..=3, |_| 1);
    view.proposals.get_mut(&0).unwrap().proposed.jobs.pop();
    let proposed = view.proposals[&0].proposed.clone();
    let answer = view.compare(&proposed, 0, operator(2), |_| true);
    assert!(matches!(answer, Answer::Differs(jobs) if jobs.len() == 1));
}
