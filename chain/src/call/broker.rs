//! Calls of `TicketBroker`.

use alloy_primitives::{Address, U256};
use assay_protocol::amount::Eth;
use assay_protocol::bls::BlsError;
use assay_protocol::payment::Winner;
use ethers::abi::{AbiEncode, Token, Tokenizable};

use super::{Callable, arguments};
use crate::bindings::ticket_broker as abi;
use crate::contracts::Contracts;
use crate::convert::{address_out, word_out};
use crate::evidence;

/// What is done with deposits and tickets.
#[derive(Clone, Debug)]
pub enum BrokerCall {
    /// Adds to a broadcaster's deposit and reserve, the account's own or another's.
    Fund {
        /// Whose.
        broadcaster: Address,
        /// What pays any winner.
        deposit: Eth,
        /// What pays, to each transcoder its part by stake, when the deposit is short.
        reserve: Eth,
    },
    /// Announces parts of a reserve by the present round's stakes; later, once those may hold, lets them hold.
    PartAnew {
        /// Whose.
        broadcaster: Address,
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

fn redemption(winner: &Winner) -> Token {
    let ticket = &winner.ticket.ticket;
    let ticket = abi::PaymentTicket {
        assignment_hash: ticket.assignmentHash.0,
        recipient: address_out(ticket.recipient),
        sender: address_out(ticket.sender),
        face_value: word_out(ticket.faceValue),
        win_prob: word_out(ticket.winProb),
        nonce: ticket.nonce,
        recipient_rand_hash: ticket.recipientRandHash.0,
    };
    Token::Tuple(vec![
        ticket.into_token(),
        Token::Bytes(winner.ticket.signature.0.to_vec()),
        Token::FixedBytes(winner.rand.to_vec()),
        evidence::assignment(&winner.assignment).into_token(),
    ])
}

impl Callable for BrokerCall {
    fn label(&self) -> String {
        match self {
            Self::Fund {
                broadcaster,
                deposit,
                reserve,
            } => format!("deposit {deposit} ETH and reserve {reserve} ETH for {broadcaster}"),
            Self::PartAnew { broadcaster } => format!("part the reserve of {broadcaster} anew"),
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
            Self::PartAnew { broadcaster } => abi::PartAnewCall {
                broadcaster: address_out(*broadcaster),
            }
            .encode(),
            Self::Unlock => abi::UnlockCall.encode(),
            Self::CancelUnlock => abi::CancelUnlockCall.encode(),
            Self::Withdraw => abi::WithdrawCall.encode(),
            Self::Redeem(winner) => arguments::<abi::RedeemCall>(&[redemption(winner)]),
            Self::RedeemBatch(winners) => {
                let redemptions = winners.iter().map(redemption).collect();
                arguments::<abi::RedeemBatchCall>(&[Token::Array(redemptions)])
            }
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
