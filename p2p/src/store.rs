//! Where served blobs come from, and who may have them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use assay_protocol::B256;
use bao_tree::io::sync::ReadAt;
use libp2p::PeerId;

use crate::blob::{BlobAnswer, BlobRequest, Refusal};
use crate::proof::{self, Outboard};

/// Content by BLAKE3 hash, given by the node. Called on blocking threads.
pub trait BlobStore: Send + Sync + 'static {
    /// The blob of that hash, `None` when it is not there.
    fn open(&self, hash: B256) -> io::Result<Option<Box<dyn BlobSource>>>;
}

/// One blob, readable at any place.
pub trait BlobSource: Send {
    /// Bytes in all.
    fn size(&self) -> u64;

    /// Reads from `offset` into `buffer`; as many bytes as were read, 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl BlobSource for Arc<[u8]> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        ReadAt::read_at(&&self[..], offset, buffer)
    }
}

/// Blobs in memory, oldest out first.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: u64,
    blobs: Mutex<MemoryBlobs>,
}

#[derive(Debug, Default)]
struct MemoryBlobs {
    held: u64,
    by_hash: HashMap<B256, Arc<[u8]>>,
    order: VecDeque<B256>,
}

impl MemoryStore {
    /// A store that holds at most `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        Self {
            capacity,
            blobs: Mutex::default(),
        }
    }

    /// Keeps `bytes` and gives their BLAKE3 hash. Older blobs leave when there is no room; a blob larger than the
    /// whole store is not kept.
    pub fn insert(&self, bytes: impl Into<Arc<[u8]>>) -> B256 {
        let bytes: Arc<[u8]> = bytes.into();
        let hash = B256::from(*blake3::hash(&bytes).as_bytes());
        let len = bytes.len() as u64;
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if len > self.capacity || blobs.by_hash.contains_key(&hash) {
            return hash;
        }
        while blobs.held + len > self.capacity {
            let Some(oldest) = blobs.order.pop_front() else {
                break;
            };
            if let Some(gone) = blobs.by_hash.remove(&oldest) {
                blobs.held -= gone.len() as u64;
            }
        }
        blobs.held += len;
        blobs.order.push_back(hash);
        blobs.by_hash.insert(hash, bytes);
        hash
    }
}

impl BlobStore for MemoryStore {
    fn open(&self, hash: B256) -> io::Result<Option<Box<dyn BlobSource>>> {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(blobs
            .by_hash
            .get(&hash)
            .map(|bytes| Box::new(Arc::clone(bytes)) as Box<dyn BlobSource>))
    }
}

/// Who may fetch what. A blob without a permission is served to nobody; how many have one is up to the node, which takes
/// back what it has given.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    peers: HashMap<B256, HashSet<PeerId>>,
    verifiers: HashSet<PeerId>,
}

impl Permissions {
    /// Lets `peers` and all verifiers fetch the blob, in addition to who already may.
    pub(crate) fn allow(&mut self, hash: B256, peers: impl IntoIterator<Item = PeerId>) {
        self.peers.entry(hash).or_default().extend(peers);
    }

    pub(crate) fn forbid(&mut self, hash: B256) {
        self.peers.remove(&hash);
    }

    pub(crate) fn set_verifiers(&mut self, peers: HashSet<PeerId>) {
        self.verifiers = peers;
    }

    pub(crate) fn permits(&self, hash: B256, peer: &PeerId) -> bool {
        self.peers
            .get(&hash)
            .is_some_and(|peers| peers.contains(peer) || self.verifiers.contains(peer))
    }
}

/// Outboards kept: 64 bytes per 16 KiB of blob, so 32 blobs of 8 MiB take 1 MiB.
const MAX_OUTBOARDS: usize = 32;

/// Answers range requests from a store; the tree of each blob is computed once.
pub(crate) struct Server {
    store: Arc<dyn BlobStore>,
    outboards: Mutex<VecDeque<(B256, Arc<Outboard>)>>,
}

impl Server {
    pub(crate) fn new(store: Arc<dyn BlobStore>) -> Self {
        Self {
            store,
            outboards: Mutex::default(),
        }
    }

    /// Reads, hashes and proves: for blocking threads. The asker's permission has been checked.
    pub(crate) fn answer(&self, request: &BlobRequest) -> BlobAnswer {
        let refused = |refusal| BlobAnswer::Refused(refusal);
        let source = match self.store.open(request.hash) {
            Ok(Some(source)) => source,
            Ok(None) => return refused(Refusal::NotFound),
            Err(error) => {
                tracing::warn!(blob = %request.hash, %error, "blob cannot be opened");
                return refused(Refusal::NotFound);
            }
        };
        if source.size() != request.blob_len {
            return refused(Refusal::OtherLength(source.size()));
        }
        if !request.is_well_formed() {
            return refused(Refusal::MalformedRange);
        }
        match self.prove(request, &*source) {
            Ok(encoded) => BlobAnswer::Data(encoded),
            Err(error) => {
                tracing::warn!(blob = %request.hash, %error, "blob is damaged in the store");
                refused(Refusal::NotFound)
            }
        }
    }

    fn prove(&self, request: &BlobRequest, source: &dyn BlobSource) -> io::Result<Vec<u8>> {
        let cached = {
            let outboards = self
                .outboards
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            outboards
                .iter()
                .find(|(hash, _)| *hash == request.hash)
                .map(|(_, tree)| Arc::clone(tree))
        };
        let tree = match cached {
            Some(tree) => tree,
            None => {
                let tree = Arc::new(proof::outboard(FromStart { source, at: 0 }, source.size())?);
                if tree.root.as_bytes() != request.hash.as_slice() {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "content does not match its hash",
                    ));
                }
                let mut outboards = self
                    .outboards
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if outboards.len() >= MAX_OUTBOARDS {
                    outboards.pop_front();
                }
                outboards.push_back((request.hash, Arc::clone(&tree)));
                tree
            }
        };
        proof::prove(request, AnyPlace(source), &tree)
    }
}

struct FromStart<'a> {
    source: &'a dyn BlobSource,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct AnyPlace<'a>(&'a dyn BlobSource);

impl ReadAt for AnyPlace<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_oldest_leaves() {
        let store = MemoryStore::new(10);
        let first = store.insert(vec![1; 6]);
        let second = store.insert(vec![2; 4]);
        let third = store.insert(vec![3; 5]);
        let huge = store.insert(vec![4; 11]);
        let there = |hash| store.open(hash).unwrap().is_some();
        assert_eq!(
            [first, second, third, huge].map(there),
            [false, true, true, false]
        );
    }

    #[test]
    fn permissions_are_per_blob_until_they_are_taken_back() {
        let (electee, verifier, stranger) = (PeerId::random(), PeerId::random(), PeerId::random());
        let mut permissions = Permissions::default();
        let hash = |i: usize| B256::left_padding_from(&i.to_be_bytes());
        permissions.set_verifiers(HashSet::from([verifier]));
        assert!(
            !permissions.permits(hash(0), &verifier),
            "a blob nobody listed is nobody's"
        );
        permissions.allow(hash(0), [electee]);
        assert!(permissions.permits(hash(0), &electee) && permissions.permits(hash(0), &verifier));
        assert!(
            !permissions.permits(hash(0), &stranger) && !permissions.permits(hash(1), &electee)
        );
        // A live stream's are as many as its segments of the evidence window.
        for i in 1..=50_000 {
            permissions.allow(hash(i), []);
        }
        assert!(permissions.permits(hash(0), &electee));
        permissions.forbid(hash(0));
        assert!(!permissions.permits(hash(0), &electee));
        assert!(permissions.permits(hash(1), &verifier));
    }

    #[test]
    fn refusals_say_why() {
        let store = Arc::new(MemoryStore::new(1 << 20));
        let hash = store.insert(vec![7; 1000]);
        let server = Server::new(store);
        let good = BlobRequest {
            hash,
            blob_len: 1000,
            offset: 0,
            len: 1000,
        };
        assert!(matches!(server.answer(&good), BlobAnswer::Data(_)));
        let refused = |request| match server.answer(&request) {
            BlobAnswer::Refused(refusal) => refusal,
            BlobAnswer::Data(_) => panic!("served {request:?}"),
        };
        assert_eq!(
            refused(BlobRequest {
                hash: B256::ZERO,
                ..good
            }),
            Refusal::NotFound
        );
        assert_eq!(
            refused(BlobRequest {
                blob_len: 999,
                ..good
            }),
            Refusal::OtherLength(1000)
        );
        assert_eq!(
            refused(BlobRequest {
                offset: 1,
                len: 999,
                ..good
            }),
            Refusal::MalformedRange
        );
    }

    #[test]
    fn a_store_with_other_content_serves_nothing() {
        struct Liar;
        impl BlobStore for Liar {
            fn open(&self, _: B256) -> io::Result<Option<Box<dyn BlobSource>>> {
                Ok(Some(Box::new(Arc::<[u8]>::from([1; 100]))))
            }
        }
        let server = Server::new(Arc::new(Liar));
        let request = BlobRequest {
            hash: B256::ZERO,
            blob_len: 100,
            offset: 0,
            len: 100,
        };
        assert_eq!(
            server.answer(&request),
            BlobAnswer::Refused(Refusal::NotFound)
        );
    }
}
