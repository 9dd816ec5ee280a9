//! Source bytes of segments: from the own folder, or from peers, each fetched once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_p2p::{Handle, PeerId};
use assay_protocol::B256;
use assay_protocol::assignment::{Assignment, RefusalReason};
use tokio::sync::OnceCell;

use crate::blobs::BlobFolder;

/// Segments held in memory; a verifier checks the same few segments many times within seconds.
const IN_MEMORY: usize = 4;

/// Rounds through all providers. A request dies with its connection, and a provider that was just started again is
/// still thought connected under the old one.
const FETCH_TRIES: u32 = 3;
/// Pause between two rounds.
const FETCH_PAUSE: Duration = Duration::from_millis(500);

type Cell = Arc<OnceCell<Arc<[u8]>>>;

/// Fetches and keeps source bytes.
#[derive(Clone)]
pub struct Sources {
    blobs: BlobFolder,
    handle: Handle,
    cells: Arc<Mutex<BTreeMap<B256, (u64, Cell)>>>,
}

impl Sources {
    /// Keeps bytes in `blobs`, fetches them through `handle`.
    pub fn new(blobs: BlobFolder, handle: Handle) -> Self {
        Self {
            blobs,
            handle,
            cells: Arc::default(),
        }
    }

    /// The source bytes of an assignment, from disk or from the first of `providers` that serves them.
    ///
    /// # Errors
    /// [`RefusalReason::SourceUnavailable`] when nobody does.
    pub async fn get(
        &self,
        assignment: &Assignment,
        providers: Vec<PeerId>,
    ) -> Result<Arc<[u8]>, RefusalReason> {
        let (hash, len) = (assignment.sourceHash, assignment.sourceLen);
        let cell = self.cell(hash);
        let fetched = cell.get_or_try_init(|| async {
            if let Some(bytes) = self.on_disk(hash).await {
                return Ok(bytes);
            }
            let bytes = self.fetch(hash, len, providers).await?;
            let (blobs, copy) = (self.blobs.clone(), bytes.clone());
            let kept = tokio::task::spawn_blocking(move || blobs.put(&copy)).await;
            if let Ok(Err(e)) = kept {
                tracing::warn!(%hash, "source cannot be kept: {e}");
            }
            Ok(bytes)
        });
        fetched.await.cloned()
    }

    async fn fetch(
        &self,
        hash: B256,
        len: u64,
        providers: Vec<PeerId>,
    ) -> Result<Arc<[u8]>, RefusalReason> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.handle.fetch_blob(hash, len, providers.clone()).await {
                Ok(bytes) => return Ok(bytes.into()),
                Err(e) if tries < FETCH_TRIES && !providers.is_empty() => {
                    tracing::debug!(%hash, tries, "source is asked for again: {e}");
                    tokio::time::sleep(FETCH_PAUSE).await;
                }
                Err(e) => {
                    tracing::debug!(%hash, "source cannot be fetched: {e}");
                    return Err(RefusalReason::SourceUnavailable);
                }
            }
        }
    }

    async fn on_disk(&self, hash: B256) -> Option<Arc<[u8]>> {
        let blobs = self.blobs.clone();
        let read = tokio::task::spawn_blocking(move || blobs.get(hash))
            .await
            .ok()?;
        read.ok().flatten().map(Into::into)
    }

    fn cell(&self, hash: B256) -> Cell {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = cells.values().map(|(age, _)| *age).max().unwrap_or(0) + 1;
        if !cells.contains_key(&hash) && cells.len() >= IN_MEMORY {
            let oldest = cells
                .iter()
                .min_by_key(|(_, (age, _))| *age)
                .map(|(hash, _)| *hash);
            oldest.map(|hash| cells.remove(&hash));
        }
        let entry = cells.entry(hash).or_default();
        entry.0 = newest;
        entry.1.clone()
    }
}
