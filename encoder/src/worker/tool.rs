//! FFmpeg or ffprobe on the files of a job, or on a live stream.

use std::io::{self, Cursor, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use rustix::process::Signal;

use super::{launch, watch_parent, watch_reader};
use crate::request::{Feed, ToolJob};

/// Runs it to its end; what it says goes where the worker's own words would go.
pub(super) fn run(job: ToolJob) -> io::Result<ExitCode> {
    let mut command = Command::new(&job.program);
    command.args(&job.arguments);
    let mut command = launch::tied(&command)?;
    let end = |child| {
        let program = Path::new(&job.program);
        end(child, &program.display(), job.access.largest)
    };
    let from: Box<dyn Read + Send> = match job.feed {
        Feed::Nothing => {
            watch_parent()?;
            let child = command.stdin(Stdio::null()).spawn()?;
            return end(child);
        }
        Feed::Script(script) => {
            watch_parent()?;
            Box::new(Cursor::new(script))
        }
        Feed::Stream => {
            watch_reader()?;
            Box::new(io::stdin())
        }
    };
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    #[cfg(target_os = "linux")]
    ration::RATION.keep(&child, job.limits.cpu)?;
    if let Some(to) = child.stdin.take() {
        feed(from, to)?;
    }
    end(child)
}

/// Gives the tool its input beside what else happens.
fn feed(mut from: Box<dyn Read + Send>, mut to: ChildStdin) -> io::Result<()> {
    let feeder = std::thread::Builder::new().name("feed".into());
    let feed = move || {
        // A tool that takes no more has ended or is about to.
        let _ = io::copy(&mut from, &mut to);
    };
    feeder.spawn(feed).map(drop)
}

fn end(mut child: Child, program: &dyn std::fmt::Display, largest: u64) -> io::Result<ExitCode> {
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => {
            let signal = status.signal().unwrap_or_default();
            Err(io::Error::other(match signal == Signal::XFSZ.as_raw() {
                true => format!("{program} was ended at a file of more than {largest} bytes"),
                false => format!("{program} was ended by signal {signal}"),
            }))
        }
    }
}

/// CPU time for a tool that runs as long as a stream: it grows with the clock, so that one that spins ends soon and one
/// that copies never.
#[cfg(target_os = "linux")]
mod ration {
    use std::io;
    use std::process::Child;
    use std::time::{Duration, Instant};

    use nix::time::{clock_getcpuclockid, clock_gettime};
    use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

    pub(super) struct Ration {
        /// What it may have used from the beginning.
        first: Duration,
        /// The part of a core that it has from then on: one in so many.
        share: u32,
        /// Between two additions.
        pause: Duration,
        /// More than its ration by so much it has only if it does not heed the kernel's signal, which can be ignored.
        grace: Duration,
    }

    /// FFmpeg needs less than a second to start, and to copy 50 Mbit/s less than one in ten.
    pub(super) const RATION: Ration = Ration {
        first: Duration::from_secs(60),
        share: 2,
        pause: Duration::from_secs(10),
        grace: Duration::from_secs(2),
    };

    impl Ration {
        /// Watches over a child as long as it runs.
        pub fn keep(self, child: &Child, max: Duration) -> io::Result<()> {
            let pid = Pid::from_child(child);
            let begun = Instant::now();
            let give = move || {
                let now = (self.first + begun.elapsed() / self.share).min(max);
                let limit = Rlimit {
                    current: Some(now.as_secs()),
                    maximum: Some(max.as_secs()),
                };
                prlimit(Some(pid), Resource::Cpu, limit).map(|_| now)
            };
            // It may have ended already; whoever waits for it says why.
            let _ = give();
            let keeper = std::thread::Builder::new().name("ration".into());
            let keep = move || {
                loop {
                    std::thread::sleep(self.pause);
                    let (Ok(given), Some(used)) = (give(), used(pid)) else {
                        return;
                    };
                    if used > given + self.grace {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
            };
            keeper.spawn(keep).map(drop)
        }
    }

    /// CPU time of a process so far.
    fn used(pid: Pid) -> Option<Duration> {
        let pid = nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get());
        let used = clock_getcpuclockid(pid).and_then(clock_gettime);
        used.ok().map(Duration::from)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::process::ExitStatusExt;
        use std::process::Command;

        fn shell(script: &str) -> Child {
            Command::new("sh").args(["-c", script]).spawn().unwrap()
        }

        const SMALL: Ration = Ration {
            first: Duration::from_secs(1),
            share: 1_000_000,
            pause: Duration::from_millis(50),
            grace: Duration::from_millis(200),
        };
        const MAX: Duration = Duration::from_secs(3600);

        #[test]
        fn who_ignores_that_the_ration_is_used_up_is_killed() {
            let mut child = shell("trap '' XCPU; while :; do :; done");
            SMALL.keep(&child, MAX).unwrap();
            let ended = child.wait().unwrap();
            assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()));
        }

        #[test]
        fn who_uses_little_is_left_alone() {
            let mut child = shell("sleep 1.5");
            SMALL.keep(&child, MAX).unwrap();
            assert!(child.wait().unwrap().success());
        }
    }
}
