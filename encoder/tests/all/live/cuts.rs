//! The cutter alone, on files that FFmpeg made.

use std::path::Path;
use std::time::{Duration, SystemTime};

use assay_encoder::live::{CutError, Cutter, LiveSegment};

use super::CUT;
use crate::support::{ffmpeg, frames};

/// Cuts a transport stream that is a file; gives what came out, and why not more did.
fn try_cut(path: &Path) -> (Vec<LiveSegment>, Option<CutError>) {
    let bytes = std::fs::read(path).unwrap();
    let mut cutter = Cutter::new(CUT.target, CUT.longest);
    let (packets, _) = bytes.as_chunks::<188>();
    let mut segments = Vec::new();
    let mut refused = None;
    for packet in packets {
        match cutter.push(packet, SystemTime::UNIX_EPOCH) {
            Ok(segment) => segments.extend(segment),
            Err(e) => {
                refused = Some(e);
                break;
            }
        }
    }
    segments.extend(cutter.finish(SystemTime::UNIX_EPOCH));
    (segments, refused)
}

pub fn cut(path: &Path) -> Result<Vec<LiveSegment>, CutError> {
    match try_cut(path) {
        (segments, None) => Ok(segments),
        (_, Some(refused)) => Err(refused),
    }
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

/// What the sound of a segment may be longer than its pictures: a frame.
const FRAME: f64 = 0.1;

#[test]
fn sound_without_pictures_ends_the_stream_and_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=3 -f lavfi -i sine=d=60 -c:v libx264 -tune zerolatency -g 25 \
         -c:a aac -muxdelay 0 -pes_payload_size 0 -f mpegts",
        &path,
    );
    let (segments, refused) = try_cut(&path);
    assert!(
        matches!(refused, Some(CutError::NoPicture { seconds: 5, max: 5 })),
        "{refused:?}"
    );
    let counts: Vec<_> = segments.iter().map(|s| s.frames).collect();
    assert_eq!(counts, [25; 3]);
    for segment in &segments {
        let sound = segment.sounds[0].as_ref().unwrap();
        let seconds = sound.samples() as f64 / f64::from(sound.format.rate);
        let most = segment.timing.duration.as_secs_f64() + FRAME;
        assert!(seconds <= most, "{seconds} s of sound, {most}");
    }
}

#[test]
fn pictures_without_a_closed_key_frame_are_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    // The one key frame is cut off: what comes is decodable for a player, and nothing of it can be cut.
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=12 -c:v libx264 -bf 0 -x264-params \
         open-gop=1:keyint=250:scenecut=0:intra-refresh=1 -bsf:v noise=drop=eq(n\\,0) -f mpegts",
        &path,
    );
    let refused = cut(&path).unwrap_err();
    assert!(matches!(refused, CutError::LongGop { .. }), "{refused}");
}

#[test]
fn dates_follow_a_sender_whose_clock_runs_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=64x48:rate=1:duration=1800 -c:v libx264 -preset ultrafast -g 2 -bf 0 -f mpegts",
        &path,
    );
    let bytes = std::fs::read(&path).unwrap();
    let (packets, _) = bytes.as_chunks::<188>();
    let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    // By its clock two percent less time goes by than here.
    let here = |there: Duration| begun + there.mul_f64(1.02);
    let (mut cutter, mut now, mut count) = (Cutter::new(CUT.target, CUT.longest), begun, 0);
    for packet in packets {
        let Some(segment) = cutter.push(packet, now).unwrap() else {
            continue;
        };
        let timing = segment.timing;
        // The first frame of the next one is taken already; what comes now ends with that of the one after it.
        now = here(timing.start + 2 * timing.duration);
        let end = timing.date.unwrap() + timing.duration;
        let truly = here(timing.start + timing.duration);
        let off = truly.duration_since(end).map_err(|e| e.duration());
        let off = off.unwrap_or_else(|early| early);
        assert!(off < Duration::from_secs(1), "segment {count}: {off:?}");
        count += 1;
    }
    assert!(count > 800, "{count}");
}

#[test]
fn a_stream_that_begins_again_with_what_it_had_goes_on_with_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let packets = |name: &str, seconds: &str| {
        let path = dir.path().join(name);
        let lavfi = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=";
        ffmpeg(
            &format!(
                "{lavfi}{seconds} -f lavfi -i sine=d={seconds} -c:v libx264 -preset ultrafast -qp 30 -g 25 -c:a aac -f mpegts"
            ),
            &path,
        );
        std::fs::read(&path).unwrap()
    };
    let mut cutter = Cutter::new(CUT.target, CUT.longest);
    let mut frames = Vec::new();
    // A playlist of three seconds, the same one again, and then with two seconds more.
    for (name, seconds) in [("a.ts", "3"), ("b.ts", "3"), ("c.ts", "5")] {
        cutter.restart();
        cutter.expect_repeats();
        let bytes = packets(name, seconds);
        let mut came: u32 = 0;
        for packet in bytes.as_chunks::<188>().0 {
            let segment = cutter.push(packet, SystemTime::UNIX_EPOCH).unwrap();
            came += segment.map_or(0, |segment| segment.frames);
        }
        let last = cutter.finish(SystemTime::UNIX_EPOCH);
        frames.push(came + last.map_or(0, |segment| segment.frames));
    }
    assert_eq!(frames, [75, 0, 50]);
}

#[test]
fn a_clock_that_is_set_back_is_a_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=2 -f lavfi -i sine=d=2 -c:v libx264 -bf 2 -g 25 -c:a aac \
         -muxdelay 0 -pes_payload_size 0 -f mpegts",
        &path,
    );
    let part = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&part[..], &part].concat()).unwrap();
    let segments = cut(&path).unwrap();
    let found: Vec<_> = segments
        .iter()
        .map(|s| (s.frames, s.timing.discontinuity))
        .collect();
    assert_eq!(found, [(25, false), (25, false), (25, true), (25, false)]);
    for pair in segments.windows(2) {
        let end = pair[0].timing.start + pair[0].timing.duration;
        let off = pair[1].timing.start.abs_diff(end);
        assert!(off < Duration::from_millis(2), "{off:?}");
    }
    assert!(segments.iter().all(|s| s.sounds[0].is_some()));
}

/// Three seconds of pictures, some of which may be missing, and of sound, by a clock that begins at `offset`.
fn part(dir: &Path, offset: u32, pictures: &str) -> Vec<u8> {
    let path = dir.join("part.ts");
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc2=size=128x96:rate=25:duration=8{pictures} -f lavfi -i sine=d=8 -fps_mode vfr -c:v libx264 -bf 2 \
             -force_key_frames expr:gte(t,n_forced) -c:a aac -muxdelay 0 -pes_payload_size 0 -t 3 -output_ts_offset {offset} \
             -f mpegts"
        ),
        &path,
    );
    std::fs::read(&path).unwrap()
}

#[test]
fn what_is_missing_is_no_picture_that_stands_still() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    // The second time longer than sound may be without pictures.
    let parts = [0, 7, 21].map(|offset| part(dir.path(), offset, ""));
    std::fs::write(&path, parts.concat()).unwrap();
    let segments = cut(&path).unwrap();
    let jumps: Vec<_> = segments.iter().map(|s| s.timing.discontinuity).collect();
    let after = [true, false, false];
    assert_eq!(jumps, [[false; 3], after, after].concat());
    let mut clock = Duration::ZERO;
    for segment in &segments {
        assert_eq!(segment.frames, 25);
        let length = segment.timing.duration.as_secs_f64();
        assert!((0.95..1.05).contains(&length), "{length} s");
        assert!(segment.timing.start.abs_diff(clock) < Duration::from_millis(1));
        clock += segment.timing.duration;
        let sound = segment.sounds[0].as_ref().unwrap();
        let heard = sound.samples() as f64 / f64::from(sound.format.rate);
        assert!(heard < length + FRAME, "{heard} s of sound");
    }
}

#[test]
fn a_picture_that_stands_still_is_shown_as_long_as_its_sound_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    let still = ",select=not(between(t\\,0.9\\,2.4))";
    std::fs::write(&path, part(dir.path(), 0, still)).unwrap();
    let segments = cut(&path).unwrap();
    assert!(segments.iter().all(|s| !s.timing.discontinuity));
    let length: Duration = segments.iter().map(|s| s.timing.duration).sum();
    assert!((2.9..3.1).contains(&length.as_secs_f64()), "{length:?}");
    let heard = segments.iter().filter_map(|s| s.sounds[0].as_ref());
    let samples: u64 = heard.map(|sound| sound.samples()).sum();
    assert!(
        (2.8..3.2).contains(&(samples as f64 / 44_100.0)),
        "{samples}"
    );
}

#[test]
fn few_pictures_are_all_of_one_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=1/4:duration=40 -c:v libx264 -g 1 -bf 0 -f mpegts",
        &path,
    );
    let segments = cut(&path).unwrap();
    // The last one of ten is not worth a segment.
    assert_eq!(segments.len(), 9);
    assert!(segments.iter().all(|s| !s.timing.discontinuity));
}

#[test]
fn a_clock_that_stands_still_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    // The second half as FFmpeg writes what has no times that grow: a tick apart.
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=8 -c:v libx264 -bf 0 -g 25 -muxdelay 0 \
         -bsf:v setts=ts=if(lt(N\\,100)\\,TS\\,PREV_OUTDTS+0.00001/TB) -f mpegts",
        &path,
    );
    let (segments, refused) = try_cut(&path);
    assert_eq!(refused, Some(CutError::Still));
    assert_eq!(
        segments[..3].iter().map(|s| s.frames).collect::<Vec<_>>(),
        [25; 3]
    );
}

#[test]
fn a_program_map_of_several_packets_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for (name, count, codec) in [("aac.ts", 20, "aac"), ("opus.ts", 8, "libopus")] {
        let path = dir.path().join(name);
        let maps: String = (0..count)
            .map(|track| {
                format!(
                    " -map 1 -metadata:s:a:{track} language=a{}a",
                    char::from(b'a' + track)
                )
            })
            .collect();
        ffmpeg(
            &format!(
                "-f lavfi -i testsrc2=size=128x96:rate=25:duration=3 -f lavfi -i sine=d=3:r=48000 -map 0{maps} \
                 -c:v libx264 -g 25 -c:a {codec} -b:a 32k -muxdelay 0 -pes_payload_size 0 -f mpegts"
            ),
            &path,
        );
        let segments = cut(&path).unwrap();
        assert_eq!(
            segments.iter().map(|s| s.frames).collect::<Vec<_>>(),
            [25; 3]
        );
        for segment in &segments[..2] {
            let languages: Vec<_> = segment
                .sounds
                .iter()
                .filter_map(|sound| sound.as_ref()?.format.language.clone())
                .collect();
            assert_eq!(
                languages,
                ["aaa", "aba", "aca", "ada", "aea", "afa", "aga", "aha"],
                "{name}"
            );
        }
        std::fs::write(&path, &segments[1].bytes).unwrap();
        assert_eq!(frames(&path), 25, "{name}");
    }
}

#[test]
fn audio_that_is_not_passed_on_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.ts");
    ffmpeg(
        "-f lavfi -i testsrc2=size=128x96:rate=25:duration=3 -f lavfi -i sine=d=3 -map 0 -map 1 -map 1 -map 1 -map 1 -c:v libx264 \
         -g 25 -c:a:0 ac3 -c:a:1 mp2 -c:a:2 aac -c:a:3 aac -filter:a:3 aformat=channel_layouts=quad -muxdelay 0 -pes_payload_size 0 -f mpegts",
        &path,
    );
    let bytes = std::fs::read(&path).unwrap();
    let mut cutter = Cutter::new(CUT.target, CUT.longest);
    let mut told = Vec::new();
    for packet in bytes.as_chunks::<188>().0 {
        cutter.push(packet, SystemTime::UNIX_EPOCH).unwrap();
        told.extend(cutter.untaken());
    }
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].contains("AC-3")
            && told[1].contains("track 3")
            && told[2].contains("track 1 (MPEG layer 1 or 2"),
        "{told:?}"
    );
}
