//! Who pays whom and when: tickets before work, winners for work that was done.

use crate::scene;

use assay_protocol::assignment::{Assignment, Refusal, RefusalReason, SignedAssignment};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::frames::segment_tree;
use assay_protocol::params::Params;
use assay_protocol::payment::{
    COVER_PARTS, Claim, Funds, Lottery, PaymentTicket, SignedTicket, TicketError, rand_hash,
};
use assay_protocol::receipt::Leaf;
use assay_protocol::sig::Signature;
use assay_protocol::{Address, B256, U256, keccak256};
use assay_roles::broadcaster::{self, Broadcaster, Source};
use assay_roles::transcoder::{self, Encoded, Tender, Transcoder};
use scene::{PAYER, job};

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
const NOW: Now = Now { block: 10 };
/// 15 frames of 64 × 64 at 3 wei a pixel.
const DUE: u64 = 15 * 64 * 64 * 3;

fn snapshot() -> Snapshot {
    let candidate = |n| Candidate {
        operator: Address::repeat_byte(n),
        weight: U256::from(100),
        price: U256::from(3),
    };
    Snapshot {
        round: 1,
        candidates: (1..=2).map(candidate).collect(),
    }
}

fn source() -> Source {
    Source {
        hash: keccak256(b"source"),
        len: 1,
        frames_root: keccak256(b"frames"),
        frame_count: 15,
    }
}

fn sealed(draft: Draft) -> Box<Sealed> {
    Box::new(Sealed {
        hash: draft.digest(&DOMAIN),
        draft,
        seal: Seal::Operator(Signature([0; 65].into())),
    })
}

fn broadcaster() -> Broadcaster {
    let mut core = Broadcaster::new(Params::demo(), job(3), B256::ZERO, 1, 0);
    core.handle(broadcaster::Input::Round(snapshot()), NOW);
    core
}

/// Hands a segment in and signs its assignment; gives it with what the core wants next.
fn assign(core: &mut Broadcaster, now: Now) -> (Assignment, Vec<broadcaster::Output>) {
    let outputs = core.handle(broadcaster::Input::Segment(source()), now);
    sign(core, &outputs, now)
}

fn sign(
    core: &mut Broadcaster,
    outputs: &[broadcaster::Output],
    now: Now,
) -> (Assignment, Vec<broadcaster::Output>) {
    let draft = outputs.iter().find_map(|output| match output {
        broadcaster::Output::Sign(Draft::Assignment(a)) => Some(a.clone()),
        _ => None,
    });
    let assignment = draft.unwrap();
    let seal = sealed(Draft::Assignment(assignment.clone()));
    (
        assignment,
        core.handle(broadcaster::Input::Signed(seal), now),
    )
}

fn quoted(assignment: &Assignment) -> broadcaster::Input {
    broadcaster::Input::Quoted {
        assignment: DOMAIN.digest(assignment),
        rand_hash: rand_hash(B256::repeat_byte(7)),
        nonce: 77,
    }
}

#[test]
fn a_ticket_is_worth_price_times_output_pixels() {
    let mut core = broadcaster();
    let (assignment, outputs) = assign(&mut core, NOW);
    let hash = DOMAIN.digest(&assignment);
    let quote = broadcaster::Output::Quote {
        electee: assignment.transcoder,
        assignment: hash,
    };
    assert!(matches!(outputs[0], broadcaster::Output::Publish(_)));
    assert_eq!(outputs[1], quote);
    let outputs = core.handle(quoted(&assignment), NOW);
    let [broadcaster::Output::Sign(Draft::Payment(ticket))] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(ticket.assignmentHash, hash);
    assert_eq!(ticket.recipient, assignment.transcoder);
    assert_eq!((ticket.sender, ticket.nonce), (PAYER, 77));
    assert_eq!(ticket.lottery().expected(), U256::from(DUE));
    assert_eq!(ticket.faceValue, Params::demo().ticket_face_value.0);
    let seal = sealed(Draft::Payment(ticket.clone()));
    let outputs = core.handle(broadcaster::Input::Signed(seal.clone()), NOW);
    let [broadcaster::Output::Assign(signed, tickets)] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(signed.assignment, assignment);
    assert_eq!(tickets[0].ticket, *ticket);
    // Asked once more, or signed once more: nothing is paid twice.
    assert_eq!(core.handle(quoted(&assignment), NOW), []);
    assert_eq!(core.handle(broadcaster::Input::Signed(seal), NOW), []);
}

#[test]
fn the_slot_of_a_ticket_is_its_assignment() {
    let ticket = |hash: u8, nonce, rand: u8| {
        Draft::Payment(PaymentTicket {
            assignmentHash: B256::repeat_byte(hash),
            nonce,
            recipientRandHash: B256::repeat_byte(rand),
            ..Default::default()
        })
    };
    assert_eq!(ticket(1, 0, 1).slot(), ticket(1, 0, 2).slot());
    assert_eq!(ticket(1, 0, 1).slot(), ticket(1, 1, 1).slot());
    assert_ne!(ticket(1, 0, 1).slot(), ticket(2, 0, 1).slot());
}

#[test]
fn who_takes_pay_and_does_not_deliver_is_paid_twice_and_no_more() {
    let mut core = broadcaster();
    let mut now = NOW;
    let mut paid = std::collections::BTreeMap::<Address, u32>::new();
    let (mut assignment, mut outputs) = assign(&mut core, now);
    for _ in 0..40 {
        let quote = |o: &broadcaster::Output| matches!(o, broadcaster::Output::Quote { .. });
        if outputs.iter().any(quote) {
            *paid.entry(assignment.transcoder).or_default() += 1;
            let outputs = core.handle(quoted(&assignment), now);
            for output in outputs {
                if let broadcaster::Output::Sign(draft) = output {
                    core.handle(broadcaster::Input::Signed(sealed(draft)), now);
                }
            }
        }
        // Silence past the deadline: the next in line, or the next segment.
        now.block = assignment.deadlineBlock + 1;
        let next = core.handle(broadcaster::Input::Block, now);
        let drafted = |o: &broadcaster::Output| matches!(o, broadcaster::Output::Sign(_));
        (assignment, outputs) = if next.iter().any(drafted) {
            sign(&mut core, &next, now)
        } else {
            assign(&mut core, now)
        };
    }
    assert_eq!(paid.into_values().collect::<Vec<_>>(), [2, 2]);
}

/// A priced assignment of one leaf.
fn assignment_of(seq: u32) -> Checked<SignedAssignment> {
    let assignment = Assignment {
        seq,
        transcoder: Address::repeat_byte(1),
        framesRoot: segment_tree(&[keccak256(b"chunk")]).root(),
        leafCount: 1,
        pricePerPixel: U256::from(3),
        deadlineBlock: 22,
        ..Default::default()
    };
    Checked {
        hash: DOMAIN.digest(&assignment),
        signer: PAYER,
        message: SignedAssignment {
            assignment,
            signature: Signature([0; 65].into()),
            skips: Vec::new(),
        },
    }
}

/// A transcoder with a priced assignment of one leaf, and a tender for it whose ticket always wins.
fn transcoding() -> (Transcoder, Tender, Vec<B256>) {
    let me = Address::repeat_byte(1);
    let mut core = Transcoder::new(me, Params::demo(), B256::ZERO, 2);
    let roots = vec![keccak256(b"chunk")];
    let checked = assignment_of(1);
    let hash = checked.hash;
    let outputs = core.handle(transcoder::Input::Assignment(Box::new(checked)), NOW);
    assert_eq!(outputs, [], "no work before it is paid");
    let rand = B256::repeat_byte(9);
    let claim = Claim {
        assignment_hash: hash,
        sender: PAYER,
        signer: PAYER,
        recipient: me,
        rand_hash: rand_hash(rand),
        due: U256::from(DUE),
        min_face: U256::ZERO,
    };
    let lottery = Lottery::paying(claim.due, U256::from(1));
    let ticket = PaymentTicket {
        assignmentHash: hash,
        recipient: me,
        sender: PAYER,
        faceValue: lottery.face_value,
        winProb: lottery.win_prob,
        nonce: 0,
        recipientRandHash: claim.rand_hash,
    };
    let ticket = Checked {
        hash: DOMAIN.digest(&ticket),
        signer: PAYER,
        message: SignedTicket {
            ticket,
            signature: Signature([0; 65].into()),
        },
    };
    let funds = Funds {
        reserve: U256::from(COVER_PARTS * DUE),
        ..Funds::default()
    };
    let tender = Tender {
        tickets: vec![ticket],
        claim,
        funds,
        rand,
    };
    (core, tender, roots)
}

fn refusal(assignment: B256) -> transcoder::Output {
    transcoder::Output::Sign(Draft::Refusal(Refusal {
        assignmentHash: assignment,
        reason: RefusalReason::Unpaid as u8,
    }))
}

#[test]
fn a_winner_is_kept_before_the_receipt_is_signed() {
    let (mut core, tender, roots) = transcoding();
    let hash = tender.claim.assignment_hash;
    let ticket = tender.tickets[0].message.clone();
    let begun = core.handle(transcoder::Input::Tender(Box::new(tender.clone())), NOW);
    assert!(matches!(begun[..], [transcoder::Output::Transcode { .. }]));
    let again = core.handle(transcoder::Input::Tender(Box::new(tender)), NOW);
    assert_eq!(again, []);
    let leaf = Leaf {
        frames_root: roots[0],
        ..Default::default()
    };
    let result = transcoder::Input::Transcoded {
        assignment: hash,
        plant: B256::ZERO,
        result: Ok(Encoded {
            chunk_roots: roots,
            leaves: vec![leaf],
        }),
    };
    let outputs = core.handle(result, NOW);
    let [transcoder::Output::Keep(winners)] = &outputs[..] else {
        panic!("nothing is signed before they are on disk: {outputs:?}");
    };
    assert_eq!(winners[0].ticket, ticket);
    assert_eq!(DOMAIN.digest(&winners[0].assignment), hash);
    let outputs = core.handle(transcoder::Input::Kept(hash), NOW);
    let signs = matches!(
        &outputs[..],
        [transcoder::Output::Sign(Draft::Receipt(receipt))] if receipt.assignmentHash == hash
    );
    assert!(signs, "{outputs:?}");
    assert_eq!(core.handle(transcoder::Input::Kept(hash), NOW), []);
}

#[test]
fn no_work_for_tickets_that_are_worth_too_little_or_not_covered() {
    let (mut core, tender, _) = transcoding();
    let hash = tender.claim.assignment_hash;
    let poor = Tender {
        funds: Funds::default(),
        ..tender
    };
    let outputs = core.handle(transcoder::Input::Tender(Box::new(poor)), NOW);
    let reason = TicketError::NotCovered {
        wanted: U256::from(DUE),
        reserve: U256::ZERO,
    };
    let unpaid = transcoder::Output::Unpaid {
        assignment: hash,
        reason: Some(reason),
    };
    assert_eq!(outputs, [unpaid, refusal(hash)]);
}

/// Anybody who has heard an assignment can send it on with no tickets.
#[test]
fn a_strangers_tender_declines_nothing() {
    let (mut core, tender, _) = transcoding();
    let hash = tender.claim.assignment_hash;
    let none = Tender {
        tickets: vec![],
        ..tender.clone()
    };
    let none = || transcoder::Input::Tender(Box::new(none.clone()));
    assert_eq!(core.handle(none(), NOW), []);
    let begun = core.handle(transcoder::Input::Tender(Box::new(tender)), NOW);
    assert!(matches!(begun[..], [transcoder::Output::Transcode { .. }]));

    // Where nothing better comes, it is told what was wrong.
    let (mut core, ..) = transcoding();
    assert_eq!(core.handle(none(), NOW), []);
    let outputs = core.handle(transcoder::Input::Block, Now { block: 15 });
    let reason = TicketError::TooLittle {
        found: U256::ZERO,
        expected: U256::from(DUE),
    };
    let unpaid = transcoder::Output::Unpaid {
        assignment: hash,
        reason: Some(reason),
    };
    assert_eq!(outputs, [unpaid, refusal(hash)]);
}

/// What one ticket may take from the deposit, the next one cannot.
#[test]
fn winners_for_work_under_way_are_held_against_the_deposit() {
    let (mut core, tender, _) = transcoding();
    core.handle(transcoder::Input::Tender(Box::new(tender.clone())), NOW);
    let second = assignment_of(2);
    let (hash, message) = (second.hash, tender.tickets[0].message.clone());
    core.handle(transcoder::Input::Assignment(Box::new(second)), NOW);
    let mut tickets = tender.tickets.clone();
    tickets[0].message = SignedTicket {
        ticket: PaymentTicket {
            assignmentHash: hash,
            ..message.ticket
        },
        ..message
    };
    let claim = Claim {
        assignment_hash: hash,
        ..tender.claim
    };
    let tender = Tender {
        tickets,
        claim,
        ..tender
    };
    let outputs = core.handle(transcoder::Input::Tender(Box::new(tender)), NOW);
    assert_eq!(outputs[1], refusal(hash));
}

#[test]
fn an_assignment_without_tickets_is_declined_in_time_for_the_next_in_line() {
    let (mut core, tender, _) = transcoding();
    let hash = tender.claim.assignment_hash;
    let at = |core: &mut Transcoder, block| core.handle(transcoder::Input::Block, Now { block });
    assert_eq!(at(&mut core, 14), []);
    let unpaid = transcoder::Output::Unpaid {
        assignment: hash,
        reason: None,
    };
    assert_eq!(at(&mut core, 15), [unpaid, refusal(hash)]);
    // What comes later changes nothing.
    let late = core.handle(
        transcoder::Input::Tender(Box::new(tender)),
        Now { block: 15 },
    );
    assert_eq!(late, []);
    assert_eq!(at(&mut core, 16), []);
}
