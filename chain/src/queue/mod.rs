//! The persistent transaction queue: every call happens once, whatever happens to the process or the chain.
//!
//! A call is journaled under the caller's idempotency key before it is signed, and again, signed and with its nonce,
//! before it is broadcast. So after `kill -9` the same bytes are broadcast again, which the chain takes at most once.
//! See `queue/driver.rs` for the life of a transaction.

pub mod budget;
mod driver;
mod entry;
pub(crate) mod fees;
mod foreign;
mod journal;
mod limit;
mod past;
mod send;
mod settle;
mod store;

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::call::Call;
use crate::client::Client;
use crate::error::ChainError;
use budget::{GasLimit, GasToday, Held};
use driver::{Command, Driver, Told};
pub use entry::{Mined, TxError};
pub use fees::FeeCaps;
pub use journal::{Journal, SharedJournal};
pub use past::typed_key;
pub use store::StoreError;

/// How the queue behaves; [`QueueConfig::default`] suits one-second blocks.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// Pause between two looks at the chain while something is under way.
    pub poll: Duration,
    /// Blocks, the transaction's own included, until an outcome is told.
    pub confirmations: u64,
    /// Blocks without inclusion after which the next transaction in line offers more.
    pub stuck_blocks: u64,
    /// Told outcomes are held against the chain for this many blocks, and sent again where a reorganisation lost
    /// them. 64 blocks are two epochs of Ethereum's consensus: finality.
    pub reorg_blocks: u64,
    /// Transactions broadcast and not yet mined, at most; pools refuse long queues of one account.
    pub in_flight: usize,
    /// Added to the node's gas estimate, percent: the state may change before the block.
    pub gas_margin_percent: u64,
    /// Blocks, its own included, after which a foreign transaction that took a nonce of ours is believed to stand. The
    /// call is signed anew then; were the foreign one lost after that, both forms could be mined. Half a minute to a
    /// minute of mainnet; its reorganisations have been one or two blocks deep since proof of stake.
    pub foreign_blocks: u64,
    /// Bounds on what is paid per gas.
    pub fees: FeeCaps,
    /// Bound on what is paid per day; `None` for none.
    pub daily_gas: Option<GasLimit>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            confirmations: 1,
            stuck_blocks: 3,
            reorg_blocks: 64,
            in_flight: 16,
            gas_margin_percent: 25,
            foreign_blocks: 4,
            fees: FeeCaps::default(),
            daily_gas: None,
        }
    }
}

impl QueueConfig {
    /// Gas that a transaction is given whose estimate is `gas`.
    pub(crate) fn with_margin(&self, gas: u64) -> u64 {
        gas + gas * self.gas_margin_percent / 100
    }
}

/// Beginning of the keys of what a person has typed. What of it was never signed does not go on when the journal is
/// opened again: who has interrupted a command may not mean it any more. [`TxQueue::left`] tells the rest.
pub const TYPED: &str = "typed ";

/// Notices of the daily limit that a slow reader may miss; each is in the log as well.
const NOTICES: usize = 64;

/// A cheap handle on the queue of one account. When the last handle is dropped the queue ends; what it had not
/// finished goes on when the journal is opened again.
#[derive(Clone, Debug)]
pub struct TxQueue {
    commands: mpsc::Sender<Command>,
    held: broadcast::Sender<Held>,
    trouble: watch::Receiver<Option<String>>,
    task: Arc<Task>,
}

#[derive(Debug)]
struct Task(std::sync::Mutex<Option<JoinHandle<()>>>);

impl Drop for Task {
    fn drop(&mut self) {
        if let Ok(Some(task)) = self.0.get_mut().map(Option::take) {
            task.abort();
        }
    }
}

/// The promise of an outcome.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Mined, TxError>>);

impl Ticket {
    /// Waits until the call is mined and confirmed, or known to fail.
    pub async fn outcome(self) -> Result<Mined, TxError> {
        self.0.await.unwrap_or(Err(TxError::Closed))
    }
}

/// A call of an earlier command, from the journal.
#[derive(Debug)]
pub struct Left {
    /// Its idempotency key; of what was shown already, the one under which it would be typed again ([`typed_key`]).
    pub key: String,
    /// What it does.
    pub label: String,
    /// Where it was shown already: the block from which a reorganisation has taken it. An outcome in the same block says
    /// that it was there all the time, and an endpoint did not know the block yet.
    pub lost_from: Option<B256>,
    /// Its outcome.
    pub ticket: Ticket,
}

impl TxQueue {
    /// Opens the queue of the client's account and resumes what its journal has left open.
    ///
    /// # Errors
    /// When the journal is in use, damaged, or of another account or chain.
    pub async fn open(
        client: &Client,
        journal: Journal,
        config: QueueConfig,
    ) -> Result<Self, ChainError> {
        let place = journal.enter(client).await?;
        // A full channel makes `submit` wait.
        let (commands, inbox) = mpsc::channel(64);
        let (held, _) = broadcast::channel(NOTICES);
        let (worry, trouble) = watch::channel(None);
        let told = Told {
            held: held.clone(),
            trouble: worry,
        };
        let driver = Driver::resume(client.clone(), place, config, inbox, told)?;
        let task = Arc::new(Task(std::sync::Mutex::new(Some(tokio::spawn(
            driver.run(),
        )))));
        Ok(Self {
            commands,
            held,
            trouble,
            task,
        })
    }

    /// Journals a call and has it sent. `key` names the call for ever: a second submission of a key that is under
    /// way or has succeeded gives the first one's outcome; one that failed is tried anew.
    ///
    /// # Errors
    /// [`TxError::Journal`] where the call could not be written down, [`TxError::Closed`] after a shutdown. The
    /// ticket says everything later.
    pub async fn submit(
        &self,
        key: impl Into<String>,
        call: impl Into<Call>,
    ) -> Result<Ticket, TxError> {
        let (reply, accepted) = oneshot::channel();
        let command = Command::Submit {
            key: key.into(),
            call: Box::new(call.into()),
            reply,
        };
        self.commands
            .send(command)
            .await
            .map_err(|_| TxError::Closed)?;
        accepted.await.unwrap_or(Err(TxError::Closed)).map(Ticket)
    }

    /// [`Self::submit`], then [`Ticket::outcome`].
    pub async fn run(
        &self,
        key: impl Into<String>,
        call: impl Into<Call>,
    ) -> Result<Mined, TxError> {
        self.submit(key, call).await?.outcome().await
    }

    /// What the daily gas limit holds back, as it happens.
    pub fn held(&self) -> broadcast::Receiver<Held> {
        self.held.subscribe()
    }

    /// Why nothing goes on at the moment, in words: the Ethereum node is away, or gas is dearer than what is offered.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// What a person has typed ([`TYPED`]) that is under way or has succeeded, oldest first: after an end in the middle,
    /// what became of it; and what was shown as done and was then lost by a reorganisation. Waits until a node has told
    /// where the chain stands.
    ///
    /// # Errors
    /// [`TxError::Closed`] after a shutdown, [`TxError::Journal`] where it cannot be read.
    pub async fn left(&self) -> Result<Vec<Left>, TxError> {
        let (reply, told) = oneshot::channel();
        let asked = self.commands.send(Command::Left { reply }).await;
        asked.map_err(|_| TxError::Closed)?;
        told.await.unwrap_or(Err(TxError::Closed))
    }

    /// Frees the keys of what a person has typed and has an outcome, so that the same may be typed again; for commands
    /// that have shown it. While a reorganisation may lose it, whoever has the journal open sends it again.
    ///
    /// # Errors
    /// [`TxError::Closed`] after a shutdown, [`TxError::Journal`] where it cannot be written.
    pub async fn forget(&self) -> Result<(), TxError> {
        let (reply, told) = oneshot::channel();
        let asked = self.commands.send(Command::Forget { reply }).await;
        asked.map_err(|_| TxError::Closed)?;
        told.await.unwrap_or(Err(TxError::Closed))
    }

    /// Gas spent and promised on the present day of the chain.
    ///
    /// # Errors
    /// [`TxError::Closed`] after a shutdown.
    pub async fn gas_today(&self) -> Result<GasToday, TxError> {
        let (reply, told) = oneshot::channel();
        let asked = self.commands.send(Command::Gas { reply }).await;
        asked.map_err(|_| TxError::Closed)?;
        told.await.map_err(|_| TxError::Closed)
    }

    /// Ends the queue and waits until the journal is closed, so that it can be opened again.
    pub async fn shutdown(self) {
        let task = self.task.0.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task {
            let _ = self.commands.send(Command::Stop).await;
            let _ = task.await;
        }
    }
}
