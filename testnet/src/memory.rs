//! Peak memory of this process and everything it started.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::task::JoinHandle;

/// Often enough to see an encoder context, seldom enough to cost nothing.
const PAUSE: Duration = Duration::from_millis(250);

/// Samples memory until dropped.
pub(crate) struct MemoryWatch {
    peak: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl MemoryWatch {
    /// Begins to sample.
    pub(crate) fn start() -> Self {
        let peak = Arc::new(AtomicU64::new(0));
        let seen = peak.clone();
        let task = tokio::task::spawn(async move {
            let mut system = System::new();
            loop {
                let sampled = tokio::task::spawn_blocking(move || {
                    let bytes = resident(&mut system);
                    (system, bytes)
                });
                let Ok((back, bytes)) = sampled.await else {
                    return;
                };
                system = back;
                seen.fetch_max(bytes, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { peak, task }
    }

    /// Highest sum of resident memory seen, in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        self.peak.load(Ordering::Relaxed) / (1024 * 1024)
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Resident bytes of this process and its descendants.
fn resident(system: &mut System) -> u64 {
    let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let me = Pid::from_u32(std::process::id());
    let ours = |mut pid: Pid| {
        // A chain of parents is never longer than the number of processes.
        for _ in 0..system.processes().len() {
            if pid == me {
                return true;
            }
            match system.process(pid).and_then(|process| process.parent()) {
                Some(parent) => pid = parent,
                None => return false,
            }
        }
        false
    };
    system
        .processes()
        .iter()
        .filter(|(pid, _)| ours(**pid))
        .map(|(_, process)| process.memory())
        .sum()
}
