//! Live streams: cut as they come, by RTMP and SRT from a real sender that goes and comes back, and fetched over HTTP.

use crate::support;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use assay_encoder::live::{
    Address, Cut, CutError, Cutter, LiveEvent, LiveSegment, StreamKey, receive,
};
use support::{ffmpeg, frames, worker};
use tokio::sync::mpsc;

pub const CUT: Cut = Cut {
    target: Duration::from_secs(1),
    longest: Duration::from_secs(5),
};
pub const KEY: &str = "a-key-that-nobody-guesses";

/// Cuts a transport stream that is a file.
fn cut(path: &Path) -> Result<Vec<LiveSegment>, CutError> {
    let bytes = std::fs::read(path).unwrap();
    let mut cutter = Cutter::new(CUT.target, CUT.longest);
    let (packets, _) = bytes.as_chunks::<188>();
    let mut segments = Vec::new();
    for packet in packets {
        segments.extend(cutter.push(packet, SystemTime::UNIX_EPOCH)?);
    }
    segments.extend(cutter.finish(SystemTime::UNIX_EPOCH));
    Ok(segments)
}

#[test]
fn every_segment_decodes_alone_and_none_of_the_sound_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=4.4 -f lavfi -i sine=d=4.4 -f lavfi -i sine=d=4.4:r=44100 \
         -map 0 -map 1 -map 2 -c:v libx264 -g 30 -bf 2 -c:a:0 aac -c:a:1 libmp3lame -metadata:s:a:1 language=deu \
         -muxdelay 0 -pes_payload_size 0 -f mpegts",
        &path,
    );
    let segments = cut(&path).unwrap();
    let counts: Vec<_> = segments.iter().map(|s| s.frames).collect();
    assert_eq!(counts, [30, 30, 30, 20]);
    let mut clock = Duration::ZERO;
    for (index, segment) in segments.iter().enumerate() {
        let alone = dir.path().join(format!("{index}.ts"));
        std::fs::write(&alone, &segment.bytes).unwrap();
        assert_eq!(frames(&alone), segment.frames);
        let off = segment.timing.start.abs_diff(clock);
        assert!(off < Duration::from_millis(1), "{:?}", segment.timing);
        assert_eq!(segment.timing.frames.len(), segment.frames as usize);
        clock += segment.timing.duration;
    }
    for (track, rate, language) in [(0, 44_100, None), (1, 44_100, Some("deu"))] {
        let sounds: Vec<_> = segments
            .iter()
            .map(|s| s.sounds[track].as_ref().unwrap())
            .collect();
        let mut next = sounds[0].start;
        for sound in &sounds {
            assert_eq!(sound.start, next, "track {track}");
            assert_eq!(sound.format.language.as_deref(), language);
            next += sound.samples();
        }
        assert_eq!(sounds[0].format.rate, rate);
        let seconds = (next - sounds[0].start) as f64 / f64::from(rate);
        assert!((4.3..4.6).contains(&seconds), "track {track}: {seconds} s");
    }
}

#[test]
fn open_groups_are_not_cut_and_too_long_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("open.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=8 -c:v libx264 -bf 2 -x264-params \
         open-gop=1:keyint=25:min-keyint=25:scenecut=0 -f mpegts",
        &path,
    );
    let refused = cut(&path).unwrap_err();
    assert!(matches!(refused, CutError::LongGop { max: 5, .. }));
    assert!(refused.to_string().contains("key-frame interval"));
    let silent = dir.path().join("audio.ts");
    ffmpeg("-f lavfi -i sine=d=4 -c:a aac -f mpegts", &silent);
    let refused = cut(&silent).unwrap_err().to_string();
    assert!(refused.contains("only audio"), "{refused}");
}

/// A sender that ends with the test.
pub struct Sender(Child);

impl Sender {
    pub fn start(seconds: u32, format: &str, url: &str) -> Self {
        let input = format!(
            "-nostdin -v quiet -re -f lavfi -i testsrc2=size=128x96:rate=25 -re -f lavfi -i sine -t {seconds} -c:v libx264 \
             -preset ultrafast -g 25 -c:a aac -f {format}"
        );
        let mut command = Command::new("ffmpeg");
        command.args(input.split_whitespace()).arg(url);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Arguments of the children of this process and of their children, but those of senders.
fn arguments_of_children() -> String {
    let children = |of: &str| {
        let tasks = std::fs::read_dir(format!("/proc/{of}/task"));
        let lists = tasks.into_iter().flatten().flatten();
        let lists = lists.map(|task| std::fs::read_to_string(task.path().join("children")));
        let ids: String = lists.map(Result::unwrap_or_default).collect();
        ids.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let own = children(&std::process::id().to_string());
    let below: Vec<_> = own.iter().flat_map(|child| children(child)).collect();
    let arguments = own.iter().chain(&below).map(|process| {
        std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
    });
    arguments
        .filter(|arguments| !arguments.contains("testsrc2"))
        .collect()
}

struct Heard {
    events: mpsc::Receiver<LiveEvent>,
    segments: Vec<LiveSegment>,
    connected: u32,
    lost: Vec<String>,
}

impl Heard {
    fn of(address: &Address) -> Self {
        let (sender, events) = mpsc::channel(4);
        let address = address.clone();
        tokio::spawn(async move {
            let key = StreamKey::new(KEY);
            receive(&address, key.as_ref(), CUT, &worker(), sender)
                .await
                .unwrap();
        });
        Self {
            events,
            segments: Vec::new(),
            connected: 0,
            lost: Vec::new(),
        }
    }

    async fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !enough(self) {
            let left = Duration::from_secs(60).saturating_sub(begun.elapsed());
            match tokio::time::timeout(left, self.events.recv())
                .await
                .unwrap()
            {
                Some(LiveEvent::Segment(segment)) => self.segments.push(*segment),
                Some(LiveEvent::Connected { .. }) => self.connected += 1,
                Some(LiveEvent::Lost { reason }) => self.lost.push(reason),
                None => return,
            }
        }
    }

    /// Time goes on without holes, and jumps once: where the sender came back.
    fn check(&self) {
        let jumps: Vec<_> = self
            .segments
            .iter()
            .map(|s| s.timing.discontinuity)
            .collect();
        assert_eq!(jumps.iter().filter(|&&jump| jump).count(), 1, "{jumps:?}");
        assert!(!jumps[0]);
        for pair in self.segments.windows(2) {
            let end = pair[0].timing.start + pair[0].timing.duration;
            let off = pair[1].timing.start.abs_diff(end);
            assert!(off < Duration::from_millis(2), "{off:?}");
            assert!(pair[1].timing.date > pair[0].timing.date);
        }
        let heard = self
            .segments
            .iter()
            .filter(|s| s.sounds.iter().any(Option::is_some));
        assert!(heard.count() >= self.segments.len() - 1);
    }
}

async fn goes_and_comes_back(address: &str, sender: impl Fn(&str) -> Sender) {
    let address: Address = address.parse().unwrap();
    let mut heard = Heard::of(&address);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut wrong = sender("another-key-altogether");
    let begun = Instant::now();
    let first = loop {
        // The wrong one must have had its chance.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if wrong.0.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(5) {
            drop(wrong);
            break sender(KEY);
        }
    };
    heard.until(|heard| heard.segments.len() >= 2).await;
    let arguments = arguments_of_children();
    assert!(
        arguments.contains("mpegts") && !arguments.contains(KEY),
        "{arguments}"
    );
    assert_eq!((heard.connected, &heard.lost), (1, &Vec::new()));
    // It breaks off in the middle of a segment.
    drop(first);
    let before = heard.segments.len();
    heard.until(|heard| !heard.lost.is_empty()).await;
    let _second = sender(KEY);
    heard
        .until(|heard| heard.segments.len() >= before + 3)
        .await;
    assert_eq!(heard.connected, 2);
    heard.check();
    assert!(
        !format!("{:?}", heard.lost).contains(KEY),
        "{:?}",
        heard.lost
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_rtmp_with_the_key() {
    let port = free_port();
    let url = move |key: &str| format!("rtmp://127.0.0.1:{port}/live/{key}");
    let sender = move |key: &str| Sender::start(30, "flv", &url(key));
    goes_and_comes_back(&format!("rtmp://127.0.0.1:{port}/live"), sender).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_srt_with_the_key() {
    let port = free_port();
    let url = move |key: &str| format!("srt://127.0.0.1:{port}?passphrase={key}");
    let sender = move |key: &str| Sender::start(30, "mpegts", &url(key));
    goes_and_comes_back(&format!("srt://127.0.0.1:{port}"), sender).await;
}

/// Serves a folder to one request after the other.
fn serve(folder: &Path) -> u16 {
    use std::io::{BufRead, BufReader, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, folder) = (listener.local_addr().unwrap().port(), folder.to_owned());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let name = first.split([' ', '?', '/']).find(|part| part.contains('.'));
            let body = std::fs::read(folder.join(name.unwrap_or("none"))).unwrap_or_default();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=4 -f lavfi -i sine=d=4 -c:v libx264 -g 25 -c:a aac \
                 -f hls -hls_time 1 -hls_playlist_type vod";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let port = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8?token=a-secret");
    let mut heard = Heard::of(&address.parse().unwrap());
    // It has an end, and receiving ends with it.
    heard.until(|_| false).await;
    let counts: Vec<_> = heard.segments.iter().map(|s| s.frames).collect();
    assert_eq!(
        (counts, heard.connected),
        (vec![25; 4], 1),
        "{:?}",
        heard.lost
    );
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
}
