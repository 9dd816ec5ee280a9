//! What is heard, and when: the sound of files keeps its place beside the pictures, and silence takes the place of what is not
//! there.

use crate::package::{profiles, segment};
use crate::playlists::{is_gap, media, timing};
use crate::support::{ffmpeg, worker};

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use assay_encoder::package::{Sound, SoundCodec, SoundFormat};
use assay_encoder::soundtrack::Soundtrack;
use assay_encoder::{Packager, Segmenter, probe};

/// Six seconds of pictures and sound, coded so.
fn made(path: &Path, before: &str, between: &str, codecs: &str) {
    ffmpeg(
        &format!(
            "{before} -f lavfi -i testsrc2=size=64x48:rate=30:d=6 {between} -f lavfi -i sine=d=6:r=48000 -map 0 -map 1 \
             -preset ultrafast -g 30 {codecs}"
        ),
        path,
    );
}

/// Seconds from the first picture to the first sound after it, by the packets that are not hidden.
fn told(path: &Path) -> f64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0"]);
    command.args(["-show_entries", "packet=codec_type,pts_time,flags"]);
    let text = command.arg(path).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    let times = |kind: &str| -> Vec<f64> {
        let shown = text
            .lines()
            .filter(|line| line.starts_with(kind) && !line.contains('D'));
        shown
            .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
            .collect()
    };
    let first = times("video").into_iter().reduce(f64::min).unwrap();
    // Containers round to milliseconds.
    let sounds = times("audio")
        .into_iter()
        .filter(|time| *time > first - 0.001);
    sounds.reduce(f64::min).unwrap() - first
}

/// The same as it is published.
pub async fn heard(path: &Path, dir: &Path) -> f64 {
    let found = probe(path, &worker()).await.unwrap();
    let cut = Segmenter::new(dir, Duration::from_secs(2))
        .cut(&found, &worker())
        .await
        .unwrap();
    let track = Soundtrack::extract(&found, cut[0].zero, dir, &worker())
        .await
        .unwrap();
    let mut reader = track.unwrap().open(cut[0].start, Duration::ZERO).unwrap();
    let sounds = reader.until(Duration::from_secs(4)).unwrap();
    let sound = sounds[0].as_ref().unwrap();
    sound.start as f64 / f64::from(sound.format.rate)
}

#[tokio::test]
async fn sound_keeps_its_place_whatever_it_comes_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut files = Vec::new();
    for container in ["mp4", "mkv", "ts", "flv"] {
        let later = "-itsoffset 0.7";
        for (name, before, between) in [
            ("even", "", ""),
            ("later", "", later),
            ("earlier", later, ""),
        ] {
            let file = path(&format!("{name}.{container}"));
            made(&file, before, between, "-c:v libx264 -bf 2 -c:a aac");
            files.push(file);
        }
        // An edit list hides what is before it, in MP4; others begin at the key frame.
        let (whole, file) = (
            path(&format!("even.{container}")),
            path(&format!("cut.{container}")),
        );
        ffmpeg(
            &format!("-ss 2.5 -i {} -map 0 -c copy", whole.display()),
            &file,
        );
        files.push(file);
    }
    for (name, codecs) in [
        ("opus.mkv", "-c:v libx264 -c:a libopus"),
        ("opus.mp4", "-c:v libx264 -c:a libopus"),
        ("mp3.mp4", "-c:v libx264 -c:a libmp3lame"),
        ("mp3.avi", "-c:v mpeg4 -c:a libmp3lame"),
    ] {
        made(&path(name), "", "", codecs);
        files.push(path(name));
    }
    let mut wrong = Vec::new();
    for file in &files {
        let (found, expected) = (heard(file, &path("segments")).await, told(file));
        if (found - expected).abs() > 0.002 {
            wrong.push(format!(
                "{}: {found:.4} s, expected {expected:.4}",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Loudest sample that FFmpeg decodes from files, and how many of a channel.
fn decoded(parts: &[Vec<u8>], channels: u16) -> (u16, usize) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.mp4");
    std::fs::write(&path, parts.concat()).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "warning", "-i"]).arg(&path);
    let output = command.args(["-f", "s16le", "-"]).output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let samples = output
        .stdout
        .chunks(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let loudest = samples.map(i16::unsigned_abs).max().unwrap();
    (loudest, output.stdout.len() / 2 / usize::from(channels))
}

#[tokio::test]
async fn silence_of_every_codec_is_decoded_and_fills_the_time() {
    let aac = |channels: u8| SoundCodec::Aac(vec![0x11, 0x80 | channels << 3]);
    let mut formats = vec![
        (SoundCodec::Mp3, 1, 44_100),
        (SoundCodec::Mp3, 2, 24_000),
        (SoundCodec::Mp3, 2, 48_000),
    ];
    formats.extend((1..=8).map(|channels| (SoundCodec::Opus, channels, 48_000)));
    formats.extend((1..=6).map(|channels| (aac(channels), channels.into(), 48_000)));
    formats.push((aac(7), 8, 48_000));
    let good = segment(30).await;
    for (codec, channels, rate) in formats {
        let dir = tempfile::tempdir().unwrap();
        let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
        let format = SoundFormat {
            codec,
            channels,
            rate,
            language: None,
        };
        // What it is is known, and nothing is heard: then not even that it is there.
        let nothing = Sound {
            format: format.clone(),
            start: 0,
            frames: Vec::new(),
            bytes: Vec::new(),
        };
        for seq in 0..3 {
            let sounds = vec![Some(nothing.clone()); usize::from(seq < 2)];
            packager.announce(seq, timing(seq), sounds).unwrap();
            packager.deliver(seq, 30, &good).unwrap();
        }
        packager.finish().unwrap();
        let audio = media(dir.path(), "audio_0/index.m3u8");
        assert!(!audio.segments.iter().any(is_gap), "{format:?}");
        let length: f32 = audio.segments.iter().map(|s| s.duration).sum();
        assert!((length - 3.003).abs() < 0.001, "{format:?}: {length} s");
        let read = |name: &str| std::fs::read(dir.path().join("audio_0").join(name)).unwrap();
        let names = ["init.mp4"]
            .into_iter()
            .chain(audio.segments.iter().map(|s| s.uri.as_str()));
        let (loudest, samples) = decoded(&names.map(read).collect::<Vec<_>>(), channels);
        assert_eq!(loudest, 0, "{format:?}");
        let seconds = samples as f64 / f64::from(rate);
        assert!(
            (seconds - 3.0).abs() < 0.15,
            "{format:?}: {seconds} s are decoded"
        );
    }
}

/// An ADTS frame of HE-AAC, 24 kHz and twice that: silent stereo with an extension that begins later (ISO/IEC 14496-3, table 4.57).
fn high_efficiency() -> Vec<u8> {
    const PAIR: (u64, usize) = (1, 3);
    const FILL: (u64, usize) = (6, 3);
    const SPECTRUM: (u64, usize) = (13, 4);
    const END: (u64, usize) = (7, 3);
    let parts = [PAIR, (0, 49), FILL, (8, 4), SPECTRUM, (0, 60), END];
    let bits: Vec<u8> = parts
        .iter()
        .flat_map(|&(value, count)| (0..count).rev().map(move |bit| (value >> bit & 1) as u8))
        .collect();
    let byte = |bits: &[u8]| {
        bits.iter()
            .enumerate()
            .map(|(at, bit)| bit << (7 - at))
            .sum()
    };
    let raw: Vec<u8> = bits.chunks(8).map(byte).collect();
    let len = raw.len() as u8 + 7;
    let head = [
        0xff,
        0xf1,
        1 << 6 | 6 << 2,
        2 << 6,
        len >> 3,
        len << 5 | 0x1f,
        0xfc,
    ];
    [&head[..], &raw].concat()
}

/// The labels of a file's tracks as they are published.
async fn labels(path: &Path) -> Vec<(String, u32)> {
    let found = probe(path, &worker()).await.unwrap();
    let dir = path.parent().unwrap();
    let track = Soundtrack::extract(&found, 0, dir, &worker())
        .await
        .unwrap();
    let mut reader = track.unwrap().open(Duration::ZERO, Duration::ZERO).unwrap();
    let sounds = reader.until(Duration::from_secs(1)).unwrap();
    let label = |sound: Sound| (sound.format.codecs(), sound.format.rate);
    sounds.into_iter().flatten().map(label).collect()
}

#[tokio::test]
async fn sound_is_called_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let lavfi =
        "-f lavfi -i color=s=16x16:r=10:d=1 -f lavfi -i sine=d=1:r=48000 -map 0 -map 1 -map 1";
    let mp3 = dir.path().join("mp3.mkv");
    ffmpeg(
        &format!("{lavfi} -c:a libmp3lame -ar:a:0 24000 -ar:a:1 48000"),
        &mp3,
    );
    let told = |label: &str, rate| (label.to_owned(), rate);
    let expected = [told("mp4a.69", 24_000), told("mp4a.6B", 48_000)];
    assert_eq!(labels(&mp3).await, expected);
    let low = dir.path().join("low.mp4");
    ffmpeg(&format!("{lavfi} -c:v libx264 -c:a aac -ar 24000"), &low);
    let plain = told("mp4a.40.2", 24_000);
    assert_eq!(labels(&low).await, [plain.clone(), plain.clone()]);
    let adts = dir.path().join("high.aac");
    std::fs::write(&adts, high_efficiency().repeat(30)).unwrap();
    for (name, how) in [
        ("high.ts", ""),
        ("high.mkv", ""),
        ("high.mp4", "-bsf:a:1 aac_adtstoasc"),
    ] {
        let path = dir.path().join(name);
        let both = format!("-i {} -i {}", low.display(), adts.display());
        ffmpeg(
            &format!("{both} -map 0:v -map 0:a:0 -map 1 -c copy {how}"),
            &path,
        );
        let expected = [plain.clone(), told("mp4a.40.5", 24_000)];
        assert_eq!(labels(&path).await, expected, "{name}");
    }
}
