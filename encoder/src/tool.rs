//! Runs ffprobe and FFmpeg on files: bounded time, bounded output, killed when the caller goes away.

use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest run. Cutting and scanning read the file once.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Bytes of output that are read.
const MAX_OUTPUT: u64 = 256 << 20;
/// Bytes of error output that are kept.
const MAX_WORDS: u64 = 256 << 10;
/// Address space of the tool.
const MAX_MEMORY: u64 = 4 << 30;

/// What a tool said.
#[derive(Debug)]
pub(crate) struct Said {
    pub success: bool,
    pub output: Vec<u8>,
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
    /// It ran too long.
    #[error("{program} did not end within {TIMEOUT:?}")]
    Timeout {
        /// The tool.
        program: String,
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

/// Runs a command to its end.
pub(crate) async fn run(command: Command) -> Result<Said, ToolError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    let start = |source| ToolError::Start {
        program: program.clone(),
        source,
    };
    let mut child = command.kill_on_drop(true).spawn().map_err(start)?;
    cap_memory(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async {
        let (output, words, status) = tokio::join!(
            read(stdout, MAX_OUTPUT),
            read(stderr, MAX_WORDS),
            child.wait()
        );
        Ok::<_, std::io::Error>(Said {
            success: status?.success(),
            output: output?,
            words: words?,
        })
    };
    match tokio::time::timeout(TIMEOUT, all).await {
        Ok(said) => said.map_err(|source| ToolError::Pipe { program, source }),
        Err(_) => Err(ToolError::Timeout { program }),
    }
}

/// Bounds a tool's address space.
pub(crate) fn cap_memory(child: &tokio::process::Child) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
        let limit = Rlimit {
            current: Some(MAX_MEMORY),
            maximum: Some(MAX_MEMORY),
        };
        // It may have ended already.
        let _ = prlimit(Some(pid), Resource::As, limit);
    }
}

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
