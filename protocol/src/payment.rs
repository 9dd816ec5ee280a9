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

use alloy_primitives::{B256, U256, U512, keccak256};
use alloy_sol_types::sol;
use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::election::mulhi;
use crate::sig::Signature;

mod claim;

pub use claim::{COVER_PARTS, Claim, Funds, TicketError, check_tickets};

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

#[cfg(test)]
mod tests;
