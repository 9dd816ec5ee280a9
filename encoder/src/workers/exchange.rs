//! One worker's life, as its parent sees it: asked, heard, waited for.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin};

use super::progress::Progress;
use crate::fault::WorkerError;
use crate::ffmpeg::last_words;
use crate::framing::{self, MAX_MESSAGE};
use crate::reply::{Message, Reply};
use crate::request::{EncodedLeaf, Inspected, Order};

/// Bytes of a worker's error output that are kept.
const MAX_STDERR: u64 = 64 << 10;

/// Gives the worker its job and its replies to `progress`, until the last one; returns the CPU time of encoding.
pub(super) async fn exchange<F, Fut>(
    child: &mut Child,
    order: &Order,
    source: &[u8],
    progress: &mut Progress<F>,
) -> Result<Duration, WorkerError>
where
    F: FnMut(usize, &Inspected, EncodedLeaf) -> Fut,
    Fut: Future<Output = ()>,
{
    let (Some(stdin), Some(mut stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(WorkerError::Answer("the worker has no pipes".into()));
    };
    let order = postcard::to_stdvec(order).map_err(|e| WorkerError::Answer(e.to_string()))?;
    let hear = async {
        while let Some(bytes) = message(&mut stdout).await {
            let reply: Message =
                postcard::from_bytes(&bytes).map_err(|e| WorkerError::Answer(e.to_string()))?;
            match reply? {
                Reply::Decoded(frames) => progress.decoded(frames),
                Reply::Source(source) => progress.source(source)?,
                Reply::Leaf { place, leaf } => progress.leaf(place, leaf).await?,
                Reply::Done { encode_cpu } => return Ok(Some(encode_cpu)),
                Reply::Walls(_) => {
                    return Err(WorkerError::Answer("nobody asked about walls".into()));
                }
            }
        }
        Ok(None)
    };
    let work = async {
        let messages = [&order[..], source];
        let (stdin, heard) = tokio::join!(ask(stdin, &messages), hear);
        drop(stdin);
        (heard, child.wait().await)
    };
    let ((heard, status), words): ((Result<_, WorkerError>, _), _) =
        tokio::join!(work, listen(stderr));
    heard?.ok_or_else(|| WorkerError::Crashed {
        status: status.map_or_else(|e| e.to_string(), |s| s.to_string()),
        detail: last_words(&words),
    })
}

/// Gives the worker an order without a source and hears its only reply.
pub(super) async fn reply(child: &mut Child, order: &Order) -> Result<Reply, WorkerError> {
    let unreadable = |e: postcard::Error| WorkerError::Answer(e.to_string());
    let (Some(stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(WorkerError::Answer("the worker has no pipes".into()));
    };
    let order = postcard::to_stdvec(order).map_err(unreadable)?;
    let messages = [&order[..]];
    let (_stdin, bytes) = tokio::join!(ask(stdin, &messages), message(&mut stdout));
    let status = child.wait().await;
    let bytes = bytes.ok_or_else(|| WorkerError::Crashed {
        status: status.map_or_else(|e| e.to_string(), |s| s.to_string()),
        detail: "no answer".into(),
    })?;
    let reply: Message = postcard::from_bytes(&bytes).map_err(unreadable)?;
    Ok(reply?)
}

/// Hands the pipe back open: the worker ends when it closes.
pub(crate) async fn ask(mut stdin: ChildStdin, messages: &[&[u8]]) -> ChildStdin {
    for message in messages {
        let header = framing::header(message.len());
        // A worker that dies while it is written to is told by its missing answer.
        if stdin.write_all(&header).await.is_err() || stdin.write_all(message).await.is_err() {
            break;
        }
    }
    let _ = stdin.flush().await;
    stdin
}

/// The next message; none when the pipe ends first, or carries something else.
async fn message(stdout: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = [0; 8];
    stdout.read_exact(&mut head).await.ok()?;
    let len = framing::length(head, MAX_MESSAGE).ok()?;
    let mut bytes = Vec::new();
    let read = stdout.take(len).read_to_end(&mut bytes).await.ok()?;
    (read as u64 == len).then_some(bytes)
}

async fn listen(mut stderr: ChildStderr) -> Vec<u8> {
    let mut words = Vec::new();
    let _ = (&mut stderr).take(MAX_STDERR).read_to_end(&mut words).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    words
}
