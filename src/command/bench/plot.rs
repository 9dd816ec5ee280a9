//! The chart of `assay bench chunk-length`: bits against the cost of sampling, one point for each length.

use assay_encoder::bench::chunk_length::{Report, Row};
use assay_testnet::chart::{Chart, Line};

/// The chart as SVG. Sampling costs grow to the right, bits upwards; the nearer to the corner, the better.
pub fn chunk_length(report: &Report) -> String {
    let line = |name: &str, cost: fn(&Row) -> f64| Line {
        name: name.into(),
        points: report
            .rows
            .iter()
            .map(|r| (cost(r), r.bits_percent.max(0.0)))
            .collect(),
        labels: report
            .rows
            .iter()
            .map(|r| format!("{} s", r.seconds))
            .collect(),
        marked: false,
    };
    let title = format!(
        "Percent more bits than the longest chunk at equal PSNR; {}x{}, speed {}, segments of {} s",
        report.width, report.height, report.speed, report.segment_seconds
    );
    Chart {
        title: &title,
        x: "CPU time of all checks, percent of the encoding",
        lines: vec![
            line("a check for so many leaves", |r| r.per_leaf_percent),
            line("a check for so many seconds", |r| r.per_second_percent),
        ],
    }
    .svg()
}
