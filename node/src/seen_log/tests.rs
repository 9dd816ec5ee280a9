use super::*;

fn assignment(seq: u32) -> Box<SeenAssignment> {
    Box::new(SeenAssignment {
        hash: B256::repeat_byte(seq as u8),
        max_price: U256::from(7),
        seed_block: 5,
        broadcaster: Address::repeat_byte(seq.is_multiple_of(2).into()),
        segment: Segment {
            job: U256::from(1),
            seq,
            attempt: 0,
            round: 3,
            first_round: 3,
            forced: true,
            transcoder: Address::repeat_byte(9),
            deadline_block: 40,
            pixels: 1_000,
            receipts: Vec::new(),
        },
    })
}

fn receipt(seq: u32) -> Input {
    Input::Receipt {
        assignment: assignment(seq),
        receipt: B256::repeat_byte(0xee),
        leaves: 4,
    }
}

/// What was recalled, in words.
fn recalled(folder: &Path) -> Vec<String> {
    let mut words = Vec::new();
    let tell = |block, input| words.push(format!("{block} {input:?}"));
    SeenLog::new(folder).recall(tell).unwrap();
    words
}

#[test]
fn what_was_seen_is_there_after_a_restart_but_for_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SeenLog::new(folder.path());
    log.append(&Input::Assignment(assignment(1)), 3, 30)
        .unwrap();
    log.append(&receipt(1), 3, 31).unwrap();
    log.append(&Input::Block, 3, 32).unwrap();
    log.append(&receipt(2), 4, 33).unwrap();
    let expected = [
        format!("30 {:?}", Input::Assignment(assignment(1))),
        format!("31 {:?}", receipt(1)),
        format!("33 {:?}", receipt(2)),
    ];
    assert_eq!(recalled(folder.path()), expected);
    // A start that dies while it writes, and one after it.
    let path = folder.path().join("seen").join("00000004.seen2");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
    assert_eq!(recalled(folder.path()), expected);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    let mut log = SeenLog::new(folder.path());
    assert!(log.recall(|_, _| ()).unwrap());
    log.append(&receipt(5), 4, 34).unwrap();
    assert!(!log.recall(|_, _| ()).unwrap(), "once");
    assert_eq!(recalled(folder.path()).len(), 4);
}

#[test]
fn where_runs_go_on_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let domain = assay_protocol::domain::Domain::new(1, Address::ZERO);
    let params = assay_protocol::params::Params::demo();
    let mut core = assay_verifier::certify::Certifier::new(Address::ZERO, domain, params);
    let mut kept = Vec::new();
    for block in 7..9 {
        for output in core.handle(Input::Block, assay_protocol::checked::Now { block }) {
            if let assay_verifier::certify::Output::Keep(known) = output {
                SeenLog::new(folder.path()).keep(&known).unwrap();
                kept.push(*known);
            }
        }
    }
    assert_ne!(kept[1], Known::default());
    assert_eq!(SeenLog::new(folder.path()).known(), kept[1]);
    // Whatever else is in the file is nothing.
    std::fs::write(folder.path().join("seen").join(KNOWN), b"torn").unwrap();
    assert_eq!(SeenLog::new(folder.path()).known(), Known::default());
}

#[test]
fn old_rounds_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SeenLog::new(folder.path());
    for round in 0..9 {
        log.append(&receipt(1), round, round).unwrap();
    }
    assert_eq!(recalled(folder.path()).len(), ROUNDS);
}

#[test]
fn who_fills_it_loses_its_own_last_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = SeenLog {
        most: 40_000,
        ..SeenLog::new(folder.path())
    };
    let report = Input::Report(Box::new(SampleReport {
        verifier: Address::ZERO,
        epoch: 1,
        ticket: assay_protocol::bls::BlsSignature::from_bytes([1; 48]),
        verdicts: Vec::new(),
        unverifiable: Vec::new(),
    }));
    log.append(&report, 3, 30).unwrap();
    for seq in (0..20).step_by(2) {
        log.append(&receipt(seq), 3, 30).unwrap();
    }
    for seq in (1..4_001).step_by(2) {
        log.append(&Input::Assignment(assignment(seq)), 3, 31)
            .unwrap();
    }
    log.append(&receipt(20), 3, 32).unwrap();
    let path = log.path(3);
    assert!(std::fs::metadata(path).unwrap().len() < 41_000);
    let words = recalled(folder.path());
    let of = |seq: u32| words.iter().any(|w| w.contains(&format!(" seq: {seq},")));
    assert!((0..=20).step_by(2).all(of), "the other's are all there");
    assert!(of(1) && of(3), "and its own first ones");
    assert!(words[0].contains("Report"));
    let again = recalled(folder.path());
    assert_eq!(words, again);
}
