//! The chart of `assay bench chunk-length`: bits against the cost of sampling, one point for each length.

use std::fmt::Write;

use assay_encoder::bench::chunk_length::Report;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
/// Room for labels: left, right, top, bottom.
const MARGIN: (f64, f64, f64, f64) = (70.0, 40.0, 50.0, 60.0);
const STEPS: u32 = 5;

/// The chart as SVG. Sampling costs grow to the right, bits upwards; the nearer to the corner, the better.
pub fn chunk_length(report: &Report) -> String {
    let lines = [
        (
            "#1f77b4",
            "one check in so many leaves",
            points(report, |r| r.per_leaf_percent),
        ),
        (
            "#d62728",
            "as many checks for each second of video",
            points(report, |r| r.per_second_percent),
        ),
    ];
    let most = |of: fn(&(f64, f64, f64)) -> f64| {
        let all = lines.iter().flat_map(|l| &l.2).map(of);
        rounded_up(all.fold(0.0, f64::max))
    };
    let (right, top) = (most(|p| p.0), most(|p| p.1));
    let mut svg = String::new();
    // Writing to a string does not fail.
    let _ = write_chart(&mut svg, report, &lines, right, top);
    svg
}

/// Sampling cost, bits, seconds of the chunk.
type Points = Vec<(f64, f64, f64)>;

fn points(report: &Report, cost: fn(&assay_encoder::bench::chunk_length::Row) -> f64) -> Points {
    let rows = report.rows.iter();
    rows.map(|r| (cost(r), r.bits_percent.max(0.0), r.seconds))
        .collect()
}

fn write_chart(
    svg: &mut String,
    report: &Report,
    lines: &[(&str, &str, Points)],
    most_x: f64,
    most_y: f64,
) -> std::fmt::Result {
    let (left, right, top, bottom) = MARGIN;
    let (right, bottom) = (WIDTH - right, HEIGHT - bottom);
    let x = |value: f64| left + (right - left) * value / most_x;
    let y = |value: f64| bottom - (bottom - top) * value / most_y;
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(
        svg,
        r#"<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>"#
    )?;
    writeln!(
        svg,
        r#"<text x="{left}" y="24" font-size="15">Bits against sampling, {}x{}, speed {}, segments of {} s</text>"#,
        report.width, report.height, report.speed, report.segment_seconds
    )?;
    for step in 0..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        let (across, up) = (x(most_x * part), y(most_y * part));
        writeln!(
            svg,
            r##"<path d="M{left} {up:.1}H{right}M{across:.1} {top}V{bottom}" stroke="#ddd"/>"##
        )?;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{:.0} %</text>"#,
            left - 6.0,
            up + 4.0,
            most_y * part
        )?;
        writeln!(
            svg,
            r#"<text x="{across:.1}" y="{:.1}" text-anchor="middle">{:.0} %</text>"#,
            bottom + 18.0,
            most_x * part
        )?;
    }
    writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">CPU time of all checks, percent of the encoding</text>"#,
        (left + right) / 2.0,
        bottom + 42.0
    )?;
    writeln!(
        svg,
        r#"<text x="{left}" y="{:.1}">more bits than the longest chunk at equal PSNR</text>"#,
        top - 8.0
    )?;
    for (number, (colour, name, points)) in lines.iter().enumerate() {
        let path: Vec<_> = points
            .iter()
            .map(|(cost, bits, _)| format!("{:.1},{:.1}", x(*cost), y(*bits)))
            .collect();
        writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        )?;
        for (cost, bits, seconds) in points {
            let (across, up) = (x(*cost), y(*bits));
            writeln!(
                svg,
                r#"<circle cx="{across:.1}" cy="{up:.1}" r="4" fill="{colour}"/>"#
            )?;
            writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" fill="{colour}">{seconds} s</text>"#,
                across + 7.0,
                up - 6.0
            )?;
        }
        let row = top + 16.0 + 18.0 * number as f64;
        writeln!(
            svg,
            r#"<text x="{:.1}" y="{row:.1}" text-anchor="end" fill="{colour}">{name}</text>"#,
            right - 6.0
        )?;
    }
    writeln!(svg, "</svg>")
}

/// The next of 1, 2, 5, 10, 20, … times a whole number of steps.
fn rounded_up(value: f64) -> f64 {
    let value = value.max(1e-9);
    let unit = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    unit * steps
        .into_iter()
        .find(|s| s * unit >= value)
        .unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::rounded_up;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, expected) in [(6.3, 10.0), (0.4, 0.5), (12.0, 20.0), (100.0, 100.0)] {
            assert!((rounded_up(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
