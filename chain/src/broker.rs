//! Reads about broadcasters' deposits and the tickets drawn on them.

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Eth;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bindings::ticket_broker as abi;
use crate::client::{Client, topic};
use crate::convert::{address_out, word_in};
use crate::error::ChainError;
use crate::events::LogEntry;

/// What a broadcaster has put up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderView {
    /// Pays any winner.
    pub deposit: Eth,
    /// Pays what the deposit cannot, to each transcoder its part by stake.
    pub reserve: Eth,
    /// First round in which both may be withdrawn, where that was asked for.
    pub withdraw_round: Option<u64>,
    /// Burned of its payments and not yet sent to the zero address.
    pub burned: Eth,
}

/// What a recipient may claim of a reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Now.
    pub present: Eth,
    /// By the parts that are announced; the same if none are.
    pub next: Eth,
}

impl Parts {
    /// What stays the recipient's until tickets of now are payable: the smaller of both.
    pub fn lasting(&self) -> Eth {
        self.present.min(self.next)
    }
}

/// How a reserve is parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// What it held when it was full last, of which the parts are.
    pub whole: Eth,
    /// The round whose stakes part it.
    pub round: u64,
    /// The parts that are announced.
    pub announced: Option<Announced>,
}

/// Parts that do not hold yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// By the stakes of this round.
    pub round: u64,
    /// First block in which they may hold.
    pub from: u64,
}

impl Client {
    /// A broadcaster's deposit and reserve; zeros if there are none.
    pub async fn sender(&self, broadcaster: Address) -> Result<SenderView, ChainError> {
        let call = abi::SenderOfCall {
            broadcaster: address_out(broadcaster),
        };
        let at = self.contracts().ticket_broker;
        let found: abi::SenderOfReturn = self.view("a broadcaster's deposit", at, call).await?;
        let state = found.0;
        Ok(SenderView {
            deposit: Eth(word_in(state.deposit)),
            reserve: Eth(word_in(state.reserve)),
            withdraw_round: Some(state.withdraw_round).filter(|round| *round != 0),
            burned: Eth(word_in(state.burned)),
        })
    }

    /// What a broadcaster's reserve would pay this recipient: nothing to who is active only since it was parted.
    pub async fn claimable_reserve(
        &self,
        sender: Address,
        recipient: Address,
    ) -> Result<Eth, ChainError> {
        let call = abi::ClaimableReserveCall {
            sender: address_out(sender),
            recipient: address_out(recipient),
        };
        let at = self.contracts().ticket_broker;
        let found = self.view("a part of a reserve", at, call).await?;
        Ok(Eth(word_in(found)))
    }

    /// That, and what it would pay by the parts that are announced.
    pub async fn parts(&self, sender: Address, recipient: Address) -> Result<Parts, ChainError> {
        let call = abi::PartsOfCall {
            sender: address_out(sender),
            recipient: address_out(recipient),
        };
        let at = self.contracts().ticket_broker;
        let (present, next) = self.view("parts of a reserve", at, call).await?;
        Ok(Parts {
            present: Eth(word_in(present)),
            next: Eth(word_in(next)),
        })
    }

    /// How a broadcaster's reserve is parted; `None` where nobody has a part.
    pub async fn parting(&self, broadcaster: Address) -> Result<Option<Parting>, ChainError> {
        let call = abi::PartingOfCall {
            broadcaster: address_out(broadcaster),
        };
        let at = self.contracts().ticket_broker;
        let found: abi::PartingOfReturn = self.view("how a reserve is parted", at, call).await?;
        let announced = Announced {
            round: found.announced,
            from: found.from,
        };
        let parting = Parting {
            whole: Eth(word_in(found.whole)),
            round: found.round,
            announced: Some(announced).filter(|announced| announced.round != 0),
        };
        Ok(Some(parting).filter(|parting| parting.round != 0))
    }

    /// Every ticket that was ever paid in this deployment.
    pub async fn redemptions(&self) -> Result<Vec<LogEntry>, ChainError> {
        let event = "TicketRedeemed(address,address,bytes32,bytes32,uint256,uint256,uint256)";
        let at = self.contracts().ticket_broker;
        self.search(at, json!([topic(event)])).await
    }

    /// Whether a ticket was paid.
    pub async fn is_redeemed(&self, ticket: B256) -> Result<bool, ChainError> {
        let call = abi::IsRedeemedCall {
            ticket_hash: ticket.0,
        };
        let at = self.contracts().ticket_broker;
        self.view("a ticket", at, call).await
    }
}
