//! Calls of `TicketBroker`.

use alloy_primitives::{Address, U256};
use assay_protocol::amount::Eth;
use assay_protocol::bls::BlsError;
use assay_protocol::payment::Winner;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::ticket_broker as abi;
use crate::contracts::Contracts;
use crate::convert::{address_out, word_out};

/// What is done with deposits and tickets.
#[derive(Clone, Debug)]
pub enum BrokerCall {
    /// Adds to a broadcaster's deposit and reserve, the account's own or another's.
    Fund {
        /// Whose.
        broadcaster: Address,
        /// What pays any winner.
        deposit: Eth,
        /// What pays, in equal parts, when the deposit is short.
        reserve: Eth,
    },
    /// Asks for the account's deposit and reserve.
    Unlock,
    /// Takes that back.
    CancelUnlock,
    /// Takes both out, in the round that `Unlock` named or later.
    Withdraw,
    /// Redeems a winner.
    Redeem(Box<Winner>),
    /// Redeems many; those that cannot be paid are passed over.
    RedeemBatch(Vec<Winner>),
    /// Sends what a broadcaster's payments burned to the zero address.
    Burn {
        /// Whose.
        broadcaster: Address,
    },
}

fn redemption(winner: &Winner) -> abi::Redemption {
    let (ticket, assignment) = (&winner.ticket.ticket, &winner.assignment);
    abi::Redemption {
        ticket: abi::PaymentTicket {
            assignment_hash: ticket.assignmentHash.0,
            recipient: address_out(ticket.recipient),
            sender: address_out(ticket.sender),
            face_value: word_out(ticket.faceValue),
            win_prob: word_out(ticket.winProb),
            nonce: ticket.nonce,
            recipient_rand_hash: ticket.recipientRandHash.0,
        },
        signature: winner.ticket.signature.0.to_vec().into(),
        recipient_rand: winner.rand.0,
        assignment: abi::Assignment {
            job_id: word_out(assignment.jobId),
            seq: assignment.seq,
            attempt: assignment.attempt,
            round: assignment.round,
            transcoder: address_out(assignment.transcoder),
            source_hash: assignment.sourceHash.0,
            source_len: assignment.sourceLen,
            frames_root: assignment.framesRoot.0,
            frame_count: assignment.frameCount,
            profiles_hash: assignment.profilesHash.0,
            encoder_id: assignment.encoderId.0,
            leaf_count: assignment.leafCount,
            price_per_pixel: word_out(assignment.pricePerPixel),
            deadline_block: assignment.deadlineBlock,
        },
    }
}

impl Callable for BrokerCall {
    fn label(&self) -> String {
        match self {
            Self::Fund {
                broadcaster,
                deposit,
                reserve,
            } => format!("deposit {deposit} ETH and reserve {reserve} ETH for {broadcaster}"),
            Self::Unlock => "ask for the deposit and the reserve".into(),
            Self::CancelUnlock => "leave the deposit and the reserve where they are".into(),
            Self::Withdraw => "withdraw the deposit and the reserve".into(),
            Self::Redeem(winner) => format!("redeem a ticket of {}", winner.ticket.ticket.sender),
            Self::RedeemBatch(winners) => format!("redeem {} tickets", winners.len()),
            Self::Burn { broadcaster } => format!("burn what {broadcaster}'s payments owe"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.ticket_broker
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Fund {
                broadcaster,
                deposit,
                reserve,
            } => abi::DepositAndReserveCall {
                broadcaster: address_out(*broadcaster),
                deposit: word_out(deposit.0),
                reserve: word_out(reserve.0),
            }
            .encode(),
            Self::Unlock => abi::UnlockCall.encode(),
            Self::CancelUnlock => abi::CancelUnlockCall.encode(),
            Self::Withdraw => abi::WithdrawCall.encode(),
            Self::Redeem(winner) => abi::RedeemCall {
                redemption: redemption(winner),
            }
            .encode(),
            Self::RedeemBatch(winners) => abi::RedeemBatchCall {
                redemptions: winners.iter().map(redemption).collect(),
            }
            .encode(),
            Self::Burn { broadcaster } => abi::BurnCall {
                broadcaster: address_out(*broadcaster),
            }
            .encode(),
        })
    }

    fn value(&self) -> U256 {
        match self {
            Self::Fund {
                deposit, reserve, ..
            } => deposit.0.saturating_add(reserve.0),
            _ => U256::ZERO,
        }
    }
}
