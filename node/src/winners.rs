//! Winning tickets until they are paid: written down before the receipt that earns them is signed.
//!
//! A winner is money, and nobody else has it: it survives `kill -9`. What the chain says is paid is kept a while longer,
//! as long as a reorganisation could take the payment back, and so is a ticket that is void: nobody pays for work that was
//! proven wrong, or spared as a planted fault. Each ticket is tried by itself before it is sent ([`trial`]), because a batch
//! passes over what it cannot pay, for gas, and is refused as a whole for what is wrong: what was refused once, or passed over,
//! is offered alone from then on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use assay_chain::redb_file::RedbFile;
use assay_protocol::domain::Domain;
use assay_protocol::payment::Winner;
use assay_protocol::wire::{decode, encode};
use assay_protocol::{Address, B256, U256};
use redb::{ReadableTable, TableDefinition};

use crate::chain_feed::REORG_BLOCKS;

const WINNERS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("winners");

/// Most tickets in one transaction: 20 cost about 1.2 million gas.
pub const BATCH: usize = 20;
/// Rounds in which the chain itself refuses a ticket before it is given up: the case of its assignment is not over, or its
/// sender has nothing left. What never reached the chain, for want of ETH or of an Ethereum node, says nothing of the ticket.
const PATIENCE_ROUNDS: u64 = 30;

/// Why winners cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("winning tickets in {path}: {reason}")]
pub struct WinnersError {
    path: String,
    reason: String,
}

/// Whether a winner is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    No,
    UnderWay,
    Yes,
}

/// Where a winner stands.
#[derive(Clone, Debug)]
struct Kept {
    winner: Winner,
    written: Written,
    /// Block in which it was paid.
    paid: Option<u64>,
    /// Block in which the chain was heard to say that it never will be.
    void: Option<u64>,
    /// Round in which it was last offered to the chain.
    offered: u64,
    /// Whether it was refused, passed over, or in a batch that was refused: it may have been the reason.
    alone: bool,
    /// How often the chain has refused it alone.
    refused: u64,
}

impl Kept {
    fn is_open(&self) -> bool {
        self.paid.is_none() && self.void.is_none()
    }
}

/// The winners of one transcoder.
pub struct Winners {
    path: String,
    store: Arc<RedbFile>,
    domain: Domain,
    kept: BTreeMap<B256, Kept>,
}

/// A change of the file, to be made on a thread that may block.
#[must_use]
pub struct Change {
    path: String,
    store: Arc<RedbFile>,
    put: Vec<Winner>,
    remove: Vec<B256>,
    domain: Domain,
}

impl Change {
    /// The winners that it writes.
    pub fn winners(&self) -> &[Winner] {
        &self.put
    }

    /// Makes it, durably.
    pub fn commit(&self) -> Result<(), WinnersError> {
        let error = |e: redb::Error| WinnersError {
            path: self.path.clone(),
            reason: e.to_string(),
        };
        self.make().map_err(error)
    }

    fn make(&self) -> Result<(), redb::Error> {
        let store = self.store.database()?;
        let write = store.begin_write()?;
        {
            let mut table = write.open_table(WINNERS)?;
            for winner in &self.put {
                let hash = self.domain.digest(&winner.ticket.ticket);
                let bytes =
                    encode(winner).map_err(|e| redb::Error::Io(std::io::Error::other(e)))?;
                table.insert(hash.0, bytes.as_slice())?;
            }
            for hash in &self.remove {
                table.remove(hash.0)?;
            }
        }
        Ok(write.commit()?)
    }
}

impl Winners {
    /// Opens or makes the store, and reads what is in it.
    pub fn open(path: &Path, domain: Domain) -> Result<Self, WinnersError> {
        let name = path.display().to_string();
        let error = |reason: String| WinnersError {
            path: name.clone(),
            reason,
        };
        let store = RedbFile::open(path).map_err(|e| error(e.to_string()))?;
        let mut winners = Self {
            path: name.clone(),
            store: Arc::new(store),
            domain,
            kept: BTreeMap::new(),
        };
        for winner in winners.read()? {
            winners.take(winner, Written::Yes);
        }
        Ok(winners)
    }

    fn error(&self, reason: impl std::fmt::Display) -> WinnersError {
        WinnersError {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }

    fn read(&self) -> Result<Vec<Winner>, WinnersError> {
        let store = self.store.database().map_err(|e| self.error(e))?;
        let read = store.begin_read().map_err(|e| self.error(e))?;
        let table = match read.open_table(WINNERS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(e) => return Err(self.error(e)),
        };
        let mut found = Vec::new();
        for entry in table.iter().map_err(|e| self.error(e))? {
            let (_, value) = entry.map_err(|e| self.error(e))?;
            found.push(decode(value.value()).map_err(|e| self.error(e))?);
        }
        Ok(found)
    }

    fn take(&mut self, winner: Winner, written: Written) {
        let hash = self.domain.digest(&winner.ticket.ticket);
        self.kept.entry(hash).or_insert(Kept {
            winner,
            written,
            paid: None,
            void: None,
            offered: 0,
            alone: false,
            refused: 0,
        });
    }

    fn change(&self, put: Vec<Winner>, remove: Vec<B256>) -> Change {
        Change {
            path: self.path.clone(),
            store: self.store.clone(),
            put,
            remove,
            domain: self.domain,
        }
    }

    /// Takes winners, which [`Self::unwritten`] gives then.
    pub fn keep(&mut self, winners: Vec<Winner>) {
        for winner in winners {
            self.take(winner, Written::No);
        }
    }

    /// What must be written down and is not; answered with [`Self::written`].
    pub fn unwritten(&mut self) -> Option<Change> {
        let mut put = Vec::new();
        for kept in self.kept.values_mut() {
            if kept.written == Written::No {
                kept.written = Written::UnderWay;
                put.push(kept.winner.clone());
            }
        }
        (!put.is_empty()).then(|| self.change(put, Vec::new()))
    }

    /// Says whether these are on disk. Those that are not are given out again.
    pub(crate) fn written(&mut self, winners: &[Winner], done: bool) {
        for winner in winners {
            let hash = self.domain.digest(&winner.ticket.ticket);
            if let Some(kept) = self.kept.get_mut(&hash) {
                kept.written = if done { Written::Yes } else { Written::No };
            }
        }
    }

    /// Those that are kept, whatever has become of them.
    pub fn all(&self) -> impl Iterator<Item = &Winner> {
        self.kept.values().map(|kept| &kept.winner)
    }

    /// Wei of this sender's winners that are not paid yet, but for what is void: that takes nothing of what covers others.
    pub fn outstanding(&self, sender: Address) -> U256 {
        let open = self.kept.values().filter(|kept| kept.is_open());
        let tickets = open.map(|kept| &kept.winner.ticket.ticket);
        tickets
            .filter(|ticket| ticket.sender == sender)
            .fold(U256::ZERO, |sum, ticket| {
                sum.saturating_add(ticket.faceValue)
            })
    }

    /// The chain has paid a ticket, in `block`.
    pub fn paid(&mut self, ticket: B256, block: u64) {
        if let Some(kept) = self.kept.get_mut(&ticket) {
            kept.paid = Some(block);
        }
    }

    /// Forgets payments above block `ancestor`, and what was heard there: a reorganisation.
    pub fn rewind(&mut self, ancestor: u64) {
        for kept in self.kept.values_mut() {
            let undone = |at: &mut Option<u64>| at.take_if(|block| *block > ancestor).is_some();
            if undone(&mut kept.paid) | undone(&mut kept.void) {
                kept.offered = 0;
            }
        }
    }

    /// The winners to offer to the chain at block `now` of `round`, each once a round: new ones together, when a batch is
    /// full or the first of it has waited `patience` blocks; what was refused or passed over alone. `evidence` is the
    /// window after a deadline.
    pub fn due(&mut self, now: u64, round: u64, evidence: u64, patience: u64) -> Vec<Vec<Winner>> {
        let ripe = |kept: &Kept| {
            kept.winner
                .assignment
                .deadlineBlock
                .saturating_add(evidence)
                + 1
        };
        let open = self
            .kept
            .values_mut()
            .filter(|kept| kept.is_open() && kept.offered < round && ripe(kept) <= now);
        let (mut new, mut again): (Vec<_>, Vec<_>) = open.partition(|kept| !kept.alone);
        let offer = |kept: &mut Kept| {
            kept.offered = round;
            kept.winner.clone()
        };
        again.sort_by_key(|kept| kept.offered);
        again.truncate(BATCH);
        let mut offers: Vec<_> = again.into_iter().map(|kept| vec![offer(kept)]).collect();
        new.truncate(BATCH);
        let waited = new.iter().any(|kept| ripe(kept) + patience <= now);
        if new.len() == BATCH || waited {
            offers.push(new.into_iter().map(offer).collect());
        }
        offers
    }

    /// These never reached the chain: they are due as before.
    pub(crate) fn unoffered(&mut self, tickets: &[B256]) {
        for ticket in tickets {
            if let Some(kept) = self.kept.get_mut(ticket) {
                kept.offered = 0;
            }
        }
    }

    /// The chain refuses a ticket at block `now`; gives whether it has become void by that.
    pub(crate) fn refused(&mut self, ticket: B256, why: Refusal, now: u64) -> bool {
        let Some(kept) = self.kept.get_mut(&ticket) else {
            return false;
        };
        kept.alone = true;
        kept.refused += u64::from(why == Refusal::Unpaid);
        let void = why == Refusal::Void && kept.is_open();
        if void {
            kept.void = Some(now);
        }
        void
    }

    /// Drops what was paid or has been void for long, or was refused too often; gives the latter's tickets, and what that
    /// changes on disk.
    pub(crate) fn settle(&mut self, now: u64) -> (Vec<B256>, Option<Change>) {
        let is_final = |kept: &Kept| match kept.paid.or(kept.void) {
            Some(block) => block + REORG_BLOCKS < now,
            None => kept.refused > PATIENCE_ROUNDS,
        };
        let done: BTreeMap<B256, Kept> =
            self.kept.extract_if(.., |_, kept| is_final(kept)).collect();
        let lost = done.iter().filter(|(_, kept)| kept.is_open());
        let lost = lost.map(|(hash, _)| *hash).collect();
        let change =
            (!done.is_empty()).then(|| self.change(Vec::new(), done.into_keys().collect()));
        (lost, change)
    }
}

mod trial;

pub use trial::{Refusal, Refused, Tried, try_each};

#[cfg(test)]
mod tests;
