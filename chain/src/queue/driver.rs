//! The queue's event loop: one task, one journal, one account.
//!
//! `Queued` → checked against the chain (a call that would revert fails here, unsent) → signed with the next nonce
//! and journaled → `Sent` → broadcast → found in a block → `Mined` → told after the configured confirmations → held
//! against the chain until a reorganisation has become implausible → forgotten in memory, kept in the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use crate::call::Call;
use crate::client::Client;
use crate::error::ChainError;
use crate::queue::budget::{Day, GasToday, Held, Spending};
use crate::queue::entry::{Entry, Mined, State, TxError};
use crate::queue::journal::Place;
use crate::queue::past::{self, SHOWN};
use crate::queue::store::Open;
use crate::queue::{Left, QueueConfig};
use crate::rpc::{Head, RpcError};

pub(crate) type Outcome = Result<Mined, TxError>;

/// What handles ask of the task.
#[derive(Debug)]
pub(crate) enum Command {
    Submit {
        key: String,
        call: Box<Call>,
        reply: oneshot::Sender<Result<oneshot::Receiver<Outcome>, TxError>>,
    },
    Gas {
        reply: oneshot::Sender<GasToday>,
    },
    Left {
        reply: oneshot::Sender<Result<Vec<Left>, TxError>>,
    },
    Forget {
        reply: oneshot::Sender<Result<(), TxError>>,
    },
    Stop,
}

/// Where handles hear of what is nobody's outcome.
#[derive(Debug)]
pub(crate) struct Told {
    /// What the daily limit holds back.
    pub held: broadcast::Sender<Held>,
    /// Why nothing goes on.
    pub trouble: watch::Sender<Option<String>>,
}

/// Why a step stopped early; the next tick tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Journal(#[from] TxError),
}

/// Polls go slower by this factor while only told outcomes are held against the chain.
const IDLE_FACTOR: u32 = 8;

pub(crate) struct Driver {
    pub client: Client,
    pub config: QueueConfig,
    pub place: Place,
    inbox: mpsc::Receiver<Command>,
    pub told: Told,
    /// Everything that may still need work, in order of submission.
    pub active: BTreeMap<u64, Entry>,
    pub waiters: HashMap<String, Vec<oneshot::Sender<Outcome>>>,
    pub next_seq: u64,
    /// Signed and journaled, but the node has not heard of it yet.
    pub unsent: BTreeSet<u64>,
    /// Heads for which a used nonce had no receipt of ours.
    pub missing: HashMap<u64, u32>,
    /// First block not searched yet for who used a nonce, where the node has no old state.
    pub searched: HashMap<u64, u64>,
    /// No nonce below was left by what is forgotten already, so that a node that lags cannot make us use one twice.
    pub floor: u64,
    /// The chain's present day.
    pub today: Day,
    pub spending: Spending,
    /// What the daily limit holds back, and the day on which that was told.
    pub held: HashMap<u64, Day>,
    /// Since when a call looks as if it would fail.
    pub doubted: BTreeMap<u64, Instant>,
    /// What waits for a lower base fee, in words.
    pub dear: Option<String>,
    pub head: Option<Head>,
    /// Something may be sendable although the head is the same.
    pub fresh: bool,
    complained: bool,
    /// Who asks what earlier commands have left. Answered by the chain as it is now: what they have shown may be lost.
    pub asked: Vec<oneshot::Sender<Result<Vec<Left>, TxError>>>,
    /// What was answered of what was shown and lost.
    pub listed: BTreeSet<u64>,
}

impl Driver {
    pub fn resume(
        client: Client,
        place: Place,
        config: QueueConfig,
        inbox: mpsc::Receiver<Command>,
        told: Told,
    ) -> Result<Self, ChainError> {
        past::drop_unsigned(&place)?;
        let Open {
            entries,
            next_seq,
            floor,
        } = place.store.open_entries(place.account)?;
        let costs = place.store.gas(place.account)?;
        // Costs outlive calls that were forgotten; no number may be given twice.
        let next_seq = costs
            .iter()
            .fold(next_seq, |next, (seq, _)| next.max(seq + 1));
        let spending = Spending::new(costs);
        Ok(Self {
            client,
            config,
            place,
            inbox,
            told,
            active: entries.into_iter().map(|e| (e.seq, e)).collect(),
            waiters: HashMap::new(),
            next_seq,
            unsent: BTreeSet::new(),
            missing: HashMap::new(),
            searched: HashMap::new(),
            floor,
            today: Day::default(),
            spending,
            held: HashMap::new(),
            doubted: BTreeMap::new(),
            dear: None,
            head: None,
            fresh: true,
            complained: false,
            asked: Vec::new(),
            listed: BTreeSet::new(),
        })
    }

    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(self.config.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        loop {
            tokio::select! {
                command = self.inbox.recv() => match command {
                    Some(Command::Submit { key, call, reply }) => {
                        let _ = reply.send(self.submit(key, &call).await);
                    }
                    Some(Command::Gas { reply }) => {
                        let _ = reply.send(self.gas_today().await);
                    }
                    Some(Command::Left { reply }) => self.asked.push(reply),
                    Some(Command::Forget { reply }) => drop(reply.send(self.forget())),
                    Some(Command::Stop) | None => break,
                },
                _ = tick.tick(), if !self.active.is_empty() => {
                    idle += 1;
                    if !self.fresh && self.only_settled() && idle % IDLE_FACTOR != 0 {
                        continue;
                    }
                }
            }
            // Everything that was submitted at one moment goes out in one step.
            if self.inbox.is_empty() {
                self.step_once().await;
            }
        }
    }

    async fn step_once(&mut self) {
        if self.active.is_empty() {
            return self.answer();
        }
        let done = self.step().await;
        let trouble = match &done {
            Ok(()) => self.dear.clone(),
            Err(error) => Some(error.to_string()),
        };
        let news = self.told.trouble.send_if_modified(|told| {
            let news = *told != trouble;
            told.clone_from(&trouble);
            news
        });
        match done {
            Ok(()) => {
                self.complained = false;
                if let Some(dear) = trouble.filter(|_| news) {
                    tracing::warn!(account = %self.client.account(), "{dear}");
                }
            }
            Err(error) if !self.complained => {
                self.complained = true;
                tracing::warn!(account = %self.client.account(), "transactions wait: {error}");
            }
            Err(error) => tracing::debug!("transactions wait: {error}"),
        }
    }

    async fn step(&mut self) -> Result<(), StepError> {
        let head = self.client.rpc().latest().await?;
        let moved = self.head.is_none_or(|old| old.hash != head.hash);
        if moved {
            self.begin_day(Day::of(head.timestamp))?;
            self.follow(head).await?;
            self.head = Some(head);
        }
        self.answer();
        // Stays set where a step fails, so that what the node has not heard of is broadcast at the next tick.
        self.fresh |= moved;
        if self.fresh {
            self.send_queued(head).await?;
            self.fresh = !self.doubted.is_empty();
        }
        Ok(())
    }

    async fn submit(
        &mut self,
        key: String,
        call: &Call,
    ) -> Result<oneshot::Receiver<Outcome>, TxError> {
        let (tell, told) = oneshot::channel();
        let known = match self.active.values().find(|e| e.key == key) {
            Some(entry) => Some(entry.clone()),
            None => self
                .place
                .store
                .get(self.place.account, &key)
                .map_err(|e| TxError::Journal(e.to_string()))?,
        };
        match known.as_ref().map(Entry::outcome) {
            Some(Some(Ok(mined))) => {
                let _ = tell.send(Ok(mined));
                return Ok(told);
            }
            Some(None) => {
                self.waiters.entry(key).or_default().push(tell);
                return Ok(told);
            }
            Some(Some(Err(_))) => {
                // A failure that is still held against the chain gives way to the new try.
                if let Some(old) = known {
                    self.active.remove(&old.seq);
                }
            }
            None => {}
        }
        let encoded = self
            .client
            .encode(call)
            .map_err(|e| TxError::Malformed(e.to_string()))?;
        let entry = Entry {
            key: key.clone(),
            seq: self.next_seq,
            label: encoded.label,
            to: encoded.to,
            data: encoded.data,
            value: encoded.value,
            purpose: call.purpose(),
            over: false,
            lost_from: None,
            state: State::Queued,
        };
        self.write(&entry).await?;
        self.next_seq += 1;
        self.active.insert(entry.seq, entry);
        self.waiters.entry(key).or_default().push(tell);
        self.fresh = true;
        Ok(told)
    }

    async fn write(&mut self, entry: &Entry) -> Result<(), TxError> {
        let (store, account) = (Arc::clone(&self.place.store), self.place.account);
        let row = entry.clone();
        let written = tokio::task::spawn_blocking(move || store.put(account, &row)).await;
        match written {
            Ok(Ok(())) => {
                self.spending.set(entry.seq, entry.gas_cost());
                Ok(())
            }
            Ok(Err(error)) => Err(TxError::Journal(error.to_string())),
            Err(error) => Err(TxError::Journal(error.to_string())),
        }
    }

    /// Journals a new state, then takes it over and tells an outcome that it brings.
    pub async fn become_state(&mut self, seq: u64, state: State) -> Result<(), StepError> {
        let Some(entry) = self.active.get(&seq) else {
            return Ok(());
        };
        let mut entry = entry.clone();
        entry.state = state;
        if let State::Mined { mined, .. } = &entry.state
            && entry.lost_from == Some(mined.block_hash)
        {
            // Never lost: an endpoint that was behind did not know the block.
            entry.lost_from = None;
            self.listed.remove(&seq);
        }
        self.write(&entry).await?;
        if let Some(outcome) = entry.outcome() {
            match &outcome {
                Ok(mined) => {
                    tracing::debug!(tx = %mined.tx, gas = mined.gas_used, "{} done", entry.label)
                }
                Err(error) => tracing::debug!("{error}"),
            }
            for waiter in self.waiters.remove(&entry.key).unwrap_or_default() {
                let _ = waiter.send(outcome.clone());
            }
        }
        if matches!(entry.state, State::Failed(_)) {
            self.active.remove(&seq);
        } else {
            self.active.insert(seq, entry);
        }
        Ok(())
    }

    /// Forgets a transaction that no reorganisation reaches any more; the journal keeps an outcome that was not shown, or
    /// that is another one than was shown.
    pub async fn end(&mut self, mut entry: Entry) -> Result<(), StepError> {
        if entry.key.starts_with(SHOWN) && entry.lost_from.is_none() {
            self.drop_shown(&entry)?;
        } else {
            entry.over = true;
            self.write(&entry).await?;
        }
        if let Some(nonce) = entry.nonce() {
            self.floor = self.floor.max(nonce + 1);
        }
        self.active.remove(&entry.seq);
        Ok(())
    }

    fn only_settled(&self) -> bool {
        self.active
            .values()
            .all(|e| matches!(e.state, State::Mined { settled: true, .. }))
    }
}
