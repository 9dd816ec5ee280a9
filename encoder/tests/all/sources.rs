//! Every kind of source goes the whole way ([`way`]). What has no video is refused in one line.

mod odd;
mod strange;
mod way;

use assay_encoder::{Fault, InspectRequest, Priority, WorkerError};

use crate::support::{bytes, ffmpeg, workers};
use way::{H264, PICTURE, X264, all, counts, go};

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_container() {
    let h264 = &format!("{PICTURE} {H264}");
    let ways = all(&[
        ("a.mp4", h264),
        ("a.mov", h264),
        ("a.mkv", h264),
        ("a.ts", h264),
        ("a.flv", h264),
        ("a.y4m", &format!("{PICTURE} -pix_fmt yuv420p")),
    ])
    .await;
    for way in &ways {
        let name = way.probe.path.display();
        assert_eq!(counts(way), [5, 5, 2], "{name}");
        assert_eq!(way.probe.fps, (15, 1), "{name}");
        assert!(way.segments.iter().all(|s| s.times.is_empty()), "{name}");
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_codec() {
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=5:min-keyint=5";
    let cases = [
        (
            "hevc.mp4",
            format!("{PICTURE} {x265}:open-gop=0 -pix_fmt yuv420p"),
            3,
        ),
        (
            "open.mkv",
            format!("{PICTURE} {x265}:open-gop=1:bframes=2 -pix_fmt yuv420p"),
            1,
        ),
        (
            "open.ts",
            format!("{PICTURE} {X264} -bf 2 -x264-params open-gop=1 -pix_fmt yuv420p"),
            1,
        ),
        (
            "vp9.webm",
            format!("{PICTURE} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 5"),
            3,
        ),
        (
            "av1.mp4",
            format!("{PICTURE} -c:v libsvtav1 -preset 12 -g 5 -svtav1-params logical_processors=1"),
            3,
        ),
        (
            "mpeg2.ts",
            format!("{PICTURE} -r 25 -c:v mpeg2video -g 5 -bf 0"),
            3,
        ),
        ("prores.mov", format!("{PICTURE} -c:v prores_ks"), 3),
        (
            "mjpeg.avi",
            format!("{PICTURE} -c:v mjpeg -pix_fmt yuvj420p"),
            3,
        ),
        ("ffv1.nut", format!("{PICTURE} -c:v ffv1 -g 1"), 3),
        ("raw.h264", format!("{PICTURE} {H264}"), 1),
        ("raw.hevc", format!("{PICTURE} {x265}:open-gop=0"), 1),
    ];
    let texts: Vec<_> = cases
        .iter()
        .map(|(name, how, _)| (*name, how.as_str()))
        .collect();
    for (way, (name, _, segments)) in all(&texts).await.iter().zip(&cases) {
        assert_eq!(way.segments.len(), *segments, "{name}: {:?}", way.segments);
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_shape() {
    let sized = |size: &str, more: &str| {
        format!("-f lavfi -i testsrc2=size={size}:rate=15:duration=0.4{more}")
    };
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 3";
    // Height of the rendition at most 90, or the source's.
    let cases = [
        (
            "odd.mkv",
            format!("{} {vp9}", sized("160x90", ",scale=161:91")),
            (161, 91),
            (160, 90),
        ),
        (
            "portrait.mp4",
            format!("{} {H264}", sized("90x160", "")),
            (90, 160),
            (50, 90),
        ),
        (
            "small.mp4",
            format!("{} {H264}", sized("16x16", "")),
            (16, 16),
            (16, 16),
        ),
        (
            "wide.mp4",
            format!("{} {H264}", sized("144x90", ",setsar=4/3")),
            (144, 90),
            (192, 90),
        ),
        (
            "tall.mkv",
            format!("{} {H264}", sized("144x90", ",setsar=3/4")),
            (144, 90),
            (108, 90),
        ),
        (
            "wide.ts",
            format!("{} {H264}", sized("180x180", ",setsar=16/9")),
            (180, 180),
            (160, 90),
        ),
        (
            "wide.y4m",
            format!("{} -pix_fmt yuv420p", sized("144x90", ",setsar=4/3")),
            (144, 90),
            (192, 90),
        ),
        (
            "absurd.mkv",
            format!("{} {H264}", sized("144x90", ",setsar=100/1")),
            (144, 90),
            (144, 90),
        ),
    ];
    let texts: Vec<_> = cases
        .iter()
        .map(|(name, how, ..)| (*name, how.as_str()))
        .collect();
    for (way, (name, _, size, shown)) in all(&texts).await.iter().zip(&cases) {
        assert_eq!((way.probe.width, way.probe.height), *size, "{name}");
        let top = way.profiles.renditions[0];
        assert_eq!((top.width, top.height), *shown, "{name}");
    }
}

#[tokio::test]
async fn large_pictures() {
    let uhd = "-f lavfi -i testsrc2=size=3840x2160:rate=15:duration=0.1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let ways = all(&[("uhd.mp4", uhd)]).await;
    assert_eq!(
        (ways[0].probe.width, ways[0].profiles.renditions[0].width),
        (3840, 242)
    );
    assert_eq!(counts(&ways[0]), [2]);
}

#[tokio::test]
async fn turned_pictures_come_upright_with_their_pixels() {
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let flat = dir.path().join("flat.mp4");
    ffmpeg(
        &format!("-f lavfi -i testsrc2=size=160x90:rate=15:duration=0.5,setsar=4/3 {H264}"),
        &flat,
    );
    for (turn, size, shown) in [
        (90, (90, 160), (38, 90)),
        (180, (160, 90), (214, 90)),
        (270, (90, 160), (38, 90)),
    ] {
        let path = dir.path().join(format!("{turn}.mp4"));
        ffmpeg(
            &format!(
                "-i {} -c copy -metadata:s:v:0 rotate={turn}",
                flat.display()
            ),
            &path,
        );
        let way = go(&path, &workers).await;
        assert_eq!((way.probe.width, way.probe.height), size, "{turn}");
        let top = way.profiles.renditions[0];
        assert_eq!((top.width, top.height), shown, "{turn}");
    }
    // Upside down, which is no rotation: the matrix of `tkhd` mirrors the rows (ISO/IEC 14496-12, 8.3.2).
    let mut bytes = std::fs::read(&flat).unwrap();
    let header = bytes.windows(4).position(|at| at == b"tkhd").unwrap();
    let matrix = header + 4 + 40;
    bytes[matrix + 16..matrix + 20].copy_from_slice(&(-0x1_0000_i32).to_be_bytes());
    bytes[matrix + 28..matrix + 32].copy_from_slice(&(90 * 0x1_0000_i32).to_be_bytes());
    std::fs::write(&flat, bytes).unwrap();
    assert!(go(&flat, &workers).await.probe.turned);
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_kind_of_sample() {
    let with =
        |format: &str, more: &str| format!("{PICTURE} {X264} -bf 0 {more} -pix_fmt {format}");
    let full = "-vf scale=out_range=full -color_range pc";
    let cases = [
        ("deep.mkv", with("yuv420p10le", ""), 10, false),
        ("full.mp4", with("yuvj420p", ""), 8, false),
        ("deepfull.mkv", with("yuv420p10le", full), 10, true),
        ("422.mkv", with("yuv422p", ""), 8, false),
        ("422deep.mkv", with("yuv422p10le", ""), 10, false),
        ("444.mkv", with("yuv444p", ""), 8, false),
        ("grey.mkv", with("gray", ""), 8, false),
        ("444.y4m", format!("{PICTURE} -pix_fmt yuv444p"), 8, false),
        (
            "rgb.mkv",
            format!("{PICTURE} -c:v libx264rgb -preset ultrafast -g 5 -pix_fmt rgb24"),
            8,
            false,
        ),
        (
            "twelve.mkv",
            format!("{PICTURE} -c:v ffv1 -g 1 -pix_fmt yuv420p12le -strict -2"),
            10,
            false,
        ),
        (
            "alpha.mov",
            format!("{PICTURE} -c:v prores_ks -pix_fmt yuva444p10le"),
            10,
            false,
        ),
        (
            "woven.ts",
            format!("{PICTURE} -r 25 -c:v mpeg2video -g 5 -bf 0 -flags +ildct+ilme"),
            8,
            false,
        ),
        (
            "woven.mp4",
            with(
                "yuv420p",
                "-vf scale=160:96 -flags +ildct+ilme -x264-params tff=1",
            ),
            8,
            false,
        ),
    ];
    let texts: Vec<_> = cases
        .iter()
        .map(|(name, how, ..)| (*name, how.as_str()))
        .collect();
    for (way, (name, _, depth, full)) in all(&texts).await.iter().zip(&cases) {
        assert_eq!(
            (way.probe.bit_depth, way.probe.full_range),
            (*depth, *full),
            "{name}"
        );
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_kind_of_company() {
    let sine = "-f lavfi -i sine=duration=0.8";
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let subtitles = dir.path().join("words.srt");
    std::fs::write(&subtitles, "1\n00:00:00,000 --> 00:00:00,500\nwords\n").unwrap();
    let cover = dir.path().join("cover.png");
    ffmpeg("-f lavfi -i color=size=32x32 -frames:v 1", &cover);
    let (subtitles, cover) = (subtitles.display(), cover.display());
    let cases = [
        ("sound.mp4", format!("{PICTURE} {sine} -c:a aac {H264}")),
        (
            "two.mkv",
            format!("{PICTURE} {sine} {sine} -map 1 -map 0 -map 2 -c:a aac {H264}"),
        ),
        ("words.mkv", format!("-i {subtitles} {PICTURE} {H264}")),
        (
            "cover.mp4",
            format!(
                "-i {cover} {PICTURE} -map 0 -map 1 -c:v:0 png -c:v:1 libx264 -preset ultrafast -g 5 -pix_fmt:v:1 yuv420p -disposition:v:0 attached_pic"
            ),
        ),
        // Every second packet of sound has the time of the one before.
        (
            "twice.mkv",
            format!("{PICTURE} {sine} -c:a pcm_s16le -bsf:a setts=ts=floor(N/2)*2048 {H264}"),
        ),
    ];
    for (name, how) in &cases {
        let path = dir.path().join(name);
        ffmpeg(how, &path);
        let way = go(&path, &workers).await;
        assert_eq!(counts(&way).iter().sum::<u32>(), 12, "{name}");
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn one_frame_is_enough() {
    let one = format!("{PICTURE} {H264} -frames:v 1");
    let eleven = format!("{PICTURE} {H264} -frames:v 11");
    let ways = all(&[
        ("one.mp4", &one),
        ("one.mkv", &one),
        ("one.ts", &one),
        ("one.flv", &one),
        (
            "one.y4m",
            &format!("{PICTURE} -pix_fmt yuv420p -frames:v 1"),
        ),
        ("eleven.mp4", &eleven),
        ("eleven.ts", &eleven),
    ])
    .await;
    for way in &ways[..5] {
        assert_eq!(counts(way), [1], "{}", way.probe.path.display());
    }
    for way in &ways[5..] {
        assert_eq!(counts(way), [5, 5, 1], "{}", way.probe.path.display());
    }
}

#[tokio::test]
async fn deep_pictures_of_odd_width() {
    let sized =
        |size: &str| format!("-f lavfi -i testsrc2=size=162x132:rate=15:duration=0.6,scale={size}");
    let vp9 =
        "-c:v libvpx-vp9 -profile:v 2 -pix_fmt yuv420p10le -deadline realtime -cpu-used 8 -g 3";
    let prores = "-c:v prores_ks -pix_fmt yuv422p10le";
    let av1 = "-c:v libaom-av1 -usage realtime -cpu-used 8 -pix_fmt yuv420p10le -g 3";
    let cases = [
        (
            "vp9.mkv",
            format!("{},setsar=4/3 {vp9}", sized("161:90")),
            (161, 90),
        ),
        (
            "portrait.webm",
            format!("{} {vp9}", sized("73:131")),
            (73, 131),
        ),
        (
            "prores.mov",
            format!("{} {prores}", sized("161:91")),
            (161, 91),
        ),
        ("av1.mkv", format!("{} {av1}", sized("161:91")), (161, 91)),
        ("high.mkv", format!("{} {vp9}", sized("160:91")), (160, 91)),
    ];
    let texts: Vec<_> = cases
        .iter()
        .map(|(name, how, _)| (*name, how.as_str()))
        .collect();
    for (way, (name, _, size)) in all(&texts).await.iter().zip(&cases) {
        assert_eq!((way.probe.width, way.probe.height), *size, "{name}");
        assert_eq!(way.probe.bit_depth, 10, "{name}");
    }
    let (dir, workers) = (tempfile::tempdir().unwrap(), workers(1));
    let flat = dir.path().join("flat.mov");
    ffmpeg(&format!("{} {prores}", sized("90:161")), &flat);
    let turned = dir.path().join("turned.mov");
    ffmpeg(
        // Its index comes first: it is read from a pipe.
        &format!(
            "-i {} -c copy -metadata:s:v:0 rotate=90 -movflags +faststart",
            flat.display()
        ),
        &turned,
    );
    let way = go(&turned, &workers).await;
    assert_eq!((way.probe.width, way.probe.height), (161, 90));
    // What a broadcaster says of it is held against what it is.
    let mut profiles = way.profiles;
    for (width, height) in [(163, 90), (161, 91), (159, 89), (160, 90)] {
        (profiles.source.width, profiles.source.height) = (width, height);
        let request = InspectRequest {
            source: bytes(&turned),
            profiles: profiles.clone(),
        };
        let refused = workers
            .inspect(&request, Priority::Sample)
            .await
            .unwrap_err();
        let expected = format!("{width}x{height} 10 bit");
        match refused {
            WorkerError::Fault(Fault::SourceFormat {
                found,
                expected: wanted,
            }) => {
                assert_eq!((found, wanted), ("161x90 10 bit".into(), expected));
            }
            other => unreachable!("{width}x{height}: {other:?}"),
        }
    }
}
