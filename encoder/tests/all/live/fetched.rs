//! Streams that are fetched, from a server that may mean no good.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Heard;
use crate::support::{ffmpeg, frames, worker};

/// What was asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// How often any of these was asked for.
fn count(asked: &Asked, word: &str) -> usize {
    let asked = asked.lock().unwrap();
    asked.iter().filter(|line| line.contains(word)).count()
}

/// Serves a folder to one request after the other. What is asked for by `?live` has no length that anybody says.
fn serve(folder: &Path) -> (u16, Asked) {
    use std::io::{BufRead, BufReader, Write};
    let asked = Asked::default();
    let noted = asked.clone();
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
            let path = first.split([' ', '?']).nth(1);
            let name = path.and_then(|path| path.rsplit('/').next());
            noted.lock().unwrap().push(first.clone());
            let Ok(body) = std::fs::read(folder.join(name.unwrap_or("none"))) else {
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                continue;
            };
            let length = match first.contains("?live") {
                true => String::new(),
                false => format!("Content-Length: {}\r\n", body.len()),
            };
            let head = format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=4 -f lavfi -i sine=d=4 -c:v libx264 -g 25 -c:a aac \
                 -f hls -hls_time 1 -hls_playlist_type vod";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (port, _) = serve(dir.path());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_stands_still_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v libx264 -g 25 -f hls -hls_time 1 -hls_flags omit_endlist";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (port, asked) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|heard| !heard.lost.is_empty()).await;
    // What had come before is there, but for the frames whose end FFmpeg cannot see.
    let frames: u32 = heard.segments.iter().map(|s| s.frames).sum();
    assert!((45..=50).contains(&frames), "{frames}");
    assert!(heard.lost[0].contains("silent"), "{:?}", heard.lost);
    // Not given up at once, and not for good.
    assert!(count(&asked, ".m3u8") > 3);
    heard.until(|heard| heard.connected == 2).await;
}

/// A playlist of 43 groups of pictures that has an end, in segments of about a second; the path of the last.
fn whole(dir: &Path) -> PathBuf {
    let words =
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=12 -c:v libx264 -preset ultrafast -g 7";
    playlist(dir, "whole", words);
    let paths = (0..).map(|index| dir.join(format!("whole-{index}.ts")));
    paths.take_while(|path| path.exists()).last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_an_end_is_published_once_although_its_last_segment_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let last = whole(dir.path());
    let missing = frames(&last);
    std::fs::remove_file(last).unwrap();
    let (port, asked) = serve(dir.path());
    // Of a multivariant playlist the variant's own tells.
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nwhole.m3u8\n";
    std::fs::write(dir.path().join("master.m3u8"), master).unwrap();
    let address = format!("http://127.0.0.1:{port}/master.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|_| false).await;
    assert_eq!(heard.lost.len(), 2, "{:?}", heard.lost);
    assert!(heard.lost[0].contains("open segment"), "{:?}", heard.lost);
    let frames: u32 = heard.segments.iter().map(|s| s.frames).sum();
    assert_eq!(frames, 300 - missing, "{asked:?}");
    assert!(heard.segments.iter().all(|s| !s.timing.discontinuity));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_an_end_goes_on_where_it_broke_off() {
    let dir = tempfile::tempdir().unwrap();
    let last = whole(dir.path());
    let away = dir.path().join("away.ts");
    std::fs::rename(&last, &away).unwrap();
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/whole.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|heard| !heard.lost.is_empty()).await;
    std::fs::rename(&away, &last).unwrap();
    heard.until(|_| false).await;
    assert_eq!(heard.lost.len(), 1, "{:?}", heard.lost);
    let frames: u32 = heard.segments.iter().map(|s| s.frames).sum();
    assert_eq!(frames, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_in_the_middle_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    whole(dir.path());
    for index in [3, 4] {
        std::fs::remove_file(dir.path().join(format!("whole-{index}.ts"))).unwrap();
    }
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/whole.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|_| false).await;
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
    let timings: Vec<_> = heard.segments.iter().map(|s| &s.timing).collect();
    assert_eq!(timings.iter().filter(|t| t.discontinuity).count(), 1);
    let longest = timings.iter().map(|t| t.duration).max().unwrap();
    assert!(longest < Duration::from_millis(1500), "{longest:?}");
}

/// Makes a playlist of two seconds in a folder of its own; the words are for FFmpeg.
fn playlist(dir: &Path, name: &str, words: &str) {
    let lavfi = format!("{words} -f hls -hls_time 1 -hls_playlist_type vod -hls_segment_filename");
    let segments = dir.join(format!("{name}-%d.ts"));
    let list = dir.join(format!("{name}.m3u8"));
    ffmpeg(&format!("{lavfi} {}", segments.display()), &list);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_fetched_whatever_they_are_called() {
    let dir = tempfile::tempdir().unwrap();
    playlist(dir.path(), "odd", PICTURE);
    let (list, port) = (dir.path().join("odd.m3u8"), serve(dir.path()).0);
    let text = std::fs::read_to_string(&list).unwrap();
    for ending in ["", ".bin", ".jpg", ".php?x=1"] {
        let file = ending.split('?').next().unwrap();
        for index in 0..2 {
            let name = |ending: &str| dir.path().join(format!("odd-{index}{ending}"));
            std::fs::copy(name(".ts"), name(file)).unwrap();
        }
        std::fs::write(&list, text.replace(".ts", ending)).unwrap();
        let address = format!("http://127.0.0.1:{port}/odd.m3u8");
        let mut heard = Heard::of(&address.parse().unwrap());
        heard.until(|_| false).await;
        assert!(heard.lost.is_empty(), "{ending}: {:?}", heard.lost);
        let counts: Vec<_> = heard.segments.iter().map(|s| s.frames).collect();
        assert_eq!(counts, [25; 2], "{ending}");
    }
}

const PICTURE: &str = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v libx264 -g 25";
const SOUND: &str = "-f lavfi -i sine=d=2 -c:a aac";

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_whose_clock_is_set_back_loses_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let clip = |name: &str, source: &str| {
        ffmpeg(
            &format!(
                "-f lavfi -i {source}=size=128x96:rate=25:duration=3 -f lavfi -i sine=d=3 -c:v libx264 -g 25 -c:a aac"
            ),
            &dir.path().join(name),
        );
    };
    clip("a.ts", "testsrc2");
    clip("b.ts", "testsrc");
    let list = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\na.ts\n#EXT-X-DISCONTINUITY\n\
                #EXTINF:3,\nb.ts\n#EXT-X-ENDLIST\n";
    std::fs::write(dir.path().join("list.m3u8"), list).unwrap();
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|_| false).await;
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
    let frames: u32 = heard.segments.iter().map(|s| s.frames).sum();
    assert_eq!(frames, 150);
    heard.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_variants_only_the_best_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let both = format!("-f lavfi -i sine=d=2 {PICTURE} -c:a aac");
    playlist(dir.path(), "low", &both.replace("128x96", "64x48"));
    playlist(dir.path(), "high", PICTURE);
    playlist(dir.path(), "other", SOUND);
    playlist(dir.path(), "voice", SOUND);
    let master = "#EXTM3U\n\
                  #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"x\",NAME=\"x\",DEFAULT=YES,URI=\"other.m3u8\"\n\
                  #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"y\",NAME=\"y\",DEFAULT=YES,URI=\"voice.m3u8\"\n\
                  #EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x48,CODECS=\"avc1.42c00a,mp4a.40.2\"\nlow.m3u8\n\
                  #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=128x96,AUDIO=\"y\"\nhigh.m3u8\n";
    std::fs::write(dir.path().join("master.m3u8"), master).unwrap();
    let (port, asked) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/master.m3u8?token=a-secret");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|_| false).await;
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
    let counts: Vec<_> = heard.segments.iter().map(|s| s.frames).collect();
    assert_eq!(counts, [25; 2]);
    assert!(heard.segments.iter().all(|s| s.sounds.len() == 1));
    let path = dir.path().join("came.ts");
    std::fs::write(&path, &heard.segments[0].bytes).unwrap();
    let found = assay_encoder::probe(&path, &worker()).await.unwrap();
    assert_eq!((found.width, found.height), (128, 96));
    let fetched = ["low", "other", "high", "voice"].map(|word| count(&asked, word) > 0);
    assert_eq!(fetched, [false, false, true, true], "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_an_end_is_fetched_again_when_it_breaks_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream.ts");
    ffmpeg(&format!("{PICTURE} -f mpegts"), &path);
    let (port, asked) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/stream.ts?live");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(
        heard.lost[0].contains("closed the connection"),
        "{:?}",
        heard.lost
    );
    assert_eq!(heard.segments.iter().map(|s| s.frames).sum::<u32>(), 50);
    // Each time with one request.
    heard.until(|heard| heard.connected == 2).await;
    assert!(count(&asked, "stream.ts") <= 3, "{asked:?}");
    // A file has an end.
    let address = format!("http://127.0.0.1:{port}/stream.ts");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|_| false).await;
    assert!(heard.lost.is_empty(), "{:?}", heard.lost);
    assert_eq!(heard.segments.iter().map(|s| s.frames).sum::<u32>(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_pictures_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    playlist(dir.path(), "voice", &SOUND.replace("d=2", "d=8"));
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/voice.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard.until(|heard| !heard.lost.is_empty()).await;
    assert!(heard.lost[0].contains("only audio"), "{:?}", heard.lost);
}

/// Whether anybody asks for anything here.
fn trap() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::default());
    let counted: Arc<AtomicU32> = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = stream.read_exact(&mut [0; 1]);
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_cannot_make_us_ask_others_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi =
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -c:v libx264 -g 25 -f hls -hls_time 1";
    ffmpeg(lavfi, &dir.path().join("list.m3u8"));
    let (inside, heard_inside) = trap();
    let list = dir.path().join("list.m3u8");
    let text = std::fs::read_to_string(&list).unwrap();
    let other = format!(
        "#EXTINF:1,\nhttp://127.0.0.1:{inside}/secret.ts\n#EXTINF:1,\nhttps://localhost:{inside}/secret.ts\n#EXT-X-ENDLIST"
    );
    std::fs::write(&list, text.replace("#EXT-X-ENDLIST", &other)).unwrap();
    let (port, _) = serve(dir.path());
    let address = format!("http://127.0.0.1:{port}/list.m3u8");
    let mut heard = Heard::of(&address.parse().unwrap());
    heard
        .until(|heard| heard.segments.len() >= 2 || !heard.lost.is_empty())
        .await;
    // Its own segments come from where the playlist does.
    assert_eq!(heard.segments[0].frames, 25);
    tokio::time::timeout(Duration::from_secs(5), heard.until(|_| false))
        .await
        .ok();
    assert_eq!(heard_inside.load(Ordering::Relaxed), 0);
}
