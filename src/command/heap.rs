//! How a node's memory is managed, which is glibc's default otherwise.

/// Has all threads share one heap; to be called before there is a second one.
///
/// glibc gives threads heaps of their own, and each keeps the pages of its busiest moment: what a node uses stays the same, while what
/// it holds goes on creeping up. Nothing in a node allocates so much that its threads would wait for each other. Workers, whose
/// encoders do, keep the default.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn share() {
    // SAFETY: `mallopt` takes two numbers and touches no memory of ours. It is no mistake to be refused.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Other C libraries have one heap, or manage this themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share() {}
