//! One rendition as a fragmented MP4 track.

use std::num::NonZeroU32;

use assay_protocol::profile::{Rendition, SourceFormat};
use shiguredo_mp4::bitstream::av1::{
    Av1ObuParseContext, Av1ObuType, Av1SampleEntryConfig, build_av01_box_from_config_obus,
    parse_obus,
};
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Sample};
use shiguredo_mp4::{TrackKind, codec_string};

use super::PackageError;

/// Ticks per second are at least this many, for players that count in milliseconds.
const MIN_TIMESCALE: u32 = 1000;

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

/// What the playlists say about one media segment.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub name: String,
    pub seconds: f64,
    pub bytes: usize,
    pub gap: bool,
}

/// One rendition: its muxer and what was written.
pub(super) struct Track {
    name: String,
    pub width: u16,
    pub height: u16,
    muxer: Option<Fmp4SegmentMuxer>,
    header: Option<Vec<u8>>,
    pub codecs: String,
    /// Every how manieth source frame is shown.
    pub step: u32,
    timescale: NonZeroU32,
    /// Of one source frame.
    duration: u32,
    pub written: Vec<Written>,
}

impl Track {
    pub fn new(index: usize, rendition: &Rendition, source: &SourceFormat) -> Self {
        // One frame lasts fps_den / fps_num seconds: exact in a timescale that fps_num divides.
        let factor = MIN_TIMESCALE.div_ceil(source.fps_num.max(1));
        let (ticks, frame) = match (
            source.fps_num.checked_mul(factor),
            source.fps_den.checked_mul(factor),
        ) {
            (Some(ticks), Some(frame)) => (ticks, frame),
            _ => (source.fps_num, source.fps_den),
        };
        Self {
            name: format!("{index}_{}p", rendition.height),
            width: rendition.width,
            height: rendition.height,
            step: rendition.frame_step.max(1).into(),
            muxer: None,
            header: None,
            codecs: String::new(),
            timescale: NonZeroU32::new(ticks).unwrap_or(NonZeroU32::MIN),
            duration: frame,
            written: Vec::new(),
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

    /// The init segment, the first time, and the media segment.
    pub fn mux(
        &mut self,
        name: &str,
        media: Media,
        gap: bool,
    ) -> Result<(Option<Vec<u8>>, Vec<u8>), PackageError> {
        let refused = |e: &dyn std::fmt::Display| PackageError::Mp4(e.to_string());
        let mut entry = None;
        let first = self.muxer.is_none();
        if first {
            let none = Av1SampleEntryConfig {
                initial_presentation_delay_minus_one: None,
            };
            let av01 =
                build_av01_box_from_config_obus(&media.header, &none).map_err(|e| refused(&e))?;
            let sample_entry = SampleEntry::Av01(av01);
            self.codecs =
                codec_string::from_sample_entry(&sample_entry).map_err(|e| refused(&e))?;
            entry = Some(sample_entry);
            self.muxer = Some(Fmp4SegmentMuxer::new().map_err(|e| refused(&e))?);
            self.header = Some(media.header);
        }
        let muxer = self.muxer.as_mut().ok_or_else(|| refused(&"no muxer"))?;
        let mut offset = 0;
        let mut samples = Vec::with_capacity(media.samples.len());
        for unit in &media.samples {
            samples.push(Sample {
                track_kind: TrackKind::Video,
                sample_entry: entry.take(),
                keyframe: unit.keyframe,
                timescale: self.timescale,
                duration: self.duration.saturating_mul(unit.lasts),
                composition_time_offset: None,
                data_offset: offset,
                data_size: unit.len,
            });
            offset += unit.len as u64;
        }
        let mut segment = muxer
            .create_media_segment_metadata(&samples)
            .map_err(|e| refused(&e))?;
        segment.extend_from_slice(&media.bytes);
        let init = if first {
            Some(muxer.init_segment_bytes().map_err(|e| refused(&e))?)
        } else {
            None
        };
        let frames: u32 = media.samples.iter().map(|unit| unit.lasts).sum();
        let ticks = f64::from(frames) * f64::from(self.duration);
        let seconds = ticks / f64::from(self.timescale.get());
        self.written.push(Written {
            name: name.to_owned(),
            seconds,
            bytes: segment.len(),
            gap,
        });
        Ok((init, segment))
    }
}
