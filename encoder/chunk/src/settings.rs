//! Settings that change output bits; threads, SIMD level and the like never appear here.

use crate::colour;
use crate::error::ChunkError;

/// Largest ratio between source and rendition, per dimension, either way.
///
/// Bounds the kernel's support (4 · 16 taps) so that 14-bit coefficients stay meaningful.
pub const MAX_SCALE: u16 = 16;

/// Most frames a second, and most seconds that a frame may last.
///
/// rav1e panics where so many frames a second need more tiles than a picture has blocks.
const MAX_FPS: u64 = 1_000;

/// What the frames given to the encoder look like: planar 4:2:0, left-sited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFormat {
    /// Luma samples in a row, 16 to 65,535.
    pub width: u16,
    /// Rows, 16 to 65,535.
    pub height: u16,
    /// 8 (a byte a sample) or 10 (two bytes, little-endian; values above 1,023 are read as 1,023).
    pub bit_depth: u8,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// CICP code points of primaries, transfer and matrix; 2 is unspecified.
    pub colour: [u8; 3],
    /// Frames per second, numerator; the fraction is 1/1000 to 1000.
    pub fps_num: u32,
    /// Frames per second, denominator.
    pub fps_den: u32,
}

/// One rendition of that source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenditionSettings {
    /// Luma samples in a row, 16 to 65,535.
    pub width: u16,
    /// Rows, 16 to 65,535.
    pub height: u16,
    /// rav1e speed preset, 0 to 10.
    pub speed: u8,
    /// Base quantizer index, 1 to 255; with a bitrate the worst that the rate controller may choose.
    pub quantizer: u8,
    /// Low-latency mode: no frame reordering. Costs about a quarter more bits.
    pub low_latency: bool,
    /// Log2 of tile columns, 0 to 6.
    pub tile_cols_log2: u8,
    /// Log2 of tile rows, 0 to 6.
    pub tile_rows_log2: u8,
    /// Bitrate aimed at, in kbit/s, by a rate controller that begins anew in each chunk; 0 keeps the quantizer constant.
    pub bitrate_kbps: u16,
    /// Encodes every n-th of the chunk's frames, from the first on: 1 to 255.
    pub frame_step: u8,
}

impl Default for RenditionSettings {
    /// 360p at rav1e's default quantizer and the fastest speed, with frame reordering.
    fn default() -> Self {
        Self {
            width: 640,
            height: 360,
            speed: 10,
            quantizer: 100,
            low_latency: false,
            tile_cols_log2: 0,
            tile_rows_log2: 0,
            bitrate_kbps: 0,
            frame_step: 1,
        }
    }
}

fn range(
    field: &'static str,
    found: impl Into<u64>,
    ok: bool,
    expected: &'static str,
) -> Result<(), ChunkError> {
    if ok {
        Ok(())
    } else {
        Err(ChunkError::Setting {
            field,
            found: found.into(),
            expected,
        })
    }
}

impl SourceFormat {
    /// Bytes of one sample.
    pub fn sample_bytes(&self) -> usize {
        if self.bit_depth > 8 { 2 } else { 1 }
    }

    /// Samples of the three planes: width, height each.
    pub fn planes(&self) -> [(usize, usize); 3] {
        planes(self.width, self.height)
    }

    /// Bytes of one raw frame.
    pub fn frame_bytes(&self) -> usize {
        self.planes().iter().map(|(w, h)| w * h).sum::<usize>() * self.sample_bytes()
    }

    /// Checks every field.
    pub fn validate(&self) -> Result<(), ChunkError> {
        range("source width", self.width, self.width >= 16, "16 to 65535")?;
        range(
            "source height",
            self.height,
            self.height >= 16,
            "16 to 65535",
        )?;
        range(
            "bit depth",
            self.bit_depth,
            matches!(self.bit_depth, 8 | 10),
            "8 or 10",
        )?;
        range(
            "frame rate numerator",
            self.fps_num,
            self.fps_num > 0,
            "1 or more",
        )?;
        range(
            "frame rate denominator",
            self.fps_den,
            self.fps_den > 0,
            "1 or more",
        )?;
        let (num, den) = (u64::from(self.fps_num), u64::from(self.fps_den));
        range(
            "frames a second",
            if num > den { num.div_ceil(den) } else { 0 },
            num <= MAX_FPS * den && den <= MAX_FPS * num,
            "1/1000 to 1000",
        )?;
        colour::description(self.colour).map(|_| ())
    }
}

impl RenditionSettings {
    /// Samples of the three planes: width, height each.
    pub fn planes(&self) -> [(usize, usize); 3] {
        planes(self.width, self.height)
    }

    /// Checks every field, and that `source` can be scaled to this size.
    pub fn validate(&self, source: &SourceFormat) -> Result<(), ChunkError> {
        range("width", self.width, self.width >= 16, "16 to 65535")?;
        range("height", self.height, self.height >= 16, "16 to 65535")?;
        range("speed", self.speed, self.speed <= 10, "0 to 10")?;
        range("quantizer", self.quantizer, self.quantizer > 0, "1 to 255")?;
        range(
            "tile columns log2",
            self.tile_cols_log2,
            self.tile_cols_log2 <= 6,
            "0 to 6",
        )?;
        range(
            "tile rows log2",
            self.tile_rows_log2,
            self.tile_rows_log2 <= 6,
            "0 to 6",
        )?;
        range(
            "frame step",
            self.frame_step,
            self.frame_step > 0,
            "1 to 255",
        )?;
        // The encoder takes a frame's duration as a fraction of two 32-bit numbers.
        let duration = u64::from(source.fps_den) * u64::from(self.frame_step);
        range(
            "frame step times frame rate denominator",
            duration,
            u32::try_from(duration).is_ok(),
            "32 bits",
        )?;
        let near =
            |a: u16, b: u16| u32::from(a.max(b)) <= u32::from(MAX_SCALE) * u32::from(a.min(b));
        range(
            "width",
            self.width,
            near(self.width, source.width),
            "within 16 times the source's",
        )?;
        range(
            "height",
            self.height,
            near(self.height, source.height),
            "within 16 times the source's",
        )
    }
}

fn planes(width: u16, height: u16) -> [(usize, usize); 3] {
    let (w, h) = (usize::from(width), usize::from(height));
    let chroma = (w.div_ceil(2), h.div_ceil(2));
    [(w, h), chroma, chroma]
}
