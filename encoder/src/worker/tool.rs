//! FFmpeg or ffprobe on the files of a job, or on a live stream.

use std::io::{self, Cursor, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use super::{launch, watch_parent, watch_reader};
use crate::request::{Feed, ToolJob};

/// Runs it to its end; what it says goes where the worker's own words would go.
pub(super) fn run(job: ToolJob) -> io::Result<ExitCode> {
    let mut command = Command::new(&job.program);
    command.args(&job.arguments);
    let mut command = launch::tied(&command)?;
    let from: Box<dyn Read + Send> = match job.feed {
        Feed::Nothing => {
            watch_parent()?;
            let child = command.stdin(Stdio::null()).spawn()?;
            return end(child, &job.program.display());
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
    ration::keep(&child, job.limits.cpu)?;
    if let Some(to) = child.stdin.take() {
        feed(from, to)?;
    }
    end(child, &job.program.display())
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

fn end(mut child: Child, program: &dyn std::fmt::Display) -> io::Result<ExitCode> {
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => {
            let signal = status.signal().unwrap_or_default();
            Err(io::Error::other(format!(
                "{program} was ended by signal {signal}"
            )))
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

    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    /// What it may have used from the beginning: FFmpeg needs less than one to start.
    const FIRST: Duration = Duration::from_secs(60);
    /// The part of a core that it has from then on: one in two. Copying 50 Mbit/s takes less than one in ten.
    const SHARE: u32 = 2;
    /// Between two additions.
    const PAUSE: Duration = Duration::from_secs(10);

    pub(super) fn keep(child: &Child, max: Duration) -> io::Result<()> {
        let pid = Pid::from_child(child);
        let begun = Instant::now();
        let give = move || {
            let now = (FIRST + begun.elapsed() / SHARE).min(max);
            let limit = Rlimit {
                current: Some(now.as_secs()),
                maximum: Some(max.as_secs()),
            };
            prlimit(Some(pid), Resource::Cpu, limit)
        };
        // It may have ended already; whoever waits for it says why.
        let _ = give();
        let keeper = std::thread::Builder::new().name("ration".into());
        let keep = move || {
            loop {
                std::thread::sleep(PAUSE);
                if give().is_err() {
                    return;
                }
            }
        };
        keeper.spawn(keep).map(drop)
    }
}
