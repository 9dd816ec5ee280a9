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
    /// [`RefusalReason::SourceUnavailable`] when nobody does, [`RefusalReason::SourceMismatch`] when the bytes of that hash
    /// have another length than the assignment says.
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
        let bytes = fetched.await?.clone();
        if bytes.len() as u64 == len {
            Ok(bytes)
        } else {
            Err(RefusalReason::SourceMismatch)
        }
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

#[cfg(test)]
mod tests {
    use assay_p2p::{Config, Identity, MemoryStore, spawn};
    use assay_protocol::Address;

    use super::*;

    #[tokio::test]
    async fn known_bytes_of_another_length_are_not_the_source() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobFolder::open(folder.path()).unwrap();
        let hash = blobs.put(b"segment").unwrap();
        let identity = Identity::from_secret([1; 32].into()).unwrap();
        let store = Arc::new(MemoryStore::new(1));
        let mut alone = Config::new(31_337, Address::repeat_byte(0xc0));
        alone.listen.clear();
        let (handle, _events) = spawn(alone, &identity, store).unwrap();
        let sources = Sources::new(blobs, handle);
        let get = |source_len| {
            let assignment = Assignment {
                sourceHash: hash,
                sourceLen: source_len,
                ..Default::default()
            };
            let sources = &sources;
            async move { sources.get(&assignment, Vec::new()).await }
        };
        assert_eq!(get(8).await, Err(RefusalReason::SourceMismatch));
        assert_eq!(get(7).await.as_deref(), Ok(&b"segment"[..]));
        assert_eq!(get(6).await, Err(RefusalReason::SourceMismatch));
    }
}
