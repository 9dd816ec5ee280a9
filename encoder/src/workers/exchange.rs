//! One worker's life, as its parent sees it: asked, heard, waited for.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin};

use super::progress::Progress;
use crate::fault::WorkerError;
use crate::ffmpeg::last_words;
use crate::framing::{self, MAX_MESSAGE};
use crate::reply::{Message, Reply};
use crate::request::{EncodedLeaf, Inspected, ONE_LESS, ONE_MORE, Order};
use crate::slots::{Change, Slot};

/// Bytes of a worker's error output that are kept.
const MAX_STDERR: u64 = 64 << 10;

/// Gives the worker its job and its replies to `progress`, until the last one; returns the CPU time of encoding. Meanwhile the
/// worker is told of further slots and of those that others wait for, and gives back what its last leaves leave idle.
pub(super) async fn exchange<F, Fut>(
    child: &mut Child,
    order: &Order,
    source: &[u8],
    slot: &mut Slot,
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
    let most = order.threads();
    let order = postcard::to_stdvec(order).map_err(|e| WorkerError::Answer(e.to_string()))?;
    let Slot { held, changes } = slot;
    let hear = async {
        while let Some(bytes) = message(&mut stdout).await {
            let reply: Message =
                postcard::from_bytes(&bytes).map_err(|e| WorkerError::Answer(e.to_string()))?;
            match reply? {
                Reply::Decoded(frames) => progress.decoded(frames),
                Reply::Source(source) => progress.source(source)?,
                Reply::Leaf { place, leaf } => progress.leaf(place, leaf).await?,
                Reply::Fewer => held.give_one(),
                Reply::Done { encode_cpu } => return Ok(Some(encode_cpu)),
                Reply::Walls(_) => {
                    return Err(WorkerError::Answer("nobody asked about walls".into()));
                }
            }
            // Not before there are frames to encode.
            held.can_use(most.min(progress.missing()));
        }
        Ok(None)
    };
    let work = async {
        let messages = [&order[..], source];
        let tell = async {
            let mut stdin = ask(stdin, &messages).await;
            while let Some(change) = changes.recv().await {
                let byte = match change {
                    Change::More => ONE_MORE,
                    Change::Less => ONE_LESS,
                };
                // A worker that dies is told by its missing answer, here too.
                let _ = stdin.write_all(&[byte]).await;
            }
            std::future::pending::<Infallible>().await
        };
        // The worker ends when its pipe closes, which `tell` holds.
        let heard = tokio::select! {
            heard = hear => heard,
            never = tell => match never {},
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::request::{EncodeJob, Job, LeafRequest};
    use crate::slots::{Priority, Slots};
    use assay_protocol::profile::Rendition;
    use std::future::ready;
    use std::process::Stdio;

    /// Messages as a worker writes them, in a file.
    fn written(folder: &std::path::Path, name: &str, replies: Vec<Reply>) -> String {
        let mut bytes = Vec::new();
        for reply in replies {
            let message = postcard::to_stdvec(&Message::Ok(reply)).unwrap();
            framing::write(&mut bytes, &message).unwrap();
        }
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    #[tokio::test]
    async fn a_worker_hears_of_further_slots_and_gives_idle_ones_back() {
        let leaf = |leaf| EncodedLeaf {
            leaf,
            rendition: 0,
            chunk: leaf,
            output_hash: Default::default(),
            output_len: 0,
            units: Vec::new(),
            bytes: None,
        };
        let asked = [0, 1].map(|leaf| LeafRequest {
            leaf,
            settings: Rendition::plain(64, 64, 10, 100),
        });
        let order = Order::Video(Job {
            limits: Limits::default(),
            niceness: 0,
            profiles: Vec::new(),
            encode: Some(EncodeJob {
                frame_count: 20,
                leaves: asked.to_vec(),
                threads: 2,
                want_bytes: false,
            }),
        });
        let source = Inspected {
            frame_count: 20,
            chunk_roots: Vec::new(),
            frames_root: Default::default(),
            decode_cpu: Duration::ZERO,
        };
        let folder = tempfile::tempdir().unwrap();
        let file = |name, replies| written(folder.path(), name, replies);
        let reply = |place: u32| Reply::Leaf {
            place,
            leaf: leaf(place),
        };
        let (encode_cpu, more) = (Duration::ZERO, folder.path().join("more"));
        let (decoded, first, rest) = (
            file("decoded", vec![Reply::Decoded(10)]),
            file("first", vec![Reply::Source(source), reply(1)]),
            file("rest", vec![reply(0), Reply::Done { encode_cpu }]),
        );
        let ours = postcard::to_stdvec(&order).unwrap().len() + 2 * framing::header(0).len() + 6;
        // It goes on when it hears of a second slot, and again when that has been given to somebody else.
        let script = format!(
            "head -c {ours} >/dev/null; cat {decoded}; head -c 1 >{more}; cat {first}; \
             while ! test -e {more}.taken; do sleep 0.01; done; cat {rest}",
            more = more.display(),
        );
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let slots = Slots::new(2, 8);
        let mut slot = slots.acquire(Priority::Transcode).await.unwrap();
        let mut progress = Progress::new(&asked, |_, _: &Inspected, _| ready(()));
        let other = async {
            let before = slots.acquire(Priority::Transcode).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(std::fs::read(&more).unwrap_or_default().is_empty());
            drop(before);
            while std::fs::read(&more).unwrap_or_default() != [ONE_MORE] {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let after = slots.acquire(Priority::Transcode).await.unwrap();
            std::fs::write(more.with_extension("taken"), "").unwrap();
            after
        };
        let told = exchange(&mut child, &order, b"source", &mut slot, &mut progress);
        let both = async { tokio::join!(told, other) };
        let (told, _after) = tokio::time::timeout(Duration::from_secs(20), both)
            .await
            .expect("it waits for a slot");
        told.unwrap();
        assert_eq!((progress.missing(), slots.busy()), (0, 2));
    }
}
