//! How many requests may be under way to one peer. libp2p's request-response drops what exceeds its stream limit, on
//! both sides, so the limit is kept here, where the surplus waits instead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use libp2p::PeerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests of one kind under way to one peer.
pub(crate) const PER_PEER: usize = 8;
/// Streams a connection takes for one protocol: both directions at their limit, and as much again for a peer that has
/// dropped its side of a request already.
pub(crate) const STREAMS: usize = 4 * PER_PEER;

/// The protocols of direct streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Blob,
    Job,
    Verdict,
}

type Places = HashMap<(Lane, PeerId), Arc<Semaphore>>;

/// The limits of every peer that has requests under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes {
    semaphores: Arc<Mutex<Places>>,
}

impl Lanes {
    /// Waits for a place.
    pub(crate) async fn enter(&self, lane: Lane, peer: PeerId) -> Option<OwnedSemaphorePermit> {
        let semaphore = {
            let mut semaphores = self
                .semaphores
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if semaphores.len() > 256 {
                semaphores.retain(|_, s| Arc::strong_count(s) > 1);
            }
            let fresh = || Arc::new(Semaphore::new(PER_PEER));
            Arc::clone(semaphores.entry((lane, peer)).or_insert_with(fresh))
        };
        semaphore.acquire_owned().await.ok()
    }
}
