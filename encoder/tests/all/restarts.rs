//! Playlists after what goes wrong: segments that are none, a disk that fails, publishers that are started again.

use crate::package::profiles;
use crate::playlists::{good, is_gap, media, sound, timing};

use std::path::Path;
use std::time::Duration;

use assay_encoder::Packager;
use assay_encoder::package::{Keep, PackageError, Sound};

const ALL: [&str; 3] = ["0_48p", "1_24p", "audio_0"];

fn window(archive: bool) -> Keep {
    Keep::Window {
        length: Duration::from_secs(4),
        archive,
    }
}

/// Publishes segments of 30 frames, each with its audio, numbered from `first` on.
async fn publish(packager: &mut Packager, first: u32, count: u32) {
    let good = good().await;
    for seq in first..first + count {
        let sounds = vec![sound(seq, "eng")];
        packager.announce(seq, timing(seq), sounds).unwrap();
        packager.deliver(seq, 30, &good).unwrap();
    }
}

fn gaps(dir: &Path, name: &str) -> Vec<bool> {
    media(dir, name).segments.iter().map(is_gap).collect()
}

/// Where a playlist ends: entries and discontinuities before.
fn end(dir: &Path, name: &str) -> (u64, u64) {
    let playlist = media(dir, name);
    let jumps = playlist.segments.iter().filter(|s| s.discontinuity).count();
    (
        playlist.media_sequence + playlist.segments.len() as u64,
        playlist.discontinuity_sequence + jumps as u64,
    )
}

#[tokio::test]
async fn junk_is_a_gap_and_the_next_segment_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let good = good().await;
    for seq in 0..2 {
        packager.announce(seq, timing(seq), Vec::new()).unwrap();
    }
    let mut junk = good.clone();
    junk[0][0] = vec![0xff; 300];
    let refused = packager.deliver(0, 30, &junk).unwrap_err();
    assert!(matches!(refused, PackageError::Chunk { seq: 0, .. }));
    packager.deliver(1, 30, &good).unwrap();
    assert_eq!(packager.pending(), 0);
    assert_eq!(gaps(dir.path(), "0_48p/index.m3u8"), [true, false]);
    // Its number is used up.
    packager.deliver(0, 30, &good).unwrap();
    assert_eq!(gaps(dir.path(), "0_48p/index.m3u8"), [true, false]);
}

#[tokio::test]
async fn the_first_delivery_does_not_say_what_all_others_have_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let good = good().await;
    // The smaller rendition in the larger one's place.
    let other = vec![good[1].clone(), good[1].clone()];
    packager.deliver(0, 30, &other).unwrap();
    for seq in 1..3 {
        packager.deliver(seq, 30, &good).unwrap();
    }
    packager.finish().unwrap();
    let playlist = media(dir.path(), "0_48p/index.m3u8");
    let maps = playlist.segments.iter().map(|s| s.map.as_ref());
    let maps: Vec<_> = maps.map(|map| map.map(|map| map.uri.as_str())).collect();
    assert_eq!(maps, [Some("init.mp4"), Some("init-1.mp4"), None]);
    let jumps: Vec<_> = playlist.segments.iter().map(|s| s.discontinuity).collect();
    assert_eq!(jumps, [false, true, false]);
}

#[tokio::test]
async fn what_one_track_cannot_write_is_a_gap_in_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    publish(&mut packager, 0, 1).await;
    std::fs::create_dir(dir.path().join("1_24p/00001.m4s")).unwrap();
    let good = good().await;
    for seq in 1..4 {
        let sounds = vec![sound(seq, "eng")];
        packager.announce(seq, timing(seq), sounds).unwrap();
        let delivered = packager.deliver(seq, 30, &good);
        assert_eq!(delivered.is_err(), seq == 1, "{delivered:?}");
    }
    packager.finish().unwrap();
    for folder in ALL {
        let name = format!("{folder}/index.m3u8");
        assert_eq!(gaps(dir.path(), &name), [false, true, false, false]);
    }
    assert!(!dir.path().join("0_48p/00001.m4s").exists());
}

#[tokio::test]
async fn a_playlist_that_cannot_be_written_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    publish(&mut packager, 0, 1).await;
    let (here, away) = (
        dir.path().join("1_24p/index.m3u8"),
        dir.path().join("1_24p/away"),
    );
    std::fs::rename(&here, &away).unwrap();
    std::fs::create_dir(&here).unwrap();
    packager.announce(1, timing(1), Vec::new()).unwrap();
    let error = packager.deliver(1, 30, &good().await).unwrap_err();
    assert!(error.to_string().contains("1_24p/index.m3u8"), "{error}");
    std::fs::remove_dir(&here).unwrap();
    std::fs::rename(&away, &here).unwrap();
    publish(&mut packager, 2, 1).await;
    assert_eq!(gaps(dir.path(), "1_24p/index.m3u8"), [false; 3]);
}

#[tokio::test]
async fn another_stream_in_the_same_folder_leaves_the_archive_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Packager::open(dir.path(), &profiles(), 6, window(true)).unwrap();
    publish(&mut before, 6, 8).await;
    before.finish().unwrap();
    let path = dir.path().join("0_48p/00006.m4s");
    let bytes = std::fs::read(&path).unwrap();

    let mut after = Packager::open(dir.path(), &profiles(), 0, window(true)).unwrap();
    publish(&mut after, 0, 8).await;
    after.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    for folder in ALL {
        let archive = media(dir.path(), &format!("{folder}/archive.m3u8"));
        let mut names: Vec<_> = archive.segments.iter().map(|s| s.uri.clone()).collect();
        assert!(
            names
                .iter()
                .all(|name| dir.path().join(folder).join(name).exists())
        );
        names.dedup();
        assert_eq!(names.len(), 16, "{folder}");
        let jumps: Vec<_> = archive.segments.iter().map(|s| s.discontinuity).collect();
        assert_eq!(jumps.iter().filter(|jump| **jump).count(), 1);
        assert!(jumps[8] && archive.end_list);
    }
}

#[tokio::test]
async fn a_restart_takes_up_the_window_and_removes_what_nobody_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Packager::open(dir.path(), &profiles(), 0, window(false)).unwrap();
    publish(&mut before, 0, 10).await;
    let target = media(dir.path(), "0_48p/index.m3u8").target_duration;
    drop(before);
    std::fs::write(dir.path().join("0_48p/00077.m4s"), "left behind").unwrap();

    let mut after = Packager::open(dir.path(), &profiles(), 12, window(false)).unwrap();
    publish(&mut after, 12, 1).await;
    for folder in ALL {
        let playlist = media(dir.path(), &format!("{folder}/index.m3u8"));
        let names: Vec<_> = playlist.segments.iter().map(|s| s.uri.as_str()).collect();
        assert_eq!(names, ["00007.m4s", "00008.m4s", "00009.m4s", "00010.m4s"]);
        assert_eq!(
            (playlist.media_sequence, playlist.target_duration),
            (7, target)
        );
        assert!(playlist.segments[3].discontinuity && !playlist.end_list);
        // Init segment, playlist, window, and the one that has just left it.
        let files = std::fs::read_dir(dir.path().join(folder)).unwrap().count();
        assert_eq!(files, 2 + 4 + 1, "{folder}");
    }
    publish(&mut after, 13, 20).await;
    for folder in ALL {
        let files = std::fs::read_dir(dir.path().join(folder)).unwrap().count();
        assert_eq!(files, 2 + 4 + 4, "{folder}");
    }
}

#[tokio::test]
async fn a_restart_brings_tracks_level_that_were_stopped_apart() {
    let dir = tempfile::tempdir().unwrap();
    for keep in [Keep::All, window(false)] {
        let dir = dir.path().join(format!("{}", keep == Keep::All));
        let mut before = Packager::open(&dir, &profiles(), 0, keep).unwrap();
        publish(&mut before, 0, 3).await;
        let path = dir.join("1_24p/index.m3u8");
        let stale = std::fs::read(&path).unwrap();
        publish(&mut before, 3, 1).await;
        drop(before);
        std::fs::write(&path, stale).unwrap();

        let mut after = Packager::open(&dir, &profiles(), 4, keep).unwrap();
        publish(&mut after, 4, 1).await;
        let ends = ALL.map(|folder| end(&dir, &format!("{folder}/index.m3u8")));
        assert_eq!(ends, [(5, 1); 3]);
        let last = gaps(&dir, "1_24p/index.m3u8").split_off(2);
        assert_eq!(last[last.len() - 2..], [true, false]);
    }
}

#[tokio::test]
async fn a_stop_writes_what_waits_and_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Packager::open(dir.path(), &profiles(), 0, window(true)).unwrap();
    publish(&mut before, 0, 2).await;
    let good = good().await;
    // Nobody has delivered the third; the fourth waits for it.
    for seq in 2..4 {
        let sounds = vec![sound(seq, "eng")];
        before.announce(seq, timing(seq), sounds).unwrap();
    }
    before.deliver(3, 30, &good).unwrap();
    before.flush().unwrap();
    for folder in ALL {
        for name in ["index.m3u8", "archive.m3u8"] {
            let name = format!("{folder}/{name}");
            assert!(!media(dir.path(), &name).end_list, "{name}");
            assert_eq!(end(dir.path(), &name).0, 4, "{name}");
        }
    }
    drop(before);
    let mut after = Packager::open(dir.path(), &profiles(), 4, window(true)).unwrap();
    publish(&mut after, 4, 1).await;
    assert_eq!(end(dir.path(), "0_48p/index.m3u8"), (5, 1));
    after.finish().unwrap();
    assert!(media(dir.path(), "0_48p/index.m3u8").end_list);
}

#[tokio::test]
async fn another_audio_format_after_a_restart_leaves_the_old_init_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Packager::open(dir.path(), &profiles(), 0, window(true)).unwrap();
    publish(&mut before, 0, 2).await;
    let path = dir.path().join("audio_0/init.mp4");
    let bytes = std::fs::read(&path).unwrap();
    let good = good().await;
    for (run, rate) in [(1, 44_100), (2, 48_000)] {
        let mut after = Packager::open(dir.path(), &profiles(), 2 * run, window(true)).unwrap();
        for seq in 2 * run..2 * run + 2 {
            let mut sound: Sound = sound(seq, "eng").unwrap();
            sound.format.rate = rate;
            after.announce(seq, timing(seq), vec![Some(sound)]).unwrap();
            after.deliver(seq, 30, &good).unwrap();
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let archive = media(dir.path(), "audio_0/archive.m3u8");
    let maps = archive.segments.iter().filter_map(|s| s.map.as_ref());
    let mut maps: Vec<_> = maps.map(|map| map.uri.as_str()).collect();
    maps.dedup();
    // The first format again needs no third.
    assert_eq!(maps, ["init.mp4", "init-1.mp4", "init.mp4"]);
}

#[tokio::test]
async fn audio_that_comes_late_stands_where_the_video_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::open(dir.path(), &profiles(), 0, window(true)).unwrap();
    let good = good().await;
    for seq in 0..12 {
        let mut timing = timing(seq);
        timing.discontinuity = [3, 5].contains(&seq);
        let sounds = vec![sound(seq, "eng").filter(|_| seq >= 9)];
        packager.announce(seq, timing, sounds).unwrap();
        packager.deliver(seq, 30, &good).unwrap();
    }
    for name in ["index.m3u8", "archive.m3u8"] {
        let ends = ALL.map(|folder| end(dir.path(), &format!("{folder}/{name}")));
        assert_eq!(ends, [(12, 2); 3], "{name}");
        let audio = media(dir.path(), &format!("audio_0/{name}"));
        let video = media(dir.path(), &format!("0_48p/{name}"));
        assert_eq!(audio.media_sequence, video.media_sequence);
        let marks = |playlist: m3u8_rs::MediaPlaylist| -> Vec<_> {
            let marks = |s: m3u8_rs::MediaSegment| (s.uri, s.discontinuity, s.program_date_time);
            playlist.segments.into_iter().map(marks).collect()
        };
        assert_eq!(marks(audio), marks(video), "{name}");
        let silent = gaps(dir.path(), &format!("audio_0/{name}"));
        let heard = silent.iter().rev().take_while(|&&gap| !gap).count();
        assert_eq!(heard, 3, "{silent:?}");
        assert!(silent[..silent.len() - 3].iter().all(|&gap| gap));
    }
}

#[tokio::test]
async fn a_restart_remembers_what_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let variants = || {
        let text = std::fs::read(dir.path().join("master.m3u8")).unwrap();
        m3u8_rs::parse_master_playlist_res(&text).unwrap().variants
    };
    let mut loud = sound(0, "eng").unwrap();
    loud.bytes = vec![7; loud.bytes.len() * 100];
    loud.frames.iter_mut().for_each(|frame| frame.1 *= 100);
    let mut before = Packager::new(dir.path(), &profiles()).unwrap();
    before.announce(0, timing(0), vec![Some(loud)]).unwrap();
    before.deliver(0, 30, &good().await).unwrap();
    let bandwidth = variants()[0].bandwidth;
    drop(before);
    let mut after = Packager::open(dir.path(), &profiles(), 1, Keep::All).unwrap();
    publish(&mut after, 1, 1).await;
    let (now, quiet) = (variants()[0].bandwidth, bandwidth / 2);
    assert!(
        now.abs_diff(bandwidth) <= 1 && now > quiet,
        "{now}, {bandwidth} before"
    );
}

/// Makes this test's program take 32 MiB of temporal delimiters in little memory.
const DELIMITERS: &str = "ASSAY_DELIMITERS";

#[test]
fn a_chunk_of_nothing_but_delimiters_is_a_gap_and_takes_no_memory() {
    let mut taker = std::process::Command::new(std::env::current_exe().unwrap());
    taker.args(["--ignored", "--exact", "restarts::a_taker_of_delimiters"]);
    let ended = taker.env(DELIMITERS, "1").output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
#[ignore = "the test above starts it in a process of its own"]
async fn a_taker_of_delimiters() {
    if std::env::var_os(DELIMITERS).is_none() {
        return;
    }
    use rustix::process::{Resource, Rlimit, setrlimit};
    let dir = tempfile::tempdir().unwrap();
    let good = good().await;
    let mut junk = good.clone();
    junk[0][0] = [0x12, 0].repeat(16 << 20);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib: u64 = size
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    let limit = Rlimit {
        current: Some((kib << 10) + (128 << 20)),
        maximum: None,
    };
    setrlimit(Resource::As, limit).unwrap();
    let mut packager = Packager::new(dir.path(), &profiles()).unwrap();
    let refused = packager.deliver(0, 30, &junk).unwrap_err();
    assert!(matches!(refused, PackageError::Chunk { seq: 0, .. }));
    packager.announce(1, timing(1), Vec::new()).unwrap();
    packager.deliver(1, 30, &good).unwrap();
    packager.finish().unwrap();
    assert_eq!(gaps(dir.path(), "0_48p/index.m3u8"), [false]);
}

#[tokio::test]
async fn all_tracks_tell_the_longest_segment_of_any() {
    let dir = tempfile::tempdir().unwrap();
    let mut packager = Packager::open(dir.path(), &profiles(), 0, window(true)).unwrap();
    publish(&mut packager, 0, 1).await;
    let mut long = sound(1, "eng").unwrap();
    long.frames.extend_from_within(..);
    long.bytes.extend_from_within(..);
    packager.announce(1, timing(1), vec![Some(long)]).unwrap();
    packager.deliver(1, 30, &good().await).unwrap();
    for folder in ALL {
        for name in ["index.m3u8", "archive.m3u8"] {
            let playlist = media(dir.path(), &format!("{folder}/{name}"));
            assert_eq!(playlist.target_duration, 2, "{folder}/{name}");
        }
    }
}
