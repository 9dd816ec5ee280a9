//! Resampling coefficients, in integers only.
//!
//! With S source and D output samples, output sample i lies at source position
//! `((2i + 1)·S − D) / 2D` on a centred grid and `(4i·S + S − D) / 4D` on the grid of left-sited chroma, whose S and D
//! are the luma sizes. A source sample at distance x has the raw weight of Keys' cubic at `t = x / max(1, S/D)`,
//! so the support widens when the picture shrinks: `w(t) = (2 − a)t³ − (3 − a)t² + 1` for t < 1,
//! `−a(t³ − 5t² + 8t − 4)` for 1 ≤ t < 2, else 0. The sharpness a is 1/2 (Catmull-Rom) where the picture shrinks and 3/5
//! (FFmpeg's bicubic) where it grows: each is the nearer one to the truth there (`encoder/tests/all/scaler.rs`).
//! With t = n/d the numerators over 10d³ are integers. Weights become 14-bit coefficients `round(16384 · w / Σw)`
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
    /// Coefficients, `taps` for each output sample; each at most 1.5 · 16,384, because the negative ones sum to less
    /// than half.
    pub(crate) coefficients: Vec<i16>,
    /// Coefficients for each output sample: as many as the one that needs most.
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
        let sharpness = if d > s { 6 } else { 5 };
        let widest = ((4 * s.max(d) / d + 2) as usize).min(from);
        let mut windows = Vec::with_capacity(to);
        for i in 0..to as i64 {
            let centre = position(i);
            // All j with |unit·j − centre| < 2·reach.
            let low = (centre - 2 * reach).div_euclid(unit) + 1;
            let high = (centre + 2 * reach - 1).div_euclid(unit);
            let last = from as i64 - 1;
            let start = low.clamp(0, from as i64 - widest as i64);
            let mut weights = vec![0i128; widest];
            for j in low..=high {
                let at = j.clamp(0, last) - start;
                weights[at as usize] += cubic((unit * j - centre).abs(), reach, sharpness);
            }
            windows.push(trimmed(start as usize, &normalise(&weights)));
        }
        let taps = windows.iter().map(|w| w.1.len()).max().unwrap_or(1);
        let mut kernel = Self {
            first: Vec::with_capacity(to),
            coefficients: vec![0; to * taps],
            taps,
            identity,
        };
        for ((at, own), all) in windows
            .into_iter()
            .zip(kernel.coefficients.chunks_exact_mut(taps))
        {
            let first = at.min(from - taps);
            kernel.first.push(first);
            all[at - first..][..own.len()].copy_from_slice(&own);
        }
        kernel
    }
}

/// A window without the zeros at its ends, and where it now begins.
fn trimmed(start: usize, window: &[i16]) -> (usize, Vec<i16>) {
    let used = |c: &i16| *c != 0;
    let from = window.iter().position(used).unwrap_or(0);
    let to = window.iter().rposition(used).unwrap_or(0);
    (start + from, window[from..=to].to_vec())
}

/// The cubic of sharpness a/10 at t = n/d, times 10d³.
fn cubic(n: i64, d: i64, a: i128) -> i128 {
    let (n, d) = (i128::from(n), i128::from(d));
    if n < d {
        (20 - a) * n * n * n - (30 - a) * n * n * d + 10 * d * d * d
    } else if n < 2 * d {
        -a * (n * n * n - 5 * n * n * d + 8 * n * d * d - 4 * d * d * d)
    } else {
        0
    }
}

fn normalise(weights: &[i128]) -> Vec<i16> {
    let sum: i128 = weights.iter().sum();
    let mut coefficients: Vec<i16> = weights
        .iter()
        .map(|&w| {
            let rounded = (2 * ONE * w.abs() + sum) / (2 * sum);
            (if w < 0 { -rounded } else { rounded }) as i16
        })
        .collect();
    let total: i32 = coefficients.iter().map(|&c| i32::from(c)).sum();
    let mut largest = 0;
    for (i, &w) in weights.iter().enumerate() {
        if w > weights[largest] {
            largest = i;
        }
    }
    coefficients[largest] += (ONE as i32 - total) as i16;
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
            (16, 17),
            (16, 18),
            (31, 16),
            (33, 500),
            (1000, 64),
            (65_535, 4_096),
        ] {
            for grid in [Grid::Centred, Grid::Left] {
                for (from, to) in [(s, d), (s.div_ceil(2), d.div_ceil(2))] {
                    let k = Kernel::new(from, to, (s as u16, d as u16), grid);
                    assert_eq!(k.first.len(), to);
                    for (i, c) in k.coefficients.chunks(k.taps).enumerate() {
                        let c = c.iter().map(|&c| i32::from(c));
                        assert_eq!(c.clone().sum::<i32>(), ONE as i32, "{s} to {d}, sample {i}");
                        assert!(k.first[i] + k.taps <= from);
                        assert!(c.map(i32::abs).sum::<i32>() < 2 * ONE as i32);
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
                        .all(|(j, &c)| c == if j == at { ONE as i16 } else { 0 })
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
        // 16,384 times −27/320, 279/320, 77/320, −9/320.
        assert_eq!(window[from..from + 4], [-1382, 14285, 3942, -461]);
    }
}
