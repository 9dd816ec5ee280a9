//! Measurements, small: that they measure what they say, not what comes out.

use std::path::Path;
use std::time::Duration;

use assay_encoder::Ladder;
use assay_encoder::bench::clip::{Clip, Wanted};
use assay_encoder::bench::path::{Load, same_size, transcode};
use assay_encoder::bench::quality::compare;
use assay_encoder::bench::rivals::CommandLine;
use assay_encoder::bench::{BenchError, bare, chunk_length, cost, memory, verify};

use crate::support;

const HALF: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

fn wanted(height: u16, length: Duration) -> Wanted<'static> {
    Wanted {
        input: None,
        height,
        length,
        segment: SECOND,
    }
}

#[tokio::test]
async fn the_library_alone_makes_the_workers_chunks_and_quality_is_that_of_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    let clip = Clip::make(dir.path(), &wanted(90, 2 * SECOND), &support::worker())
        .await
        .unwrap();
    assert_eq!(
        (clip.frames(), clip.segments.len(), clip.fps()),
        (60, 2, 30.0)
    );
    let profiles = same_size(&clip, clip.frames_in(HALF), 10, 80);
    let workers = support::workers(2).for_measurement();
    let load = Load::filling(2, &clip);
    let made = transcode(&workers, &clip, &profiles, load).await.unwrap();
    let alone = bare::encode(&clip, &profiles, 2).unwrap();
    let leaves = made.segments.iter().flat_map(|s| &s.leaves);
    let hashes: Vec<_> = leaves.map(|leaf| leaf.output_hash).collect();
    assert_eq!((alone.hashes, hashes.len()), (hashes, 4));
    // The workers' time counts: they do all that the library alone does, and more.
    let (with_workers, alone) = (made.usage.cpu_seconds, alone.usage.cpu_seconds);
    assert!(
        alone > 0.0 && with_workers > 0.5 * alone,
        "{with_workers} of {alone}"
    );

    let file = dir.path().join("made.obu");
    made.write(0, &file).unwrap();
    let quality = compare(&file, &clip.raw, 60).await.unwrap();
    assert!(quality.psnr_db > 30.0 && quality.ssim > 0.9, "{quality:?}");
    let exact = compare(&clip.raw, &clip.raw, 60).await.unwrap();
    assert!(exact.psnr_db.is_infinite() && exact.ssim == 1.0);
    let short = compare(&file, &clip.raw, 61).await.unwrap_err();
    assert!(
        short.to_string().contains("60 frames, expected 61"),
        "{short}"
    );
}

#[tokio::test]
async fn checks_memory_and_costs_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let workers = support::workers(2).for_measurement();
    let plan = verify::Plan {
        input: None,
        heights: vec![45, 90],
        speed: 10,
        quantizer: 100,
        chunk: HALF,
        segment: SECOND,
        segments: 1,
        leaves_per_check: 24.0,
    };
    let checks = verify::run(&plan, &workers, dir.path(), |_| {})
        .await
        .unwrap();
    assert_eq!(
        (checks.renditions, checks.leaves),
        (vec![(160, 90), (80, 45)], 4)
    );
    let expected = 100.0 / 24.0 * checks.check_cpu_seconds / checks.encode_cpu_seconds;
    assert!((checks.verify_percent - expected).abs() < 1e-9);
    assert!(checks.top_sample_ratio.median > 0.0);

    let plan = memory::Plan {
        input: None,
        height: 90,
        chunk: HALF,
        in_flight: 2,
        speed: 10,
        quantizer: 100,
    };
    let seen = memory::run(&plan, &workers, dir.path()).await.unwrap();
    assert_eq!((seen.frames, seen.chunk_frames), (60, 15));
    assert!(seen.peak.bound_mib >= seen.peak.together_mib && seen.peak.together_mib > 1.0);
    assert!(seen.peak.by_program["this process"] > 1.0);

    let plan = cost::Plan {
        input: None,
        source_height: 90,
        ladder: Ladder::parse(
            "chunk_ms = 500\n[[rendition]]\nheight = 90\n[[rendition]]\nheight = 45\nmax_fps = 15\nspeed = 9\nquantizer = 150",
        )
        .unwrap(),
        length: SECOND,
        cores: 2,
        prices: cost::Prices::default(),
    };
    let cost = cost::run(&plan, &workers, dir.path(), |_| {})
        .await
        .unwrap();
    let sizes: Vec<_> = cost
        .renditions
        .iter()
        .map(|p| (p.width, p.height))
        .collect();
    assert_eq!(sizes, [(160, 90), (80, 45)]);
    let second = &cost.renditions[1];
    assert_eq!((second.speed, second.quantizer), (9, 150));
    // Of the smaller one every second frame is shown.
    let pixels = (160.0 * 90.0 + 80.0 * 45.0 / 2.0) * cost.ladder.frames_per_second;
    assert!((cost.economy.pixels_per_second / pixels - 1.0).abs() < 1e-9);
    let capacities = cost.renditions.iter().map(|p| &p.capacity);
    for capacity in capacities.chain([&cost.ladder]) {
        assert!(capacity.cpu_seconds_per_frame > 0.0);
        let cores = capacity.streams * capacity.cores_per_stream;
        assert!((cores - 2.0).abs() < 1e-9, "{capacity:?}");
    }
}

#[tokio::test]
#[ignore = "seconds: scripts/nightly.sh"]
async fn shorter_chunks_cost_bits() {
    let dir = tempfile::tempdir().unwrap();
    let plan = chunk_length::Plan {
        input: None,
        height: 90,
        lengths: vec![Duration::from_millis(200), SECOND],
        segments: 1,
        speed: 10,
        quantizers: vec![80, 160],
        leaves_per_check: 24.0,
        cores: 2,
    };
    let workers = support::workers(2).for_measurement();
    let report = chunk_length::run(&plan, &workers, dir.path(), |_| {})
        .await
        .unwrap();
    let [short, long] = report.rows.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((short.frames, long.frames, long.bits_percent), (6, 30, 0.0));
    assert!(short.bits_percent > 5.0, "{short:?}");
}

#[tokio::test]
async fn a_missing_command_line_says_how_to_get_it() {
    for program in ["/nonexistent/rav1e", "/bin/echo"] {
        let error = CommandLine::find(Some(Path::new(program)))
            .await
            .unwrap_err();
        assert!(matches!(error, BenchError::Rav1e { .. }));
        assert!(
            error
                .to_string()
                .contains("cargo install rav1e --version 0.8.1"),
            "{error}"
        );
    }
}
