//! Ladders as data: TOML files that say which renditions a source gets, applied to what the source is.
//!
//! The presets of `profiles/` are compiled in. What a file says (`max_fps`, `chunk_ms`, a height) becomes exact numbers
//! for one source; only those are hashed, see [`Profiles`].
//!
//! ```
//! use assay_encoder::Ladder;
//! let mine = Ladder::parse("chunk_ms = 500\n[[rendition]]\nheight = 240\nquantizer = 120\n")?;
//! assert_eq!(mine.renditions[0].speed, 10);
//! assert!(Ladder::preset("720p").is_some());
//! # Ok::<(), assay_encoder::ladder::LadderError>(())
//! ```

mod error;
mod presets;

use std::io;
use std::path::Path;
use std::time::Duration;

use assay_protocol::profile::{MAX_FRAMES, MAX_RENDITIONS, Profiles, Rendition, SourceFormat};
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::settings;
pub use error::{LadderError, toml_words};
pub use presets::names;

/// Longest chunk; a segment has at most a minute.
const MAX_CHUNK_MS: u32 = 60_000;
/// Quantizer index where a rendition names neither that nor a bitrate: rav1e's own default.
const DEFAULT_QUANTIZER: u8 = 100;
/// Quantizer index that a bitrate may not exceed where none is named: rav1e's worst, so that the bitrate always holds.
const DEFAULT_WORST: u8 = 255;
/// Samples along a side of rav1e's superblocks, of which tiles are made.
const BLOCK: u32 = 64;
/// Percent by which a frame rate may exceed `max_fps`: a camera's 30 is a measured 30.03 at times, and half of that is worse.
const FPS_SLACK: u64 = 2;

/// A ladder before it is applied to a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Length of a chunk in milliseconds, 1 to 60,000. Each begins with a key frame and is what verifiers sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_ms: Option<u32>,
    /// Length of a chunk in frames of the source, 1 to 3,600; in the place of `chunk_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_frames: Option<u16>,
    /// A source smaller than the largest rendition gets all of them, each smaller in proportion. Default: those that are
    /// larger than the source are left out.
    #[serde(default)]
    pub shrink: bool,
    /// The renditions, best first.
    #[serde(rename = "rendition")]
    pub renditions: Vec<Rung>,
}

/// One rendition of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Samples along the picture's shorter side: rows, or columns of an upright picture. 16 to 65,535.
    pub height: u16,
    /// Samples along the longer side. Default: what keeps the aspect ratio, even.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
    /// Most frames a second: of a faster source every second, third … frame is shown. Default: the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fps: Option<u32>,
    /// rav1e speed preset, 0 (slowest) to 10. Default 10.
    #[serde(default = "fastest")]
    pub speed: u8,
    /// Base quantizer index, 1 to 255: the picture's, or with a bitrate the worst allowed. Default 100, with a
    /// bitrate 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantizer: Option<u8>,
    /// Bitrate aimed at in each chunk, 1 to 65,535 kbit/s. Default: none, constant quantizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_kbps: Option<u16>,
    /// Tile columns: 1, 2, 4 … 64. Default 1.
    #[serde(default = "one")]
    pub tile_cols: u8,
    /// Tile rows: 1, 2, 4 … 64. Default 1.
    #[serde(default = "one")]
    pub tile_rows: u8,
    /// No frame reordering: less delay and CPU, about a quarter more bits. Default false.
    #[serde(default)]
    pub low_latency: bool,
}

const fn fastest() -> u8 {
    10
}

const fn one() -> u8 {
    1
}

/// Bytes of a profile's file at most: a rendition takes some hundreds.
const MAX_FILE: u64 = 1 << 20;

/// A file's text; neither a pipe, which may never end, nor a device is waited for.
fn read(path: &Path) -> io::Result<String> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return refused("not a regular file");
    }
    if found.len() > MAX_FILE {
        return refused("longer than 1 MiB, which no profile is");
    }
    std::fs::read_to_string(path)
}

impl Ladder {
    /// A preset by its name.
    pub fn preset(name: &str) -> Option<Self> {
        Self::parse(presets::text(name)?).ok()
    }

    /// Renditions of so many rows and a chunk's length, alike in everything else.
    ///
    /// # Errors
    /// A number outside its range.
    pub fn alike(
        heights: &[u16],
        speed: u8,
        quantizer: u8,
        chunk: Duration,
    ) -> Result<Self, LadderError> {
        let rung = |&height: &u16| Rung {
            height,
            width: None,
            max_fps: None,
            speed,
            quantizer: Some(quantizer),
            bitrate_kbps: None,
            tile_cols: one(),
            tile_rows: one(),
            low_latency: false,
        };
        let ladder = Self {
            chunk_ms: Some(u32::try_from(chunk.as_millis()).unwrap_or(u32::MAX)),
            chunk_frames: None,
            shrink: false,
            renditions: heights.iter().map(rung).collect(),
        };
        ladder.validate()?;
        Ok(ladder)
    }

    /// A preset by its name, or a file.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn load(profile: &str) -> Result<Self, LadderError> {
        let text = match presets::text(profile) {
            Some(text) => text.to_owned(),
            None => read(profile.as_ref()).map_err(|source| LadderError::Read {
                path: profile.into(),
                source,
            })?,
        };
        Self::parse(&text).map_err(|source| LadderError::In {
            name: profile.into(),
            source: Box::new(source),
        })
    }

    /// `profile` where it is a preset's name, otherwise the path of a file, relative to `base`.
    pub fn locate(profile: &str, base: &Path) -> String {
        if presets::text(profile).is_some() {
            return profile.into();
        }
        base.join(profile).display().to_string()
    }

    /// As a file.
    pub fn to_toml(&self) -> String {
        // Numbers, strings and booleans in tables: TOML has all of them.
        toml::to_string(self).unwrap_or_default()
    }

    /// Reads and checks TOML.
    ///
    /// # Errors
    /// Where it is no TOML, which setting is unknown or outside its range.
    pub fn parse(text: &str) -> Result<Self, LadderError> {
        let ladder: Self = toml::from_str(text).map_err(|e| LadderError::Parse(Box::new(e)))?;
        ladder.validate()?;
        Ok(ladder)
    }

    /// Checks every setting that can be checked without a source.
    pub fn validate(&self) -> Result<(), LadderError> {
        let check = |place: &str, field, found: u64, ok, expected| match ok {
            true => Ok(()),
            false => Err(LadderError::Range {
                place: place.into(),
                field,
                found,
                expected,
            }),
        };
        match (self.chunk_ms, self.chunk_frames) {
            (Some(ms), None) => {
                let known = (1..=MAX_CHUNK_MS).contains(&ms);
                check("", "chunk_ms", ms.into(), known, "1 to 60000")?;
            }
            (None, Some(frames)) => {
                let known = (1..=MAX_FRAMES).contains(&frames.into());
                check("", "chunk_frames", frames.into(), known, "1 to 3600")?;
            }
            _ => return Err(LadderError::ChunkLength),
        }
        let count = self.renditions.len();
        let few = (1..=MAX_RENDITIONS).contains(&count);
        check("", "number of renditions", count as u64, few, "1 to 16")?;
        for (index, rung) in self.renditions.iter().enumerate() {
            let place = format!("rendition {}: ", index + 1);
            let check = |field, found: u64, ok, expected| check(&place, field, found, ok, expected);
            let side = |field, n: u16| check(field, n.into(), n >= 16, "16 to 65535");
            side("height", rung.height)?;
            side("width", rung.width.unwrap_or(16))?;
            let fps = rung.max_fps.unwrap_or(1);
            check("max_fps", fps.into(), fps > 0, "1 or more")?;
            check("speed", rung.speed.into(), rung.speed <= 10, "0 to 10")?;
            let quantizer = rung.quantizer.unwrap_or(1);
            check("quantizer", quantizer.into(), quantizer > 0, "1 to 255")?;
            let bitrate = rung.bitrate_kbps.unwrap_or(1);
            check("bitrate_kbps", bitrate.into(), bitrate > 0, "1 to 65535")?;
            for (field, tiles) in [("tile_cols", rung.tile_cols), ("tile_rows", rung.tile_rows)] {
                let known = tiles.is_power_of_two() && tiles <= 64;
                check(field, tiles.into(), known, "1, 2, 4, 8, 16, 32 or 64")?;
            }
        }
        Ok(())
    }

    /// The exact profile for a source that is meant to be seen at the size `shown`, columns and rows of square pixels
    /// ([`Probe::shown_size`](crate::Probe::shown_size)): renditions have square pixels, for all players.
    ///
    /// Renditions larger than that are left out; where all are, there is one of that size with the
    /// settings of the last. A ladder that shrinks leaves none out. The chunk is the number of frames nearest to its
    /// length, rounded up to a multiple of every frame step.
    ///
    /// # Errors
    /// A source too large or small for one of the renditions, or for the chunk's length.
    pub fn profiles(
        &self,
        source: SourceFormat,
        shown: (u32, u32),
    ) -> Result<Profiles, LadderError> {
        let side = |pixels: u32| pixels.clamp(16, u16::MAX.into()) as u16;
        let shown = (side(shown.0), side(shown.1));
        let short = shown.0.min(shown.1);
        let top = self.renditions.iter().map(|rung| rung.height).max();
        let top = top.filter(|top| self.shrink && *top > short);
        let rungs = self.renditions.iter().map(|rung| match top {
            Some(top) => rung.shrunk(short, top),
            None => rung.clone(),
        });
        let fitting = rungs.filter(|rung| rung.height <= short);
        let mut renditions: Vec<_> = fitting.map(|rung| rung.rendition(&source, shown)).collect();
        if renditions.is_empty() {
            renditions.extend(self.renditions.last().map(|rung| Rendition {
                width: shown.0,
                height: shown.1,
                ..rung.rendition(&source, shown)
            }));
        }
        renditions.iter_mut().for_each(limit_tiles);
        let profiles = Profiles {
            chunk_frames: self.chunk_frames(&source, &renditions),
            source,
            renditions,
        };
        profiles.validate()?;
        settings::check(&profiles)?;
        let (found, max) = (
            settings::chunk_bytes(&profiles, MAX_FRAMES),
            Limits::default().max_chunk(),
        );
        if found > max {
            return Err(LadderError::Chunk {
                chunk_frames: profiles.chunk_frames,
                found,
                max,
            });
        }
        Ok(profiles)
    }

    fn chunk_frames(&self, source: &SourceFormat, renditions: &[Rendition]) -> u16 {
        let steps = renditions.iter().map(|r| u64::from(r.frame_step));
        let step = steps.fold(1, least_common_multiple);
        let (num, den) = (u64::from(source.fps_num), u64::from(source.fps_den));
        let ms = u64::from(self.chunk_ms.unwrap_or_default());
        let of_ms = (ms * num + 500 * den) / (1000 * den);
        let frames = self.chunk_frames.map_or(of_ms, u64::from);
        // The largest multiple that has 16 bits, if there is one: validate() says so otherwise.
        let most = u64::from(u16::MAX) / step * step;
        frames.max(1).next_multiple_of(step).min(most) as u16
    }
}

impl Rung {
    /// The same for a source whose shorter side is `short`, of a ladder made for one of `top`: even, where it is not the
    /// source's own size.
    fn shrunk(&self, short: u16, top: u16) -> Self {
        let part = |side: u16| match u32::from(side) * u32::from(short) / u32::from(top) {
            _ if side == top => short,
            part => (part / 2 * 2).clamp(16, 65_534) as u16,
        };
        Self {
            height: part(self.height),
            width: self.width.map(part),
            ..self.clone()
        }
    }

    /// The exact rendition for a source.
    fn rendition(&self, source: &SourceFormat, shown: (u16, u16)) -> Rendition {
        let upright = shown.1 > shown.0;
        let (long, short) = match upright {
            true => (shown.1, shown.0),
            false => shown,
        };
        let across = match self.width {
            Some(width) => width,
            // The full size stays as it is, odd or not.
            None if self.height == short => long,
            None => {
                let (l, s, h) = (u64::from(long), u64::from(short), u64::from(self.height));
                let even = (l * h + s) / (2 * s) * 2;
                even.clamp(16, 65_534) as u16
            }
        };
        let (width, height) = match upright {
            true => (self.height, across),
            false => (across, self.height),
        };
        let otherwise = match self.bitrate_kbps {
            Some(_) => DEFAULT_WORST,
            None => DEFAULT_QUANTIZER,
        };
        Rendition {
            width,
            height,
            speed: self.speed,
            quantizer: self.quantizer.unwrap_or(otherwise),
            low_latency: self.low_latency,
            tile_cols_log2: self.tile_cols.trailing_zeros() as u8,
            tile_rows_log2: self.tile_rows.trailing_zeros() as u8,
            bitrate_kbps: self.bitrate_kbps.unwrap_or(0),
            frame_step: self.frame_step(source),
        }
    }

    /// The smallest step that keeps the frame rate within `max_fps` or hardly above it, or the largest there is.
    fn frame_step(&self, source: &SourceFormat) -> u8 {
        let most = match self.max_fps {
            Some(fps) => u64::from(fps) * u64::from(source.fps_den),
            None => return 1,
        };
        let most = most.max(1).saturating_mul(100 + FPS_SLACK);
        let step = (u64::from(source.fps_num) * 100).div_ceil(most);
        step.clamp(1, 255) as u8
    }
}

/// As many tiles as a picture has blocks of them, to the next power of two: the encoder makes no more, but states the level
/// that those asked for need.
fn limit_tiles(rendition: &mut Rendition) {
    let most = |side: u16| {
        let blocks = u32::from(side).div_ceil(BLOCK);
        blocks.next_power_of_two().trailing_zeros() as u8
    };
    rendition.tile_cols_log2 = rendition.tile_cols_log2.min(most(rendition.width));
    rendition.tile_rows_log2 = rendition.tile_rows_log2.min(most(rendition.height));
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    // Of a few steps of at most 255, and u16::MAX is more than enough.
    (a / x).saturating_mul(b).min(u64::from(u16::MAX))
}

#[cfg(test)]
mod tests;
