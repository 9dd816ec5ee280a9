//! Playlists of live streams: windows that slide, gaps, archives, audio beside the video, and going on after a restart.

use crate::package::{profiles, segment};
use crate::support::frames;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use assay_encoder::Packager;
use assay_encoder::package::{Chunks, Keep, Sound, SoundCodec, SoundFormat, Timing};
use m3u8_rs::{MasterPlaylist, MediaPlaylist};

/// 30 frames at 29.97 a second.
const LENGTH: Duration = Duration::from_micros(1_001_000);

pub fn timing(index: u32) -> Timing {
    Timing {
        start: LENGTH * index,
        duration: LENGTH,
        frames: Vec::new(),
        discontinuity: false,
        date: Some(SystemTime::UNIX_EPOCH + LENGTH * index),
    }
}

/// About a segment of silent AAC: 47 frames of 1024 samples at 48 kHz are 1.0027 s.
pub fn sound(index: u32, language: &str) -> Option<Sound> {
    // What FFmpeg's encoder makes of silence, stereo.
    let frame = [0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c];
    Some(Sound {
        format: SoundFormat {
            codec: SoundCodec::Aac(vec![0x11, 0x90]),
            channels: 2,
            rate: 48_000,
            language: Some(language.into()),
        },
        start: u64::from(index) * 47 * 1024,
        frames: vec![(1024, frame.len() as u32); 47],
        bytes: frame.repeat(47),
    })
}

pub fn media(dir: &Path, name: &str) -> MediaPlaylist {
    let text = std::fs::read(dir.join(name)).unwrap();
    m3u8_rs::parse_media_playlist_res(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

fn master(dir: &Path) -> MasterPlaylist {
    let text = std::fs::read(dir.join("master.m3u8")).unwrap();
    m3u8_rs::parse_master_playlist_res(&text).unwrap()
}

pub fn is_gap(segment: &m3u8_rs::MediaSegment) -> bool {
    segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP")
}

pub async fn good() -> Vec<Chunks> {
    segment(30).await
}

#[tokio::test]
async fn a_live_window_slides_and_its_files_go() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Window {
        length: Duration::from_secs(4),
        archive: false,
    };
    let good = good().await;
    let mut packager = Packager::open(dir.path(), &profiles(), 0, keep).unwrap();
    for index in 0..20 {
        packager
            .announce(index, timing(index), vec![sound(index, "eng")])
            .unwrap();
        packager.add_segment(index, 30, &good).unwrap();
        let playlist = media(dir.path(), "0_48p/index.m3u8");
        let first = playlist.media_sequence;
        assert_eq!(playlist.segments[0].uri, format!("{first:05}.m4s"));
        assert!(
            playlist
                .segments
                .iter()
                .all(|s| dir.path().join("0_48p").join(&s.uri).exists())
        );
        assert_eq!((playlist.target_duration, playlist.end_list), (1, false));
    }
    let (video, audio) = (
        media(dir.path(), "0_48p/index.m3u8"),
        media(dir.path(), "audio_0/index.m3u8"),
    );
    assert_eq!((video.media_sequence, video.segments.len()), (16, 4));
    assert_eq!((audio.media_sequence, audio.segments.len()), (16, 4));
    assert!(
        video
            .segments
            .iter()
            .all(|s| !s.discontinuity && s.program_date_time.is_some())
    );
    // The window, and as many for players that are behind it.
    for folder in ["0_48p", "1_24p", "audio_0"] {
        let files = std::fs::read_dir(dir.path().join(folder)).unwrap().count();
        assert_eq!(files, 2 + 4 + 4, "{folder}");
    }
}

#[tokio::test]
async fn what_nobody_delivers_is_a_gap_and_time_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    for index in 0..4 {
        packager
            .announce(index, timing(index), vec![sound(index, "eng")])
            .unwrap();
    }
    // Given up before it was numbered, behind all that were.
    packager.hole(timing(4)).unwrap();
    packager
        .announce(4, timing(5), vec![sound(5, "eng")])
        .unwrap();
    for seq in [0, 2, 3, 4] {
        packager.add_segment(seq, 30, &good).unwrap();
    }
    assert_eq!((packager.pending(), packager.awaits(1)), (3, true));
    packager.skip(1).unwrap();
    assert_eq!(packager.pending(), 0);
    assert!(
        packager
            .add_segment(1, 30, &good)
            .unwrap_err()
            .forgive_repeated()
            .is_ok()
    );
    packager.finish().unwrap();
    for name in ["0_48p/index.m3u8", "audio_0/index.m3u8"] {
        let playlist = media(dir.path(), name);
        let gaps: Vec<_> = playlist.segments.iter().map(is_gap).collect();
        assert_eq!(gaps, [false, true, false, false, true, false], "{name}");
        assert!(playlist.end_list && playlist.segments.iter().all(|s| !s.discontinuity));
    }
    // The clock of what follows a gap has gone on.
    let times = starts(&dir.path().join("0_48p"), "00005.m4s");
    assert!(
        (times - 5.0 * LENGTH.as_secs_f64()).abs() < 0.001,
        "{times}"
    );
}

/// When a media segment begins.
fn starts(folder: &Path, name: &str) -> f64 {
    let whole = folder.join("whole.mp4");
    let read = |name| std::fs::read(folder.join(name)).unwrap();
    std::fs::write(&whole, [read("init.mp4"), read(name)].concat()).unwrap();
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
    ]);
    let text = String::from_utf8(command.arg(&whole).output().unwrap().stdout).unwrap();
    text.lines()
        .next()
        .unwrap()
        .trim_matches(',')
        .parse()
        .unwrap()
}

#[tokio::test]
async fn audio_tracks_are_alternatives_and_bandwidths_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    for index in 0..3 {
        let sounds = vec![sound(index, "eng"), sound(index, "deu")];
        packager.announce(index, timing(index), sounds).unwrap();
        packager.add_segment(index, 30, &good).unwrap();
    }
    packager.finish().unwrap();
    let master = master(dir.path());
    let languages: Vec<_> = master
        .alternatives
        .iter()
        .filter_map(|a| a.language.clone())
        .collect();
    assert_eq!(languages, ["en", "de"]);
    assert!(master.alternatives[0].default && !master.alternatives[1].default);
    assert_eq!(master.variants.len(), 2);
    let mut measured = 0;
    for variant in &master.variants {
        let codecs = variant.codecs.as_deref().unwrap();
        assert!(codecs.starts_with("av01.0.00M.08,mp4a.40.2"), "{codecs}");
        assert_eq!(variant.audio.as_deref(), Some("audio"));
        let other = variant.other_attributes.as_ref().unwrap();
        assert_eq!(other["VIDEO-RANGE"].to_string(), "SDR");
        let folder = dir.path().join(variant.uri.split('/').next().unwrap());
        let peak = |folder: &Path, seconds: f64| {
            let len = std::fs::metadata(folder.join("00000.m4s")).unwrap().len();
            (len as f64 * 8.0 / seconds).ceil() as u64
        };
        let sum =
            peak(&folder, 1.001) + peak(&dir.path().join("audio_0"), 47.0 * 1024.0 / 48_000.0);
        assert!(
            variant.bandwidth.abs_diff(sum) <= 1,
            "{variant:?}, measured {sum}"
        );
        assert!(variant.average_bandwidth.unwrap() <= variant.bandwidth + 2);
        measured += 1;
    }
    assert_eq!(measured, 2);
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(dir.path().join("master.m3u8"))
        .args(["-map", "0", "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(
        decoded.status.success() && decoded.stderr.is_empty(),
        "{decoded:?}"
    );
}

#[tokio::test]
async fn languages_of_two_codecs_can_both_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let mut opus = sound(0, "deu").unwrap();
    opus.format.codec = SoundCodec::Opus;
    let sounds = vec![sound(0, "eng"), Some(opus), sound(0, "fra")];
    packager.announce(0, timing(0), sounds).unwrap();
    packager.add_segment(0, 30, &good().await).unwrap();
    packager.finish().unwrap();
    let master = master(dir.path());
    let groups: Vec<_> = master.alternatives.iter().map(|a| &a.group_id).collect();
    assert_eq!(groups, ["audio"; 3]);
    // Each rendition once.
    assert_eq!(master.variants.len(), 2);
    for variant in &master.variants {
        let codecs = variant.codecs.as_deref().unwrap();
        assert_eq!(codecs, "av01.0.00M.08,mp4a.40.2,opus");
        assert_eq!(variant.audio.as_deref(), Some("audio"));
    }
}

#[tokio::test]
async fn sound_in_another_format_is_a_discontinuity_in_every_track() {
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    for index in 0..4 {
        let mut sounds = vec![sound(index, "eng")];
        if let Some(sound) = sounds[0].as_mut().filter(|_| index >= 2) {
            sound.format.codec = SoundCodec::Aac(vec![0x11, 0x88]);
            sound.format.channels = 1;
        }
        packager.announce(index, timing(index), sounds).unwrap();
        packager.add_segment(index, 30, &good).unwrap();
    }
    packager.finish().unwrap();
    for name in ["0_48p/index.m3u8", "audio_0/index.m3u8"] {
        let segments = media(dir.path(), name).segments;
        let marked: Vec<_> = segments.iter().map(|s| s.discontinuity).collect();
        assert_eq!(marked, [false, false, true, false], "{name}");
    }
}

#[tokio::test]
async fn a_track_that_is_left_out_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let sounds = vec![None, sound(0, "deu")];
    packager.announce(0, timing(0), sounds).unwrap();
    packager.add_segment(0, 30, &good).unwrap();
    packager.finish().unwrap();
    let offered = master(dir.path()).alternatives;
    let offered: Vec<_> = offered.iter().map(|a| (&a.language, a.default)).collect();
    assert_eq!(offered, [(&Some("de".to_owned()), true)]);
}

#[tokio::test]
async fn a_track_of_which_nothing_is_left_is_not_offered() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Window {
        length: Duration::from_secs(4),
        archive: true,
    };
    let good = good().await;
    let mut packager = Packager::open(dir.path(), &profiles(), 0, keep).unwrap();
    let offered = |name: &str| {
        let text = std::fs::read(dir.path().join(name)).unwrap();
        let master = m3u8_rs::parse_master_playlist_res(&text).unwrap();
        let codecs = master.variants[0].codecs.as_deref().unwrap();
        assert_eq!(codecs.contains("mp4a"), !master.alternatives.is_empty());
        master.alternatives.len()
    };
    let mut found = Vec::new();
    // Segments are delivered, are not, and are again.
    for index in 0..10 {
        let sounds = vec![sound(index, "eng")];
        packager.announce(index, timing(index), sounds).unwrap();
        match (2..8).contains(&index) {
            true => packager.skip(index).unwrap(),
            false => packager.add_segment(index, 30, &good).unwrap(),
        }
        found.push(offered("master.m3u8"));
        assert_eq!(offered("archive.m3u8"), 1);
    }
    // The window has four.
    assert_eq!(found, [1, 1, 1, 1, 1, 0, 0, 0, 1, 1]);
}

#[tokio::test]
async fn an_archive_has_everything_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::Window {
        length: Duration::from_secs(2),
        archive: true,
    };
    let good = good().await;
    for run in 0..2 {
        let mut packager = Packager::open(dir.path(), &profiles(), run * 6, keep).unwrap();
        for index in 0..6 {
            packager
                .announce(run * 6 + index, timing(index), Vec::new())
                .unwrap();
            packager.add_segment(run * 6 + index, 30, &good).unwrap();
        }
        packager.finish().unwrap();
    }
    let window = media(dir.path(), "0_48p/index.m3u8");
    assert_eq!((window.media_sequence, window.segments.len()), (10, 2));
    assert_eq!(window.discontinuity_sequence, 1);
    let archive = media(dir.path(), "0_48p/archive.m3u8");
    assert_eq!(archive.segments.len(), 12);
    assert!(archive.end_list);
    let jumps: Vec<_> = (0..12)
        .filter(|&i| archive.segments[i].discontinuity)
        .collect();
    assert_eq!(jumps, [6]);
    let text = std::fs::read_to_string(dir.path().join("0_48p/archive.m3u8")).unwrap();
    assert_eq!(text.matches("ENDLIST").count(), 1, "{text}");
    assert_eq!(frames(&dir.path().join("0_48p/archive.m3u8")), 360);
    assert!(dir.path().join("archive.m3u8").exists());
}
