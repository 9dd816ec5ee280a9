//! Runs requests in fresh child processes.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::fault::{Fault, WorkerError};
use crate::ffmpeg::last_words;
use crate::framing::{self, MAX_MESSAGE};
use crate::limits::Limits;
use crate::request::{
    EncodeJob, EncodeRequest, Encoded, InspectRequest, Inspected, Job, SimdLevel,
};
pub use crate::slots::Priority;
use crate::slots::{Slot, Slots};
use crate::worker::Answer;

/// rav1e's variable for the SIMD level.
const CPU_TARGET: &str = "RAV1E_CPU_TARGET";
/// Requests that may wait in each priority.
const MAX_WAITING: usize = 1024;
/// Bytes of a worker's error output that are kept.
const MAX_STDERR: u64 = 64 << 10;

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
}

/// Handle to the worker processes of this program; clones share slots.
#[derive(Clone)]
pub struct Workers {
    command: Arc<WorkerCommand>,
    limits: Limits,
    slots: Slots,
}

impl Workers {
    /// At most `slots` workers at a time, and as many more for accused leaves.
    pub fn new(command: WorkerCommand, limits: Limits, slots: usize) -> Self {
        Self {
            command: Arc::new(command),
            limits,
            slots: Slots::new(slots, MAX_WAITING),
        }
    }

    /// Requests that run or wait, over all clones and priorities.
    pub fn waiting(&self) -> usize {
        self.slots.busy()
    }

    /// Decodes a segment and hashes its frames.
    ///
    /// # Errors
    /// What the worker found, or what became of it. Dropping the future kills the worker and its FFmpeg.
    pub async fn inspect(
        &self,
        request: &InspectRequest,
        priority: Priority,
    ) -> Result<Inspected, WorkerError> {
        let job = Job {
            limits: self.limits,
            niceness: priority.niceness(),
            profiles: request.profiles.to_bytes(),
            encode: None,
        };
        let slot = self.slots.acquire(priority).await?;
        match self.run(&job, &request.source, None, &slot).await? {
            Answer::Inspected(answer) => Ok(answer),
            Answer::Encoded(_) => Err(WorkerError::Answer(
                "an encoding where an inspection was asked".into(),
            )),
        }
    }

    /// Decodes a segment, hashes its frames and encodes the leaves asked for.
    ///
    /// A crash is tried once more without SIMD, which an upstream assertion has been seen to depend on.
    ///
    /// # Errors
    /// What the worker found, or what became of it. Dropping the future kills the worker and its FFmpeg.
    pub async fn encode(
        &self,
        request: &EncodeRequest,
        priority: Priority,
    ) -> Result<Encoded, WorkerError> {
        let encode = EncodeJob {
            frame_count: request.frame_count,
            leaves: request.leaves.clone(),
            threads: request.threads,
            want_bytes: request.want_bytes,
        };
        let job = Job {
            limits: self.limits,
            niceness: priority.niceness(),
            profiles: request.profiles.to_bytes(),
            encode: Some(encode),
        };
        let slot = self.slots.acquire(priority).await?;
        let mut answer = self.run(&job, &request.source, request.level, &slot).await;
        let scalar = Some(SimdLevel::Scalar);
        if request.level != scalar && answer.as_ref().is_err_and(WorkerError::worth_scalar) {
            answer = self.run(&job, &request.source, scalar, &slot).await;
        }
        match answer? {
            Answer::Encoded(answer) => Ok(answer),
            Answer::Inspected(_) => Err(WorkerError::Answer(
                "an inspection where an encoding was asked".into(),
            )),
        }
    }

    async fn run(
        &self,
        job: &Job,
        source: &[u8],
        level: Option<SimdLevel>,
        _slot: &Slot,
    ) -> Result<Answer, WorkerError> {
        if source.len() as u64 > self.limits.max_source {
            let (found, max) = (source.len() as u64, self.limits.max_source);
            return Err(Fault::Cap {
                what: "length of the source in bytes".into(),
                found,
                max,
            }
            .into());
        }
        let mut child = self.start(level)?;
        let wall = self.limits.wall;
        let answer = tokio::time::timeout(wall, exchange(&mut child.0, job, source)).await;
        answer.map_err(|_| WorkerError::Timeout(wall))?
    }

    fn start(&self, level: Option<SimdLevel>) -> Result<Group, WorkerError> {
        let mut command = Command::new(&self.command.program);
        command.args(&self.command.arguments).env_clear();
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
        let failed = |e: std::io::Error| WorkerError::Start {
            program: self.command.program.display().to_string(),
            detail: e.to_string(),
        };
        command.spawn().map(Group).map_err(failed)
    }
}

/// A worker with its FFmpeg; killed together when dropped before the worker has been waited for.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // `id` is none once the worker has been waited for, so the number still is this group's.
        if let Some(pid) = self.0.id().and_then(|id| Pid::from_raw(id as i32)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn exchange(child: &mut Child, job: &Job, source: &[u8]) -> Result<Answer, WorkerError> {
    let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(WorkerError::Answer("the worker has no pipes".into()));
    };
    let job = postcard::to_stdvec(job).map_err(|e| WorkerError::Answer(e.to_string()))?;
    let ask = async {
        // A worker that dies while it is written to is told by its missing answer.
        for message in [job.as_slice(), source] {
            if stdin
                .write_all(&framing::header(message.len()))
                .await
                .is_err()
                || stdin.write_all(message).await.is_err()
            {
                break;
            }
        }
        let _ = stdin.flush().await;
        // Handed back open: the worker ends when it closes.
        stdin
    };
    let hear = async {
        let mut head = [0; 8];
        stdout.read_exact(&mut head).await?;
        let len = framing::length(head, MAX_MESSAGE)?;
        let mut answer = Vec::new();
        let read = (&mut stdout).take(len).read_to_end(&mut answer).await?;
        if read as u64 == len {
            Ok(answer)
        } else {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
    };
    let listen = async {
        let mut words = Vec::new();
        let mut stderr = stderr;
        let _ = (&mut stderr).take(MAX_STDERR).read_to_end(&mut words).await;
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        words
    };
    let work = async {
        let (stdin, answer): (_, std::io::Result<Vec<u8>>) = tokio::join!(ask, hear);
        drop(stdin);
        (answer, child.wait().await)
    };
    let ((answer, status), words) = tokio::join!(work, listen);
    match answer {
        Ok(bytes) => {
            let answer: Result<Answer, Fault> =
                postcard::from_bytes(&bytes).map_err(|e| WorkerError::Answer(e.to_string()))?;
            Ok(answer?)
        }
        Err(_) => Err(WorkerError::Crashed {
            status: status.map_or_else(|e| e.to_string(), |s| s.to_string()),
            detail: last_words(&words),
        }),
    }
}
