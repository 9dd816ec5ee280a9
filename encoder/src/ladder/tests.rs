use super::*;

fn source(width: u16, height: u16, fps: (u32, u32)) -> SourceFormat {
    SourceFormat {
        width,
        height,
        bit_depth: 8,
        full_range: false,
        colour: [2; 3],
        fps_num: fps.0,
        fps_den: fps.1,
    }
}

#[test]
fn every_preset_applies_to_every_common_source() {
    assert!(names().len() >= 10);
    for name in names() {
        let ladder = Ladder::load(name).unwrap();
        assert_eq!(Ladder::parse(&ladder.to_toml()).unwrap(), ladder);
        for (w, h) in [
            (1920, 1080),
            (1280, 720),
            (640, 360),
            (160, 90),
            (1080, 1920),
            (641, 359),
        ] {
            for fps in [
                (24, 1),
                (30_000, 1_001),
                (60, 1),
                (60_000, 1_001),
                (10, 1),
                (144, 1),
            ] {
                let profiles = ladder
                    .profiles(source(w, h, fps), (w.into(), h.into()))
                    .unwrap();
                for r in &profiles.renditions {
                    assert!(r.width <= w && r.height <= h, "{name} {w}x{h}: {r:?}");
                }
            }
        }
    }
}

#[test]
fn a_chunk_of_more_frames_than_memory_holds_is_refused() {
    let ladder = |ms| Ladder::alike(&[360], 10, 100, Duration::from_millis(ms)).unwrap();
    let of = |ms| ladder(ms).profiles(source(3840, 2160, (60, 1)), (3840, 2160));
    assert!(of(2000).is_ok());
    let error = of(3000).unwrap_err().to_string();
    assert!(
        error.contains("180 frames") && error.contains("at most 2147483648"),
        "{error}"
    );
}

#[test]
fn sizes_keep_the_aspect_ratio_and_larger_ones_are_left_out() {
    let ladder = Ladder::preset("ladder-1080p").unwrap();
    let sizes = |w, h| -> Vec<(u16, u16)> {
        let profiles = ladder
            .profiles(source(w, h, (30, 1)), (w.into(), h.into()))
            .unwrap();
        profiles
            .renditions
            .iter()
            .map(|r| (r.width, r.height))
            .collect()
    };
    let all = [
        (1920, 1080),
        (1280, 720),
        (854, 480),
        (640, 360),
        (426, 240),
        (256, 144),
    ];
    assert_eq!(sizes(1920, 1080), all);
    assert_eq!(sizes(1000, 480)[0], (1000, 480));
    assert_eq!(sizes(360, 640), [(360, 640), (240, 426), (144, 256)]);
    assert_eq!(sizes(101, 67), [(101, 67)]);
}

#[test]
fn a_ladder_that_shrinks_leaves_none_out_and_chunks_may_be_counted_in_frames() {
    let ladder = Ladder::preset("demo").unwrap();
    let sizes = |w, h, fps| -> Vec<(u16, u16)> {
        let profiles = ladder
            .profiles(source(w, h, (fps, 1)), (w.into(), h.into()))
            .unwrap();
        assert_eq!(profiles.chunk_frames, 15, "{fps}");
        let renditions = profiles.renditions.iter();
        renditions.map(|r| (r.width, r.height)).collect()
    };
    assert_eq!(sizes(1280, 720, 25), [(640, 360), (320, 180)]);
    assert_eq!(sizes(640, 360, 30), [(640, 360), (320, 180)]);
    assert_eq!(sizes(480, 270, 50), [(480, 270), (238, 134)]);
    assert_eq!(sizes(128, 72, 10), [(128, 72), (64, 36)]);
    assert_eq!(sizes(90, 160, 10), [(90, 160), (44, 78)]);
    assert_eq!(sizes(101, 67, 25), [(101, 67), (48, 32)]);
    assert_eq!(sizes(64, 18, 25), [(64, 18), (56, 16)]);
    assert_eq!(sizes(16, 16, 25), [(16, 16), (16, 16)]);
    let wide = "chunk_frames = 2\nshrink = true\n[[rendition]]\nheight = 64\nwidth = 100\n";
    let profiles = Ladder::parse(wide).unwrap();
    let profiles = profiles.profiles(source(64, 32, (25, 1)), (64, 32));
    let first = profiles.unwrap().renditions[0];
    assert_eq!((first.width, first.height), (50, 32));
}

#[test]
fn frame_rates_are_limited_by_whole_steps() {
    let text = "chunk_ms = 1000\n[[rendition]]\nheight = 96\n[[rendition]]\nheight = 64\nmax_fps = 30\n\
                [[rendition]]\nheight = 32\nmax_fps = 15\nbitrate_kbps = 80\n";
    let ladder = Ladder::parse(text).unwrap();
    let found = |fps| {
        let profiles = ladder.profiles(source(128, 96, fps), (128, 96)).unwrap();
        let steps: Vec<u8> = profiles.renditions.iter().map(|r| r.frame_step).collect();
        (steps, profiles.chunk_frames)
    };
    assert_eq!(found((30, 1)), (vec![1, 1, 2], 30));
    assert_eq!(found((60_000, 1_001)), (vec![1, 2, 4], 60));
    assert_eq!(found((25, 1)), (vec![1, 1, 2], 26));
    assert_eq!(found((50, 1)), (vec![1, 2, 4], 52));
    assert_eq!(found((75, 1)), (vec![1, 3, 5], 75));
    // Hardly above, and more than that.
    assert_eq!(found((30_030, 1_000)), (vec![1, 1, 2], 30));
    assert_eq!(found((61_200, 1_000)), (vec![1, 2, 4], 64));
    assert_eq!(found((30_601, 1_000)), (vec![1, 2, 3], 36));
    let last = ladder
        .profiles(source(128, 96, (30, 1)), (128, 96))
        .unwrap()
        .renditions[2];
    assert_eq!((last.bitrate_kbps, last.quantizer), (80, 255));
}

#[test]
fn mistakes_are_named() {
    let error = |text: &str| Ladder::parse(text).unwrap_err().to_string();
    let with = |line: &str| {
        error(&format!(
            "chunk_ms = 1000\n[[rendition]]\nheight = 144\n{line}"
        ))
    };
    assert!(with("spede = 3").contains("spede"));
    assert_eq!(
        with("speed = 11"),
        "rendition 1: speed is 11, expected 0 to 10"
    );
    assert!(with("quantizer = 0").contains("quantizer is 0"));
    assert!(with("quantizer = 256").contains("256"));
    assert!(with("bitrate_kbps = 0").contains("bitrate_kbps is 0"));
    assert!(with("tile_cols = 3").contains("tile_cols is 3, expected 1, 2, 4"));
    assert!(with("max_fps = 0").contains("max_fps is 0"));
    assert!(with("width = 8").contains("width is 8"));
    assert!(error("chunk_ms = 0\n[[rendition]]\nheight = 16").contains("chunk_ms is 0"));
    for lengths in ["", "chunk_ms = 500\nchunk_frames = 15\n"] {
        let text = error(&format!("{lengths}[[rendition]]\nheight = 16"));
        assert!(text.contains("not both"), "{text}");
    }
    let none = error("chunk_frames = 0\n[[rendition]]\nheight = 16");
    assert_eq!(none, "chunk_frames is 0, expected 1 to 3600");
    assert!(error("chunk_ms = 5\nrendition = []").contains("number of renditions is 0"));
    let missing = Ladder::load("8k").unwrap_err().to_string();
    assert!(
        missing.contains("profile 8k") && missing.contains("720p"),
        "{missing}"
    );
    let large = Ladder::preset("144p")
        .unwrap()
        .profiles(source(7680, 4320, (30, 1)), (7680, 4320));
    assert!(large.unwrap_err().to_string().contains("within 16 times"));
}

#[test]
fn renditions_have_square_pixels() {
    let ladder = Ladder::preset("ladder-1080p").unwrap();
    let sizes = |source: SourceFormat, shown| -> Vec<(u16, u16)> {
        let renditions = ladder.profiles(source, shown).unwrap().renditions;
        renditions.iter().map(|r| (r.width, r.height)).collect()
    };
    // HDV: 1440 columns, seen as 1920.
    let hdv = sizes(source(1440, 1080, (25, 1)), (1920, 1080));
    assert_eq!(hdv, sizes(source(1920, 1080, (25, 1)), (1920, 1080)));
    // PAL, 16:9 on its side: what is left out depends on the shorter side as it is seen.
    let upright = sizes(source(720, 576, (25, 1)), (404, 576));
    assert_eq!(upright[0], (360, 514));
    // Smaller than every rendition: once, at the size at which it is seen.
    assert_eq!(sizes(source(64, 48, (25, 1)), (86, 48)), [(86, 48)]);
}

#[test]
fn no_more_tiles_are_asked_for_than_there_are() {
    let tiles = |cols: u16, rows: u16, (w, h): (u16, u16)| {
        let text = format!(
            "chunk_ms = 1000\n[[rendition]]\nheight = {}\ntile_cols = {cols}\ntile_rows = {rows}\n",
            h.min(w)
        );
        let profiles = Ladder::parse(&text).unwrap();
        let profiles = profiles.profiles(source(w, h, (30, 1)), (w.into(), h.into()));
        let rendition = profiles.unwrap().renditions[0];
        assert_eq!((rendition.width, rendition.height), (w, h));
        (1 << rendition.tile_cols_log2, 1 << rendition.tile_rows_log2)
    };
    assert_eq!(tiles(64, 64, (16, 16)), (1, 1));
    assert_eq!(tiles(64, 64, (128, 72)), (2, 2));
    assert_eq!(tiles(64, 64, (72, 129)), (2, 4));
    // Fewer remain what they are.
    assert_eq!(tiles(2, 1, (1920, 1080)), (2, 1));
    assert_eq!(tiles(4, 2, (192, 108)), (4, 2));
    assert_eq!(tiles(64, 64, (4096, 2160)), (64, 64));
}
