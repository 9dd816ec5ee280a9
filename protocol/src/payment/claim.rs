//! What tickets must say and what must stand behind them, for work to begin.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};

use super::{MAX_TICKETS, PaymentTicket, SignedTicket};
use crate::checked::Checked;

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

/// Winners are covered up to one in so many parts of what the recipient may claim of a reserve: a broadcaster that burns its
/// reserve by two assignments for one attempt must lose more than all recipients together.
pub const COVER_PARTS: u64 = 2;

/// What stands behind a broadcaster's tickets, by the chain. Its deposit does not: it pays whoever comes first, and
/// before the tickets at hand are payable that may be the broadcaster itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Wei of its reserve that the recipient may claim until tickets of now are payable: the smaller of what it may now, and
    /// what it will by the parts that are announced.
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
        "winners of {wanted} wei are not covered: at most {} are, of a part of {reserve} of the reserve",
        reserve / U256::from(COVER_PARTS)
    )]
    NotCovered {
        /// Face values, with those of winners not paid yet.
        wanted: U256,
        /// What the recipient may claim, by the chain.
        reserve: U256,
    },
    /// The sender takes its money back.
    #[error("the sender has asked for its deposit; it may take it in round {0}")]
    Unlocking(u64),
}

impl Funds {
    /// Wei of winners that are covered.
    pub fn cover(&self) -> U256 {
        self.reserve / U256::from(COVER_PARTS)
    }
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
    if wanted > funds.cover() {
        return Err(TicketError::NotCovered {
            wanted,
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
