//! How far decoding may run ahead of encoding.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of decoded frames that are held for encoding, beyond which decoding waits: 6 s of 360p at 60 frames a second.
///
/// The sooner all is decoded, the sooner the first leaf can be told; see [`Outlet`](super::outlet::Outlet).
const MAX_AHEAD: usize = 128 << 20;

/// The bound for so many chunks of so many bytes at a time, where so much memory may be used: each thread has its chunk,
/// but for those that half of the memory has no room for; the next one is being decoded beside them.
pub(super) fn bound(threads: usize, chunk: usize, memory: u64) -> usize {
    let half = usize::try_from(memory / 2).unwrap_or(usize::MAX);
    let room = (half / chunk.max(1)).max(1);
    MAX_AHEAD.max(threads.min(room).saturating_mul(chunk))
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
        let memory = 8 << 30;
        assert_eq!(bound(2, 1 << 20, memory), MAX_AHEAD);
        // Two seconds of 1080p.
        let chunk = 60 * 1920 * 1080 * 3 / 2;
        let ahead = Ahead::new(bound(2, chunk, memory));
        let held = [(); 2].map(|()| ahead.hold(vec![vec![0; chunk]]));
        assert_eq!(*ahead.lock(), 2 * chunk);
        drop(held);
    }

    #[test]
    fn no_more_is_held_than_half_of_the_memory() {
        // A second of 4K at 60 frames and 10 bits.
        let chunk = 60 * 3840 * 2160 * 3;
        assert_eq!(bound(4, chunk, 8 << 30), 2 * chunk);
        assert_eq!(bound(4, chunk, 16 << 30), 4 * chunk);
        assert_eq!(bound(4, chunk, 1 << 30), chunk);
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
