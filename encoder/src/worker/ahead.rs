//! How far decoding may run ahead of encoding.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of decoded frames that are held for encoding, beyond which decoding waits: 6 s of 360p at 60 frames a second.
///
/// The sooner all is decoded, the sooner the first leaf can be told; see [`Outlet`](super::outlet::Outlet).
const MAX_AHEAD: usize = 128 << 20;

/// The bound for so many chunks of so many bytes at a time: each thread has its chunk whatever its size, and the next
/// one is being decoded beside them.
pub(super) fn bound(threads: usize, chunk: usize) -> usize {
    MAX_AHEAD.max(threads.saturating_mul(chunk))
}

/// Bytes that are held, of the most that may be.
pub(super) struct Ahead {
    max: usize,
    held: Mutex<usize>,
    freed: Condvar,
}

/// The decoded frames of a chunk; counted until dropped.
pub(super) struct Chunk<'a> {
    pub(super) frames: Vec<Vec<u8>>,
    bytes: usize,
    ahead: &'a Ahead,
}

impl Ahead {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            held: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    // A number is never half written.
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for the frames; one chunk alone always has it.
    pub(super) fn hold(&self, frames: Vec<Vec<u8>>) -> Chunk<'_> {
        let bytes = frames.iter().map(Vec::len).sum();
        let full = |held: &mut usize| *held > 0 && *held + bytes > self.max;
        let waited = self.freed.wait_while(self.lock(), full);
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
        Chunk {
            frames,
            bytes,
            ahead: self,
        }
    }
}

impl Drop for Chunk<'_> {
    fn drop(&mut self) {
        *self.ahead.lock() -= self.bytes;
        self.ahead.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{RecvTimeoutError, sync_channel};
    use std::time::Duration;

    #[test]
    fn large_chunks_are_encoded_side_by_side() {
        assert_eq!(bound(2, 1 << 20), MAX_AHEAD);
        // Two seconds of 1080p.
        let chunk = 60 * 1920 * 1080 * 3 / 2;
        let ahead = Ahead::new(bound(2, chunk));
        let held = [(); 2].map(|()| ahead.hold(vec![vec![0; chunk]]));
        assert_eq!(*ahead.lock(), 2 * chunk);
        drop(held);
    }

    #[test]
    fn waits_for_room() {
        let (ahead, (sender, receiver)) = (Ahead::new(10), sync_channel(8));
        let frames = |bytes| vec![vec![0; bytes]];
        let (first, second) = (ahead.hold(frames(4)), ahead.hold(frames(6)));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let large = ahead.hold(frames(50));
                let _ = sender.send(large.bytes);
            });
            let soon = Duration::from_millis(20);
            drop(first);
            assert_eq!(receiver.recv_timeout(soon), Err(RecvTimeoutError::Timeout));
            drop(second);
            assert_eq!(receiver.recv(), Ok(50));
        });
        assert_eq!(*ahead.lock(), 0);
    }
}
