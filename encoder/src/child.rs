//! How a worker process is started, and how it is ended together with what it has started.

use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::request::SimdLevel;

/// rav1e's variable for the SIMD level.
const CPU_TARGET: &str = "RAV1E_CPU_TARGET";

/// How a worker is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl WorkerCommand {
    /// This very program's hidden `worker` command.
    pub fn this_program() -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec!["worker".into()],
        })
    }

    /// Starts it in a process group of its own, with pipes, and an environment of `PATH` and the SIMD level alone.
    pub(crate) fn start(&self, level: Option<SimdLevel>) -> std::io::Result<Group> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        for name in ["PATH", CPU_TARGET] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(level) = level {
            command.env(CPU_TARGET, level.name());
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command.spawn().map(Group)
    }
}

/// A worker with its FFmpeg; killed together when dropped before the worker has been waited for.
pub(crate) struct Group(pub(crate) Child);

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is none once the worker has been waited for, so the number still is this group's.
        if let Some(pid) = self.0.id().and_then(|id| Pid::from_raw(id as i32)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
