//! A live stream through a network of processes: a sender that goes and comes back, and transcoders that all die. Needs
//! anvil and FFmpeg, and a minute: part of the nightly checks.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::testnet::{Net, clip, pid, testnet, until};

pub const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// Ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub fn send(url: &str) -> Running {
    let input = "-nostdin -v error -re -f lavfi -i testsrc2=size=96x64:rate=15 -re -f lavfi -i sine -c:v libx264 -preset \
                 ultrafast -g 30 -c:a aac -f flv";
    let mut command = Command::new("ffmpeg");
    command.args(input.split_whitespace()).arg(url);
    Running(command.stdin(Stdio::null()).spawn().unwrap())
}

/// What a viewer gets, head and all.
fn get(port: u16, path: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn kill(id: u32) {
    let id = id.to_string();
    assert!(
        Command::new("kill")
            .args(["-9", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
#[ignore = "a minute; scripts/nightly.sh runs it"]
fn a_live_stream_goes_on_whoever_goes_away() {
    let temporary = tempfile::tempdir().unwrap();
    let video = temporary.path().join("clip.y4m");
    clip(&video);
    let net = Net(temporary.path().join("net"));
    let size = ["--transcoders", "2", "--verifiers", "3", "--cheaters", "0"];
    let up = [&["up", "--input", video.to_str().unwrap()][..], &size].concat();
    let started = testnet(&up, &net.0);
    assert!(started.status.success(), "{started:?}");
    let broadcaster = pid(&net, "broadcaster");
    kill(broadcaster);
    until("the broadcaster of the file is gone", || {
        !Path::new(&format!("/proc/{broadcaster}/exe")).exists()
    });

    let (rtmp, http) = (free_port(), free_port());
    let config = net.0.join("broadcaster/node.toml");
    let text = fs::read_to_string(&config).unwrap();
    let live = "patience_seconds = 10\noutput = \"live-hls\"\n";
    let text = text
        .replace("output = \"hls\"\n", live)
        .replace("in_flight = 1\n", "in_flight = 4\n");
    let text: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("serve"))
        .collect();
    fs::write(&config, text.join("\n")).unwrap();
    let log = net.0.join("logs/live.log");
    let mut command = Command::new(ASSAY);
    command
        .args([
            "publish",
            "--live",
            &format!("rtmp://127.0.0.1:{rtmp}/live"),
        ])
        .args([
            "--serve",
            &format!("127.0.0.1:{http}"),
            "--archive",
            "--config",
        ])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(File::create(&log).unwrap());
    let mut publisher = Running(command.spawn().unwrap());
    let said = |words: &str| fs::read_to_string(&log).unwrap().contains(words);
    let shown = || fs::read_to_string(&log).unwrap();
    until("the key is made", || said("the stream key is in"));
    let key = fs::read_to_string(net.0.join("broadcaster/stream.key")).unwrap();
    let url = format!("rtmp://127.0.0.1:{rtmp}/live/{}", key.trim());
    until("the sender is awaited", || said("send the stream to"));

    let first = send(&url);
    let delivered = || shown().matches("segment delivered").count();
    until("three live segments are delivered", || delivered() >= 3);
    drop(first);
    until("the loss is noticed", || said("is gone"));
    let before = delivered();
    let _second = send(&url);
    until("it goes on", || delivered() >= before + 3);
    let playlist = get(http, "/0_64p/index.m3u8");
    assert_eq!(
        playlist.matches("#EXT-X-DISCONTINUITY\n").count(),
        1,
        "{playlist}"
    );
    assert!(
        playlist.contains("access-control-allow-origin: *"),
        "{playlist}"
    );
    assert!(!playlist.contains("#EXT-X-GAP"), "{playlist}");
    let master = get(http, "/master.m3u8");
    assert!(
        master.contains("mp4a.40.2") && master.contains("TYPE=AUDIO"),
        "{master}"
    );

    // Nobody is left to transcode: gaps, and the playlist goes on.
    for name in ["transcoder-0", "transcoder-1"] {
        kill(pid(&net, name));
    }
    let gaps = || get(http, "/0_64p/index.m3u8").matches("#EXT-X-GAP").count();
    until("gaps are marked", || gaps() >= 4);
    let sounds = get(http, "/audio_0/index.m3u8")
        .matches("#EXT-X-GAP")
        .count();
    assert!(sounds >= 4);

    // Stopped, not killed: viewers wait for the next start.
    let id = publisher.0.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    assert!(publisher.0.wait().unwrap().success());
    for name in [
        "0_64p/index.m3u8",
        "0_64p/archive.m3u8",
        "audio_0/index.m3u8",
    ] {
        let path = net.0.join("broadcaster/live-hls").join(name);
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.contains("#EXTINF") && !text.contains("ENDLIST"),
            "{text}"
        );
    }
    assert!(!shown().contains(key.trim()), "the key is in the log");
}
