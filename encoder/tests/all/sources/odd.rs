//! Sources with odd times or beginnings, and those without video.

use std::path::PathBuf;
use std::time::Duration;

use assay_encoder::{InspectRequest, Priority, Segmenter, probe};

use super::way::{H264, PICTURE, X264, all, counts, go};
use crate::support::{bytes, ffmpeg, rendition, worker, workers};

#[tokio::test]
async fn odd_times_are_kept() {
    // Frames 4 to 7 are gone, and the rest of the second half comes twice as slowly.
    let odd = "-vf select='not(between(n,4,7))',setpts='PTS+max(0,T-0.5)/TB' -fps_mode vfr";
    let how = format!(
        "{PICTURE} {odd} {X264} -bf 0 -force_key_frames expr:eq(mod(n,3),0) -pix_fmt yuv420p"
    );
    for way in all(&[
        ("odd.mkv", &how),
        ("odd.mp4", &how),
        ("odd.flv", &how),
        ("odd.ts", &how),
    ])
    .await
    {
        let name = way.probe.path.display();
        let first = way.segments[0].start;
        let times = way
            .segments
            .iter()
            .flat_map(|s| s.times.iter().map(move |t| s.start + *t - first));
        let found: Vec<u128> = times.map(|t| t.as_millis()).collect();
        let expected = [0, 67, 133, 200, 533, 667, 800, 933];
        let close = found.len() == 8 && found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(close, "{name}: {found:?}, {:?}", way.segments);
        for pair in way.segments.windows(2) {
            assert_eq!(pair[0].start + pair[0].duration, pair[1].start, "{name}");
        }
    }
}

#[tokio::test]
async fn what_an_edit_list_hides_stays_hidden() {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let whole = dir.path().join("whole.mp4");
    ffmpeg(
        &format!("-f lavfi -i testsrc2=size=160x90:rate=15:duration=1.6 {H264}"),
        &whole,
    );
    let trimmed = dir.path().join("trimmed.mp4");
    ffmpeg(&format!("-ss 0.2 -i {} -c copy", whole.display()), &trimmed);
    let way = go(&trimmed, &workers).await;
    assert_eq!(counts(&way).iter().sum::<u32>(), 21, "{:?}", way.segments);
}

#[tokio::test]
async fn a_gradual_refresh_is_not_cut() {
    let how = format!(
        "{PICTURE} -c:v libx264 -preset ultrafast -bf 0 -pix_fmt yuv420p -x264-params intra-refresh=1:keyint=5"
    );
    for way in all(&[("refresh.mp4", &how), ("refresh.ts", &how)]).await {
        assert_eq!(counts(&way), [12]);
    }
}

#[tokio::test]
async fn a_stream_that_begins_in_the_middle_begins_at_its_first_key_frame() {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let path = dir.path().join("whole.ts");
    ffmpeg(&format!("{PICTURE} {H264}"), &path);
    let (stream, late) = (std::fs::read(&path).unwrap(), dir.path().join("late.ts"));
    // Past the first picture, which is the largest.
    std::fs::write(&late, &stream[188 * 30..]).unwrap();
    let found = probe(&late, &worker()).await.unwrap();
    let segmenter = Segmenter::new(&dir.path().join("s"), Duration::from_millis(300));
    let segments = segmenter.cut(&found, &worker()).await.unwrap();
    assert_eq!(
        segments.iter().map(|s| s.frames).collect::<Vec<_>>(),
        [5, 2]
    );
    let profiles = found.profiles(4, &[90], &rendition(0, 0)).unwrap();
    for segment in segments {
        let request = InspectRequest {
            source: bytes(&segment.path),
            profiles: profiles.clone(),
        };
        let inspected = workers
            .inspect(&request, Priority::Transcode)
            .await
            .unwrap();
        assert_eq!(inspected.frame_count, segment.frames);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let lavfi = "-f lavfi -i testsrc2=size=160x90:rate=15:duration=4 -f lavfi -i sine=d=4";
    ffmpeg(&format!("{lavfi} {H264} -c:a aac"), &at("part.ts"));
    let part = std::fs::read(at("part.ts")).unwrap();
    let twice = at("twice.ts");
    std::fs::write(&twice, [&part[..], &part].concat()).unwrap();
    let cut = async |path: PathBuf| {
        let found = probe(&path, &worker()).await.unwrap();
        let segmenter = Segmenter::new(&dir.path().join("s"), Duration::from_secs(1));
        segmenter.cut(&found, &worker()).await
    };
    let refused = cut(twice.clone()).await.unwrap_err().to_string();
    assert!(
        refused.contains("clock is set back at frame 60"),
        "{refused}"
    );
    // What is advised helps.
    ffmpeg(&format!("-i {} -c copy", twice.display()), &at("anew.mkv"));
    let segments = cut(at("anew.mkv")).await.unwrap();
    assert_eq!(segments.iter().map(|s| s.frames).sum::<u32>(), 120);
}

#[tokio::test]
async fn what_has_no_video_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { dir.path().join(name) };
    std::fs::write(at("words.srt"), "1\n00:00:00,000 --> 00:00:00,500\nwords\n").unwrap();
    ffmpeg("-f lavfi -i color=size=32x32 -frames:v 1", &at("cover.png"));
    let sine = "-f lavfi -i sine=duration=0.5";
    ffmpeg(sine, &at("sound.ts"));
    ffmpeg(
        &format!(
            "{sine} -i {} -map 0 -map 1 -c:v png -disposition:v attached_pic",
            at("cover.png").display()
        ),
        &at("cover.m4a"),
    );
    ffmpeg(
        &format!("-i {} -c copy", at("words.srt").display()),
        &at("words.mkv"),
    );
    let cases = [
        ("words.srt", "not a video"),
        ("cover.png", "not a video"),
        ("sound.ts", "no video stream, only audio"),
        ("cover.m4a", "no video stream, only audio, a cover picture"),
        ("words.mkv", "no video stream, only subtitle"),
    ];
    for (name, words) in cases {
        let error = probe(&at(name), &worker()).await.unwrap_err().to_string();
        assert!(
            error.contains(words) && !error.contains('\n'),
            "{name}: {error}"
        );
    }
}
