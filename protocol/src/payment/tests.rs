use alloy_primitives::Address;

use super::*;
use crate::checked::Checked;
use crate::domain::Domain;

fn claim() -> Claim {
    Claim {
        assignment_hash: B256::repeat_byte(1),
        sender: Address::repeat_byte(2),
        signer: Address::repeat_byte(3),
        recipient: Address::repeat_byte(4),
        rand_hash: rand_hash(B256::repeat_byte(5)),
        due: U256::from(1_000),
        min_face: U256::from(400),
    }
}

fn ticket(nonce: u64, due: u64, face: u64) -> Checked<SignedTicket> {
    let (claim, lottery) = (claim(), Lottery::paying(U256::from(due), U256::from(face)));
    let ticket = PaymentTicket {
        assignmentHash: claim.assignment_hash,
        recipient: claim.recipient,
        sender: claim.sender,
        faceValue: lottery.face_value,
        winProb: lottery.win_prob,
        nonce,
        recipientRandHash: claim.rand_hash,
    };
    Checked {
        hash: B256::ZERO,
        signer: claim.signer,
        message: SignedTicket {
            ticket,
            signature: Signature([0; 65].into()),
        },
    }
}

/// Enough for winners of so many wei.
fn funds(cover: u64) -> Funds {
    Funds {
        reserve: U256::from(COVER_PARTS * cover),
        ..Funds::default()
    }
}

#[test]
fn a_lottery_is_worth_what_is_due() {
    let ten = U256::from(10);
    for due in [0u64, 1, 7, 999, 1_000_000_007] {
        for face in [1u64, 2, 3, 1_000, 1_000_000_006, u64::MAX] {
            let (due, face) = (U256::from(due), U256::from(face));
            let lottery = Lottery::paying(due, face);
            assert_eq!(lottery.expected(), due, "{due} of {face}");
            let huge = Lottery::paying(due, face * ten.pow(U256::from(40)));
            assert_eq!(huge.expected(), due);
        }
    }
    let certain = Lottery::paying(U256::from(8), U256::from(8));
    assert_eq!(certain.win_prob, U256::MAX);
}

#[test]
fn about_as_many_win_as_should() {
    let lottery = Lottery::paying(U256::from(1), U256::from(10));
    let one = PaymentTicket {
        winProb: lottery.win_prob,
        ..Default::default()
    };
    let rand = keccak256(b"rand");
    let wins = (0..10_000u32).filter(|i| one.wins(keccak256(i.to_be_bytes()), rand));
    // Within four standard deviations of a thousand.
    assert!((880..1_120).contains(&wins.count()));
}

/// Sixteen certain winners of a sixteenth would each cost more gas than they pay.
#[test]
fn winners_that_pay_less_than_their_gas_are_refused() {
    let many: Vec<_> = (0..4).map(|i| ticket(i, 250, 250)).collect();
    let error = check_tickets(&many, &claim(), &funds(10_000)).unwrap_err();
    assert!(matches!(error, TicketError::SmallFace { .. }));
}

/// A recipient that could choose its number after it knows the rest of the ticket would win each time.
#[test]
fn a_number_promised_before_the_nonce_wins_no_more_often() {
    let lottery = Lottery::paying(U256::from(1), U256::from(8));
    let domain = Domain::new(1, Address::repeat_byte(9));
    let ticket = |rand: B256, nonce| PaymentTicket {
        winProb: lottery.win_prob,
        nonce,
        recipientRandHash: rand_hash(rand),
        ..Default::default()
    };
    let wins = |nonce: u64, rand: B256| {
        let ticket = ticket(rand, nonce);
        ticket.wins(domain.digest(&ticket), rand)
    };
    // It grinds a number that wins with the nonce it guesses; the nonce is another one.
    let ground = |i: u32| {
        let tries = (0u32..).map(|j| keccak256([i.to_be_bytes(), j.to_be_bytes()].concat()));
        tries.into_iter().find(|rand| wins(0, *rand)).unwrap()
    };
    let nonce = |i: u32| u64::from_be_bytes(keccak256(i.to_le_bytes())[..8].try_into().unwrap());
    let won = (0..800).filter(|i| wins(nonce(*i), ground(*i))).count();
    assert!((60..140).contains(&won), "{won} of 800, about 100 are fair");
}

#[test]
fn good_tickets_are_taken() {
    let two = [ticket(0, 400, 5_000), ticket(1, 600, 600)];
    assert_eq!(check_tickets(&two, &claim(), &funds(5_600)), Ok(()));
    let mut by_owner = ticket(0, 1_000, 1);
    by_owner.signer = claim().sender;
    assert_eq!(check_tickets(&[by_owner], &claim(), &funds(1_000)), Ok(()));
    let free = Claim {
        due: U256::ZERO,
        ..claim()
    };
    assert_eq!(check_tickets(&[], &free, &funds(0)), Ok(()));
}

#[test]
fn each_wrong_ticket_is_named() {
    let refused = |change: &dyn Fn(&mut Checked<SignedTicket>)| {
        let mut one = ticket(0, 1_000, 1_000);
        change(&mut one);
        check_tickets(&[one], &claim(), &funds(1_000)).unwrap_err()
    };
    let other = Address::repeat_byte(9);
    let error = refused(&|t| t.message.ticket.assignmentHash = B256::ZERO);
    assert!(matches!(error, TicketError::Assignment { .. }));
    let error = refused(&|t| t.message.ticket.recipient = other);
    assert!(matches!(error, TicketError::Recipient { .. }));
    let error = refused(&|t| t.message.ticket.sender = other);
    assert!(matches!(error, TicketError::Sender { .. }));
    let error = refused(&|t| t.signer = other);
    assert!(matches!(error, TicketError::Signer { .. }));
    let error = refused(&|t| t.message.ticket.recipientRandHash = B256::ZERO);
    assert!(matches!(error, TicketError::RandHash { .. }));
    let error = refused(&|t| t.message.ticket.winProb >>= 1);
    assert!(matches!(error, TicketError::TooLittle { .. }));
}

#[test]
fn what_nothing_pays_is_not_taken() {
    let one = [ticket(0, 1_000, 1_000)];
    let check = |funds: Funds| check_tickets(&one, &claim(), &funds);
    assert!(matches!(
        check(funds(999)),
        Err(TicketError::NotCovered { .. })
    ));
    // Half of the part: a broadcaster that burns its reserve spares itself less.
    let whole = Funds {
        reserve: U256::from(1_000),
        ..Funds::default()
    };
    assert!(check(whole).is_err());
    let outstanding = Funds {
        outstanding: U256::from(1),
        ..funds(1_000)
    };
    assert!(matches!(
        check(outstanding),
        Err(TicketError::NotCovered { .. })
    ));
    let unlocking = Funds {
        withdraw_round: Some(9),
        ..funds(5_000)
    };
    assert_eq!(check(unlocking), Err(TicketError::Unlocking(9)));
    let twice = [ticket(7, 500, 500), ticket(7, 500, 500)];
    let found = check_tickets(&twice, &claim(), &funds(5_000));
    assert_eq!(found, Err(TicketError::Nonce(7)));
    let many = vec![ticket(0, 1, 1); 17];
    let found = check_tickets(&many, &claim(), &funds(5_000));
    assert_eq!(found, Err(TicketError::TooMany(17)));
}
