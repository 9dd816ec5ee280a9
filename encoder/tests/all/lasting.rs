//! How long the last frame is shown, by what containers say.

use std::time::Duration;

use crate::support::{ffmpeg, worker};
use assay_encoder::{Segmenter, probe};

#[tokio::test]
async fn a_duration_is_believed_where_all_others_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("made.mp4");
    let x264 = "-c:v libx264 -preset ultrafast -bf 0 -g 150 -pix_fmt yuv420p";
    let picture = "testsrc2=size=64x64:rate=30:duration=10";
    ffmpeg(&format!("-f lavfi -i {picture} {x264}"), &made);
    // So short that the average is still the nominal rate.
    let long = "if(eq(N\\,299)\\,0.15/TB\\,DURATION)";
    // Of the last two only FFmpeg's guess is known.
    for (name, duration, lasts) in [
        ("plain.mp4", "DURATION", 1.0 / 30.0),
        ("long.mp4", long, 0.15),
        ("long.ts", long, 1.0 / 30.0),
        ("long.mkv", long, 1.0 / 30.0),
    ] {
        let path = dir.path().join(name);
        let copied = format!(
            "-i {} -c copy -bsf:v setts=duration={duration}",
            made.display()
        );
        ffmpeg(&copied, &path);
        let found = probe(&path, &worker()).await.unwrap();
        let cut = Segmenter::new(&path.with_extension("cut"), Duration::from_secs(2));
        let segments = cut.cut(&found, &worker()).await.unwrap();
        let (last, others) = segments.split_last().unwrap();
        let end = (last.start + last.duration - segments[0].start).as_secs_f64();
        assert!(
            (end - 299.0 / 30.0 - lasts).abs() < 0.003,
            "{name}: {last:?}"
        );
        let times = if lasts > 0.1 { last.frames } else { 0 };
        assert_eq!(last.times.len(), times as usize, "{name}");
        assert!(others.iter().all(|segment| segment.times.is_empty()));
    }
}
