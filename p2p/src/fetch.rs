//! Fetching a blob by hash: range after range, provider after provider, each of which has a time for all of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assay_protocol::B256;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;

use crate::blob::{BlobAnswer, BlobRequest, Refusal};
use crate::handle::{Handle, RequestError};
use crate::proof::{self, BadData};
use crate::standing::Misconduct;

/// Bytes asked for at once; a multiple of 16 KiB.
const RANGE: u64 = 512 * 1024;
/// Ranges under way at once, so that a long round trip does not idle the link: 2 MiB.
const WINDOW: usize = 4;
/// Times a busy provider is asked again before the next one is tried.
const BUSY_RETRIES: u32 = 5;
/// First wait for a busy provider; doubles: 3 s in all.
const BUSY_WAIT: Duration = Duration::from_millis(100);
/// Time that a provider has beside what the missing bytes take at [`SLOWEST`]: a request with its answer, and waiting while
/// it is busy.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes a second that a provider gives at least: half of what a broadcaster of 8 Mbit/s has.
const SLOWEST: u64 = 512 * 1024;
/// Unfinished blobs kept for a later call, bytes in all beside the newest.
const MAX_PARTIAL_BYTES: usize = 64 * 1024 * 1024;

/// Why one provider did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFailure {
    /// It said so.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It did not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was too slow for all of it; what it gave is kept.
    #[error("not done after {0:?}")]
    Slow(Duration),
    /// It sent something else; its score has been lowered.
    #[error(transparent)]
    Bad(#[from] BadData),
}

/// Why a blob was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Over the configured limit; nothing was asked.
    #[error("blob of {len} bytes; this node fetches at most {max} (limits.blob_mib)")]
    TooLarge {
        /// Bytes wanted.
        len: u64,
        /// The limit, bytes.
        max: u64,
    },
    /// Length 0 but not the hash of nothing.
    #[error("an empty blob does not have the hash {0}")]
    NotEmpty(B256),
    /// Every provider failed.
    #[error("blob {hash}: {verified} of {len} bytes fetched; {}", list(failures))]
    Exhausted {
        /// The blob.
        hash: B256,
        /// Its length, bytes.
        len: u64,
        /// Bytes verified, kept for a later call.
        verified: u64,
        /// What went wrong with each provider, in the order tried.
        failures: Vec<(PeerId, ProviderFailure)>,
    },
}

fn list(failures: &[(PeerId, ProviderFailure)]) -> String {
    if failures.is_empty() {
        return "no provider known".to_owned();
    }
    failures
        .iter()
        .map(|(peer, failure)| format!("{peer}: {failure}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// A blob some ranges of which have been verified.
#[derive(Debug)]
struct Partial {
    hash: B256,
    bytes: Vec<u8>,
    /// Indices of ranges not yet there, in order.
    missing: VecDeque<u64>,
}

impl Partial {
    fn new(hash: B256, len: u64) -> Self {
        Self {
            hash,
            bytes: vec![0; len as usize],
            missing: (0..len.div_ceil(RANGE)).collect(),
        }
    }

    fn request(&self, index: u64) -> BlobRequest {
        let blob_len = self.bytes.len() as u64;
        let offset = index * RANGE;
        let len = RANGE.min(blob_len - offset) as u32;
        BlobRequest {
            hash: self.hash,
            blob_len,
            offset,
            len,
        }
    }

    fn fill(&mut self, request: &BlobRequest, range: &[u8]) {
        let start = request.offset as usize;
        self.bytes[start..start + range.len()].copy_from_slice(range);
    }

    fn put_back(&mut self, index: u64) {
        let at = self.missing.partition_point(|known| *known < index);
        self.missing.insert(at, index);
    }

    fn absent(&self) -> u64 {
        let lens = self.missing.iter().map(|index| self.request(*index).len);
        lens.map(u64::from).sum()
    }

    fn verified(&self) -> u64 {
        self.bytes.len() as u64 - self.absent()
    }

    /// What a provider has for the rest.
    fn time(&self) -> Duration {
        PATIENCE + Duration::from_secs(self.absent().div_ceil(SLOWEST))
    }
}

/// Unfinished blobs, the oldest out first.
#[derive(Debug, Default)]
pub(crate) struct Partials {
    kept: Mutex<VecDeque<Partial>>,
}

impl Partials {
    fn take(&self, hash: B256, len: u64) -> Partial {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept
            .iter()
            .position(|p| p.hash == hash && p.bytes.len() as u64 == len);
        position
            .and_then(|at| kept.remove(at))
            .unwrap_or_else(|| Partial::new(hash, len))
    }

    fn keep(&self, partial: Partial) {
        if partial.verified() == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(partial);
        // The newest is kept whatever its length: a long one needs it most.
        while kept.len() > 1
            && kept.iter().map(|p| p.bytes.len()).sum::<usize>() > MAX_PARTIAL_BYTES
        {
            kept.pop_front();
        }
    }
}

pub(crate) async fn fetch(
    handle: &Handle,
    partials: &Partials,
    hash: B256,
    len: u64,
    max: u64,
    providers: Vec<PeerId>,
) -> Result<Vec<u8>, FetchError> {
    if len > max {
        return Err(FetchError::TooLarge { len, max });
    }
    if len == 0 {
        let is_empty = blake3::hash(&[]).as_bytes() == hash.as_slice();
        return if is_empty {
            Ok(Vec::new())
        } else {
            Err(FetchError::NotEmpty(hash))
        };
    }
    // Taken out of the cache on drop too: a cancelled fetch keeps what it has verified.
    let mut unfinished = Unfinished {
        partial: Some(partials.take(hash, len)),
        partials,
    };
    let mut failures = Vec::new();
    for provider in providers {
        let Some(partial) = unfinished.partial.as_mut() else {
            break;
        };
        let time = partial.time();
        let fetched = tokio::time::timeout(time, fetch_from(handle, provider, partial)).await;
        match fetched.unwrap_or(Err(ProviderFailure::Slow(time))) {
            Ok(()) => {
                let done = unfinished.partial.take().map(|partial| partial.bytes);
                return Ok(done.unwrap_or_default());
            }
            Err(failure) => {
                tracing::debug!(blob = %hash, %provider, %failure, "provider failed");
                if matches!(failure, ProviderFailure::Bad(_)) {
                    handle.punish(provider, Misconduct::BadBlobData).await;
                }
                failures.push((provider, failure));
            }
        }
    }
    let verified = unfinished.partial.as_ref().map_or(0, Partial::verified);
    Err(FetchError::Exhausted {
        hash,
        len,
        verified,
        failures,
    })
}

struct Unfinished<'a> {
    partial: Option<Partial>,
    partials: &'a Partials,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            self.partials.keep(partial);
        }
    }
}

/// Fetches all missing ranges from one provider; on failure, what arrived is in `partial`.
async fn fetch_from(
    handle: &Handle,
    provider: PeerId,
    partial: &mut Partial,
) -> Result<(), ProviderFailure> {
    let mut under_way = Window {
        partial,
        futures: FuturesUnordered::new(),
        asked: Vec::new(),
    };
    loop {
        while under_way.futures.len() < WINDOW
            && let Some(index) = under_way.partial.missing.pop_front()
        {
            let request = under_way.partial.request(index);
            under_way.asked.push(index);
            under_way.futures.push(async move {
                (index, request, fetch_range(handle, provider, request).await)
            });
        }
        let Some((index, request, outcome)) = under_way.futures.next().await else {
            return Ok(());
        };
        let range = outcome?;
        under_way.partial.fill(&request, &range);
        under_way.asked.retain(|known| *known != index);
    }
}

/// Ranges asked for; those without an answer return to `missing` however the fetch ends.
struct Window<'a, F> {
    partial: &'a mut Partial,
    futures: FuturesUnordered<F>,
    asked: Vec<u64>,
}

impl<F> Drop for Window<'_, F> {
    fn drop(&mut self) {
        for index in self.asked.drain(..) {
            self.partial.put_back(index);
        }
    }
}

async fn fetch_range(
    handle: &Handle,
    provider: PeerId,
    request: BlobRequest,
) -> Result<Vec<u8>, ProviderFailure> {
    let mut wait = BUSY_WAIT;
    for attempt in 0.. {
        match handle.request_range(provider, request).await? {
            BlobAnswer::Data(encoded) => return Ok(proof::verify(&request, &encoded)?),
            BlobAnswer::Refused(Refusal::Busy) if attempt < BUSY_RETRIES => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            BlobAnswer::Refused(refusal) => return Err(refusal.into()),
        }
    }
    Err(Refusal::Busy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_resume_and_are_bounded() {
        let (hash, len) = (B256::repeat_byte(1), 3 * RANGE / 2);
        let partials = Partials::default();
        let mut partial = partials.take(hash, len);
        assert_eq!(partial.missing, [0, 1]);
        partials.keep(Partial::new(hash, len));
        assert!(
            partials.kept.lock().unwrap().is_empty(),
            "nothing verified, nothing kept"
        );
        assert_eq!(partial.missing.pop_front(), Some(0));
        let request = partial.request(0);
        partial.fill(&request, &vec![7; RANGE as usize]);
        assert_eq!(partial.verified(), RANGE);
        partials.keep(partial);
        assert_eq!(
            partials.take(hash, len + 1).missing.len(),
            2,
            "another length is another blob"
        );
        let mut again = partials.take(hash, len);
        assert_eq!((again.bytes[0], &again.missing), (7, &VecDeque::from([1])));
        again.put_back(0);
        assert_eq!(again.missing, [0, 1]);
        let size = MAX_PARTIAL_BYTES as u64 / 2 + 1;
        for i in 0..3 {
            let mut partial = Partial::new(B256::repeat_byte(i), size);
            partial.missing.pop_front();
            partials.keep(partial);
        }
        assert_eq!(partials.kept.lock().unwrap().len(), 1);
    }
}
