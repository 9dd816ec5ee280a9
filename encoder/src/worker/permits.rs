//! How many threads may encode at the same time: what the parent has said, which may become more or less.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Permits, of which some may be asked back.
#[derive(Default)]
pub(super) struct Permits {
    /// Those that nobody holds.
    free: Mutex<usize>,
    more: Condvar,
    asked: AtomicUsize,
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

    /// Asks for one back from whoever is done with a leaf next.
    pub(super) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for one.
    pub(super) fn take(&self) -> Permit<'_> {
        let free = self.more.wait_while(self.lock(), |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(self)
    }
}

impl Permit<'_> {
    /// Ends the permit if one was asked back; says so.
    pub(super) fn give_back(self) -> bool {
        let one_less = |asked: usize| asked.checked_sub(1);
        let (relaxed, asked) = (Ordering::Relaxed, &self.0.asked);
        let given = asked.fetch_update(relaxed, relaxed, one_less).is_ok();
        if given {
            std::mem::forget(self);
        }
        given
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
        assert!(!permits.take().give_back());
        permits.ask();
        assert_eq!(*permits.lock(), 2, "with the end of a leaf");
        assert!(permits.take().give_back());
        assert!(!permits.take().give_back());
        assert_eq!(*permits.lock(), 1);
    }
}
