//! Integer-only scaling of one plane: horizontal pass, then vertical.

use crate::kernel::{COEFFICIENT_BITS, Grid, Kernel};
use crate::settings::{RenditionSettings, SourceFormat};

/// Fractional bits kept between the passes; 10-bit samples with overshoot then fit 16 bits.
const BETWEEN_BITS: u32 = 4;
/// Samples of a row that are summed at the same time.
const BLOCK: usize = 16;

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
    kernels: [(Across, Kernel); 2],
    max: i32,
}

/// The horizontal kernel, its windows filled up with zeros to a length that compilers unroll.
struct Across {
    kernel: Kernel,
    coefficients: Vec<i16>,
    taps: usize,
}

impl Across {
    /// Lengths for which there is a loop; the longest window, at a ratio of 16, has 66.
    const LENGTHS: [usize; 6] = [8, 12, 16, 24, 40, 72];

    fn new(kernel: Kernel) -> Self {
        let fits = |n: &&usize| **n >= kernel.taps;
        let taps = *Self::LENGTHS.iter().find(fits).unwrap_or(&kernel.taps);
        let mut coefficients = vec![0; kernel.first.len() * taps];
        for (all, own) in coefficients
            .chunks_exact_mut(taps)
            .zip(kernel.coefficients.chunks_exact(kernel.taps))
        {
            all[..own.len()].copy_from_slice(own);
        }
        Self {
            kernel,
            coefficients,
            taps,
        }
    }

    /// One row; `line` goes on with any values for as long as a window may reach beyond it.
    fn row(&self, line: &[i16], out: &mut [i16]) {
        match self.taps {
            8 => self.dots::<8>(line, out),
            12 => self.dots::<12>(line, out),
            16 => self.dots::<16>(line, out),
            24 => self.dots::<24>(line, out),
            40 => self.dots::<40>(line, out),
            _ => self.dots::<72>(line, out),
        }
    }

    fn dots<const N: usize>(&self, line: &[i16], out: &mut [i16]) {
        const SHIFT: u32 = COEFFICIENT_BITS - BETWEEN_BITS;
        let windows = self.coefficients.as_chunks::<N>().0;
        for ((out, &first), window) in out.iter_mut().zip(&self.kernel.first).zip(windows) {
            let Some(samples) = line[first..].first_chunk::<N>() else {
                continue;
            };
            let products = samples.iter().zip(window);
            let sum: i32 = products.map(|(&s, &c)| i32::from(s) * i32::from(c)).sum();
            *out = ((sum + (1 << (SHIFT - 1))) >> SHIFT) as i16;
        }
    }
}

impl Scaler {
    /// Computes the coefficients; both arguments must be valid.
    pub fn new(source: &SourceFormat, rendition: &RenditionSettings) -> Self {
        let (from, to) = (source.planes(), rendition.planes());
        let widths = (source.width, rendition.width);
        let heights = (source.height, rendition.height);
        let pair = |plane: usize, grid| {
            (
                Across::new(Kernel::new(from[plane].0, to[plane].0, widths, grid)),
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
        let rows = raw.chunks_exact(width * T::BYTES).take(height);
        if across.kernel.identity && down.identity {
            let mut line = Vec::with_capacity(width);
            for (y, bytes) in rows.enumerate() {
                line.clear();
                line.extend(bytes.chunks_exact(T::BYTES).map(|b| T::read(b, self.max)));
                row(y, &line);
            }
            return;
        }
        let out_width = across.kernel.first.len();
        // A ring of rows, so that a large picture is not written out between the passes.
        let held = rows_held(down);
        let mut between = vec![0i16; out_width * held];
        let mut line = vec![0i16; width + across.taps];
        let mut rows = rows.enumerate().peekable();
        let mut finished = vec![T::default(); out_width];
        for (y, window) in down.coefficients.chunks_exact(down.taps).enumerate() {
            let needed = down.first[y]..down.first[y] + down.taps;
            while let Some((at, bytes)) = rows.next_if(|(at, _)| *at < needed.end) {
                for (sample, bytes) in line.iter_mut().zip(bytes.chunks_exact(T::BYTES)) {
                    // At most 1,023.
                    *sample = T::read(bytes, self.max).value() as i16;
                }
                across.row(&line, &mut between[at % held * out_width..][..out_width]);
            }
            let (behind, ahead) = between.split_at(needed.start % held * out_width);
            vertical([ahead, behind], window, self.max, &mut finished);
            row(y, &finished);
        }
    }
}

/// Rows from the first that an output row may still need to the last that was read for one before it.
fn rows_held(down: &Kernel) -> usize {
    let (mut read, mut held) = (0, 0);
    for &first in &down.first {
        read = read.max(first + down.taps);
        held = held.max(read - first);
    }
    held
}

/// One finished row out of as many as `window` has coefficients: those of the first part, then of the second.
fn vertical<T: Sample>(rows: [&[i16]; 2], window: &[i16], max: i32, finished: &mut [T]) {
    let width = finished.len();
    let (blocks, rest) = finished.as_chunks_mut::<BLOCK>();
    let done = blocks.len() * BLOCK;
    for (index, block) in blocks.iter_mut().enumerate() {
        *block = column(rows, width, index * BLOCK, window, max);
    }
    for (index, sample) in rest.iter_mut().enumerate() {
        [*sample] = column(rows, width, done + index, window, max);
    }
}

/// `N` neighbouring samples: their sums stay in registers.
#[inline(always)]
fn column<T: Sample, const N: usize>(
    rows: [&[i16]; 2],
    width: usize,
    x: usize,
    window: &[i16],
    max: i32,
) -> [T; N] {
    const SHIFT: u32 = COEFFICIENT_BITS + BETWEEN_BITS;
    let mut sums = [1 << (SHIFT - 1); N];
    let rows = rows.into_iter().flat_map(|part| part.chunks_exact(width));
    for (row, &c) in rows.zip(window) {
        if let Some(values) = row[x..].first_chunk::<N>() {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += i32::from(value) * i32::from(c);
            }
        }
    }
    sums.map(|sum| T::from_value((sum >> SHIFT).clamp(0, max)))
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
            let a = if d > s { 0.6 } else { 0.5 };
            for j in (centre - 2.0 * reach).floor() as i64..=(centre + 2.0 * reach).ceil() as i64 {
                let t = ((j as f64 - centre) / reach).abs();
                let w = if t < 1.0 {
                    (2.0 - a) * t * t * t - (3.0 - a) * t * t + 1.0
                } else if t < 2.0 {
                    -a * (t * t * t - 5.0 * t * t + 8.0 * t - 4.0)
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
