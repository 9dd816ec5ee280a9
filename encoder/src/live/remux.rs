//! FFmpeg between a live source and the cutter: opens, demultiplexes, writes a transport stream. It decodes first frames to
//! know what the streams are, and stands behind the walls of a worker ([`walls`]).

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::address::{Address, StreamKey};
use super::cutter::Cutter;
use super::gate::Gate;
use super::origin::Origin;
use super::scrub::scrub;
use super::{LiveError, LiveEvent, walls};
use crate::child::{Group, WorkerCommand};
use crate::ffmpeg;
use crate::request::Feed;
use crate::sandbox::Sockets;
use crate::transport::{CLOCK, PACKET, WRAP};

/// How long SRT waits for a sender before FFmpeg is started anew.
const LISTEN: Duration = Duration::from_secs(15);
/// How long a source may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a fetched stream may stand still: longer than a playlist's segments are, which come at once.
const STALLED: Duration = Duration::from_secs(20);
/// How far a fetched stream may run ahead of its own pace: a playlist begins with what it has.
const AHEAD: Duration = Duration::from_secs(10);
/// FFmpeg looks at no more than this before it says what the streams are.
const ANALYSE: Duration = Duration::from_secs(2);
/// The decoders that FFmpeg may use for that: those of what can be passed on.
const DECODERS: &str = "h264,hevc,aac,aac_latm,mp3,mp3float,opus";
/// Seconds that a sender's decode times may step back without being those of another clock.
const JITTER: f64 = 0.1;
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
    /// Nobody listens any more.
    Closed,
}

/// A running FFmpeg.
pub(super) struct Remuxer {
    group: Group,
    secret: Option<String>,
    /// Whether what comes faster than it plays is held back.
    paced: bool,
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
            paced: false,
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
            paced: matches!(address, Address::Pull { .. }),
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
        if self.paced {
            cutter.expect_repeats();
        }
        let ended = cut(stdout, from, self.paced, cutter, events).await;
        match ended {
            Ok(came) => {
                let status = self.group.0.wait().await;
                let words = words.await.unwrap_or_default();
                let clean = status.is_ok_and(|status| status.success());
                let reason = || match scrub(&words, self.secret.as_deref()) {
                    nothing if words.is_empty() => format!("the stream ended ({nothing})"),
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

/// FFmpeg from this input to a transport stream.
fn command(input: &[&str]) -> Command {
    let mut command = ffmpeg::command("ffmpeg");
    let (analyse, pixels) = (ANALYSE.as_micros().to_string(), ffmpeg::max_pixels());
    command.args(["-nostdin", "-hide_banner", "-v", "warning"]);
    command.args(["-fflags", "+genpts", "-analyzeduration", &analyse]);
    command.args(["-codec_whitelist", DECODERS, "-max_pixels", &pixels]);
    command.args(input);
    // What has no video is told so by the cutter.
    command.args(["-map", "0:V:0?"]).args(ffmpeg::sounds());
    command.args(["-c", "copy"]);
    let turns = turns();
    command.args(["-bsf:v", &turns, "-bsf:a", &turns]);
    command.args(["-muxdelay", "0", "-muxpreload", "0"]);
    command.args(["-pes_payload_size", "0", "-flush_packets", "1"]);
    command.args(["-f", "mpegts", "pipe:1"]);
    command
}

/// A filter that leaves times as they are, which FFmpeg does not: those after a clock was set back it would all write right
/// behind the last one before, one tick apart. Times of a transport stream begin again after 2^33 ticks, so a step back becomes a
/// step forward by a whole turn less as much, and has the same bits. Small steps are a sender's jitter.
fn turns() -> String {
    let turns = format!("round({WRAP}/{CLOCK}/TB)*st(0\\,ld(0)+lt(DTS\\,PREV_INDTS-{JITTER}/TB))");
    format!("setts=dts=DTS+{turns}:pts=PTS+{turns}")
}

/// FFmpeg's options for what is fetched: it waits for a playlist as long as we do, and asks through the proxy.
fn patient(gate: Option<&Gate>) -> Vec<(&'static str, String)> {
    let mut options = vec![
        ("rw_timeout", SILENCE.as_micros().to_string()),
        ("max_reload", i32::MAX.to_string()),
        ("m3u8_hold_counters", i32::MAX.to_string()),
    ];
    options.extend(gate.map(|gate| ("http_proxy", gate.url())));
    options
}

/// Opens a source that FFmpeg itself listens for or fetches.
pub(super) async fn open(
    address: &Address,
    key: Option<&StreamKey>,
    gate: Option<&Gate>,
    worker: &WorkerCommand,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<Ended, LiveError> {
    let origin = match (address, gate) {
        (Address::Pull { url }, Some(gate)) => Some(Origin::find(url, gate).await),
        _ => None,
    };
    let remuxer = Remuxer::of_address(address, key, (gate, origin.as_ref()), worker).await?;
    let ended = remuxer.run(address.to_string(), cutter, events).await;
    Ok(match (ended, origin) {
        (Ended::Complete, Some(origin)) if !origin.ends => {
            Ended::Broken("the server has closed the connection".into())
        }
        (ended, _) => ended,
    })
}

/// Whether anything came; an error when it must stop before its end.
async fn cut(
    mut stream: impl AsyncRead + Unpin,
    from: String,
    paced: bool,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<bool, Ended> {
    let mut buffer = vec![0; 64 * PACKET];
    let mut filled = 0;
    let mut from = Some(from);
    let mut pace: Option<(Instant, Duration)> = None;
    loop {
        let read = tokio::select! {
            read = next(&mut stream, &mut buffer[filled..], paced) => read,
            () = events.closed() => return Err(Ended::Closed),
        };
        let now = SystemTime::now();
        let Some(read @ 1..) = read else {
            finish(cutter, now, events).await?;
            return match (read, &from) {
                (Some(_), _) => Ok(from.is_none()),
                (None, Some(_)) => Err(Ended::Nothing),
                (None, None) => Err(Ended::Broken(format!(
                    "it is silent for {} s",
                    STALLED.as_secs()
                ))),
            };
        };
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
        for what in cutter.untaken() {
            send(events, LiveEvent::LeftOut { what }).await?;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

/// Bytes of what comes next, 0 at the end; none if a fetched stream stands still, which FFmpeg waits through for ever.
async fn next(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8],
    fetched: bool,
) -> Option<usize> {
    let read = stream.read(buffer);
    let read = match fetched {
        true => tokio::time::timeout(STALLED, read).await.ok()?,
        false => read.await,
    };
    Some(read.unwrap_or(0))
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
