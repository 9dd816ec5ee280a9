//! Faults that the simulator or a reading once found, each by name.

use crate::scene;

use assay_protocol::assignment::{Assignment, RefusalReason, SignedAssignment};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::frames::segment_tree;
use assay_protocol::params::Params;
use assay_protocol::receipt::Leaf;
use assay_protocol::sig::Signature;
use assay_protocol::{Address, B256, U256, keccak256};
use assay_roles::broadcaster::{self, Broadcaster, Source};
use assay_roles::transcoder::{self, Encoded, Transcoder};
use scene::job;

pub const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));

pub fn snapshot(round: u64, operators: u8) -> Snapshot {
    let candidate = |n| Candidate {
        operator: Address::repeat_byte(n),
        weight: U256::from(100),
        price: U256::from(1),
    };
    Snapshot {
        round,
        candidates: (1..=operators).map(candidate).collect(),
    }
}

pub fn broadcaster() -> Broadcaster {
    Broadcaster::new(Params::demo(), job(1), B256::ZERO, 1, 0)
}

pub fn source() -> Source {
    Source {
        hash: keccak256(b"source"),
        len: 1,
        frames_root: keccak256(b"frames"),
        frame_count: 15,
    }
}

pub fn drafts(outputs: &[broadcaster::Output]) -> Vec<Assignment> {
    let draft = |output: &broadcaster::Output| match output {
        broadcaster::Output::Sign(Draft::Assignment(assignment)) => Some(assignment.clone()),
        _ => None,
    };
    outputs.iter().filter_map(draft).collect()
}

pub fn sealed(draft: Draft) -> Box<Sealed> {
    Box::new(Sealed {
        hash: draft.digest(&DOMAIN),
        draft,
        seal: Seal::Operator(Signature([0; 65].into())),
    })
}

pub fn published(outputs: &[broadcaster::Output]) -> Vec<SignedAssignment> {
    let publish = |output: &broadcaster::Output| match output {
        broadcaster::Output::Publish(signed) => Some((**signed).clone()),
        _ => None,
    };
    outputs.iter().filter_map(publish).collect()
}

#[test]
fn a_clock_ahead_of_the_rounds_does_not_backdate_the_round() {
    let mut core = broadcaster();
    let block = |block| Now { block };
    core.handle(broadcaster::Input::Round(snapshot(1, 3)), block(10));
    core.handle(broadcaster::Input::Block, block(17));
    // The shell knows block 18, which opened round 2; the core has not been told.
    let outputs = core.handle(broadcaster::Input::Segment(source()), block(18));
    let drafts = drafts(&outputs);
    assert_eq!(drafts[0].round, 1);
    assert_eq!(drafts[0].signed_block(Params::demo().response_blocks), 17);
}

#[test]
fn a_late_seal_is_not_published_for_the_next_attempt() {
    let mut core = broadcaster();
    core.handle(broadcaster::Input::Round(snapshot(1, 3)), Now { block: 10 });
    let first = drafts(&core.handle(broadcaster::Input::Segment(source()), Now { block: 10 }));
    // The signer is so slow that the deadline passes.
    let second = drafts(&core.handle(broadcaster::Input::Block, Now { block: 23 }));
    assert_eq!((first[0].attempt, second[0].attempt), (0, 1));
    let now = Now { block: 23 };
    let seal = |a: &Assignment| broadcaster::Input::Signed(sealed(Draft::Assignment(a.clone())));
    assert!(published(&core.handle(seal(&first[0]), now)).is_empty());
    let out = published(&core.handle(seal(&second[0]), now));
    assert_eq!(out[0].assignment, second[0]);
    assert_eq!(out[0].skips.len(), 1);
}

#[test]
fn an_attempt_at_the_signer_is_never_drafted_again() {
    let mut core = broadcaster();
    core.handle(broadcaster::Input::Round(snapshot(1, 1)), Now { block: 10 });
    core.handle(broadcaster::Input::Segment(source()), Now { block: 10 });
    let outputs = core.handle(broadcaster::Input::Block, Now { block: 23 });
    assert!(outputs.contains(&broadcaster::Output::Gap { seq: 0 }));
    let later = core.handle(broadcaster::Input::Block, Now { block: 24 });
    assert!(drafts(&later).is_empty());
}

#[test]
fn a_segment_too_large_to_be_followed_is_not_promised() {
    let mut core = broadcaster();
    let now = Now { block: 10 };
    core.handle(broadcaster::Input::Round(snapshot(1, 3)), now);
    let long = Source {
        frame_count: u32::MAX,
        ..source()
    };
    let outputs = core.handle(broadcaster::Input::Segment(long), now);
    assert!(outputs.contains(&broadcaster::Output::Gap { seq: 0 }));
    assert!(drafts(&outputs).is_empty());
    let next = drafts(&core.handle(broadcaster::Input::Segment(source()), now));
    assert_eq!(next[0].seq, 1);
}

/// A transcoder at block 10 with one assignment of one leaf under way, its hash and its source's roots.
fn transcoding() -> (Transcoder, B256, Vec<B256>) {
    let me = Address::repeat_byte(1);
    let mut core = Transcoder::new(me, Params::demo(), B256::ZERO, 2);
    let roots = vec![keccak256(b"chunk")];
    let assignment = Assignment {
        transcoder: me,
        framesRoot: segment_tree(&roots).root(),
        leafCount: 1,
        deadlineBlock: 20,
        ..Default::default()
    };
    let hash = DOMAIN.digest(&assignment);
    let message = SignedAssignment {
        assignment,
        signature: Signature([0; 65].into()),
        skips: Vec::new(),
    };
    let checked = Checked {
        hash,
        signer: Address::repeat_byte(0xb0),
        message,
    };
    let begun = core.handle(
        transcoder::Input::Assignment(Box::new(checked)),
        Now { block: 10 },
    );
    assert!(matches!(begun[..], [transcoder::Output::Transcode { .. }]));
    (core, hash, roots)
}

#[test]
fn work_is_given_up_when_its_deadline_has_passed() {
    let (mut core, hash, _) = transcoding();
    let at = |core: &mut Transcoder, block| core.handle(transcoder::Input::Block, Now { block });
    assert_eq!(at(&mut core, 20), []);
    assert_eq!(at(&mut core, 21), [transcoder::Output::Forget(hash)]);
    assert_eq!(at(&mut core, 22), []);
}

#[test]
fn a_second_result_makes_no_second_receipt() {
    let (mut core, hash, roots) = transcoding();
    let now = Now { block: 10 };
    let leaf = Leaf {
        frames_root: roots[0],
        ..Default::default()
    };
    let result = |plant| transcoder::Input::Transcoded {
        assignment: hash,
        plant,
        result: Ok(Encoded {
            chunk_roots: roots.clone(),
            leaves: vec![leaf],
        }),
    };
    let signs = |outputs: Vec<transcoder::Output>| {
        let sign = |o: &&transcoder::Output| matches!(o, transcoder::Output::Sign(_));
        outputs.iter().filter(sign).count()
    };
    assert_eq!(signs(core.handle(result(B256::ZERO), now)), 1);
    assert_eq!(signs(core.handle(result(B256::repeat_byte(1)), now)), 0);
    let failed = transcoder::Input::Transcoded {
        assignment: hash,
        plant: B256::ZERO,
        result: Err(RefusalReason::EncoderFailed),
    };
    assert_eq!(signs(core.handle(failed, now)), 0);
}

#[test]
fn a_stopped_encoder_is_assigned_nothing_and_what_waits_is_assigned_when_it_counts_again() {
    let mut core = broadcaster();
    let block = |block| Now { block };
    core.handle(broadcaster::Input::Stopped(true), block(10));
    core.handle(broadcaster::Input::Round(snapshot(1, 3)), block(10));
    core.handle(broadcaster::Input::Block, block(11));
    let outputs = core.handle(broadcaster::Input::Segment(source()), block(11));
    assert!(drafts(&outputs).is_empty());
    assert!(drafts(&core.handle(broadcaster::Input::Block, block(12))).is_empty());
    core.handle(broadcaster::Input::Stopped(false), block(20));
    core.handle(broadcaster::Input::Round(snapshot(2, 3)), block(20));
    let outputs = core.handle(broadcaster::Input::Block, block(20));
    let drafts = drafts(&outputs);
    assert_eq!((drafts.len(), drafts[0].seq, drafts[0].round), (1, 0, 2));
}

#[test]
fn a_transcoder_refuses_while_its_encoder_is_stopped() {
    let me = Address::repeat_byte(1);
    let mut core = Transcoder::new(me, Params::demo(), B256::ZERO, 2);
    let refused = |core: &mut Transcoder, seq| {
        let assignment = Assignment {
            seq,
            transcoder: me,
            deadlineBlock: 30,
            ..Default::default()
        };
        let checked = Checked {
            hash: DOMAIN.digest(&assignment),
            signer: Address::repeat_byte(9),
            message: SignedAssignment {
                assignment,
                signature: Signature([0; 65].into()),
                skips: vec![],
            },
        };
        let input = transcoder::Input::Assignment(Box::new(checked));
        let outputs = core.handle(input, Now { block: 20 });
        let refusal = |output: &transcoder::Output| match output {
            transcoder::Output::Sign(Draft::Refusal(refusal)) => Some(refusal.reason),
            _ => None,
        };
        outputs.iter().find_map(refusal)
    };
    core.handle(transcoder::Input::Stopped(true), Now { block: 20 });
    let reason = RefusalReason::EncoderStopped as u8;
    assert_eq!(refused(&mut core, 0), Some(reason));
    core.handle(transcoder::Input::Stopped(false), Now { block: 20 });
    assert_eq!(refused(&mut core, 1), None);
}

#[test]
fn what_could_not_be_written_down_is_signed_in_the_same_words_while_it_is_in_time() {
    let mut core = broadcaster();
    core.handle(broadcaster::Input::Round(snapshot(1, 3)), Now { block: 10 });
    let first = drafts(&core.handle(broadcaster::Input::Segment(source()), Now { block: 10 }));
    let unsigned = |draft: &Assignment| {
        broadcaster::Input::Unsigned(Box::new(Draft::Assignment(draft.clone())))
    };
    for block in 11..14 {
        core.handle(unsigned(&first[0]), Now { block });
        let again = drafts(&core.handle(broadcaster::Input::Block, Now { block }));
        assert_eq!(again, first);
    }
    // Its deadline is over: the next attempt takes its place, and it is not asked for any more.
    core.handle(unsigned(&first[0]), Now { block: 23 });
    let second = drafts(&core.handle(broadcaster::Input::Block, Now { block: 23 }));
    assert_eq!((second.len(), second[0].attempt), (1, 1));
}
