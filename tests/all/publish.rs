//! A file that is published to its end, by a node that is killed meanwhile; and a node with other duties that waits for a
//! stream. Needs anvil and FFmpeg, and a minute each: part of the nightly checks.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::live::{ASSAY, Running, free_port, kill, send};
use crate::testnet::{Net, clip, pid, testnet, until};

/// Segments of [`film`].
const SEGMENTS: usize = 5;

/// Ten seconds.
fn film(path: &Path) {
    let words = "-nostdin -v error -y -f lavfi -i testsrc2=size=96x64:rate=15:duration=10 -c:v libx264 -g 30";
    let made = Command::new("ffmpeg")
        .args(words.split_whitespace())
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

fn up(dir: &Path) -> Net {
    let video = dir.join("clip.y4m");
    clip(&video);
    let net = Net(dir.join("net"));
    let size = ["--transcoders", "2", "--verifiers", "3", "--cheaters", "0"];
    let up = [&["up", "--input", video.to_str().unwrap()][..], &size].concat();
    let started = testnet(&up, &net.0);
    assert!(started.status.success(), "{started:?}");
    net
}

/// Ends a node of the network.
fn end(net: &Net, name: &str) {
    let id = pid(net, name);
    kill(id);
    until("the node is gone", || {
        !Path::new(&format!("/proc/{id}/exe")).exists()
    });
}

/// A node with the log that it writes.
fn start(arguments: &[&str], config: &Path, log: &Path) -> Running {
    let mut command = Command::new(ASSAY);
    command.args(arguments).arg("--config").arg(config);
    command.stdin(Stdio::null());
    command.stderr(File::create(log).unwrap());
    Running(command.spawn().unwrap())
}

fn count(log: &Path, words: &str) -> usize {
    fs::read_to_string(log).unwrap().matches(words).count()
}

#[test]
#[ignore = "a minute; scripts/nightly.sh runs it"]
fn a_file_comes_to_its_end_and_is_not_paid_for_twice() {
    let temporary = tempfile::tempdir().unwrap();
    let net = up(temporary.path());
    end(&net, "broadcaster");
    let config = net.0.join("broadcaster/node.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("repeat = true\n"), "{text}");
    fs::write(&config, text.replace("repeat = true\n", "")).unwrap();
    let (video, output) = (
        temporary.path().join("film.mkv"),
        temporary.path().join("film"),
    );
    film(&video);
    let serve = format!("127.0.0.1:{}", free_port());
    let publish = [
        "publish",
        video.to_str().unwrap(),
        "--output",
        output.to_str().unwrap(),
        "--serve",
        &serve,
    ];
    let run = |number: usize| {
        let log = net.0.join(format!("logs/film-{number}.log"));
        let node = start(&publish, &config, &log);
        (node, log)
    };
    let delivered = "segment delivered";
    let (first, log) = run(1);
    until("two segments are there", || count(&log, delivered) >= 2);
    // Killed, not stopped.
    drop(first);
    let before = count(&log, delivered);

    let (second, log) = run(2);
    until("the file has come to its end", || {
        count(&log, "everything is published") > 0
    });
    // One may have been delivered whose note was not written any more.
    let sum = before + count(&log, delivered);
    assert!((SEGMENTS..=SEGMENTS + 1).contains(&sum), "{sum}");
    let playlist = || fs::read_to_string(output.join("0_64p/index.m3u8")).unwrap();
    let listed = |text: &str| text.matches(".m4s").count();
    let text = playlist();
    assert!(listed(&text) >= SEGMENTS && !text.contains("GAP"), "{text}");
    assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    drop(second);

    let (_third, log) = run(3);
    until("there is nothing to do", || {
        count(&log, "everything is published") > 0
    });
    assert_eq!(count(&log, "assignment seq="), 0);
    assert_eq!(playlist(), text);
}

/// Answers requests for the files of a folder, as long as the test runs; its address.
fn serve(folder: &Path) -> String {
    let (listener, folder) = (TcpListener::bind("127.0.0.1:0").unwrap(), folder.to_owned());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let name = line.split_whitespace().nth(1).unwrap_or_default();
            let head = |status: &str, length: usize| {
                format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                )
            };
            let _ = match fs::read(folder.join(name.trim_start_matches('/'))) {
                Ok(bytes) => {
                    stream.write_all(&[head("200 OK", bytes.len()).as_bytes(), &bytes].concat())
                }
                Err(_) => stream.write_all(head("404 Not Found", 0).as_bytes()),
            };
        }
    });
    format!("http://{address}")
}

/// All of it is there before its job is made.
#[test]
#[ignore = "a minute; scripts/nightly.sh runs it"]
fn a_short_stream_that_is_fetched_is_published_to_its_end() {
    let temporary = tempfile::tempdir().unwrap();
    let net = up(temporary.path());
    end(&net, "broadcaster");
    let origin = temporary.path().join("origin");
    fs::create_dir(&origin).unwrap();
    film(&origin.join("film.ts"));
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfilm.ts\n#EXT-X-ENDLIST\n";
    fs::write(origin.join("film.m3u8"), playlist).unwrap();
    let from = format!("{}/film.m3u8", serve(&origin));
    let (config, output) = (
        net.0.join("broadcaster/node.toml"),
        temporary.path().join("film"),
    );
    let live = [
        "publish",
        "--live",
        &from,
        "--output",
        output.to_str().unwrap(),
    ];
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("in_flight = 1\n"), "{text}");
    fs::write(&config, text.replace("in_flight = 1\n", "")).unwrap();
    let log = net.0.join("logs/fetched.log");
    let mut node = start(&live, &config, &log);
    until("the stream has come to its end", || {
        let ended = node.0.try_wait().unwrap();
        assert!(ended.is_none(), "{}", fs::read_to_string(&log).unwrap());
        count(&log, "everything is published") > 0
    });
    assert_eq!(count(&log, "segment delivered"), SEGMENTS);
    let text = fs::read_to_string(output.join("0_64p/index.m3u8")).unwrap();
    assert!(
        !text.contains("GAP") && text.ends_with("#EXT-X-ENDLIST\n"),
        "{text}"
    );
}

#[test]
#[ignore = "a minute; scripts/nightly.sh runs it"]
fn a_verifier_does_not_wait_for_a_stream_to_publish() {
    let temporary = tempfile::tempdir().unwrap();
    let net = up(temporary.path());
    end(&net, "verifier-0");
    let (rtmp, http) = (free_port(), free_port());
    let config = net.0.join("verifier-0/node.toml");
    let table = format!(
        "\n[broadcaster]\ninput = \"rtmp://127.0.0.1:{rtmp}/live\"\nserve = \"127.0.0.1:{http}\"\n"
    );
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + &table).unwrap();
    let log = net.0.join("logs/both.log");
    let _node = start(&["node"], &config, &log);
    until("it runs without a stream", || {
        count(&log, "ready: the network and the chain are there") > 0
            && count(&log, "waiting for its first segment") > 0
    });
    let key = fs::read_to_string(net.0.join("verifier-0/stream.key")).unwrap();
    let _sender = send(&format!("rtmp://127.0.0.1:{rtmp}/live/{}", key.trim()));
    until("the stream is assigned", || {
        count(&log, "assignment seq=") > 0
    });
}
