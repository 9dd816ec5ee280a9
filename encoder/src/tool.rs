//! Runs ffprobe and FFmpeg on files: bounded time, bounded output, killed when the caller goes away.

use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

use crate::child::{Group, WorkerCommand};
use crate::ffmpeg;
use crate::framing;
use crate::limits::Limits;
use crate::request::{Feed, Order, ToolJob};
use crate::sandbox::Access;

/// Longest run. Cutting and scanning read the file once.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Bytes of output that are read.
const MAX_OUTPUT: u64 = 256 << 20;
/// Longest line that is handed on in one piece, in bytes.
const MAX_LINE: u64 = 64 << 10;
/// Bytes of error output that are kept.
const MAX_WORDS: u64 = 256 << 10;
/// Address space of the tool.
const MAX_MEMORY: u64 = 4 << 30;

/// Bytes of the largest file that is written of so many bytes of others: as packets of their own, small ones take more room
/// than before.
pub(crate) fn room(bytes: u64) -> u64 {
    const LEAST: u64 = 1 << 30;
    bytes.saturating_mul(2).saturating_add(LEAST)
}

/// What a tool said; of its output nothing where each line was handed on.
#[derive(Debug)]
pub(crate) struct Said<T = Vec<u8>> {
    pub success: bool,
    pub output: T,
    pub words: Vec<u8>,
}

/// Why a tool said nothing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there or cannot be started.
    #[error(
        "{program} cannot be started: {source}; install FFmpeg (Debian: apt-get install ffmpeg)"
    )]
    Start {
        /// The tool.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The worker that watches over it cannot be started.
    #[error("cannot start {program}: {source}")]
    Worker {
        /// The worker's program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It ran too long.
    #[error("{program} did not end within {limit:?}")]
    Timeout {
        /// The tool.
        program: String,
        /// Its time.
        limit: Duration,
    },
    /// Its pipes broke.
    #[error("{program}: {source}")]
    Pipe {
        /// The tool.
        program: String,
        /// What broke.
        source: std::io::Error,
    },
}

/// Runs a command of our own making on data of our own making to its end.
pub(crate) async fn run(command: Command) -> Result<Said, ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    let start = |source| ToolError::Start {
        program: program.clone(),
        source,
    };
    let mut child = command.kill_on_drop(true).spawn().map_err(start)?;
    cap_memory(&child);
    let output = read(child.stdout.take(), MAX_OUTPUT);
    hear(&mut child, &program, TIMEOUT, output).await
}

/// Runs FFmpeg or ffprobe on a file of a stranger's: in a worker, behind its walls, with `access` to the files it needs.
pub(crate) async fn confined(
    worker: &WorkerCommand,
    command: &Command,
    access: Access,
) -> Result<Said, ToolError> {
    confined_for(TIMEOUT, worker, command, access).await
}

/// As [`confined`], but hands on each line of the output as it comes, however many there are.
pub(crate) async fn confined_lines(
    worker: &WorkerCommand,
    command: &Command,
    access: Access,
    on_line: impl FnMut(&str),
) -> Result<Said<()>, ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let caps = (MAX_MEMORY, TIMEOUT);
    let mut group = start(worker, command, access, caps, Feed::Nothing).await?;
    // It ends when this closes.
    let _stdin = group.0.stdin.take();
    let output = lines(group.0.stdout.take(), on_line);
    hear(&mut group.0, &program, TIMEOUT, output).await
}

/// The same with another time, and as much CPU time.
pub(crate) async fn confined_for(
    limit: Duration,
    worker: &WorkerCommand,
    command: &Command,
    access: Access,
) -> Result<Said, ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let caps = (MAX_MEMORY, limit);
    let mut group = start(worker, command, access, caps, Feed::Nothing).await?;
    // It ends when this closes.
    let _stdin = group.0.stdin.take();
    let output = read(group.0.stdout.take(), MAX_OUTPUT);
    hear(&mut group.0, &program, limit, output).await
}

/// Starts FFmpeg or ffprobe behind a worker's walls, with so much address space and CPU time; its pipes are the worker's.
pub(crate) async fn start(
    worker: &WorkerCommand,
    command: &Command,
    access: Access,
    (memory, cpu): (u64, Duration),
    feed: Feed,
) -> Result<Group, ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = |source| ToolError::Start {
        program: program.clone(),
        source,
    };
    let pipe = |source| ToolError::Pipe {
        program: program.clone(),
        source,
    };
    let order = Order::Tool(ToolJob {
        limits: Limits {
            memory,
            cpu,
            ..Limits::default()
        },
        program: ffmpeg::find(command.get_program()).map_err(missing)?.into(),
        arguments: command.get_args().map(Into::into).collect(),
        access,
        feed,
    });
    let order = postcard::to_stdvec(&order).map_err(|e| pipe(std::io::Error::other(e)))?;
    let mut group = worker.start(None).map_err(|source| ToolError::Worker {
        program: worker.program.display().to_string(),
        source,
    })?;
    if let Some(stdin) = &mut group.0.stdin {
        let header = framing::header(order.len());
        for bytes in [&header[..], &order] {
            // A worker that dies meanwhile is told by its status.
            let _ = stdin.write_all(bytes).await;
        }
        let _ = stdin.flush().await;
    }
    Ok(group)
}

async fn hear<T>(
    child: &mut Child,
    program: &str,
    limit: Duration,
    output: impl Future<Output = std::io::Result<T>>,
) -> Result<Said<T>, ToolError> {
    let words = read(child.stderr.take(), MAX_WORDS);
    let all = async {
        let (output, words, status) = tokio::join!(output, words, child.wait());
        Ok::<_, std::io::Error>(Said {
            success: status?.success(),
            output: output?,
            words: words?,
        })
    };
    let program = program.to_owned();
    match tokio::time::timeout(limit, all).await {
        Ok(said) => said.map_err(|source| ToolError::Pipe { program, source }),
        Err(_) => Err(ToolError::Timeout { program, limit }),
    }
}

/// Bounds a tool's address space.
#[cfg(target_os = "linux")]
fn cap_memory(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
        let limit = Rlimit {
            current: Some(MAX_MEMORY),
            maximum: Some(MAX_MEMORY),
        };
        // It may have ended already.
        let _ = prlimit(Some(pid), Resource::As, limit);
    }
}

/// Nobody else can bound it there.
#[cfg(not(target_os = "linux"))]
fn cap_memory(_: &Child) {}

/// At most the first `max` bytes.
async fn read(from: Option<impl AsyncRead + Unpin>, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut from) = from else {
        return Ok(bytes);
    };
    (&mut from).take(max).read_to_end(&mut bytes).await?;
    // Past the bound it is drained, so that the tool does not wait for a reader.
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(bytes)
}

/// Hands on each line, without its end; one that is too long in pieces.
async fn lines(
    from: Option<impl AsyncRead + Unpin>,
    mut on_line: impl FnMut(&str),
) -> std::io::Result<()> {
    let Some(from) = from else { return Ok(()) };
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    loop {
        line.clear();
        let mut piece = (&mut from).take(MAX_LINE);
        if piece.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        on_line(String::from_utf8_lossy(&line).trim_end_matches('\n'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_and_long_ones_in_pieces() {
        let long = "x".repeat(MAX_LINE as usize + 1);
        let text = format!("a\n\n{long}\nend");
        let mut found = Vec::new();
        let all = lines(Some(text.as_bytes()), |line| found.push(line.to_owned()));
        all.await.unwrap();
        let (first, rest) = long.split_at(MAX_LINE as usize);
        assert_eq!(found, ["a", "", first, rest, "end"]);
    }
}
