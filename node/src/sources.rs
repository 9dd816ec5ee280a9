//! Source bytes of segments: from the own folder, or from peers, each fetched once; a bounded number of bytes in memory and on
//! disk, whatever is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assay_p2p::{Handle, PeerId};
use assay_protocol::assignment::{Assignment, MAX_SOURCE, RefusalReason};
use assay_protocol::{Address, B256};
use assay_verifier::Urgency;
use tokio::sync::OnceCell;

use crate::blobs::Blobs;
use crate::room::{Place, Room};
use crate::stock::Stock;

/// Segments held in memory at most; a verifier checks the same few segments many times within seconds.
const IN_MEMORY: usize = 4;
/// Their bytes at most, but for the newest.
const IN_MEMORY_BYTES: u64 = MAX_SOURCE / 2;

/// Rounds through all providers. A request dies with its connection, and a provider that was just started again is
/// still thought connected under the old one.
const FETCH_TRIES: u32 = 3;
/// Pause between two rounds.
const FETCH_PAUSE: Duration = Duration::from_millis(500);

type Cell = Arc<OnceCell<Arc<[u8]>>>;

/// Hash, length and broadcaster: who names another's source, with providers of its own, keeps nobody waiting for it.
type Key = (B256, u64, Address);

/// Fetches and keeps source bytes.
#[derive(Clone)]
pub struct Sources {
    blobs: Blobs,
    handle: Handle,
    cells: Arc<Mutex<BTreeMap<Key, Kept>>>,
    room: Room,
    stock: Arc<Mutex<Stock>>,
    /// Blocks behind an assignment's deadline for which its source is kept.
    evidence: u64,
}

/// A source in memory.
struct Kept {
    age: u64,
    cell: Cell,
}

/// A source that is being checked, with the room that it takes.
pub(crate) struct Lent {
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    _place: Place,
}

impl Sources {
    /// Keeps at most `most` fetched bytes in `blobs`, until `evidence` blocks behind the deadline of an assignment; fetches
    /// them through `handle`.
    pub fn new(blobs: Blobs, handle: Handle, most: u64, evidence: u64) -> Self {
        Self {
            blobs,
            handle,
            cells: Arc::default(),
            room: Room::default(),
            stock: Arc::new(Mutex::new(Stock::new(most))),
            evidence,
        }
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what an earlier process has left in the folder, of whomever it is, needed until `last`; gives what there is no
    /// room for.
    pub fn found(&self, left: Vec<(B256, u64)>, last: u64) -> Vec<B256> {
        let mut stock = self.stock();
        let mut gone = Vec::new();
        for (hash, len) in left {
            match stock.admit(hash, len, Address::ZERO) {
                Some(displaced) => gone.extend(displaced),
                None => gone.push(hash),
            }
            stock.need(hash, last);
        }
        gone
    }

    /// Keeps a fetched source that others are told to fetch here; whether it is here.
    pub fn serve(&self, hash: B256) -> bool {
        self.stock().serve(hash)
    }

    /// A source is needed up to and including `block`, where it is here.
    pub fn need(&self, hash: B256, block: u64) {
        self.stock().need(hash, block);
    }

    /// Gives up what was needed before `block` only: it must leave the disk.
    pub fn expire(&self, block: u64) -> Vec<B256> {
        self.stock().expire(block)
    }

    /// The source of an assignment of `broadcaster` for one check, as soon as there is room for it; the most urgent first.
    ///
    /// # Errors
    /// As [`Self::get`], and [`RefusalReason::Overloaded`] where too many wait.
    pub(crate) async fn lend(
        &self,
        assignment: &Assignment,
        broadcaster: Address,
        urgency: Urgency,
        providers: Vec<PeerId>,
    ) -> Result<Lent, RefusalReason> {
        let place = self.room.enter(urgency, broadcaster, assignment.sourceLen);
        let place = place.await?;
        let bytes = self.get(assignment, broadcaster, providers).await?;
        Ok(Lent {
            bytes,
            _place: place,
        })
    }

    /// The source bytes of an assignment of `broadcaster`, from disk or from the first of `providers` that serves them.
    ///
    /// # Errors
    /// [`RefusalReason::SourceUnavailable`] when nobody does, [`RefusalReason::SourceMismatch`] when the bytes of that hash
    /// have another length than the assignment says.
    pub async fn get(
        &self,
        assignment: &Assignment,
        broadcaster: Address,
        providers: Vec<PeerId>,
    ) -> Result<Arc<[u8]>, RefusalReason> {
        let (hash, len) = (assignment.sourceHash, assignment.sourceLen);
        let last = assignment.deadlineBlock.saturating_add(self.evidence);
        let cell = self.cell((hash, len, broadcaster));
        let fetched = cell.get_or_try_init(|| async {
            if let Some(bytes) = self.on_disk(hash).await {
                self.need(hash, last);
                return Ok(bytes);
            }
            let bytes = self.fetch(hash, len, providers).await?;
            self.keep(hash, broadcaster, bytes.clone(), last).await;
            Ok(bytes)
        });
        let bytes = fetched.await?.clone();
        if bytes.len() as u64 == len {
            Ok(bytes)
        } else {
            Err(RefusalReason::SourceMismatch)
        }
    }

    /// Writes a source down, if there is room for it.
    async fn keep(&self, hash: B256, broadcaster: Address, bytes: Arc<[u8]>, last: u64) {
        let admitted = {
            let mut stock = self.stock();
            let admitted = stock.admit(hash, bytes.len() as u64, broadcaster);
            stock.need(hash, last);
            admitted
        };
        let Some(gone) = admitted else {
            return tracing::debug!(%hash, "no room on disk for a source of {broadcaster}");
        };
        let (blobs, stock) = (self.blobs.fetched.clone(), self.stock.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let removed = gone.into_iter().try_for_each(|hash| blobs.remove(hash));
            removed.and_then(|()| blobs.put(&bytes))?;
            // It may have been displaced before it was written.
            let stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
            match stock.has(&hash) {
                true => Ok(()),
                false => blobs.remove(hash),
            }
        });
        if let Ok(Err(e)) = kept.await {
            self.stock().remove(hash);
            tracing::warn!(%hash, "source cannot be kept: {e}");
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

    fn cell(&self, key: Key) -> Cell {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = cells.values().map(|kept| kept.age).max().unwrap_or(0) + 1;
        let entry = cells.entry(key).or_insert_with(|| Kept {
            age: newest,
            cell: Cell::default(),
        });
        entry.age = newest;
        let cell = entry.cell.clone();
        let full = |cells: &BTreeMap<Key, Kept>| {
            let bytes: u64 = cells.keys().map(|(_, len, _)| len).sum();
            cells.len() > IN_MEMORY || (cells.len() > 1 && bytes > IN_MEMORY_BYTES)
        };
        while full(&cells) {
            let oldest = cells.iter().min_by_key(|(_, kept)| kept.age);
            let Some(key) = oldest.map(|(key, _)| *key) else {
                break;
            };
            cells.remove(&key);
        }
        cell
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
        let blobs = Blobs::open(folder.path()).unwrap();
        let hash = blobs.published.put(b"segment").unwrap();
        let identity = Identity::from_secret([1; 32].into()).unwrap();
        let store = Arc::new(MemoryStore::new(1));
        let mut alone = Config::new(31_337, Address::repeat_byte(0xc0));
        alone.listen.clear();
        let (handle, _events) = spawn(alone, &identity, store).unwrap();
        let sources = Sources::new(blobs, handle, 100, 0);
        let get = |source_len| {
            let assignment = Assignment {
                sourceHash: hash,
                sourceLen: source_len,
                ..Default::default()
            };
            let sources = &sources;
            async move { sources.get(&assignment, Address::ZERO, Vec::new()).await }
        };
        assert_eq!(get(8).await, Err(RefusalReason::SourceMismatch));
        assert_eq!(get(7).await.as_deref(), Ok(&b"segment"[..]));
        assert_eq!(get(6).await, Err(RefusalReason::SourceMismatch));
    }

    /// What fetches sources, what serves these of some broadcasters, and their assignments.
    async fn network(
        of: &[(Address, Vec<Vec<u8>>)],
    ) -> (Handle, Handle, Vec<(Assignment, Address)>) {
        let court = Address::repeat_byte(0xc0);
        let store = Arc::new(MemoryStore::new(64 << 20));
        let mut known = Vec::new();
        for (broadcaster, sources) in of {
            for bytes in sources {
                let assignment = Assignment {
                    sourceHash: store.insert(bytes.clone()),
                    sourceLen: bytes.len() as u64,
                    ..Default::default()
                };
                known.push((assignment, *broadcaster));
            }
        }
        let config = || Config {
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
            ..Config::new(31_337, court)
        };
        let identity = |n: u8| Identity::from_secret([n; 32].into()).unwrap();
        let (server, mut served) = spawn(config(), &identity(1), store).unwrap();
        tokio::spawn(async move { while served.recv().await.is_some() {} });
        let address = loop {
            match server.listen_addrs().await.pop() {
                Some(address) => break address,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let (client, mut heard) =
            spawn(config(), &identity(2), Arc::new(MemoryStore::new(1))).unwrap();
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        for (assignment, _) in &known {
            server.allow_blob(assignment.sourceHash, [client.peer_id()]);
        }
        let peer = server.peer_id();
        client.add_peer(peer, vec![address]).await;
        while !client.connected().await.contains(&peer) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (client, server, known)
    }

    #[tokio::test]
    async fn a_flood_of_large_sources_takes_bounded_memory_and_disk() {
        const LEN: usize = 64 << 10;
        let (flood, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let sources = |mark: u8, n: u8| (0..n).map(move |i| [vec![mark, i], vec![0; LEN]].concat());
        let of = [
            (flood, sources(1, 24).collect::<Vec<_>>()),
            (other, sources(2, 2).collect()),
        ];
        let (handle, server, known) = network(&of).await;
        let peer = server.peer_id();
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let most = 5 * LEN as u64;
        let mut sources = Sources::new(blobs.clone(), handle, most, 7);
        sources.room = Room::of(most);
        // One worker, at which all wait with their sources.
        let slot = Arc::new(tokio::sync::Semaphore::new(1));
        let checks = known.into_iter().map(|(assignment, whose)| {
            let (sources, slot) = (sources.clone(), slot.clone());
            tokio::spawn(async move {
                let lent = sources
                    .lend(&assignment, whose, Urgency::Sample, vec![peer])
                    .await;
                let lent = lent.unwrap();
                let _held = slot.acquire().await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
                assert_eq!(lent.bytes.len() as u64, assignment.sourceLen);
                let files = sources.blobs.fetched.list().unwrap();
                (sources.room.held(), files.iter().map(|(_, len)| len).sum())
            })
        });
        let mut whole = 0;
        for check in checks.collect::<Vec<_>>() {
            let (held, on_disk): (u64, u64) = check.await.unwrap();
            assert!(held <= most, "{held} bytes held");
            // What is removed goes just before what is written in its place.
            assert!(on_disk <= most + 2 * LEN as u64, "{on_disk} bytes on disk");
            whole = whole.max(on_disk);
        }
        assert!(whole > most / 2, "the room on disk is used");
        assert_eq!(sources.room.held(), 0);
        let left: Vec<_> = blobs.fetched.list().unwrap();
        let bytes: u64 = left.iter().map(|(_, len)| len).sum();
        assert!(bytes <= most, "{bytes} bytes in the end");
        let of_other = |mark: u8, i: u8| {
            B256::from(*blake3::hash(&[vec![mark, i], vec![0; LEN]].concat()).as_bytes())
        };
        for i in 0..2 {
            assert!(left.iter().any(|(hash, _)| *hash == of_other(2, i)));
        }
        assert!(blobs.published.list().unwrap().is_empty());
        // Their deadline was block 0; a receipt speaks of one of them once more, and of something that is not here.
        sources.need(of_other(2, 0), 9);
        sources.need(B256::ZERO, 9);
        assert!(sources.expire(7).is_empty());
        assert_eq!(sources.expire(8).len(), left.len() - 1);
        assert!(sources.serve(of_other(2, 0)) && !sources.serve(of_other(2, 1)));
        assert_eq!(sources.expire(10), [of_other(2, 0)]);
    }
}
