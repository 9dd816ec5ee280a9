//! FFmpeg or ffprobe on the files of a job.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};

use super::launch;
use crate::request::ToolJob;

/// Runs it to its end; what it says goes where the worker's own words would go.
pub(super) fn run(job: &ToolJob) -> io::Result<ExitCode> {
    let mut command = Command::new(&job.program);
    command.args(&job.arguments);
    let status = launch::tied(&command)?.stdin(Stdio::null()).status()?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => {
            let signal = status.signal().unwrap_or_default();
            let program = job.program.display();
            Err(io::Error::other(format!(
                "{program} was ended by signal {signal}"
            )))
        }
    }
}
