//! CPU time of this thread and of ended children.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Linux reports times in /proc in this unit on every architecture (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time the calling thread has used.
pub(crate) fn thread() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// CPU time of children that have been waited for, user and system, to a hundredth of a second.
pub(crate) fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields after the parenthesised name: cutime and cstime are numbers 16 and 17 of proc(5), here 13 and 14.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = after
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|f| f.parse::<f64>().ok())
        .sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}
