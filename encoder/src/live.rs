//! Live streams in: a sender that comes to us (RTMP, SRT) or a stream that we fetch (HTTP, HLS), cut at closed key frames
//! as it arrives, without re-encoding.
//!
//! ```text
//! RTMP ── our listener, which checks the key ── FLV ──┐
//! SRT ─────────────────────────────────────────────────┤ FFmpeg ── transport stream ── cutter ── segments
//! HTTP, HLS ── our proxy, which keeps from private hosts ┘
//! ```
//!
//! FFmpeg stands behind a worker's walls ([`sandbox`](crate::sandbox)): it hears RTMP through a pipe and has no network then;
//! for SRT it has datagrams, for what it fetches connections to our proxy, and otherwise only the protocols of its one source.
//! Keys and addresses reach it through its standard input, never through its arguments.

mod address;
mod command;
mod cutter;
mod dates;
mod desk;
mod flow;
mod gate;
mod origin;
mod patience;
mod remux;
mod repeats;
mod rtmp;
mod scrub;
mod sets;
mod stale;
mod walls;

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub use address::{Address, AddressError, StreamKey};
pub use cutter::{CutError, Cutter, LiveSegment};

use crate::child::WorkerCommand;
use gate::Gate;
use remux::Ended;

/// Pauses before a stream is fetched again: doubled from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A stream that was there this long begins with the first pause again.
const STEADY: Duration = Duration::from_secs(30);
/// Times that what is whole where it is fetched is fetched again after it broke off. It may break off at the same place each time.
const TRIES: u32 = 5;

/// How a stream is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Segments have this length or end with the next closed key frame.
    pub target: Duration,
    /// Longest segment; a sender that sets no closed key frame for so long is dropped.
    pub longest: Duration,
}

/// What a live source has to tell.
#[derive(Debug)]
pub enum LiveEvent {
    /// A sender is there, or the stream was found.
    Connected {
        /// Its address.
        from: String,
    },
    /// A segment.
    Segment {
        /// It.
        segment: Box<LiveSegment>,
        /// When its last frame had come in; of a fetched stream, which is held back to its pace, when its turn had come.
        came: Instant,
    },
    /// Something of what the sender sends is not passed on; the rest is.
    LeftOut {
        /// What.
        what: String,
    },
    /// The sender is gone or the stream broke off; it may come back.
    Lost {
        /// Why.
        reason: String,
    },
}

impl LiveEvent {
    /// A segment that is whole now.
    fn of(segment: LiveSegment) -> Self {
        Self::Segment {
            segment: Box::new(segment),
            came: Instant::now(),
        }
    }
}

/// Why a live source cannot be received at all.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key is missing, or cannot be used.
    #[error(transparent)]
    Key(#[from] AddressError),
    /// FFmpeg cannot be started, or not the worker behind whose walls it runs.
    #[error("ffmpeg cannot be started: {0}; install FFmpeg (Debian: apt-get install ffmpeg)")]
    Start(std::io::Error),
}

impl LiveError {
    /// What may be better in a moment, in words: too many processes or open files, but not an FFmpeg that is not there.
    fn passing(self) -> Result<String, Self> {
        match &self {
            Self::Start(e) if e.kind() != std::io::ErrorKind::NotFound => Ok(self.to_string()),
            _ => Err(self),
        }
    }
}

/// Receives until the stream has ended (fetched ones do) or nobody listens to `events` any more.
///
/// Senders may go and come back, each time with a discontinuity; a fetched stream that breaks off is fetched again after a
/// pause. What happens is told by `events`; whoever reads them must do so at the stream's pace. `worker` is how the process
/// is started behind whose walls FFmpeg runs.
///
/// # Errors
/// An address that is taken, a key that cannot be used, or no FFmpeg.
pub async fn receive(
    address: &Address,
    key: Option<&StreamKey>,
    cut: Cut,
    worker: &WorkerCommand,
    events: mpsc::Sender<LiveEvent>,
) -> Result<(), LiveError> {
    address.check_key(key)?;
    let mut cutter = Cutter::new(cut.target, cut.longest);
    match (address, key) {
        (Address::Rtmp { listen, app }, Some(key)) => {
            rtmp::serve(*listen, app, key, worker, &mut cutter, &events).await
        }
        _ => fetch(address, key, worker, &mut cutter, &events).await,
    }
}

/// What is known of a fetched source from one connection to the next.
#[derive(Default)]
struct Known {
    gate: Option<Gate>,
    /// Whether it begins from its start each time.
    whole: bool,
    /// How often it broke off although it is whole.
    broken: u32,
}

impl Known {
    /// What is whole has broken off, after something `new` or not. It is the end of it where it would break off so again.
    fn broke_off(&mut self, reason: String, new: bool) -> Ended {
        self.broken += 1;
        match self.broken == 1 || new && self.broken <= TRIES {
            true => Ended::Broken(reason),
            false => Ended::Over(reason),
        }
    }
}

/// Has FFmpeg open the source, again and again.
async fn fetch(
    address: &Address,
    key: Option<&StreamKey>,
    worker: &WorkerCommand,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<(), LiveError> {
    let listens = matches!(address, Address::Srt { .. });
    let mut known = Known::default();
    let mut pause = BACKOFF.0;
    while !events.is_closed() {
        let begun = Instant::now();
        let lost = match attempt(address, key, worker, &mut known, cutter, events).await? {
            Ended::Closed => return Ok(()),
            Ended::Over(reason) => {
                let _ = events.send(LiveEvent::Lost { reason }).await;
                return Ok(());
            }
            Ended::Complete if !listens => return Ok(()),
            // Nobody came within FFmpeg's patience.
            Ended::Nothing if listens => None,
            Ended::Nothing => Some("it does not answer".to_owned()),
            Ended::Complete => Some("the sender has closed the connection".to_owned()),
            Ended::Broken(reason) => Some(reason),
        };
        if let Some(reason) = lost
            && events.send(LiveEvent::Lost { reason }).await.is_err()
        {
            return Ok(());
        }
        // A sender may come again at once. What ends at once would end so again: an address that is taken.
        if listens && begun.elapsed() > BACKOFF.0 {
            continue;
        }
        if begun.elapsed() > STEADY {
            pause = BACKOFF.0;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
    Ok(())
}

async fn attempt(
    address: &Address,
    key: Option<&StreamKey>,
    worker: &WorkerCommand,
    known: &mut Known,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<Ended, LiveError> {
    if known.gate.is_none()
        && let Address::Pull { url } = address
    {
        match Gate::open(url).await {
            Ok(open) => known.gate = Some(open),
            Err(e) => return Ok(Ended::Broken(format!("its host: {e}"))),
        }
    }
    match remux::open(address, key, known, worker, cutter, events).await {
        Err(e) => e.passing().map(Ended::Broken),
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whole_is_fetched_again_while_that_brings_something() {
        let mut known = Known::default();
        let mut again = |new| matches!(known.broke_off("x".into(), new), Ended::Broken(_));
        assert!(again(true) && again(true));
        assert!(!again(false));
        let mut known = Known::default();
        let broken =
            (0..100).filter(|_| known.broke_off("x".into(), true) == Ended::Broken("x".into()));
        assert_eq!(broken.count(), TRIES as usize);
    }

    #[test]
    fn only_a_missing_ffmpeg_is_for_good() {
        let start = |kind| LiveError::Start(std::io::Error::from(kind));
        let busy = start(std::io::ErrorKind::WouldBlock).passing();
        assert!(busy.is_ok_and(|words| words.contains("ffmpeg cannot be started")));
        assert!(start(std::io::ErrorKind::NotFound).passing().is_err());
        assert!(LiveError::Key(AddressError::App).passing().is_err());
    }
}
