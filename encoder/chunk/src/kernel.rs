//! Resampling coefficients, in integers only.
//!
//! With S source and D output samples, output sample i lies at source position
//! `((2i + 1)·S − D) / 2D` on a centred grid and `(4i·S + S − D) / 4D` on the grid of left-sited chroma, whose S and D
//! are the luma sizes. A source sample at distance x has the raw weight of the Catmull-Rom cubic at `t = x / max(1, S/D)`,
//! so the support widens when the picture shrinks: `w(t) = (3t³ − 5t² + 2) / 2` for t < 1,
//! `(−t³ + 5t² − 8t + 4) / 2` for 1 ≤ t < 2, else 0.
//! With t = n/d the numerators over 2d³ are integers. Weights become 14-bit coefficients `round(16384 · w / Σw)`
//! (halves away from zero); what is missing from 16,384 goes to the first largest one. Samples beyond an edge are
//! the edge's.

/// Fractional bits of a coefficient.
pub(crate) const COEFFICIENT_BITS: u32 = 14;
const ONE: i128 = 1 << COEFFICIENT_BITS;

/// Where a plane's samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// Samples in the middle of their cells: luma, and chroma vertically.
    Centred,
    /// Chroma samples on every other luma sample: left-sited chroma, horizontally.
    Left,
}

/// Coefficients of one dimension of one plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// First source sample of each output sample.
    pub(crate) first: Vec<usize>,
    /// Coefficients, `taps` for each output sample.
    pub(crate) coefficients: Vec<i32>,
    /// Coefficients for each output sample.
    pub(crate) taps: usize,
    /// Whether output is input.
    pub(crate) identity: bool,
}

impl Kernel {
    /// For a plane of `from` samples out of `to`, with `luma` = the luma sizes (source, output) that give the ratio.
    pub fn new(from: usize, to: usize, luma: (u16, u16), grid: Grid) -> Self {
        let (s, d) = (i64::from(luma.0), i64::from(luma.1));
        let identity = s == d && from == to;
        // Positions are numerator / unit, in source samples.
        let unit = if grid == Grid::Left { 4 * d } else { 2 * d };
        let position = |i: i64| match grid {
            Grid::Centred => (2 * i + 1) * s - d,
            Grid::Left => 4 * i * s + s - d,
        };
        // t = |unit·j − position| / reach
        let reach = unit / d * s.max(d);
        let taps = (4 * s.max(d) / d + 2) as usize;
        let taps = taps.min(from);
        let mut kernel = Self {
            first: Vec::with_capacity(to),
            coefficients: Vec::with_capacity(to * taps),
            taps,
            identity,
        };
        for i in 0..to as i64 {
            let centre = position(i);
            // All j with |unit·j − centre| < 2·reach.
            let low = (centre - 2 * reach).div_euclid(unit) + 1;
            let high = (centre + 2 * reach - 1).div_euclid(unit);
            let last = from as i64 - 1;
            let start = low.clamp(0, from as i64 - taps as i64);
            let mut weights = vec![0i128; taps];
            for j in low..=high {
                let at = j.clamp(0, last) - start;
                weights[at as usize] += catmull_rom((unit * j - centre).abs(), reach);
            }
            kernel.first.push(start as usize);
            kernel.coefficients.extend(normalise(&weights));
        }
        kernel
    }
}

/// The cubic at t = n/d, times 2d³.
fn catmull_rom(n: i64, d: i64) -> i128 {
    let (n, d) = (i128::from(n), i128::from(d));
    if n < d {
        3 * n * n * n - 5 * n * n * d + 2 * d * d * d
    } else if n < 2 * d {
        -n * n * n + 5 * n * n * d - 8 * n * d * d + 4 * d * d * d
    } else {
        0
    }
}

fn normalise(weights: &[i128]) -> Vec<i32> {
    let sum: i128 = weights.iter().sum();
    let mut coefficients: Vec<i32> = weights
        .iter()
        .map(|&w| {
            let rounded = (2 * ONE * w.abs() + sum) / (2 * sum);
            (if w < 0 { -rounded } else { rounded }) as i32
        })
        .collect();
    let missing = ONE as i32 - coefficients.iter().sum::<i32>();
    let mut largest = 0;
    for (i, &w) in weights.iter().enumerate() {
        if w > weights[largest] {
            largest = i;
        }
    }
    coefficients[largest] += missing;
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_sum_to_one_and_windows_fit() {
        for (s, d) in [
            (16usize, 16usize),
            (640, 320),
            (320, 640),
            (1920, 854),
            (641, 319),
            (16, 256),
            (256, 16),
            (17, 16),
        ] {
            for grid in [Grid::Centred, Grid::Left] {
                for (from, to) in [(s, d), (s.div_ceil(2), d.div_ceil(2))] {
                    let k = Kernel::new(from, to, (s as u16, d as u16), grid);
                    assert_eq!(k.first.len(), to);
                    for (i, c) in k.coefficients.chunks(k.taps).enumerate() {
                        assert_eq!(c.iter().sum::<i32>(), ONE as i32, "{s} to {d}, sample {i}");
                        assert!(k.first[i] + k.taps <= from);
                        assert!(c.iter().map(|c| c.abs()).sum::<i32>() < 2 * ONE as i32);
                    }
                }
            }
        }
    }

    #[test]
    fn equal_sizes_give_the_identity() {
        for grid in [Grid::Centred, Grid::Left] {
            let k = Kernel::new(40, 40, (40, 40), grid);
            for (i, c) in k.coefficients.chunks(k.taps).enumerate() {
                let at = i - k.first[i];
                assert!(
                    c.iter()
                        .enumerate()
                        .all(|(j, &c)| c == if j == at { ONE as i32 } else { 0 })
                );
            }
        }
    }

    /// Doubling has the textbook weights of t = 1/4, 3/4, 5/4, 7/4.
    #[test]
    fn doubling_has_known_weights() {
        let k = Kernel::new(32, 64, (32, 64), Grid::Centred);
        let i = 21; // position 10.25
        let window = &k.coefficients[i * k.taps..(i + 1) * k.taps];
        let from = 9 - k.first[i];
        assert_eq!(window[from..from + 4], [-1152, 14208, 3712, -384]);
    }
}
