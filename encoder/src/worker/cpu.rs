//! CPU time of this thread and of ended children.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Linux reports times in /proc in this unit on every architecture (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
/// Bytes of `/proc/self/stat` that matter; its 52 numbers take a few hundred.
const MAX_STAT: usize = 4096;

/// Opened before the walls go up, which leave no way to it.
static STAT: OnceLock<Option<File>> = OnceLock::new();

/// Opens what [`children`] reads; call it before the walls go up. Where there are none that is not needed.
pub(crate) fn open() {
    STAT.get_or_init(|| File::open("/proc/self/stat").ok());
}

/// CPU time the calling thread has used.
pub(crate) fn thread() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// CPU time of children that have been waited for, user and system, to a hundredth of a second; zero where unknown.
pub(crate) fn children() -> Duration {
    open();
    let mut stat = [0; MAX_STAT];
    let file = STAT.get().and_then(Option::as_ref);
    let read = file.and_then(|file| file.read_at(&mut stat, 0).ok());
    let stat = String::from_utf8_lossy(&stat[..read.unwrap_or_default()]);
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
