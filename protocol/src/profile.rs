//! Profiles: every setting that changes output bits, in the bytes that `profilesHash` commits to.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const HEADER: usize = 21;
const RENDITION: usize = 12;
/// Most renditions in a ladder.
pub const MAX_RENDITIONS: usize = 16;
/// Most decoded frames in a segment: 60 s at 60 frames a second.
pub const MAX_FRAMES: u32 = 3_600;
/// Most frames a second, and most seconds that a frame may last: beyond, rav1e's arithmetic is at its end.
pub const MAX_FPS: u32 = 1_000;
/// Most leaves in a receipt, so that it fits one gossip message with its assignment: a leaf takes at most 74 bytes there.
pub const MAX_LEAVES: u32 = 800;

/// What the decoder must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFormat {
    /// Luma samples in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// 8 or 10; chroma is 4:2:0.
    pub bit_depth: u8,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// CICP code points of primaries, transfer, matrix; 2 is unspecified.
    pub colour: [u8; 3],
    /// Frames per second, numerator.
    pub fps_num: u32,
    /// Frames per second, denominator.
    pub fps_den: u32,
}

impl SourceFormat {
    /// Eight bits, video range, colours unspecified, a whole number of frames per second.
    pub const fn plain(width: u16, height: u16, fps: u32) -> Self {
        Self {
            width,
            height,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num: fps,
            fps_den: 1,
        }
    }
}

/// Whether a fraction is a frame rate that a source may have: 1/1000 to 1000 a second.
pub fn is_frame_rate(num: u32, den: u32) -> bool {
    let within = |a: u32, b: u32| u64::from(a) <= u64::from(MAX_FPS) * u64::from(b);
    num > 0 && den > 0 && within(num, den) && within(den, num)
}

/// One rung of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Luma samples in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// rav1e speed preset, 0 to 10.
    pub speed: u8,
    /// Base quantizer index, 1 to 255; with a bitrate the worst that the rate controller may choose.
    pub quantizer: u8,
    /// Low-latency mode: no frame reordering.
    pub low_latency: bool,
    /// Log2 of tile columns.
    pub tile_cols_log2: u8,
    /// Log2 of tile rows.
    pub tile_rows_log2: u8,
    /// Bitrate aimed at, in kbit/s; 0 keeps the quantizer constant.
    pub bitrate_kbps: u16,
    /// Shows every n-th source frame, counted from the segment's first; 1 to 255, and it divides `chunk_frames`.
    pub frame_step: u8,
}

impl Rendition {
    /// One tile, constant quantizer, every frame shown, frames reordered where that saves bits.
    pub const fn plain(width: u16, height: u16, speed: u8, quantizer: u8) -> Self {
        Self {
            width,
            height,
            speed,
            quantizer,
            low_latency: false,
            tile_cols_log2: 0,
            tile_rows_log2: 0,
            bitrate_kbps: 0,
            frame_step: 1,
        }
    }

    /// Frames shown of the first `source` frames of a chunk or a segment.
    pub fn frames(&self, source: u32) -> u32 {
        source.div_ceil(u32::from(self.frame_step.max(1)))
    }
}

/// A job's ladder with the source it applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profiles {
    /// Source frames in a chunk.
    pub chunk_frames: u16,
    /// The decoded source.
    pub source: SourceFormat,
    /// Top rendition first.
    pub renditions: Vec<Rendition>,
}

/// Why bytes are not profiles, or profiles not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Wrong length for the number of renditions.
    #[error("profiles are {found} bytes long, expected {expected}")]
    Length {
        /// Bytes given.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// A field outside its range.
    #[error("profiles: {field} is {found}, expected {expected}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The range in words.
        expected: &'static str,
    },
}

fn range(
    field: &'static str,
    found: impl Into<u64>,
    ok: bool,
    expected: &'static str,
) -> Result<(), ProfileError> {
    if ok {
        Ok(())
    } else {
        Err(ProfileError::Range {
            field,
            found: found.into(),
            expected,
        })
    }
}

impl Profiles {
    /// Checks every field against what the encoder takes.
    pub fn validate(&self) -> Result<(), ProfileError> {
        let s = &self.source;
        range(
            "chunkFrames",
            self.chunk_frames,
            self.chunk_frames > 0,
            "1 or more",
        )?;
        let count = self.renditions.len();
        range(
            "renditions",
            count as u64,
            (1..=MAX_RENDITIONS).contains(&count),
            "1 to 16",
        )?;
        range("source width", s.width, s.width >= 16, "16 or more")?;
        range("source height", s.height, s.height >= 16, "16 or more")?;
        range(
            "bit depth",
            s.bit_depth,
            matches!(s.bit_depth, 8 | 10),
            "8 or 10",
        )?;
        range(
            "frame rate numerator",
            s.fps_num,
            s.fps_num > 0,
            "1 or more",
        )?;
        range(
            "frame rate denominator",
            s.fps_den,
            s.fps_den > 0,
            "1 or more",
        )?;
        range(
            "frames a second",
            if s.fps_num > s.fps_den {
                s.fps_num.div_ceil(s.fps_den)
            } else {
                0
            },
            is_frame_rate(s.fps_num, s.fps_den),
            "1/1000 to 1000",
        )?;
        for r in &self.renditions {
            range("width", r.width, r.width >= 16, "16 or more")?;
            range("height", r.height, r.height >= 16, "16 or more")?;
            range("speed", r.speed, r.speed <= 10, "0 to 10")?;
            range("quantizer", r.quantizer, r.quantizer > 0, "1 to 255")?;
            range(
                "tile columns log2",
                r.tile_cols_log2,
                r.tile_cols_log2 <= 6,
                "0 to 6",
            )?;
            range(
                "tile rows log2",
                r.tile_rows_log2,
                r.tile_rows_log2 <= 6,
                "0 to 6",
            )?;
            range(
                "frame step",
                r.frame_step,
                r.frame_step > 0 && self.chunk_frames.is_multiple_of(r.frame_step.into()),
                "1 to 255, and a divisor of chunkFrames",
            )?;
        }
        Ok(())
    }

    /// The canonical bytes, laid out as in `docs/protocol.md`, section 4.
    pub fn to_bytes(&self) -> Vec<u8> {
        let s = &self.source;
        let mut out = Vec::with_capacity(HEADER + RENDITION * self.renditions.len());
        out.push(VERSION);
        out.extend_from_slice(&self.chunk_frames.to_be_bytes());
        out.push(self.renditions.len() as u8);
        out.extend_from_slice(&s.width.to_be_bytes());
        out.extend_from_slice(&s.height.to_be_bytes());
        out.extend_from_slice(&[s.bit_depth, s.full_range.into()]);
        out.extend_from_slice(&s.colour);
        out.extend_from_slice(&s.fps_num.to_be_bytes());
        out.extend_from_slice(&s.fps_den.to_be_bytes());
        for r in &self.renditions {
            out.extend_from_slice(&r.width.to_be_bytes());
            out.extend_from_slice(&r.height.to_be_bytes());
            out.extend_from_slice(&[r.speed, r.quantizer, r.low_latency.into()]);
            out.extend_from_slice(&[r.tile_cols_log2, r.tile_rows_log2]);
            out.extend_from_slice(&r.bitrate_kbps.to_be_bytes());
            // Zero where nothing is left out; the invalid step 0 and the invalid byte 255 are each other's.
            out.push(r.frame_step.wrapping_sub(1));
        }
        out
    }

    /// Reads canonical bytes and validates; any byte string has at most one reading.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProfileError> {
        let count = usize::from(bytes.get(3).copied().unwrap_or_default());
        let expected = HEADER + RENDITION * count;
        if bytes.len() != expected {
            return Err(ProfileError::Length {
                found: bytes.len(),
                expected,
            });
        }
        let u16_at = |i: usize| u16::from_be_bytes([bytes[i], bytes[i + 1]]);
        let u32_at =
            |i: usize| u32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        range("version", bytes[0], bytes[0] == VERSION, "1")?;
        let source = SourceFormat {
            width: u16_at(4),
            height: u16_at(6),
            bit_depth: bytes[8],
            full_range: bytes[9] != 0,
            colour: [bytes[10], bytes[11], bytes[12]],
            fps_num: u32_at(13),
            fps_den: u32_at(17),
        };
        let renditions = bytes[HEADER..].chunks_exact(RENDITION).map(|r| Rendition {
            width: u16::from_be_bytes([r[0], r[1]]),
            height: u16::from_be_bytes([r[2], r[3]]),
            speed: r[4],
            quantizer: r[5],
            low_latency: r[6] != 0,
            tile_cols_log2: r[7],
            tile_rows_log2: r[8],
            bitrate_kbps: u16::from_be_bytes([r[9], r[10]]),
            frame_step: r[11].wrapping_add(1),
        });
        let profiles = Self {
            chunk_frames: u16_at(1),
            source,
            renditions: renditions.collect(),
        };
        profiles.validate()?;
        let canonical = profiles.to_bytes();
        let odd = canonical.iter().zip(bytes).position(|(a, b)| a != b);
        match odd {
            Some(at) => Err(ProfileError::Range {
                field: "position of a flag",
                found: at as u64,
                expected: "0 or 1 there",
            }),
            None => Ok(profiles),
        }
    }

    /// Keccak of the canonical bytes.
    pub fn hash(&self) -> B256 {
        keccak256(self.to_bytes())
    }

    /// Chunks in a segment of `frames` frames.
    pub fn chunks(&self, frames: u32) -> u32 {
        frames.div_ceil(u32::from(self.chunk_frames.max(1)))
    }

    /// Leaves of a segment of `frames` frames; `None` where there are none, or more frames or leaves than a segment may
    /// have.
    pub fn leaf_count(&self, frames: u32) -> Option<u32> {
        let count = self
            .chunks(frames)
            .checked_mul(self.renditions.len() as u32)?;
        (frames <= MAX_FRAMES && (1..=MAX_LEAVES).contains(&count)).then_some(count)
    }

    /// Source frames of one chunk in a segment of `frames` frames.
    pub fn frames_of(&self, chunk: u32, frames: u32) -> std::ops::Range<u32> {
        let from = |chunk: u32| chunk.saturating_mul(self.chunk_frames.into()).min(frames);
        from(chunk)..from(chunk.saturating_add(1))
    }

    /// Bytes of one raw decoded source frame.
    pub fn frame_bytes(&self) -> usize {
        let (w, h) = (
            usize::from(self.source.width),
            usize::from(self.source.height),
        );
        let samples = w * h + 2 * w.div_ceil(2) * h.div_ceil(2);
        samples * if self.source.bit_depth > 8 { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests;
