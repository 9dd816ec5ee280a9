//! Events of the past, asked for in pieces that the Ethereum node answers: providers bound how many blocks, or how many
//! logs, one request may be about.

use alloy_primitives::Address;
use ethers::core::types as eth;
use serde_json::Value;

use crate::rpc::{Rpc, RpcError};

/// Requests of one size that are answered before twice as much is asked for: a node with a fixed bound refuses one in so many,
/// and one that was refused a while ago for something else does not cost a request for each few blocks for ever.
const ANSWERED: u32 = 8;

/// A reader of events from a block on, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    addresses: Vec<Address>,
    /// As `eth_getLogs` takes them; `null` for all.
    topics: Value,
    /// First block that was not read yet.
    next: u64,
    /// Blocks of a request; halved while the node refuses it as too much, and doubled after some that it did not.
    piece: u64,
    /// The most that it may be.
    most: u64,
    /// Requests in a row that were answered.
    answered: u32,
}

/// The events of some blocks in a row.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The last of these blocks.
    pub to: u64,
    pub logs: Vec<eth::Log>,
}

impl History {
    /// Of these contracts, with these topics, from a block on; at most `piece` blocks at a time.
    pub fn new(addresses: Vec<Address>, topics: Value, from: u64, piece: u64) -> Self {
        Self {
            addresses,
            topics,
            next: from,
            piece: piece.max(1),
            most: piece.max(1),
            answered: 0,
        }
    }

    /// The next events, up to block `last` at most; `None` once that block was read.
    ///
    /// # Errors
    /// When the node is away, or refuses even a single block. It may be asked again: nothing is passed over.
    pub async fn piece(&mut self, rpc: &Rpc, last: u64) -> Result<Option<Piece>, RpcError> {
        while self.next <= last {
            let to = last.min(self.next.saturating_add(self.piece - 1));
            let asked = to - self.next + 1;
            match rpc
                .logs_between(self.next, to, &self.addresses, &self.topics)
                .await
            {
                // What is refused is what was asked for, which may be less than a piece.
                Err(RpcError::Refused { .. }) if asked > 1 => {
                    (self.piece, self.answered) = (asked / 2, 0);
                }
                logs => {
                    let logs = logs?;
                    self.next = to + 1;
                    self.answered += 1;
                    if self.answered >= ANSWERED {
                        self.piece = self.piece.saturating_mul(2).min(self.most);
                        self.answered = 0;
                    }
                    return Ok(Some(Piece { to, logs }));
                }
            }
        }
        Ok(None)
    }

    /// First block that was not read yet.
    pub const fn next(&self) -> u64 {
        self.next
    }
}
