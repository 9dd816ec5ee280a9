//! FFmpeg between a live source and the cutter: opens, demultiplexes, writes a transport stream. It decodes first frames to
//! know what the streams are, and stands behind the walls of a worker ([`walls`]).

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::address::{Address, StreamKey};
use super::cutter::Cutter;
use super::scrub::scrub;
use super::{LiveError, LiveEvent, walls};
use crate::child::{Group, WorkerCommand};
use crate::ffmpeg;
use crate::request::Feed;
use crate::sandbox::Sockets;
use crate::transport::PACKET;

/// How long SRT waits for a sender before FFmpeg is started anew.
const LISTEN: Duration = Duration::from_secs(15);
/// How long a source may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(10);
/// How far a fetched stream may run ahead of its own pace: a playlist begins with what it has.
const AHEAD: Duration = Duration::from_secs(10);
/// FFmpeg looks at no more than this before it says what the streams are.
const ANALYSE: Duration = Duration::from_secs(2);
/// The decoders that FFmpeg may use for that: those of what can be passed on.
const DECODERS: &str = "h264,hevc,aac,aac_latm,mp3,mp3float,opus";
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

    async fn of_address(
        address: &Address,
        key: Option<&StreamKey>,
        worker: &WorkerCommand,
    ) -> Result<Self, LiveError> {
        let key = key.map(StreamKey::expose);
        let (url, protocols, formats, paced) = match address {
            Address::Srt { listen } => {
                let (listening, silence) = (LISTEN.as_micros(), SILENCE.as_micros());
                let key = key.unwrap_or_default();
                let url = format!(
                    "srt://{listen}?mode=listener&listen_timeout={listening}&timeout={silence}&passphrase={key}"
                );
                (url, "pipe,srt", "concat,mpegts", false)
            }
            Address::Pull { url } => {
                let formats = "concat,hls,mpegts,mov,mp4,m4a,3gp,3g2,mj2,flv,live_flv,aac,mp3";
                (url.clone(), "pipe,http,https,tcp,tls,crypto", formats, true)
            }
            Address::Rtmp { .. } => (String::new(), "pipe", "concat", false),
        };
        // Arguments can be read by everybody on the machine. A script on standard input cannot.
        let mut script = format!("ffconcat version 1.0\nfile '{url}'\n");
        if paced {
            script += &format!("option rw_timeout {}\n", SILENCE.as_micros());
        }
        let input = [
            "-protocol_whitelist",
            protocols,
            "-format_whitelist",
            formats,
            "-f",
            "concat",
            "-safe",
            "0",
            "-i",
            "pipe:0",
        ];
        let sockets = match address {
            Address::Rtmp { .. } => Sockets::None,
            Address::Srt { .. } => Sockets::Udp,
            Address::Pull { .. } => Sockets::Client,
        };
        let feed = Feed::Script(script.into_bytes());
        Ok(Self {
            group: walls::start(worker, &command(&input), sockets, feed).await?,
            secret: key.map(str::to_owned),
            paced,
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
    command.args(["-map", "0:V:0", "-map", "0:a?", "-c", "copy"]);
    command.args(["-muxdelay", "0", "-muxpreload", "0"]);
    command.args(["-pes_payload_size", "0", "-flush_packets", "1"]);
    command.args(["-f", "mpegts", "pipe:1"]);
    command
}

/// Opens a source that FFmpeg itself listens for or fetches.
pub(super) async fn open(
    address: &Address,
    key: Option<&StreamKey>,
    worker: &WorkerCommand,
    cutter: &mut Cutter,
    events: &mpsc::Sender<LiveEvent>,
) -> Result<Ended, LiveError> {
    let remuxer = Remuxer::of_address(address, key, worker).await?;
    Ok(remuxer.run(address.to_string(), cutter, events).await)
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
            read = stream.read(&mut buffer[filled..]) => read,
            () = events.closed() => return Err(Ended::Closed),
        };
        let read = read.unwrap_or(0);
        let now = SystemTime::now();
        if read == 0 {
            if let Some(segment) = cutter.finish(now) {
                send(events, LiveEvent::Segment(Box::new(segment))).await?;
            }
            return Ok(from.is_none());
        }
        if let Some(from) = from.take() {
            send(events, LiveEvent::Connected { from }).await?;
        }
        filled += read;
        let whole = filled - filled % PACKET;
        let (packets, _) = buffer[..whole].as_chunks::<PACKET>();
        for packet in packets {
            let cut = cutter.push(packet, now);
            let Some(segment) = cut.map_err(|e| Ended::Broken(e.to_string()))? else {
                continue;
            };
            if paced {
                let start = segment.timing.start;
                let (begun, first) = *pace.get_or_insert((Instant::now(), start));
                let due = begun + start.saturating_sub(first + AHEAD);
                tokio::time::sleep_until(due.into()).await;
            }
            send(events, LiveEvent::Segment(Box::new(segment))).await?;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
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
    let last = ffmpeg::last_words(words).to_lowercase();
    ["failed", "error", "timed out", "reset by peer"]
        .iter()
        .any(|word| last.contains(word))
}

fn waited_in_vain(words: &[u8]) -> bool {
    String::from_utf8_lossy(words).contains("Connection timed out")
}
