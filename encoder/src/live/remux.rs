//! FFmpeg between a live source and the cutter: opens, demultiplexes, writes a transport stream. It decodes first frames to
//! know what the streams are, and stands behind the walls of a worker ([`walls`]).

use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::address::{Address, StreamKey};
use super::command::{ANALYSE, command};
use super::cutter::Cutter;
use super::gate::Gate;
use super::origin::Origin;
use super::patience::Patience;
use super::scrub::{reason, scrub};
use super::{Known, LiveError, LiveEvent, walls};
use crate::child::{Group, WorkerCommand};
use crate::request::Feed;
use crate::sandbox::Sockets;
use crate::transport::PACKET;

/// How long SRT waits for a sender before FFmpeg is started anew.
const LISTEN: Duration = Duration::from_secs(15);
/// How long a source may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the next picture of a sender may take: longer than FFmpeg holds pictures back for sound that does not come any more,
/// which is 10 s.
const PICTURE: Duration = Duration::from_secs(15);
/// How long a fetched stream may stand still: longer than a playlist's segments are, which come at once.
const STALLED: Duration = Duration::from_secs(20);
/// How far a fetched stream may run ahead of its own pace: a playlist begins with what it has.
const AHEAD: Duration = Duration::from_secs(10);
/// Bytes of error output that are kept: the end of them says why it ended.
const WORDS: usize = 16 << 10;

/// How one sender's stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing ever came.
    Nothing,
    /// FFmpeg has come to the end.
    Complete,
    /// In the middle of something.
    Broken(String),
    /// So too, and for good.
    Over(String),
    /// Nobody listens any more.
    Closed,
}

/// A running FFmpeg.
pub(super) struct Remuxer {
    group: Group,
    secret: Option<String>,
    source: Source,
}

/// How a source is waited for.
#[derive(Clone, Copy)]
enum Source {
    /// By its pictures.
    Sent {
        /// How long the first one may take.
        first: Duration,
    },
    /// What comes faster than it plays is held back.
    Fetched {
        /// Whether it begins from its start each time.
        whole: bool,
    },
}

impl Remuxer {
    /// For a stream in FLV on its standard input; it has no network.
    pub async fn of_flv(
        key: &StreamKey,
        worker: &WorkerCommand,
    ) -> Result<(Self, ChildStdin), LiveError> {
        let input = ["-protocol_whitelist", "pipe", "-f", "flv", "-i", "pipe:0"];
        let mut group = walls::start(worker, &command(&input), Sockets::None, Feed::Stream).await?;
        let stdin = group.0.stdin.take();
        let stdin = stdin.ok_or_else(|| LiveError::Start(std::io::Error::other("no pipe")))?;
        let secret = Some(key.expose().to_owned());
        let remuxer = Self {
            group,
            secret,
            source: Source::Sent { first: PICTURE },
        };
        Ok((remuxer, stdin))
    }

    /// For a source that FFmpeg opens itself; a fetched one through the proxy at `gate`, which is found where `origin` says.
    async fn of_address(
        address: &Address,
        key: Option<&StreamKey>,
        (gate, origin): (Option<&Gate>, Option<&Origin>),
        worker: &WorkerCommand,
    ) -> Result<Self, LiveError> {
        let key = key.map(StreamKey::expose);
        let (url, protocols, formats, mut options) = match address {
            Address::Srt { listen } => {
                let (listening, silence) = (LISTEN.as_micros(), SILENCE.as_micros());
                let key = key.unwrap_or_default();
                let url = format!(
                    "srt://{listen}?mode=listener&listen_timeout={listening}&timeout={silence}&passphrase={key}"
                );
                (url, "srt", "mpegts", Vec::new())
            }
            Address::Pull { url } => {
                let url = origin.map_or(url, |origin| &origin.url);
                let formats = "hls,mpegts,mov,mp4,m4a,3gp,3g2,mj2,flv,live_flv,aac,mp3";
                let protocols = "http,https,httpproxy,tcp,tls,crypto";
                (url.clone(), protocols, formats, patient(gate))
            }
            Address::Rtmp { .. } => (String::new(), "", "", Vec::new()),
        };
        // The script's own protocol and format are not for what it names.
        options.push(("protocol_whitelist", protocols.to_owned()));
        options.push(("format_whitelist", formats.to_owned()));
        // And so are the bounds on what is looked at.
        options.push(("analyzeduration", ANALYSE.as_micros().to_string()));
        // Arguments can be read by everybody on the machine. A script on standard input cannot.
        let mut script = format!("ffconcat version 1.0\nfile '{url}'\n");
        for (name, value) in options {
            script += &format!("option {name} {value}\n");
        }
        let (protocols, formats) = (format!("pipe,{protocols}"), format!("concat,{formats}"));
        let input = [
            "-protocol_whitelist",
            &protocols,
            "-format_whitelist",
            &formats,
            "-f",
            "concat",
            "-safe",
            "0",
            "-i",
            "pipe:0",
        ];
        let sockets = match (address, gate) {
            (Address::Srt { .. }, _) => Sockets::Udp,
            (_, Some(gate)) => Sockets::Proxy(gate.port()),
            (_, None) => Sockets::None,
        };
        let feed = Feed::Script(script.into_bytes());
        Ok(Self {
            group: walls::start(worker, &command(&input), sockets, feed).await?,
            secret: key.map(str::to_owned),
            source: match origin {
                Some(origin) => Source::Fetched {
                    whole: origin.whole,
                },
                // Whoever comes last has its time all the same.
                None => Source::Sent {
                    first: LISTEN + PICTURE,
                },
            },
        })
    }

    /// Cuts what comes until nothing comes any more.
    pub async fn run(
        mut self,
        from: String,
        cutter: &mut Cutter,
        events: &mpsc::Sender<LiveEvent>,
    ) -> Ended {
        let (stdout, stderr) = (self.group.0.stdout.take(), self.group.0.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Ended::Broken("ffmpeg has no pipes".into());
        };
        let words = tokio::spawn(tail(stderr));
        cutter.restart();
        match self.source {
            Source::Sent { .. } => {}
            Source::Fetched { whole: false } => cutter.expect_repeats(),
            Source::Fetched { whole: true } => cutter.expect_all(),
        }
        let ended = cut(stdout, from, self.source, cutter, events).await;
        match ended {
            Ok(came) => {
                let status = self.group.0.wait().await;
                let words = words.await.unwrap_or_default();
                let clean = status.is_ok_and(|status| status.success());
                let sent = matches!(self.source, Source::Sent { .. });
                let reason = || match reason(&words, self.secret.as_deref()) {
                    nothing if words.is_empty() => format!("the stream ended ({nothing})"),
                    // All that it says of one that closes the connection, and of one that gives nothing any more.
                    words if sent && words.ends_with("Input/output error") => {
                        "the sender has gone".to_owned()
                    }
                    words => words,
                };
                match (came, clean && !complains(&words)) {
                    (true, true) => Ended::Complete,
                    (false, _) if waited_in_vain(&words) => Ended::Nothing,
                    _ => Ended::Broken(reason()),
                }
            }
            Err(ended) => ended,
        }
    }
}

/// FFmpeg's options for what is fetched: it waits for a playlist as long as we do, takes segments whatever they are called, and
/// asks through the proxy, which bounds what may be asked for. What it does not know, as by its version, it leaves alone.
fn patient(gate: Option<&Gate>) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("rw_timeout", SILENCE.as_micros().to_string()),
        ("max_reload", i32::MAX.to_string()),
        ("m3u8_hold_counters", i32::MAX.to_string()),
        ("allowed_extensions", "ALL".to_owned()),
        ("allowed_segment_extensions", "ALL".to_owned()),
        ("extension_picky", "0".to_owned()),
    ];
    options.extend(gate.map(|gate| ("http_proxy", gate.url())));
    options
}

/// Opens a source that FFmpeg itself listens for or fetches.
pub(super) async fn open(
    address: &Address,
    key: Option<&StreamKey>,
    known: &mut Known,
    worker: &WorkerCommand,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<Ended, LiveError> {
    let gate = known.gate.as_ref();
    let origin = match (address, gate) {
        (Address::Pull { url }, Some(gate)) => match Origin::find(url, gate).await {
            // What was seen to be whole begins from its start, if it still is.
            None if known.whole => return Ok(Ended::Nothing),
            found => Some(found.unwrap_or_else(|| Origin::unseen(url))),
        },
        _ => None,
    };
    let remuxer = Remuxer::of_address(address, key, (gate, origin.as_ref()), worker).await?;
    known.whole = origin.as_ref().is_some_and(|origin| origin.whole);
    let before = cutter.reached();
    let ended = remuxer.run(address.to_string(), cutter, events).await;
    Ok(match (ended, origin) {
        (Ended::Complete, Some(origin)) if !origin.ends => {
            Ended::Broken("the server has closed the connection".into())
        }
        (Ended::Broken(reason), Some(origin)) if origin.whole => {
            known.broke_off(reason, cutter.reached() > before)
        }
        (ended, _) => ended,
    })
}

/// Whether anything came; an error when it must stop before its end.
async fn cut(
    mut stream: impl AsyncRead + Unpin,
    from: String,
    source: Source,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<bool, Ended> {
    let mut buffer = vec![0; 64 * PACKET];
    let mut filled = 0;
    let mut from = Some(from);
    let mut pace: Option<(Instant, Duration)> = None;
    let (waited, paced) = match source {
        Source::Sent { first } => (first, false),
        Source::Fetched { .. } => (STALLED, true),
    };
    let (mut patience, mut pictured) = (Patience::new(waited), false);
    loop {
        let read = tokio::select! {
            read = patience.read(&mut stream, &mut buffer[filled..]) => read,
            () = events.closed() => return Err(Ended::Closed),
        };
        let now = SystemTime::now();
        let read = read.map(|read| read.unwrap_or(0));
        let Some(read @ 1..) = read else {
            finish(cutter, now, events).await?;
            return match (read, paced, &from) {
                (Some(_), ..) => Ok(from.is_none()),
                (None, true, Some(_)) => Err(Ended::Nothing),
                (None, true, None) => Err(lost("it is silent", STALLED)),
                (None, false, _) if pictured => Err(lost("the sender gives no picture", PICTURE)),
                // Of SRT that is since it was waited for: FFmpeg does not tell when a sender came.
                (None, false, _) => Err(lost("no picture has come from the sender", waited)),
            };
        };
        // FFmpeg waits for ever through what stands still.
        if paced {
            patience.renew(STALLED);
        }
        let shown = cutter.shown();
        if let Some(from) = from.take() {
            send(events, LiveEvent::Connected { from }).await?;
        }
        filled += read;
        let whole = filled - filled % PACKET;
        let (packets, _) = buffer[..whole].as_chunks::<PACKET>();
        for packet in packets {
            let segment = match cutter.push(packet, now) {
                Ok(Some(segment)) => segment,
                Ok(None) => continue,
                Err(e) => {
                    finish(cutter, now, events).await?;
                    return Err(Ended::Broken(e.to_string()));
                }
            };
            if paced {
                let start = segment.timing.start;
                let (begun, first) = *pace.get_or_insert((Instant::now(), start));
                let due = begun + start.saturating_sub(first + AHEAD);
                tokio::time::sleep_until(due.into()).await;
            }
            send(events, LiveEvent::of(segment)).await?;
        }
        if !paced && cutter.shown() != shown {
            pictured = true;
            patience.renew(PICTURE);
        }
        for what in cutter.untaken() {
            send(events, LiveEvent::LeftOut { what }).await?;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

fn lost(how: &str, after: Duration) -> Ended {
    Ended::Broken(format!("{how} for {} s", after.as_secs()))
}

/// Hands on what is whole of the last segment.
async fn finish(
    cutter: &mut Cutter,
    now: SystemTime,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<(), Ended> {
    match cutter.finish(now) {
        Some(segment) => send(events, LiveEvent::of(segment)).await,
        None => Ok(()),
    }
}

async fn send(events: &mpsc::Sender<LiveEvent>, event: LiveEvent) -> Result<(), Ended> {
    events.send(event).await.map_err(|_| Ended::Closed)
}

/// Reads to the end and keeps the last part.
async fn tail(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..read]);
        let over = kept.len().saturating_sub(WORDS);
        kept.drain(..over);
    }
    kept
}

/// Whether the last thing that FFmpeg said is a failure: it ends with success although a playlist or a connection failed.
fn complains(words: &[u8]) -> bool {
    let last = scrub(words, None).to_lowercase();
    ["failed", "error", "timed out", "reset by peer"]
        .iter()
        .any(|word| last.contains(word))
}

fn waited_in_vain(words: &[u8]) -> bool {
    String::from_utf8_lossy(words).contains("Connection timed out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sender_without_pictures_is_not_waited_for() {
        // FFmpeg writes nothing for null packets, and nothing ends it.
        let (stream, _open) = tokio::io::duplex(64);
        let mut cutter = Cutter::new(PICTURE, PICTURE);
        let (events, _heard) = mpsc::channel(1);
        let first = Duration::from_secs(1);
        let ended = cut(
            stream,
            String::new(),
            Source::Sent { first },
            &mut cutter,
            &events,
        );
        let ended = tokio::time::timeout(PICTURE, ended).await.unwrap();
        let why = "no picture has come from the sender for 1 s";
        assert_eq!(ended, Err(Ended::Broken(why.to_owned())));
    }
}
