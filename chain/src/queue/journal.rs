//! Where a queue's journal lives, and who shares it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::Address;

use crate::client::Client;
use crate::error::ChainError;
use crate::key_file;
use crate::queue::store::{Store, StoreError};

/// Where the journal lives.
#[derive(Clone, Debug)]
pub enum Journal {
    /// In a file that only this queue opens.
    File(PathBuf),
    /// In a file with the queues of other accounts.
    Shared(SharedJournal),
    /// Nowhere: for tools that run once and watch the outcome.
    Memory,
}

/// One open file for the queues of several accounts on one chain. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedJournal {
    store: Arc<Store>,
    chain: String,
}

impl SharedJournal {
    /// Opens or creates the file for the client's chain; whichever account the client has.
    ///
    /// # Errors
    /// When it is in use, damaged, or of another chain.
    pub async fn open(client: &Client, path: PathBuf) -> Result<Self, ChainError> {
        let chain = client.journal_chain().await?;
        let store = Arc::new(open(Some(path), chain.clone()).await?);
        Ok(Self { store, chain })
    }

    /// Every account with calls in it. Those without an open queue wait.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn accounts(&self) -> Result<Vec<Address>, ChainError> {
        Ok(self.store.accounts()?)
    }
}

/// An account's part of a journal, for one queue at a time.
#[derive(Debug)]
pub(crate) struct Place {
    pub store: Arc<Store>,
    pub account: Address,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.store.leave(self.account);
    }
}

impl Journal {
    /// A file beside a key file, of this chain alone: a key may be used on several.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn beside(client: &Client, key_file: &Path) -> Result<PathBuf, ChainError> {
        let genesis = client.genesis().await?;
        let chain = client.domain().chain_id;
        let mark = hex::encode(&genesis[..4]);
        let ending = format!("{chain}-{mark}.transactions");
        Ok(key_file::beside(key_file, &ending))
    }

    /// Takes the client's account in it.
    pub(crate) async fn enter(self, client: &Client) -> Result<Place, ChainError> {
        let (account, chain) = (client.account(), client.journal_chain().await?);
        let (store, alone) = match self {
            Self::File(path) => (Arc::new(open(Some(path), chain).await?), true),
            Self::Memory => (Arc::new(open(None, chain).await?), true),
            Self::Shared(shared) if shared.chain == chain => (shared.store, false),
            Self::Shared(shared) => {
                return Err(ChainError::Journal(StoreError::Foreign {
                    found: shared.chain,
                    expected: chain,
                }));
            }
        };
        store.enter(account, alone)?;
        Ok(Place { store, account })
    }
}

async fn open(path: Option<PathBuf>, chain: String) -> Result<Store, ChainError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(path.as_deref(), &chain)).await;
    Ok(opened.map_err(|e| ChainError::Internal(e.to_string()))??)
}
