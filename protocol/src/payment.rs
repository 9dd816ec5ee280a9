//! Payment tickets: what a broadcaster owes for an assignment, as lottery tickets in ETH.
//!
//! A ticket is worth `faceValue · winProb / 2^256`. Whether it wins follows from its digest and a number of the
//! recipient's. The recipient promises its number, by its hash, before it knows the ticket's nonce; the sender chooses
//! the nonce, in secret until it signs, before it knows the number: neither side can choose the draw, and no block has
//! a part in it.
//!
//! ```
//! use assay_protocol::payment::{Lottery, PaymentTicket};
//! use assay_protocol::U256;
//!
//! // 1,000 wei are due and a winner shall be worth 8,000: one ticket in eight wins.
//! let lottery = Lottery::paying(U256::from(1_000), U256::from(8_000));
//! assert_eq!(lottery.win_prob, U256::MAX / U256::from(8) + U256::from(1));
//! assert_eq!(lottery.expected(), U256::from(1_000));
//! ```

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, U512, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::checked::Checked;
use crate::election::mulhi;
use crate::sig::Signature;

sol! {
    /// A lottery ticket in ETH, bound to one assignment; signed by the broadcaster.
    #[derive(Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct PaymentTicket {
        /// The assignment paid for.
        bytes32 assignmentHash;
        /// The transcoder.
        address recipient;
        /// The broadcaster.
        address sender;
        /// Wei paid when it wins.
        uint256 faceValue;
        /// Chance of winning, out of 2^256.
        uint256 winProb;
        /// The sender's part of the draw; unique per assignment.
        uint64 nonce;
        /// Keccak of the recipient's random number.
        bytes32 recipientRandHash;
    }
}

/// Most tickets for one assignment.
pub const MAX_TICKETS: usize = 16;

/// A ticket as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTicket {
    /// The signed object.
    pub ticket: PaymentTicket,
    /// The broadcaster's signature, or that of the key which signs for it.
    pub signature: Signature,
}

/// A winner with everything that its redemption needs: the fields of the contract's `Redemption`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner {
    /// The ticket.
    pub ticket: SignedTicket,
    /// The recipient's number.
    pub rand: B256,
    /// What it pays for.
    pub assignment: Assignment,
}

/// Face value and chance of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lottery {
    /// Wei paid when it wins.
    pub face_value: U256,
    /// Chance of winning, out of 2^256.
    pub win_prob: U256,
}

impl Lottery {
    /// The lottery worth at least `due` wei whose winners pay `face_value`, or `due` itself, and then always, if that is
    /// more. The chance is rounded up.
    pub fn paying(due: U256, face_value: U256) -> Self {
        if due >= face_value {
            return Self {
                face_value: due,
                win_prob: U256::MAX,
            };
        }
        let scaled: U512 = U512::from(due) << 256;
        let prob = scaled.div_ceil(U512::from(face_value));
        Self {
            face_value,
            win_prob: U256::saturating_from(prob),
        }
    }

    /// What it is worth in wei, rounded down; the highest chance counts as certain.
    pub fn expected(&self) -> U256 {
        if self.win_prob == U256::MAX {
            return self.face_value;
        }
        mulhi(self.face_value, self.win_prob)
    }
}

impl PaymentTicket {
    /// Face value and chance.
    pub fn lottery(&self) -> Lottery {
        Lottery {
            face_value: self.faceValue,
            win_prob: self.winProb,
        }
    }

    /// Whether it wins: the lot of its digest and the recipient's number is below its chance.
    pub fn wins(&self, hash: B256, rand: B256) -> bool {
        lot(hash, rand) < self.winProb
    }
}

/// The draw of a ticket with this digest.
pub fn lot(hash: B256, rand: B256) -> U256 {
    keccak256([hash.as_slice(), rand.as_slice()].concat()).into()
}

/// What a ticket says of the recipient's number before it is shown.
pub fn rand_hash(rand: B256) -> B256 {
    keccak256(rand)
}

/// Wei due for an assignment of this many output pixels.
pub fn due(assignment: &Assignment, pixels: u64) -> U256 {
    assignment.pricePerPixel.saturating_mul(U256::from(pixels))
}

/// What the tickets for an assignment must satisfy, from the recipient's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The assignment.
    pub assignment_hash: B256,
    /// The job's broadcaster, whose deposit pays.
    pub sender: Address,
    /// Whose signature counts for it in the assignment's round.
    pub signer: Address,
    /// The transcoder.
    pub recipient: Address,
    /// Of its number for this assignment.
    pub rand_hash: B256,
    /// Wei.
    pub due: U256,
    /// Wei that a winner must pay at least, so that it is worth its gas.
    pub min_face: U256,
}

/// What stands behind a broadcaster's tickets, by the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Wei in its deposit.
    pub deposit: U256,
    /// Wei of its reserve that the recipient may claim in the present round.
    pub reserve: U256,
    /// The round in which it may take both away, if it has asked for that.
    pub withdraw_round: Option<u64>,
    /// Wei of winners that the recipient has from it and that are not paid yet.
    pub outstanding: U256,
}

/// Why tickets are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// More than anybody looks at.
    #[error("{0} tickets for one assignment, at most {MAX_TICKETS} are looked at")]
    TooMany(usize),
    /// A winner would cost more gas than it pays.
    #[error("the ticket pays {found} wei when it wins; at least {expected} are worth their gas")]
    SmallFace {
        /// In the ticket.
        found: U256,
        /// At least.
        expected: U256,
    },
    /// For other work.
    #[error("the ticket pays for assignment {found}, not for {expected}")]
    Assignment {
        /// In the ticket.
        found: B256,
        /// The one at hand.
        expected: B256,
    },
    /// To somebody else.
    #[error("the ticket pays {found}, not {expected}")]
    Recipient {
        /// In the ticket.
        found: Address,
        /// The elected one.
        expected: Address,
    },
    /// From somebody else.
    #[error("the ticket is drawn on {found}, the job is {expected}'s")]
    Sender {
        /// In the ticket.
        found: Address,
        /// The job's broadcaster.
        expected: Address,
    },
    /// Signed by nobody whose signature counts.
    #[error("the ticket is signed by {found}, {expected} signs for its sender")]
    Signer {
        /// Recovered.
        found: Address,
        /// Expected.
        expected: Address,
    },
    /// Over another number than the one promised.
    #[error("the ticket has another number's hash: {found}, not {expected}")]
    RandHash {
        /// In the ticket.
        found: B256,
        /// Given on request.
        expected: B256,
    },
    /// Twice the same ticket.
    #[error("two tickets have the number {0}")]
    Nonce(u64),
    /// Worth less than the work.
    #[error("the tickets are worth {found} wei, {expected} are due")]
    TooLittle {
        /// Expected value of all.
        found: U256,
        /// Price times pixels.
        expected: U256,
    },
    /// Nothing would pay the winners.
    #[error(
        "winners of {wanted} wei are not covered by a deposit of {deposit} and a part of {reserve} of the reserve"
    )]
    NotCovered {
        /// Face values, with those of winners not paid yet.
        wanted: U256,
        /// By the chain.
        deposit: U256,
        /// By the chain.
        reserve: U256,
    },
    /// The sender takes its money back.
    #[error("the sender has asked for its deposit; it may take it in round {0}")]
    Unlocking(u64),
}

impl TicketError {
    /// Whether the sender itself is in the way, whose tickets hold as such; any other fault may be a stranger's doing.
    pub fn is_the_senders(&self) -> bool {
        matches!(self, Self::Unlocking(_) | Self::NotCovered { .. })
    }
}

/// Checks everything about the tickets for one assignment but the signatures' form, which the shell has checked.
///
/// # Errors
/// When one of them is not a ticket for this claim, or all together are worth too little or are not covered.
pub fn check_tickets(
    tickets: &[Checked<SignedTicket>],
    claim: &Claim,
    funds: &Funds,
) -> Result<(), TicketError> {
    if tickets.len() > MAX_TICKETS {
        return Err(TicketError::TooMany(tickets.len()));
    }
    let mut nonces = BTreeSet::new();
    let (mut worth, mut wanted) = (U256::ZERO, funds.outstanding);
    for checked in tickets {
        let ticket = &checked.message.ticket;
        check_ticket(ticket, checked.signer, claim)?;
        if !nonces.insert(ticket.nonce) {
            return Err(TicketError::Nonce(ticket.nonce));
        }
        worth = worth.saturating_add(ticket.lottery().expected());
        wanted = wanted.saturating_add(ticket.faceValue);
    }
    if worth < claim.due {
        return Err(TicketError::TooLittle {
            found: worth,
            expected: claim.due,
        });
    }
    if let Some(round) = funds.withdraw_round {
        return Err(TicketError::Unlocking(round));
    }
    if wanted > funds.deposit.saturating_add(funds.reserve) {
        return Err(TicketError::NotCovered {
            wanted,
            deposit: funds.deposit,
            reserve: funds.reserve,
        });
    }
    Ok(())
}

fn check_ticket(ticket: &PaymentTicket, signer: Address, claim: &Claim) -> Result<(), TicketError> {
    if ticket.assignmentHash != claim.assignment_hash {
        return Err(TicketError::Assignment {
            found: ticket.assignmentHash,
            expected: claim.assignment_hash,
        });
    }
    if ticket.recipient != claim.recipient {
        return Err(TicketError::Recipient {
            found: ticket.recipient,
            expected: claim.recipient,
        });
    }
    if ticket.sender != claim.sender {
        return Err(TicketError::Sender {
            found: ticket.sender,
            expected: claim.sender,
        });
    }
    if signer != claim.signer && signer != claim.sender {
        return Err(TicketError::Signer {
            found: signer,
            expected: claim.signer,
        });
    }
    if ticket.recipientRandHash != claim.rand_hash {
        return Err(TicketError::RandHash {
            found: ticket.recipientRandHash,
            expected: claim.rand_hash,
        });
    }
    if ticket.faceValue < claim.min_face {
        return Err(TicketError::SmallFace {
            found: ticket.faceValue,
            expected: claim.min_face,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn funds(deposit: u64, reserve: u64) -> Funds {
        Funds {
            deposit: U256::from(deposit),
            reserve: U256::from(reserve),
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
        let error = check_tickets(&many, &claim(), &funds(10_000, 0)).unwrap_err();
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
        let nonce =
            |i: u32| u64::from_be_bytes(keccak256(i.to_le_bytes())[..8].try_into().unwrap());
        let won = (0..800).filter(|i| wins(nonce(*i), ground(*i))).count();
        assert!((60..140).contains(&won), "{won} of 800, about 100 are fair");
    }

    #[test]
    fn good_tickets_are_taken() {
        let two = [ticket(0, 400, 5_000), ticket(1, 600, 600)];
        assert_eq!(check_tickets(&two, &claim(), &funds(5_600, 0)), Ok(()));
        assert_eq!(check_tickets(&two, &claim(), &funds(5_000, 600)), Ok(()));
        let mut by_owner = ticket(0, 1_000, 1);
        by_owner.signer = claim().sender;
        assert_eq!(
            check_tickets(&[by_owner], &claim(), &funds(1_000, 0)),
            Ok(())
        );
        let free = Claim {
            due: U256::ZERO,
            ..claim()
        };
        assert_eq!(check_tickets(&[], &free, &funds(0, 0)), Ok(()));
    }

    #[test]
    fn each_wrong_ticket_is_named() {
        let refused = |change: &dyn Fn(&mut Checked<SignedTicket>)| {
            let mut one = ticket(0, 1_000, 1_000);
            change(&mut one);
            check_tickets(&[one], &claim(), &funds(1_000, 0)).unwrap_err()
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
            check(funds(900, 99)),
            Err(TicketError::NotCovered { .. })
        ));
        let outstanding = Funds {
            outstanding: U256::from(1),
            ..funds(1_000, 0)
        };
        assert!(matches!(
            check(outstanding),
            Err(TicketError::NotCovered { .. })
        ));
        let unlocking = Funds {
            withdraw_round: Some(9),
            ..funds(5_000, 0)
        };
        assert_eq!(check(unlocking), Err(TicketError::Unlocking(9)));
        let twice = [ticket(7, 500, 500), ticket(7, 500, 500)];
        let found = check_tickets(&twice, &claim(), &funds(5_000, 0));
        assert_eq!(found, Err(TicketError::Nonce(7)));
        let many = vec![ticket(0, 1, 1); 17];
        let found = check_tickets(&many, &claim(), &funds(5_000, 0));
        assert_eq!(found, Err(TicketError::TooMany(17)));
    }
}
