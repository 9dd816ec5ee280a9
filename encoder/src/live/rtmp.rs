//! An RTMP listener: one sender at a time, who must know the key. What it sends goes to FFmpeg as FLV.
//!
//! FFmpeg's own listener takes any stream key, and would show it in its arguments.

mod aggregate;
mod amf;
mod chunks;
mod opening;
mod porch;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::ChildStdin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::address::StreamKey;
use super::cutter::Cutter;
use super::patience::Patience;
use super::remux::{Ended, Remuxer};
use super::{BACKOFF, LiveError, LiveEvent};
use crate::child::WorkerCommand;
use opening::Opening;
use porch::Porch;
use session::{Out, Session};

/// Time for a connection to speak RTMP at all.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// Time for it to say who it is.
const GREETING: Duration = Duration::from_secs(10);
/// A sender that gives no picture for so long is gone, whatever else it says: its place is needed when it comes again.
const SILENCE: Duration = Duration::from_secs(10);
/// Kind of a tag of FLV that holds video.
const VIDEO: u8 = 9;

/// A sender that knows the key.
struct Sender {
    peer: SocketAddr,
    stream: TcpStream,
    session: Session,
    /// Its place, which is the only one, until it has gone.
    _seat: OwnedSemaphorePermit,
}

/// Listens until nobody listens to `events`.
pub(super) async fn serve(
    listen: SocketAddr,
    app: &str,
    key: &StreamKey,
    worker: &WorkerCommand,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<(), LiveError> {
    let failed = |source| LiveError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let (greeted, mut senders) = mpsc::channel(1);
    let door = Door {
        app: app.to_owned(),
        key: key.clone(),
        seat: Arc::new(Semaphore::new(1)),
        greeted,
    };
    let _greeter = AbortOnDrop(tokio::spawn(greet(listener, door)));
    loop {
        let sender: Sender = tokio::select! {
            sender = senders.recv() => match sender {
                Some(sender) => sender,
                None => return Ok(()),
            },
            () = events.closed() => return Ok(()),
        };
        let from = sender.peer.to_string();
        let reason = match Remuxer::of_flv(key, worker).await {
            Ok((remuxer, stdin)) => {
                // FFmpeg ends with its input, and the cutter with FFmpeg.
                let (ended, why) =
                    tokio::join!(remuxer.run(from, cutter, events), feed(sender, stdin));
                match (ended, why) {
                    (Ended::Closed, _) => return Ok(()),
                    (Ended::Broken(reason) | Ended::Over(reason), None) => reason,
                    // It was given nothing.
                    (_, Some(Gone { why, seen: false })) => why,
                    // FFmpeg may say what was wrong with what a sender gave until it went.
                    (Ended::Broken(reason) | Ended::Over(reason), Some(gone)) => {
                        format!("{} ({reason})", gone.why)
                    }
                    (_, Some(gone)) => gone.why,
                    (_, None) => "ffmpeg has ended".to_owned(),
                }
            }
            Err(e) => {
                let reason = e.passing()?;
                drop(sender);
                tokio::time::sleep(BACKOFF.0).await;
                reason
            }
        };
        if events.send(LiveEvent::Lost { reason }).await.is_err() {
            return Ok(());
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a sender must know, and where it goes then.
#[derive(Clone)]
struct Door {
    app: String,
    key: StreamKey,
    seat: Arc<Semaphore>,
    greeted: mpsc::Sender<Sender>,
}

/// Takes connections; hands over the sender that knows the key, one at a time.
async fn greet(listener: TcpListener, door: Door) {
    let mut porch = Porch::default();
    let mut greeted = JoinSet::new();
    loop {
        while greeted.try_join_next().is_some() {}
        let Ok((stream, peer)) = listener.accept().await else {
            // Too many open files, most likely.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let door = door.clone();
        let guest = greeted.spawn(async move {
            let _ = tokio::time::timeout(GREETING, publish(stream, peer, &door)).await;
        });
        porch.admit(peer.ip(), guest);
    }
}

/// Speaks with a sender up to its wish to publish, and lets it if the seat is free.
async fn publish(mut stream: TcpStream, peer: SocketAddr, door: &Door) -> Option<()> {
    let mut session = Session::new(door.app.clone(), door.key.clone());
    let mut buffer = [0; 4096];
    let soon = Instant::now() + HANDSHAKE;
    loop {
        let read = stream.read(&mut buffer);
        let read = match session.is_greeted() {
            true => read.await.ok()?,
            false => tokio::time::timeout_at(soon, read).await.ok()?.ok()?,
        };
        if read == 0 {
            return None;
        }
        let mut wants = false;
        let outs = session.take(&buffer[..read]);
        for out in outs.outs {
            match out {
                Out::Send(bytes) => stream.write_all(&bytes).await.ok()?,
                Out::Publish => wants = true,
                // None comes before it is let.
                Out::Tag(_) => {}
                Out::End => return None,
            }
        }
        if outs.failed.is_some() {
            return None;
        }
        if wants {
            let Ok(seat) = door.seat.clone().try_acquire_owned() else {
                let _ = stream.write_all(&session.refuse()).await;
                return None;
            };
            stream.write_all(&session.accept()).await.ok()?;
            let sender = Sender {
                peer,
                stream,
                session,
                _seat: seat,
            };
            return door.greeted.send(sender).await.ok();
        }
    }
}

/// How a sender's stream ended.
struct Gone {
    why: String,
    /// Whether there was anything of it for FFmpeg.
    seen: bool,
}

/// Hands a sender's stream to FFmpeg until it ends; says why it did, unless it is FFmpeg that does not take it.
async fn feed(sender: Sender, to: ChildStdin) -> Option<Gone> {
    let mut opening = Opening::default();
    let why = hand(sender, to, &mut opening).await?;
    let seen = opening.is_over();
    Some(Gone { why, seen })
}

async fn hand(sender: Sender, mut to: ChildStdin, opening: &mut Opening) -> Option<String> {
    let Sender {
        mut stream,
        mut session,
        ..
    } = sender;
    to.write_all(session::FLV_HEAD).await.ok()?;
    let mut buffer = vec![0; 64 << 10];
    let mut patience = Patience::new(SILENCE);
    loop {
        let read = match patience.read(&mut stream, &mut buffer).await {
            Some(Ok(0)) => return Some("the sender has closed the connection".into()),
            Some(Ok(read)) => read,
            Some(Err(e)) => return Some(format!("the connection broke: {e}")),
            None => {
                let silent = SILENCE.as_secs();
                return Some(format!("the sender gives no picture for {silent} s"));
            }
        };
        let outs = session.take(&buffer[..read]);
        for out in outs.outs {
            match out {
                Out::Send(bytes) => {
                    if let Err(e) = stream.write_all(&bytes).await {
                        return Some(format!("the connection broke: {e}"));
                    }
                }
                Out::Tag(tag) => {
                    let video = tag.first() == Some(&VIDEO);
                    to.write_all(&opening.take(tag)).await.ok()?;
                    if video {
                        patience.renew(SILENCE);
                    }
                }
                Out::Publish => {}
                Out::End => return Some("the sender has ended the stream".into()),
            }
        }
        if let Some(failed) = outs.failed {
            return Some(failed.to_string());
        }
    }
}
