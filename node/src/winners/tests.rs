use assay_protocol::assignment::Assignment;
use assay_protocol::payment::{PaymentTicket, SignedTicket};
use assay_protocol::sig::Signature;

use super::*;

const DOMAIN: Domain = Domain::new(1, Address::repeat_byte(1));
const SENDER: Address = Address::repeat_byte(2);

fn winner(nonce: u64, deadline: u64) -> Winner {
    Winner {
        ticket: SignedTicket {
            ticket: PaymentTicket {
                sender: SENDER,
                faceValue: U256::from(100),
                nonce,
                ..Default::default()
            },
            signature: Signature([0; 65].into()),
        },
        rand: B256::repeat_byte(3),
        assignment: Assignment {
            deadlineBlock: deadline,
            ..Default::default()
        },
    }
}

/// Keeps winners, and writes them at once.
fn keep(winners: &mut Winners, new: Vec<Winner>) {
    winners.keep(new);
    let change = winners.unwritten().unwrap();
    change.commit().unwrap();
    winners.written(change.winners(), true);
    assert!(winners.unwritten().is_none());
}

fn settle(winners: &mut Winners, now: u64) -> Vec<B256> {
    let (lost, change) = winners.settle(now);
    if let Some(change) = change {
        change.commit().unwrap();
    }
    lost
}

fn hash(nonce: u64) -> B256 {
    DOMAIN.digest(&winner(nonce, 0).ticket.ticket)
}

#[test]
fn winners_survive_until_they_are_paid_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("winners.redb");
    let mut winners = Winners::open(&path, DOMAIN).unwrap();
    keep(&mut winners, vec![winner(0, 10), winner(1, 11)]);
    drop(winners);
    let mut winners = Winners::open(&path, DOMAIN).unwrap();
    assert_eq!(winners.outstanding(SENDER), U256::from(200));
    assert_eq!(winners.outstanding(Address::ZERO), U256::ZERO);
    winners.paid(hash(0), 50);
    assert_eq!(winners.outstanding(SENDER), U256::from(100));
    // A reorganisation takes the payment back.
    winners.rewind(49);
    assert_eq!(winners.outstanding(SENDER), U256::from(200));
    winners.paid(hash(0), 51);
    settle(&mut winners, 51 + REORG_BLOCKS);
    assert_eq!(winners.kept.len(), 2);
    settle(&mut winners, 52 + REORG_BLOCKS);
    drop(winners);
    let winners = Winners::open(&path, DOMAIN).unwrap();
    assert_eq!(winners.kept.keys().collect::<Vec<_>>(), [&hash(1)]);
}

#[test]
fn a_batch_goes_when_it_is_full_or_has_waited_and_each_ticket_once_a_round() {
    let folder = tempfile::tempdir().unwrap();
    let mut winners = Winners::open(&folder.path().join("w.redb"), DOMAIN).unwrap();
    keep(&mut winners, vec![winner(0, 10), winner(1, 12)]);
    // Payable from block 31 on.
    let sizes = |winners: &mut Winners, now, round, patience| -> Vec<usize> {
        let offers = winners.due(now, round, 20, patience);
        offers.iter().map(Vec::len).collect()
    };
    assert_eq!(sizes(&mut winners, 30, 5, 0), [0_usize; 0]);
    assert_eq!(sizes(&mut winners, 32, 5, 2), [0_usize; 0]);
    assert_eq!(sizes(&mut winners, 33, 5, 2), [2]);
    assert_eq!(sizes(&mut winners, 40, 5, 2), [0_usize; 0]);
    // It was never sent.
    assert_eq!(sizes(&mut winners, 40, 6, 2), [2]);
    winners.unoffered(&[hash(0), hash(9)]);
    assert_eq!(sizes(&mut winners, 40, 6, 2), [1], "it could not be asked");
    // The chain has passed over both, or refused both for one of them.
    for nonce in [0, 1] {
        winners.refused(hash(nonce), Refusal::Together, 40);
    }
    assert_eq!(sizes(&mut winners, 40, 6, 2), [0_usize; 0]);
    assert_eq!(sizes(&mut winners, 40, 7, 2), [1, 1], "then each alone");
    assert_eq!(sizes(&mut winners, 40, 8, 2), [1, 1], "from then on");
    assert!(settle(&mut winners, 41).is_empty());
    keep(&mut winners, (2..30).map(|i| winner(i, 12)).collect());
    assert_eq!(sizes(&mut winners, 33, 8, 99), [BATCH]);
    assert_eq!(sizes(&mut winners, 33, 8, 99), [0_usize; 0]);
    assert_eq!(sizes(&mut winners, 132, 8, 99), [8]);
    // A reorganisation that takes nothing back offers nothing anew.
    winners.rewind(0);
    assert_eq!(sizes(&mut winners, 132, 8, 99), [0_usize; 0]);
}

#[test]
fn only_what_the_chain_refuses_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut winners = Winners::open(&folder.path().join("w.redb"), DOMAIN).unwrap();
    keep(&mut winners, (0..30).map(|i| winner(i, 12)).collect());
    // Without ETH nothing reaches the chain, however long.
    for round in 1..9 + 2 * PATIENCE_ROUNDS {
        assert!(!winners.due(132, round, 20, 0).is_empty());
    }
    assert!(settle(&mut winners, 133).is_empty());
    let mut round = 100;
    let mut lost = Vec::new();
    while winners.outstanding(SENDER) > U256::ZERO {
        round += 1;
        assert!(round < 300, "never given up");
        for winner in winners.due(132, round, 20, 0).into_iter().flatten() {
            let ticket = DOMAIN.digest(&winner.ticket.ticket);
            assert!(!winners.refused(ticket, Refusal::Unpaid, 132));
        }
        lost.extend(settle(&mut winners, 133));
    }
    assert_eq!(lost.len(), 30, "given up and told");
    assert!(round > 100 + PATIENCE_ROUNDS, "{round}");
}

#[test]
fn what_is_void_is_offered_no_more_covers_nothing_and_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.redb");
    let mut winners = Winners::open(&path, DOMAIN).unwrap();
    keep(&mut winners, vec![winner(0, 10), winner(1, 10)]);
    let offers = |winners: &mut Winners, round| winners.due(50, round, 20, 0).concat();
    assert_eq!(offers(&mut winners, 1).len(), 2);
    assert!(winners.refused(hash(0), Refusal::Void, 50));
    assert!(!winners.refused(hash(0), Refusal::Void, 60), "told once");
    assert_eq!(winners.outstanding(SENDER), U256::from(100));
    assert_eq!(offers(&mut winners, 2), [winner(1, 10)]);
    // The case's end is lost.
    winners.rewind(49);
    assert_eq!(winners.outstanding(SENDER), U256::from(200));
    assert_eq!(offers(&mut winners, 2), [winner(0, 10)]);
    assert!(winners.refused(hash(0), Refusal::Void, 52));
    settle(&mut winners, 52 + REORG_BLOCKS);
    assert_eq!(winners.kept.len(), 2);
    assert_eq!(
        settle(&mut winners, 53 + REORG_BLOCKS),
        Vec::<B256>::new(),
        "not given up"
    );
    drop(winners);
    let winners = Winners::open(&path, DOMAIN).unwrap();
    assert_eq!(winners.kept.keys().collect::<Vec<_>>(), [&hash(1)]);
}

#[test]
fn what_could_not_be_written_is_given_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut winners = Winners::open(&folder.path().join("w.redb"), DOMAIN).unwrap();
    winners.keep(vec![winner(0, 10)]);
    let first = winners.unwritten().unwrap();
    winners.keep(vec![winner(1, 10)]);
    let second = winners.unwritten().unwrap();
    assert_eq!(second.winners(), [winner(1, 10)], "each is under way once");
    winners.written(first.winners(), false);
    winners.written(second.winners(), true);
    assert_eq!(winners.unwritten().unwrap().winners(), [winner(0, 10)]);
}
