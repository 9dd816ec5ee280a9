//! The persistent transaction queue: every call happens once, whatever happens to the process or the chain.
//!
//! A call is journaled under the caller's idempotency key before it is signed, and again, signed and with its nonce,
//! before it is broadcast. So after `kill -9` the same bytes are broadcast again, which the chain takes at most once.
//! See `queue/driver.rs` for the life of a transaction.

mod driver;
mod entry;
pub(crate) mod fees;
mod send;
mod settle;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::call::Call;
use crate::client::Client;
use crate::error::ChainError;
use driver::{Command, Driver};
pub use entry::{Mined, TxError};
pub use fees::FeeCaps;
use store::Store;
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
    /// Bounds on what is paid.
    pub fees: FeeCaps,
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
            fees: FeeCaps::default(),
        }
    }
}

/// Where the journal lives.
#[derive(Clone, Debug)]
pub enum Journal {
    /// In a file that only this queue opens.
    File(PathBuf),
    /// Nowhere: for tools that run once and watch the outcome.
    Memory,
}

/// A cheap handle on the queue of one account. When the last handle is dropped the queue ends; what it had not
/// finished goes on when the journal is opened again.
#[derive(Clone, Debug)]
pub struct TxQueue {
    commands: mpsc::Sender<Command>,
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
        let owner = client.journal_owner().await?;
        let store = tokio::task::spawn_blocking(move || match journal {
            Journal::File(path) => Store::open(Some(&path), &owner),
            Journal::Memory => Store::open(None, &owner),
        });
        let store = store
            .await
            .map_err(|e| ChainError::Internal(e.to_string()))??;
        // A full channel makes `submit` wait.
        let (commands, inbox) = mpsc::channel(64);
        let driver = Driver::resume(client.clone(), store, config, inbox)?;
        let task = Arc::new(Task(std::sync::Mutex::new(Some(tokio::spawn(
            driver.run(),
        )))));
        Ok(Self { commands, task })
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

    /// Ends the queue and waits until the journal is closed, so that it can be opened again.
    pub async fn shutdown(self) {
        let task = self.task.0.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task {
            let _ = self.commands.send(Command::Stop).await;
            let _ = task.await;
        }
    }
}
