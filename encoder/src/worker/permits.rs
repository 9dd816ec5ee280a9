//! How many threads may encode at the same time: what the parent has said, which may become more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Permits that nobody holds.
#[derive(Default)]
pub(super) struct Permits {
    free: Mutex<usize>,
    more: Condvar,
}

/// Given back when dropped.
pub(super) struct Permit<'a>(&'a Permits);

impl Permits {
    // A number is never half written.
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many more.
    pub(super) fn add(&self, count: usize) {
        *self.lock() += count;
        self.more.notify_all();
    }

    /// Waits for one.
    pub(super) fn take(&self) -> Permit<'_> {
        let free = self.more.wait_while(self.lock(), |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{RecvTimeoutError, sync_channel};
    use std::time::Duration;

    #[test]
    fn so_many_at_a_time_and_one_more() {
        let (permits, (sender, receiver)) = (Permits::default(), sync_channel(8));
        let soon = Duration::from_millis(20);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let (permits, sender) = (&permits, sender.clone());
                scope.spawn(move || sender.send(permits.take()));
            }
            permits.add(1);
            let first = receiver.recv();
            let timeout = receiver.recv_timeout(soon).err();
            assert_eq!(timeout, Some(RecvTimeoutError::Timeout));
            permits.add(1);
            let second = receiver.recv();
            let timeout = receiver.recv_timeout(soon).err();
            assert_eq!(timeout, Some(RecvTimeoutError::Timeout));
            drop(first);
            assert!(receiver.recv().is_ok());
            drop(second);
        });
        drop(receiver);
        assert_eq!(*permits.lock(), 2);
    }
}
