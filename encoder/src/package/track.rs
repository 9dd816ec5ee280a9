//! One rendition as a fragmented MP4 track.

use assay_protocol::profile::{Rendition, SourceFormat};
use shiguredo_mp4::bitstream::av1::{
    Av1ObuParseContext, Av1ObuType, Av1SampleEntryConfig, build_av01_box_from_config_obus,
    parse_obus,
};
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::{TrackKind, codec_string};

use super::PackageError;
use super::fragment::{self, Piece};

/// A segment's samples: temporal units without their delimiters (AV1-ISOBMFF, section 2.4).
#[derive(Debug, Default)]
pub(super) struct Media {
    /// The sequence header OBU.
    pub header: Vec<u8>,
    bytes: Vec<u8>,
    samples: Vec<Unit>,
}

/// One shown frame.
#[derive(Debug, Default)]
struct Unit {
    len: usize,
    keyframe: bool,
    /// Source frames that pass while it is shown.
    lasts: u32,
}

impl Media {
    /// Adds a chunk, which must show every `step`-th of `source` frames of so many `pixels` and start with a key frame. What the last frame
    /// cannot last any more, because the chunk ends, is taken from it: so renditions of all steps are equally long.
    pub fn append(
        &mut self,
        chunk: &[u8],
        source: u32,
        step: u32,
        pixels: u64,
    ) -> Result<(), String> {
        let shown = source.div_ceil(step);
        let most = most_bytes(pixels, shown);
        if chunk.len() as u64 > most {
            let found = chunk.len();
            return Err(format!("it has {found} bytes, expected at most {most}"));
        }
        count(chunk, shown as usize)?;
        let obus = parse_obus(chunk, Av1ObuParseContext::Sample).map_err(|e| e.to_string())?;
        let before = self.samples.len();
        for obu in obus {
            match obu.obu_type {
                Av1ObuType::TemporalDelimiter => {
                    let first = ((self.samples.len() - before) as u32).saturating_mul(step);
                    let lasts = step.min(source.saturating_sub(first));
                    self.samples.push(Unit {
                        lasts,
                        ..Unit::default()
                    });
                    continue;
                }
                Av1ObuType::SequenceHeader if self.header.is_empty() => {
                    self.header = obu.obu.to_vec()
                }
                Av1ObuType::SequenceHeader if self.header != obu.obu => {
                    return Err("its sequence header differs from the first".into());
                }
                _ => {}
            }
            let Some(sample) = self
                .samples
                .get_mut(before..)
                .and_then(|new| new.last_mut())
            else {
                return Err("it does not start with a temporal delimiter".into());
            };
            sample.len += obu.obu.len();
            sample.keyframe |= obu.obu_type == Av1ObuType::SequenceHeader;
            self.bytes.extend_from_slice(obu.obu);
        }
        let new = &self.samples[before..];
        let frames = shown as usize;
        if new.len() != frames || new.iter().any(|unit| unit.len == 0) {
            return Err(format!(
                "it has {} temporal units, expected {frames}, none empty",
                new.len()
            ));
        }
        match new.first() {
            Some(unit) if unit.keyframe => Ok(()),
            _ => Err("it does not start with a sequence header".into()),
        }
    }
}

/// Most bytes of a chunk that shows `frames` frames of so many `pixels`: twice what they have uncompressed at 10 bits, and room for
/// headers.
pub(super) fn most_bytes(pixels: u64, frames: u32) -> u64 {
    const HEADERS: u64 = 16 << 10;
    let frame = pixels.saturating_mul(4).saturating_add(HEADERS);
    frame.saturating_mul(frames.into())
}

/// Most OBUs of a shown frame: delimiter, sequence header, metadata, frames that are not shown yet, each perhaps in tile groups.
const MOST_OBUS: usize = 64;

/// Refuses a chunk of more units or OBUs than `frames` frames can have, before each of them takes memory.
fn count(chunk: &[u8], frames: usize) -> Result<(), String> {
    const DELIMITER: u8 = 2;
    let (mut rest, mut units, mut obus) = (chunk, 0, 0);
    while !rest.is_empty() {
        let (kind, after) = skip(rest).ok_or("it ends within an OBU")?;
        rest = after;
        obus += 1;
        units += usize::from(kind == DELIMITER);
        if units > frames {
            return Err(format!("it has more temporal units than {frames}"));
        }
        if obus > frames.saturating_mul(MOST_OBUS) {
            return Err(format!("it has more than {MOST_OBUS} OBUs a frame"));
        }
    }
    Ok(())
}

/// The type of the OBU that begins here, and what comes after it (AV1, 5.3.2 and 4.10.5).
fn skip(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let head = *bytes.first()?;
    let kind = head >> 3 & 0x0f;
    let mut at = if head & 4 == 0 { 1 } else { 2 };
    if head & 2 == 0 {
        return Some((kind, &[]));
    }
    let mut len = 0usize;
    for shift in 0..8 {
        let byte = *bytes.get(at)?;
        at += 1;
        len |= usize::from(byte & 0x7f) << (7 * shift);
        if byte & 0x80 == 0 {
            return Some((kind, bytes.get(at.checked_add(len)?..)?));
        }
    }
    None
}

/// Bits of a pixel that a rendition of constant quality is told to have at least. A guess: more than a black intro takes, so
/// that the rendition with more rows is the one for the faster line.
const LEAST_BITS: f64 = 0.03;

/// What a player must expect of a rendition, whatever was seen of it so far: the bitrate that is aimed at, or a guess.
fn floor(rendition: &Rendition, source: &SourceFormat) -> u64 {
    match rendition.bitrate_kbps {
        0 => {
            let pixels = f64::from(rendition.width) * f64::from(rendition.height);
            let frames = f64::from(source.fps_num) / f64::from(source.fps_den.max(1));
            let step = f64::from(rendition.frame_step.max(1));
            (LEAST_BITS * pixels * frames / step) as u64
        }
        rate => 1000 * u64::from(rate),
    }
}

/// The fields of `CODECS` that may be left out where the source is BT.709 in limited range, which players assume then, or
/// of unknown colours in that range: one picture of three planes, 4:2:0 at an unknown place, the code points, the range
/// (AV1-ISOBMFF, section 5).
fn colours(source: &SourceFormat) -> String {
    let ([primaries, transfer, matrix], full) = (source.colour, source.full_range);
    match source.colour {
        [1, 1, 1] | [2, 2, 2] if !full => String::new(),
        _ => format!(
            ".0.110.{primaries:02}.{transfer:02}.{matrix:02}.{}",
            u8::from(full)
        ),
    }
}

/// One rendition: what its samples are.
pub(super) struct Track {
    name: String,
    pub width: u16,
    pub height: u16,
    header: Option<Vec<u8>>,
    pub codecs: String,
    /// The end of that, the same for all sequence headers.
    colours: String,
    /// Every how manieth source frame is shown.
    pub step: u32,
    timescale: u32,
    /// Bits a second that it is told to have at least.
    pub floor: u64,
}

impl Track {
    pub fn new(index: usize, rendition: &Rendition, timescale: u32, source: &SourceFormat) -> Self {
        Self {
            floor: floor(rendition, source),
            name: format!("{index}_{}p", rendition.height),
            width: rendition.width,
            height: rendition.height,
            step: rendition.frame_step.max(1).into(),
            header: None,
            codecs: String::new(),
            colours: colours(source),
            timescale,
        }
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its sequence header, once there is one.
    pub fn header(&self) -> Option<&Vec<u8>> {
        self.header.as_ref()
    }

    /// Whether something else is shown than before. Whoever delivers first must not say what all others have to be.
    pub fn changes(&self, media: &Media) -> bool {
        self.header.as_ref().is_some_and(|h| *h != media.header)
    }

    /// A new init segment, at the beginning and where the sequence header changes.
    pub fn begin(&mut self, media: &Media) -> Result<Option<Vec<u8>>, PackageError> {
        if self.header.as_ref() == Some(&media.header) {
            return Ok(None);
        }
        let refused = |e: &dyn std::fmt::Display| PackageError::Mp4(e.to_string());
        let none = Av1SampleEntryConfig {
            initial_presentation_delay_minus_one: None,
        };
        let av01 =
            build_av01_box_from_config_obus(&media.header, &none).map_err(|e| refused(&e))?;
        let entry = SampleEntry::Av01(av01);
        self.codecs = codec_string::from_sample_entry(&entry).map_err(|e| refused(&e))?;
        self.codecs += &self.colours;
        let init =
            fragment::init(TrackKind::Video, &entry, self.timescale).map_err(|e| refused(&e))?;
        self.header = Some(media.header.clone());
        Ok(Some(init))
    }

    /// The media segment that begins at `start`, with these durations of the source's frames, in ticks; what is shown for
    /// several of them lasts as long as they do.
    pub fn mux(
        &self,
        sequence: u32,
        start: u64,
        durations: &[u32],
        media: &Media,
    ) -> Result<Vec<u8>, PackageError> {
        let mut source = durations.iter();
        let pieces: Vec<_> = media
            .samples
            .iter()
            .map(|unit| Piece {
                duration: source.by_ref().take(unit.lasts as usize).sum(),
                size: unit.len as u32,
                key: unit.keyframe,
            })
            .collect();
        fragment::media(sequence, start, &pieces, &media.bytes)
            .map_err(|e| PackageError::Mp4(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceFormat {
        SourceFormat {
            width: 1280,
            height: 720,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num: 30,
            fps_den: 1,
        }
    }

    #[test]
    fn what_is_no_frame_is_counted_before_it_takes_memory() {
        let refused = |chunk: &[u8]| Media::default().append(chunk, 15, 1, 64 * 48).unwrap_err();
        let delimiters = [0x12, 0].repeat(10_000);
        assert!(refused(&delimiters).contains("more temporal units than 15"));
        let padding = [&[0x12, 0][..], &[0x7a, 0].repeat(10_000)].concat();
        assert!(refused(&padding).contains("more than 64 OBUs"));
        let large = vec![0; 16 << 20];
        assert!(refused(&large).contains("expected at most"));
        for cut_off in [&[0x12][..], &[0x16, 0], &[0x12, 5, 0], &[0x12, 0x80]] {
            assert_eq!(refused(cut_off), "it ends within an OBU", "{cut_off:?}");
        }
        assert_eq!(skip(&[0x16, 0, 1, 7, 0x12, 0]), Some((2, &[0x12, 0][..])));
    }

    #[test]
    fn more_rows_are_told_more_bits_and_a_bitrate_is_told_as_it_is() {
        let source = source();
        let of = |width, height| floor(&Rendition::plain(width, height, 10, 100), &source);
        assert!(of(1280, 720) == 4 * of(640, 360) && of(640, 360) > 100_000);
        let slow = Rendition {
            frame_step: 2,
            ..Rendition::plain(1280, 720, 10, 100)
        };
        assert_eq!(floor(&slow, &source), of(1280, 720) / 2);
        let aimed = Rendition {
            bitrate_kbps: 900,
            ..slow
        };
        assert_eq!(floor(&aimed, &source), 900_000);
    }

    #[test]
    fn colours_other_than_high_definition_s_are_told() {
        let told = |colour, full_range| {
            colours(&SourceFormat {
                colour,
                full_range,
                ..source()
            })
        };
        assert_eq!(told([1; 3], false) + &told([2; 3], false), "");
        assert_eq!(told([9, 16, 9], false), ".0.110.09.16.09.0");
        assert_eq!(told([6, 6, 6], false), ".0.110.06.06.06.0");
        assert_eq!(told([1; 3], true), ".0.110.01.01.01.1");
    }
}
