//! Integer-only scaling of one plane: horizontal pass, then vertical.

use crate::kernel::{COEFFICIENT_BITS, Grid, Kernel};
use crate::settings::{RenditionSettings, SourceFormat};

/// Fractional bits kept between the passes; 10-bit samples with overshoot then fit 16 bits.
const BETWEEN_BITS: u32 = 4;

/// A stored sample: `u8`, or `u16` for 10 bits.
pub trait Sample: rav1e::prelude::Pixel + Default {
    /// Bytes in the raw frame.
    const BYTES: usize;
    /// Reads raw little-endian bytes, limited to `max`.
    fn read(bytes: &[u8], max: i32) -> Self;
    /// As an integer.
    fn value(self) -> i32;
    /// From an integer already in range.
    fn from_value(value: i32) -> Self;
}

impl Sample for u8 {
    const BYTES: usize = 1;
    fn read(bytes: &[u8], _max: i32) -> Self {
        bytes[0]
    }
    fn value(self) -> i32 {
        self.into()
    }
    fn from_value(value: i32) -> Self {
        value as Self
    }
}

impl Sample for u16 {
    const BYTES: usize = 2;
    fn read(bytes: &[u8], max: i32) -> Self {
        Self::from_le_bytes([bytes[0], bytes[1]]).min(max as Self)
    }
    fn value(self) -> i32 {
        self.into()
    }
    fn from_value(value: i32) -> Self {
        value as Self
    }
}

/// Scales the planes of one source format to one rendition.
pub struct Scaler {
    source: [(usize, usize); 3],
    kernels: [(Kernel, Kernel); 2],
    max: i32,
}

impl Scaler {
    /// Computes the coefficients; both arguments must be valid.
    pub fn new(source: &SourceFormat, rendition: &RenditionSettings) -> Self {
        let (from, to) = (source.planes(), rendition.planes());
        let widths = (source.width, rendition.width);
        let heights = (source.height, rendition.height);
        let pair = |plane: usize, grid| {
            (
                Kernel::new(from[plane].0, to[plane].0, widths, grid),
                Kernel::new(from[plane].1, to[plane].1, heights, Grid::Centred),
            )
        };
        Self {
            source: from,
            kernels: [pair(0, Grid::Centred), pair(1, Grid::Left)],
            max: (1 << source.bit_depth) - 1,
        }
    }

    /// Scales plane `plane` (0 luma, 1 and 2 chroma) of raw samples and gives each finished row to `row`.
    pub fn plane<T: Sample>(&self, raw: &[u8], plane: usize, mut row: impl FnMut(usize, &[T])) {
        let (width, height) = self.source[plane];
        let (across, down) = &self.kernels[usize::from(plane > 0)];
        let read = |y: usize, out: &mut Vec<T>| {
            let bytes = &raw[y * width * T::BYTES..(y + 1) * width * T::BYTES];
            out.clear();
            out.extend(bytes.chunks_exact(T::BYTES).map(|b| T::read(b, self.max)));
        };
        let mut line = Vec::with_capacity(width);
        if across.identity && down.identity {
            for y in 0..height {
                read(y, &mut line);
                row(y, &line);
            }
            return;
        }
        let out_width = across.first.len();
        let mut between = vec![0i32; out_width * height];
        for (y, out) in between.chunks_exact_mut(out_width).enumerate() {
            read(y, &mut line);
            horizontal(&line, across, out);
        }
        let mut sums = vec![0i32; out_width];
        let mut finished = vec![T::default(); out_width];
        for (y, coefficients) in down.coefficients.chunks_exact(down.taps).enumerate() {
            vertical(
                &between[down.first[y] * out_width..],
                coefficients,
                &mut sums,
            );
            for (out, &sum) in finished.iter_mut().zip(&sums) {
                const SHIFT: u32 = COEFFICIENT_BITS + BETWEEN_BITS;
                *out = T::from_value(((sum + (1 << (SHIFT - 1))) >> SHIFT).clamp(0, self.max));
            }
            row(y, &finished);
        }
    }
}

fn horizontal<T: Sample>(line: &[T], kernel: &Kernel, out: &mut [i32]) {
    const SHIFT: u32 = COEFFICIENT_BITS - BETWEEN_BITS;
    let windows = kernel.coefficients.chunks_exact(kernel.taps);
    for ((out, &first), window) in out.iter_mut().zip(&kernel.first).zip(windows) {
        let samples = &line[first..first + kernel.taps];
        let sum: i32 = samples.iter().zip(window).map(|(s, c)| s.value() * c).sum();
        *out = (sum + (1 << (SHIFT - 1))) >> SHIFT;
    }
}

fn vertical(rows: &[i32], coefficients: &[i32], sums: &mut [i32]) {
    sums.fill(0);
    for (row, &c) in rows.chunks_exact(sums.len()).zip(coefficients) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += value * c;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u16, height: u16, bit_depth: u8) -> SourceFormat {
        SourceFormat {
            width,
            height,
            bit_depth,
            full_range: false,
            colour: [2; 3],
            fps_num: 30,
            fps_den: 1,
        }
    }

    fn size(width: u16, height: u16) -> RenditionSettings {
        RenditionSettings {
            width,
            height,
            ..RenditionSettings::default()
        }
    }

    fn scale<T: Sample>(
        raw: &[u8],
        plane: usize,
        from: SourceFormat,
        to: RenditionSettings,
    ) -> Vec<i32> {
        let mut out = Vec::new();
        Scaler::new(&from, &to).plane(raw, plane, |_, row: &[T]| {
            out.extend(row.iter().map(|s| s.value()))
        });
        out
    }

    #[test]
    fn flat_stays_flat_and_ten_bits_do_not_overflow() {
        for value in [0u8, 1, 127, 255] {
            let out = scale::<u8>(&[value; 64 * 48], 0, format(64, 48, 8), size(37, 91));
            assert!(out.iter().all(|&v| v == i32::from(value)));
        }
        let checker: Vec<u8> = (0..64 * 48)
            .flat_map(|i: u32| (1023 * (i % 2) as u16).to_le_bytes())
            .collect();
        for to in [size(64, 48), size(640, 480), size(16, 16), size(63, 47)] {
            let out = scale::<u16>(&checker, 0, format(64, 48, 10), to);
            assert!(out.iter().all(|v| (0..=1023).contains(v)));
        }
    }

    /// The separable integer scaler stays within one step of a direct evaluation in floating point.
    #[test]
    fn agrees_with_a_naive_reference() {
        let raw: Vec<u8> = (0..96 * 64u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for (dw, dh) in [(48, 32), (31, 77), (96, 20), (200, 64)] {
            let out = scale::<u8>(&raw, 0, format(96, 64, 8), size(dw, dh));
            for y in 0..usize::from(dh) {
                for x in 0..usize::from(dw) {
                    let expected = naive(&raw, 96, 64, usize::from(dw), usize::from(dh), x, y);
                    let found = f64::from(out[y * usize::from(dw) + x]);
                    assert!(
                        (found - expected).abs() <= 1.0,
                        "{x},{y} of {dw}x{dh}: {found} against {expected}"
                    );
                }
            }
        }
    }

    fn naive(raw: &[u8], sw: usize, sh: usize, dw: usize, dh: usize, x: usize, y: usize) -> f64 {
        let weights = |i: usize, s: usize, d: usize| {
            let (ratio, mut out) = (s as f64 / d as f64, Vec::new());
            let centre = (i as f64 + 0.5) * ratio - 0.5;
            let reach = ratio.max(1.0);
            for j in (centre - 2.0 * reach).floor() as i64..=(centre + 2.0 * reach).ceil() as i64 {
                let t = ((j as f64 - centre) / reach).abs();
                let w = if t < 1.0 {
                    1.5 * t * t * t - 2.5 * t * t + 1.0
                } else if t < 2.0 {
                    -0.5 * t * t * t + 2.5 * t * t - 4.0 * t + 2.0
                } else {
                    0.0
                };
                out.push((j.clamp(0, s as i64 - 1) as usize, w));
            }
            let sum: f64 = out.iter().map(|(_, w)| w).sum();
            out.into_iter()
                .map(move |(j, w)| (j, w / sum))
                .collect::<Vec<_>>()
        };
        let (across, down) = (weights(x, sw, dw), weights(y, sh, dh));
        let value: f64 = down
            .iter()
            .map(|(v, b)| {
                b * across
                    .iter()
                    .map(|(u, a)| a * f64::from(raw[v * sw + u]))
                    .sum::<f64>()
            })
            .sum();
        value.clamp(0.0, 255.0)
    }

    /// A left-sited chroma ramp keeps its phase: output sample i of a halved picture is source sample 2i + 1/4.
    #[test]
    fn left_sited_chroma_keeps_its_phase() {
        let ramp: Vec<u8> = (0..16).flat_map(|_| (0..32u8).map(|x| 4 * x)).collect();
        let out = scale::<u8>(&ramp, 1, format(64, 32, 8), size(32, 16));
        // 4 · (2·6 + 1/4) = 49; a centred grid would give 4 · (2·6 + 1/2) = 50.
        assert_eq!(out[6], 49);
    }
}
