//! Follows the chain: every block once, in order, with the deployment's events.

use std::collections::VecDeque;
use std::time::Duration;

use alloy_primitives::Address;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::client::Client;
use crate::error::ChainError;
use crate::events::LogEntry;
use crate::history::{History, Piece};
use crate::rpc::{Head, block_tag};
use crate::views::BlockRef;

/// What the watcher yields, in the order of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new block on top of the one before, with the deployment's events in it, in order.
    Block(BlockRef, Vec<LogEntry>),
    /// Everything of the deployment up to block `to`, in order: history so old that it stands, in large pieces.
    Past {
        /// Number of the last block it covers.
        to: u64,
        /// The events.
        logs: Vec<LogEntry>,
    },
    /// Every block above `ancestor` and its events are void; the ones that replace them follow.
    Reorg {
        /// Number of the last block that still stands.
        ancestor: u64,
    },
}

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct WatcherConfig {
    /// Pause between two looks for a new block.
    pub poll: Duration,
    /// First block to yield; `None` starts with the latest one.
    pub from: Option<u64>,
    /// Events waiting for a slow reader, at most; then the watcher waits too.
    pub capacity: usize,
}

impl Default for WatcherConfig {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            from: None,
            capacity: 1_024,
        }
    }
}

/// Blocks whose hashes are remembered: a reorganisation that is deeper is taken to reach this far only.
const REMEMBERED: usize = 256;

/// Blocks below the head from which on every block is followed on its own; below, history is asked for in pieces.
const UNSETTLED: u64 = 64;
/// Blocks of such a piece, until the node wants fewer.
const PIECE: u64 = 2_000;

/// The stream of events. Dropping it ends the task.
#[derive(Debug)]
pub struct Watcher {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Starts to follow. Returns after the first look at the chain.
    ///
    /// # Errors
    /// When the node is away at the start; later it waits and goes on.
    pub async fn start(client: &Client, config: WatcherConfig) -> Result<Self, ChainError> {
        let latest = client.rpc().latest().await?;
        let (out, events) = mpsc::channel(config.capacity.max(1));
        let follower = Follower {
            client: client.clone(),
            addresses: client
                .contracts()
                .named()
                .map(|(_, address)| address)
                .to_vec(),
            next: config.from.unwrap_or(latest.number),
            recent: VecDeque::new(),
            history: None,
            out,
        };
        let task = tokio::spawn(follower.run(config.poll));
        Ok(Self { events, task })
    }

    /// The next event; `None` only after the watcher has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Follower {
    client: Client,
    addresses: Vec<Address>,
    /// Number of the next block to yield.
    next: u64,
    /// Yielded blocks, oldest first.
    recent: VecDeque<Head>,
    /// Reads what is old, as long as nothing newer was yielded.
    history: Option<History>,
    out: mpsc::Sender<Event>,
}

/// The reader is gone.
struct Closed;

impl Follower {
    async fn run(mut self, poll: Duration) {
        let mut tick = tokio::time::interval(poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complained = false;
        loop {
            tick.tick().await;
            match self.advance().await {
                Ok(Ok(())) => complained = false,
                Ok(Err(Closed)) => return,
                Err(error) => {
                    if !complained {
                        tracing::warn!("the chain cannot be followed for now: {error}");
                    }
                    complained = true;
                }
            }
        }
    }

    /// Yields everything up to the latest block.
    async fn advance(&mut self) -> Result<Result<(), Closed>, ChainError> {
        loop {
            let latest = self.client.rpc().latest().await?;
            if let Some(last) = self.recent.back() {
                if last.hash == latest.hash {
                    return Ok(Ok(()));
                }
                // A shorter chain of known blocks is a node that lags behind, which is no reorganisation.
                let known = self.recent.iter().any(|block| block.hash == latest.hash);
                if latest.number < self.next
                    && !known
                    && self.step_back(latest.number).await?.is_err()
                {
                    return Ok(Err(Closed));
                }
            }
            if latest.number < self.next {
                return Ok(Ok(()));
            }
            // Only at the start: later there are hashes to hold each block against.
            while self.recent.is_empty() && self.next + UNSETTLED <= latest.number {
                if self.emit_past(latest.number - UNSETTLED).await?.is_err() {
                    return Ok(Err(Closed));
                }
            }
            while self.next <= latest.number {
                // Gone again: the chain became shorter meanwhile.
                let Some(head) = self.client.rpc().head(block_tag(self.next)).await? else {
                    break;
                };
                if self
                    .recent
                    .back()
                    .is_some_and(|last| last.hash != head.parent)
                {
                    if self.step_back(self.next - 1).await?.is_err() {
                        return Ok(Err(Closed));
                    }
                    continue;
                }
                if self.emit(head).await?.is_err() {
                    return Ok(Err(Closed));
                }
            }
        }
    }

    /// Forgets blocks that are not in the chain any more, whose latest number is at least `highest`.
    async fn step_back(&mut self, highest: u64) -> Result<Result<(), Closed>, ChainError> {
        let mut kept = self.recent.len();
        while let Some(block) = kept.checked_sub(1).and_then(|i| self.recent.get(i)) {
            let stands = block.number <= highest
                && self
                    .client
                    .rpc()
                    .head(block_tag(block.number))
                    .await?
                    .is_some_and(|h| h.hash == block.hash);
            if stands {
                break;
            }
            kept -= 1;
        }
        let Some(first_void) = self.recent.get(kept).map(|b| b.number) else {
            return Ok(Ok(()));
        };
        let ancestor = first_void.saturating_sub(1);
        self.recent.truncate(kept);
        self.next = first_void;
        tracing::warn!(ancestor, "the chain was reorganised");
        Ok(self
            .out
            .send(Event::Reorg { ancestor })
            .await
            .map_err(|_| Closed))
    }

    /// Yields the next events up to block `last`.
    async fn emit_past(&mut self, last: u64) -> Result<Result<(), Closed>, ChainError> {
        let going_on = self.history.take().filter(|h| h.next() == self.next);
        let history = self.history.insert(going_on.unwrap_or_else(|| {
            History::new(self.addresses.clone(), Value::Null, self.next, PIECE)
        }));
        let Some(Piece { to, logs }) = history.piece(self.client.rpc(), last).await? else {
            return Ok(Ok(()));
        };
        let logs = self.read(&logs);
        self.next = to + 1;
        let past = Event::Past { to, logs };
        Ok(self.out.send(past).await.map_err(|_| Closed))
    }

    fn read(&self, logs: &[ethers::core::types::Log]) -> Vec<LogEntry> {
        let mut entries: Vec<_> = logs
            .iter()
            .filter_map(|log| LogEntry::read(self.client.contracts(), log))
            .collect();
        entries.sort_by_key(|entry| (entry.block, entry.index));
        entries
    }

    /// Yields a block with its events; nothing of it is yielded before all of it is known.
    async fn emit(&mut self, head: Head) -> Result<Result<(), Closed>, ChainError> {
        let logs = self
            .client
            .rpc()
            .logs_of(head.hash, &self.addresses)
            .await?;
        let entries = self.read(&logs);
        if self
            .out
            .send(Event::Block(head.into(), entries))
            .await
            .is_err()
        {
            return Ok(Err(Closed));
        }
        self.recent.push_back(head);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        self.next = head.number + 1;
        Ok(Ok(()))
    }
}
