//! How far decoding may run ahead of encoding.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of decoded frames that may wait to be encoded: 12 s of 360p at 60 frames a second, 1.4 s of 1080p.
///
/// The sooner all is decoded, the sooner the first leaf can be told; see [`Outlet`](super::outlet::Outlet).
pub(super) const MAX_AHEAD: usize = 256 << 20;

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
