//! Peak memory of workers, their decoders, and the process that they work for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::workers::Workers;

use super::BenchError;
use super::clip::{Clip, Wanted};
use super::machine::Machine;
use super::path::{self, Load};

/// How often the processes are looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Resident memory of this process and all its descendants, as seen from time to time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Peak {
    /// Most at one moment, MiB; memory that processes share is counted for each.
    pub together_mib: f64,
    /// The sum of what each process had at most, MiB: an upper bound that no moment in between can exceed. Of this process,
    /// which may have done other things before, what was seen of it.
    pub bound_mib: f64,
    /// What each program's processes had at most, summed, MiB; this process has a name of its own.
    pub by_program: BTreeMap<String, f64>,
}

/// A thread that looks.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Peak>,
}

impl Watch {
    /// Begins.
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                seen.look();
                std::thread::sleep(EVERY);
            }
            seen.peak()
        });
        Self { stop, thread }
    }

    /// Ends, and says what was seen.
    pub fn stop(self) -> Peak {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// What `/proc/PID/status` says of one process.
#[derive(Clone, Debug, PartialEq)]
struct Status {
    name: String,
    parent: u32,
    now_kib: u64,
    most_kib: u64,
}

impl Status {
    fn read(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(name))?;
            line.strip_prefix(':')?.split_whitespace().next()
        };
        Some(Self {
            name: field("Name")?.into(),
            parent: field("PPid")?.parse().ok()?,
            now_kib: field("VmRSS")?.parse().ok()?,
            most_kib: field("VmHWM")?.parse().ok()?,
        })
    }
}

/// What this process is called beside its workers, which are the same program.
const THIS: &str = "this process";

#[derive(Default)]
struct Seen {
    together_kib: u64,
    most_kib: BTreeMap<u32, (String, u64)>,
}

impl Seen {
    fn look(&mut self) {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: BTreeMap<u32, Status> = entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let text = std::fs::read_to_string(entry.path().join("status")).ok()?;
                Some((pid, Status::read(&text)?))
            })
            .collect();
        self.note(&all, std::process::id());
    }

    fn note(&mut self, all: &BTreeMap<u32, Status>, root: u32) {
        let descends = |mut pid: u32| {
            // Numbers are used again: a chain of parents read while it changes may turn in a circle.
            for _ in 0..all.len() {
                let Some(status) = all.get(&pid) else {
                    return false;
                };
                if status.parent == root {
                    return true;
                }
                pid = status.parent;
            }
            false
        };
        let mut together = 0;
        let ours = |pid: &u32| *pid == root || descends(*pid);
        for (&pid, status) in all.iter().filter(|(pid, _)| ours(pid)) {
            together += status.now_kib;
            let (name, most) = match pid == root {
                true => (THIS, status.now_kib),
                false => (status.name.as_str(), status.most_kib),
            };
            let seen = self.most_kib.entry(pid).or_default();
            *seen = (name.to_owned(), seen.1.max(most));
        }
        self.together_kib = self.together_kib.max(together);
    }

    fn peak(&self) -> Peak {
        let mib = |kib: u64| kib as f64 / 1024.0;
        let mut by_program = BTreeMap::new();
        for (name, most) in self.most_kib.values() {
            *by_program.entry(name.clone()).or_default() += mib(*most);
        }
        Peak {
            together_mib: mib(self.together_kib),
            bound_mib: by_program.values().sum(),
            by_program,
        }
    }
}

/// What one segment with a chunk for each thread needs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Frames of the segment.
    pub frames: u32,
    /// Frames in a chunk.
    pub chunk_frames: u16,
    /// Chunks encoded at the same time.
    pub in_flight: u16,
    /// rav1e's speed preset.
    pub speed: u8,
    /// What this process, the worker and its decoder needed; the goal for 1080p and two chunks is less than 1,638 MiB in all.
    pub peak: Peak,
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A video, or nothing for the generated clip.
    pub input: Option<PathBuf>,
    /// Rows.
    pub height: u16,
    /// Length of a chunk.
    pub chunk: Duration,
    /// Chunks at the same time.
    pub in_flight: u16,
    /// rav1e's speed preset.
    pub speed: u8,
    /// Base quantizer.
    pub quantizer: u8,
}

/// Transcodes one segment of twice as many chunks as are in flight, one rendition at source size, and watches.
///
/// # Errors
/// A clip, a tool or a worker that fails.
pub async fn run(plan: &Plan, workers: &Workers, folder: &Path) -> Result<Report, BenchError> {
    let machine = Machine::describe().await;
    let chunks = 2 * u32::from(plan.in_flight.max(1));
    let segment = plan.chunk * chunks;
    let wanted = Wanted {
        input: plan.input.as_deref(),
        height: plan.height,
        length: segment,
        segment,
    };
    let mut clip = Clip::make(folder, &wanted, workers.command()).await?;
    // A length that is no whole number of frames may leave one more.
    clip.segments.truncate(1);
    let chunk_frames = clip.frames_in(plan.chunk);
    let profiles = path::same_size(&clip, chunk_frames, plan.speed, plan.quantizer);
    let load = Load {
        segments: 1,
        threads: plan.in_flight,
    };
    // All are in flight, on however few cores.
    let workers = &workers.with_slots(plan.in_flight.max(1).into());
    let watch = Watch::start();
    let done = path::transcode(workers, &clip, &profiles, load).await;
    let peak = watch.stop();
    done?;
    Ok(Report {
        machine,
        width: clip.format.width,
        height: clip.format.height,
        frames: clip.frames(),
        chunk_frames,
        in_flight: plan.in_flight,
        speed: plan.speed,
        peak,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, parent: u32, now_kib: u64, most_kib: u64) -> Status {
        Status {
            name: name.into(),
            parent,
            now_kib,
            most_kib,
        }
    }

    #[test]
    fn this_process_and_its_descendants_are_summed() {
        let mut seen = Seen::default();
        let first = [
            (1, status("assay", 0, 256, 9999)),
            (2, status("assay", 1, 1024, 2048)),
            (3, status("ffmpeg", 2, 512, 512)),
            (9, status("other", 8, 9999, 9999)),
            (8, status("circle", 9, 9999, 9999)),
        ];
        seen.note(&first.into(), 1);
        seen.note(&[(2, status("assay", 1, 1100, 4096))].into(), 1);
        let peak = seen.peak();
        assert_eq!((peak.together_mib, peak.bound_mib), (1.75, 4.75));
        assert_eq!(
            (peak.by_program["assay"], peak.by_program[THIS]),
            (4.0, 0.25)
        );
    }

    #[test]
    fn status_is_read() {
        let text = "Name:\tffmpeg\nPPid:\t17\nVmHWM:\t  900 kB\nVmRSS:\t  800 kB\n";
        assert_eq!(Status::read(text), Some(status("ffmpeg", 17, 800, 900)));
        assert_eq!(Status::read("Name:\tkthread\nPPid:\t2\n"), None);
    }
}
