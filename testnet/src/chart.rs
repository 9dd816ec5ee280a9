//! Line charts as SVG, written by hand: axes, lines, dots and a legend are all that is needed, and a plotting crate would
//! bring fonts and rasterisers for them.

use std::fmt::Write;

/// Size of a chart, pixels.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// Room for the labels.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Lines across.
const STEPS: u32 = 5;

/// One line of a chart.
#[derive(Clone, Debug)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Where it goes through: none is negative.
    pub points: Vec<(f64, f64)>,
    /// What is written at its points, each with a dot then.
    pub labels: Vec<String>,
    /// Drawn thick and red.
    pub marked: bool,
}

/// A chart of lines over the same axes, which begin at 0.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// Above it.
    pub title: &'a str,
    /// Under the x axis.
    pub x: &'a str,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Chart<'_> {
    /// The whole file.
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|l| l.points.iter());
        let right = points().map(|p| p.0).fold(0.0, f64::max);
        let top = points().map(|p| p.1).fold(0.0, f64::max);
        let mut svg = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut svg, right.max(f64::MIN_POSITIVE), rounded_up(top));
        svg
    }

    fn write(&self, svg: &mut String, most: f64, top: f64) -> std::fmt::Result {
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
            r#"<text x="{LEFT}" y="24" font-size="16">{}</text>"#,
            escaped(self.title)
        )?;
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let x = |at: f64| LEFT + (right - LEFT) * at / most;
        let y = |value: f64| bottom - (bottom - TOP) * value / top;
        for step in 0..=STEPS {
            let value = top * f64::from(step) / f64::from(STEPS);
            let at = y(value);
            writeln!(
                svg,
                r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#ddd"/>"##
            )?;
            writeln!(
                svg,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 6.0,
                at + 4.0,
                short(value)
            )?;
            let value = most * f64::from(step) / f64::from(STEPS);
            writeln!(
                svg,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
                x(value),
                bottom + 18.0,
                short(value)
            )?;
        }
        writeln!(
            svg,
            r#"<text x="{}" y="{}" text-anchor="middle">{}</text>"#,
            (LEFT + right) / 2.0,
            bottom + 38.0,
            escaped(self.x)
        )?;
        // The marked ones last, so that nothing covers them.
        let mut order: Vec<_> = self.lines.iter().enumerate().collect();
        order.sort_by_key(|(_, line)| line.marked);
        for (number, line) in order {
            let (colour, width) = self.pen(number, line);
            let path: Vec<_> = line
                .points
                .iter()
                .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
                .collect();
            writeln!(
                svg,
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#,
                path.join(" ")
            )?;
            for ((at, value), label) in line.points.iter().zip(&line.labels) {
                let (at, value) = (x(*at), y(*value));
                writeln!(
                    svg,
                    r#"<circle cx="{at:.1}" cy="{value:.1}" r="4" fill="{colour}"/><text x="{:.1}" y="{:.1}">{}</text>"#,
                    at + 7.0,
                    value - 6.0,
                    escaped(label)
                )?;
            }
            let row = TOP + 18.0 * number as f64;
            writeln!(
                svg,
                r#"<path d="M{} {row}h18" stroke="{colour}" stroke-width="{width}"/>"#,
                right + 12.0
            )?;
            writeln!(
                svg,
                r#"<text x="{}" y="{}">{}</text>"#,
                right + 36.0,
                row + 4.0,
                escaped(&line.name)
            )?;
        }
        writeln!(svg, "</svg>")
    }

    fn pen(&self, number: usize, line: &Line) -> (String, f64) {
        if line.marked {
            return ("#d00".into(), 2.5);
        }
        // Hues around the circle without red, which is the marked line's.
        let hue = 40 + 280 * number / self.lines.len().max(1);
        (format!("hsl({hue},55%,45%)"), 1.2)
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn rounded_up(value: f64) -> f64 {
    let mut unit = 1e-9;
    while unit * 10.0 < value {
        unit *= 10.0;
    }
    [1.0, 2.0, 5.0]
        .iter()
        .map(|m| m * unit)
        .find(|v| *v >= value)
        .unwrap_or(unit * 10.0)
}

fn short(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').into()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_its_lines_inside_its_frame() {
        let line = Line {
            name: "a<b".into(),
            points: vec![(0.0, 0.0), (10.0, 3.0), (20.0, 6.0)],
            labels: vec!["1<2".into()],
            marked: true,
        };
        let svg = Chart {
            title: "t",
            x: "round",
            lines: vec![line],
        }
        .svg();
        assert!(
            svg.contains("a&lt;b")
                && svg.contains(">1&lt;2<")
                && svg.contains("stroke-width=\"2.5\"")
        );
        assert!(svg.contains(r#"points="90.0,430.0 450.0,"#), "{svg}");
        assert_eq!(
            (rounded_up(6.0), rounded_up(0.3), rounded_up(10.0)),
            (10.0, 0.5, 10.0)
        );
    }
}
