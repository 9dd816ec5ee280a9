//! How a node's memory is managed, which is glibc's default otherwise.
//!
//! glibc gives threads heaps of their own, and each keeps the pages of its busiest moment: what a node uses stays the same, while
//! what it holds goes on creeping up. Nothing in a node allocates so much that its threads would wait for each other. Workers,
//! whose encoders do, keep the default. Other C libraries have one heap, or manage this themselves.

use std::time::Duration;

/// Between two returns of what is free: some milliseconds each.
const EVERY: Duration = Duration::from_secs(60);

/// Has all threads share one heap; to be called before there is a second one.
pub fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: `mallopt` takes two numbers and touches no memory of ours. It is no mistake to be refused.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives the pages that are free back to the system, again and again: otherwise one that was taken in a busy moment is kept
/// for as long as anything above it is used.
pub async fn give_back() {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        #[allow(unsafe_code)]
        // SAFETY: it takes a number and locks the heap while it looks for free pages.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
