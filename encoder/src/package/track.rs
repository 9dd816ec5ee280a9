//! One rendition as a fragmented MP4 track.

use assay_protocol::profile::Rendition;
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
    /// Adds a chunk, which must show every `step`-th of `source` frames and start with a key frame. What the last frame
    /// cannot last any more, because the chunk ends, is taken from it: so renditions of all steps are equally long.
    pub fn append(&mut self, chunk: &[u8], source: u32, step: u32) -> Result<(), String> {
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
        let frames = source.div_ceil(step) as usize;
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

/// One rendition: what its samples are.
pub(super) struct Track {
    name: String,
    pub width: u16,
    pub height: u16,
    header: Option<Vec<u8>>,
    pub codecs: String,
    /// Every how manieth source frame is shown.
    pub step: u32,
    timescale: u32,
}

impl Track {
    pub fn new(index: usize, rendition: &Rendition, timescale: u32) -> Self {
        Self {
            name: format!("{index}_{}p", rendition.height),
            width: rendition.width,
            height: rendition.height,
            step: rendition.frame_step.max(1).into(),
            header: None,
            codecs: String::new(),
            timescale,
        }
    }

    /// Its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its sequence header, once there is one.
    pub fn header(&self) -> Option<&Vec<u8>> {
        self.header.as_ref()
    }

    /// The init segment, if the track has none yet.
    pub fn begin(&mut self, media: &Media) -> Result<Option<Vec<u8>>, PackageError> {
        if self.header.is_some() {
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
