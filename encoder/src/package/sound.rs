//! Audio as it came, one fragmented MP4 track for each of the source's.

use std::num::{NonZeroU16, NonZeroU32};

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, EsdsBox, Mp4aBox, OpusBox, SampleEntry, UnknownBox,
};
use shiguredo_mp4::descriptors::{
    DecoderConfigDescriptor, DecoderSpecificInfo, EsDescriptor, SlConfigDescriptor,
};
use shiguredo_mp4::{BoxSize, Encode, FixedPointNumber, TrackKind, Uint};

use super::PackageError;
use super::fragment::{self, Piece, Refused};
use crate::transport::AAC_RATES;

/// Object types of layer 3 of MPEG-1 and of MPEG-2, whose rates are lower, in an MP4 descriptor (mp4ra.org).
const MP3: [u8; 2] = [0x6b, 0x69];
/// Highest rate of MPEG-2 layer 3 (ISO/IEC 13818-3).
const MP3_LOWER: u32 = 24_000;

/// Sound that ends by so many seconds more before a segment's end than it began before its start has stopped; muxers interleave
/// by less. Time that this leaves open is filled with the next piece.
const LATE: f64 = 0.5;

/// What HE-AAC adds to AAC. Frames do not say it where a player looks: the configuration must (ISO/IEC 14496-3, 1.6.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// The upper half of the spectrum (SBR).
    Spectrum,
    /// That, and a second channel (parametric stereo).
    Stereo,
}

impl Extension {
    /// By FFmpeg's name of the profile.
    pub fn of(profile: &str) -> Option<Self> {
        match profile {
            "HE-AAC" => Some(Self::Spectrum),
            "HE-AACv2" => Some(Self::Stereo),
            _ => None,
        }
    }

    /// Its object type (ISO/IEC 14496-3, table 1.17).
    fn object(self) -> u8 {
        match self {
            Self::Spectrum => 5,
            Self::Stereo => 29,
        }
    }
}

/// A codec that browsers play from fragmented MP4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoundCodec {
    /// AAC with its AudioSpecificConfig (ISO/IEC 14496-3).
    Aac(Vec<u8>),
    /// MPEG-1 or MPEG-2 layer 3.
    Mp3,
    /// Opus; its clock is 48 kHz whatever was recorded (RFC 7845).
    Opus,
}

/// What an audio track is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundFormat {
    /// How it is coded.
    pub codec: SoundCodec,
    /// Channels.
    pub channels: u16,
    /// Samples a second; the unit of its times.
    pub rate: u32,
    /// ISO 639-2 code, if the source says one.
    pub language: Option<String>,
}

/// Whether `CODECS` means layer 3 of MPEG by it.
pub(super) fn is_mp3(codecs: &str) -> bool {
    MP3.iter()
        .any(|object| codecs == format!("mp4a.{object:02X}"))
}

impl SoundFormat {
    /// As `CODECS` has it (RFC 6381).
    pub fn codecs(&self) -> String {
        match &self.codec {
            // The first five bits of the configuration are the object type; those beyond 31 are rare enough.
            SoundCodec::Aac(config) => {
                format!("mp4a.40.{}", config.first().map_or(2, |byte| byte >> 3))
            }
            SoundCodec::Mp3 => format!("mp4a.{:02X}", self.mp3()),
            SoundCodec::Opus => "opus".into(),
        }
    }

    /// The same with an extension, by which a decoder gives so many samples a second; nothing else than AAC-LC has one.
    pub(crate) fn extended(mut self, extension: Extension, rate: u32) -> Self {
        const LC: u8 = 2;
        let index = AAC_RATES.iter().position(|&known| known == rate);
        if let (SoundCodec::Aac(config), Some(index)) = (&mut self.codec, index)
            && let [first, second] = config[..]
            && first >> 3 == LC
        {
            // Type (5 bits), rate (4), channels (4), the decoder's rate (4), and the type of what is extended (5).
            let rest = u32::from(first & 7) << 24 | u32::from(second >> 3) << 19;
            let new = u32::from(extension.object()) << 27 | rest;
            let new = new | (index as u32) << 15 | u32::from(LC) << 10;
            *config = new.to_be_bytes().to_vec();
            if extension == Extension::Stereo {
                self.channels = 2;
            }
        }
        self
    }

    /// Which layer 3 it is.
    fn mp3(&self) -> u8 {
        MP3[usize::from(self.rate <= MP3_LOWER)]
    }

    fn entry(&self) -> Result<SampleEntry, Refused> {
        let audio = AudioSampleEntryFields {
            data_reference_index: NonZeroU16::MIN,
            channelcount: self.channels,
            samplesize: 16,
            // It holds at most 65,535; above, the track's clock and the codec's configuration say it.
            samplerate: FixedPointNumber::new(u16::try_from(self.rate).unwrap_or(0), 0),
        };
        let mp4a = |object, config: Option<&Vec<u8>>| {
            SampleEntry::Mp4a(Mp4aBox {
                audio: audio.clone(),
                esds_box: EsdsBox {
                    es: EsDescriptor {
                        es_id: EsDescriptor::MIN_ES_ID,
                        stream_priority: EsDescriptor::LOWEST_STREAM_PRIORITY,
                        depends_on_es_id: None,
                        url_string: None,
                        ocr_es_id: None,
                        dec_config_descr: DecoderConfigDescriptor {
                            object_type_indication: object,
                            stream_type: DecoderConfigDescriptor::STREAM_TYPE_AUDIO,
                            up_stream: DecoderConfigDescriptor::UP_STREAM_FALSE,
                            buffer_size_db: Uint::new(0),
                            max_bitrate: 0,
                            avg_bitrate: 0,
                            dec_specific_info: config.map(|config| DecoderSpecificInfo {
                                payload: config.clone(),
                            }),
                        },
                        sl_config_descr: SlConfigDescriptor,
                    },
                },
                unknown_boxes: Vec::new(),
            })
        };
        Ok(match &self.codec {
            SoundCodec::Aac(config) => mp4a(
                DecoderConfigDescriptor::OBJECT_TYPE_INDICATION_AUDIO_ISO_IEC_14496_3,
                Some(config),
            ),
            SoundCodec::Mp3 => mp4a(self.mp3(), None),
            SoundCodec::Opus => {
                let mut payload = audio.encode_to_vec()?;
                payload.extend_from_slice(&dops(self.channels as u8, self.rate));
                // Not the library's, which has no more than two channels.
                SampleEntry::Unknown(UnknownBox {
                    box_type: OpusBox::TYPE,
                    box_size: BoxSize::with_payload_size(OpusBox::TYPE, payload.len() as u64),
                    payload,
                })
            }
        })
    }
}

/// The box that says what Opus is (Encapsulation of Opus in ISOBMFF, 4.3.2).
fn dops(channels: u8, rate: u32) -> Vec<u8> {
    // Version; channels; nothing to skip, which the track's first time does; rate; gain.
    let mut payload = vec![0, channels, 0, 0];
    payload.extend_from_slice(&rate.to_be_bytes());
    payload.extend_from_slice(&[0, 0]);
    match opus_streams(channels) {
        // One or two need no table.
        None => payload.push(0),
        Some((streams, pairs, order)) => {
            payload.extend_from_slice(&[&[1, streams, pairs], order].concat());
        }
    }
    let size = payload.len() as u32 + 8;
    [&size.to_be_bytes()[..], b"dOps", &payload].concat()
}

/// Streams of more than two channels, how many of them are pairs, and which of the decoded channels is which speaker's, by the
/// order of Vorbis (RFC 7845, 5.1.1.2).
pub(super) fn opus_streams(channels: u8) -> Option<(u8, u8, &'static [u8])> {
    Some(match channels {
        3 => (2, 1, &[0, 2, 1]),
        4 => (2, 2, &[0, 1, 2, 3]),
        5 => (3, 2, &[0, 4, 1, 2, 3]),
        6 => (4, 2, &[0, 4, 1, 2, 3, 5]),
        7 => (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
        8 => (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
        _ => return None,
    })
}

/// The audio of one track that begins within one segment; without frames where nothing is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// What it is.
    pub format: SoundFormat,
    /// When it is heard, in samples since the stream's beginning.
    pub start: u64,
    /// Samples and bytes of each frame.
    pub frames: Vec<(u32, u32)>,
    /// The frames.
    pub bytes: Vec<u8>,
}

impl Sound {
    /// Samples in it.
    pub fn samples(&self) -> u64 {
        self.frames
            .iter()
            .map(|&(samples, _)| u64::from(samples))
            .sum()
    }
}

/// The folder of an audio track.
pub(super) fn folder(index: usize) -> String {
    format!("audio_{index}")
}

/// One audio track.
pub(super) struct SoundTrack {
    name: String,
    /// What the newest init segment says.
    pub format: SoundFormat,
    begun: bool,
    /// Sample after the last one that was written; none behind a gap.
    next: Option<u64>,
}

impl SoundTrack {
    pub fn new(index: usize, format: &SoundFormat) -> Self {
        Self {
            name: folder(index),
            format: format.clone(),
            begun: false,
            next: None,
        }
    }

    /// Its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new init segment, at the beginning and where the format changes: a sender came back with another.
    pub fn begin(&mut self, sound: Option<&Sound>) -> Result<Option<Vec<u8>>, PackageError> {
        let format = sound.map_or(&self.format, |sound| &sound.format);
        if self.begun && self.format == *format {
            return Ok(None);
        }
        let rate = NonZeroU32::new(format.rate).map_or(1, NonZeroU32::get);
        let init = format
            .entry()
            .and_then(|entry| fragment::init(TrackKind::Audio, &entry, rate));
        let init = init.map_err(|e| PackageError::Mp4(e.to_string()))?;
        self.begun = true;
        self.format = format.clone();
        self.next = None;
        Ok(Some(init))
    }

    /// Whether sound in this format needs another initialisation segment than the one before.
    pub fn changes(&self, format: &SoundFormat) -> bool {
        self.begun && self.format != *format
    }

    /// Its piece of a segment that lasts from second `start` to `end`, with silence where nothing is heard. Behind a `jump` nothing
    /// is owed for more than a second before.
    pub fn piece(&self, sound: Option<&Sound>, (start, end): (f64, f64), jump: bool) -> Sound {
        let rate = f64::from(self.format.rate);
        let [start, end] = [start, end].map(|seconds| (seconds * rate).round() as u64);
        let none = Sound {
            format: self.format.clone(),
            start,
            frames: Vec::new(),
            bytes: Vec::new(),
        };
        let sound = sound.filter(|sound| !sound.frames.is_empty());
        let heard = sound.unwrap_or(&none);
        let begin = match self.next {
            Some(next) if !jump || next + u64::from(self.format.rate) > start => next,
            _ => start.min(heard.start),
        };
        let late = start.saturating_sub(heard.start) + (rate * LATE) as u64;
        heard.filled(begin, end, late)
    }

    /// The media segment.
    pub fn mux(&self, sequence: u32, sound: &Sound) -> Result<Vec<u8>, PackageError> {
        let pieces: Vec<_> = sound
            .frames
            .iter()
            .map(|&(duration, size)| Piece {
                duration,
                size,
                key: true,
            })
            .collect();
        fragment::media(sequence, sound.start, &pieces, &sound.bytes)
            .map_err(|e| PackageError::Mp4(e.to_string()))
    }

    /// Notes how far the entries have come; none where the last one is a gap.
    pub fn pass(&mut self, sound: Option<&Sound>) {
        self.next = sound.map(Sound::end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(codec: SoundCodec, channels: u16, rate: u32) -> SoundFormat {
        SoundFormat {
            codec,
            channels,
            rate,
            language: None,
        }
    }

    #[test]
    fn lower_rates_of_layer_three_are_another_type() {
        let codecs = |rate| format(SoundCodec::Mp3, 2, rate).codecs();
        for rate in [48_000, 44_100, 32_000] {
            assert_eq!(codecs(rate), "mp4a.6B");
        }
        for rate in [24_000, 22_050, 16_000, 8_000] {
            assert_eq!(codecs(rate), "mp4a.69");
        }
        let bytes = |rate| {
            let entry = format(SoundCodec::Mp3, 2, rate).entry().unwrap();
            entry.encode_to_vec().unwrap()
        };
        let differ = bytes(32_000)
            .iter()
            .zip(bytes(24_000))
            .any(|(&a, b)| (a, b) == (0x6b, 0x69));
        assert!(differ);
    }

    #[test]
    fn extended_aac_says_so() {
        // 22.05 kHz; FDK's configurations for the same.
        let stereo = format(SoundCodec::Aac(vec![0x13, 0x90]), 2, 22_050);
        assert_eq!(stereo.codecs(), "mp4a.40.2");
        let extended = stereo.clone().extended(Extension::Spectrum, 44_100);
        assert_eq!(
            extended.codec,
            SoundCodec::Aac(vec![0x2b, 0x92, 0x08, 0x00])
        );
        assert_eq!(
            (extended.codecs(), extended.rate),
            ("mp4a.40.5".into(), 22_050)
        );
        let mono = format(SoundCodec::Aac(vec![0x13, 0x88]), 1, 22_050);
        let extended = mono.extended(Extension::Stereo, 44_100);
        assert_eq!(
            extended.codec,
            SoundCodec::Aac(vec![0xeb, 0x8a, 0x08, 0x00])
        );
        assert_eq!(
            (extended.codecs(), extended.channels),
            ("mp4a.40.29".into(), 2)
        );
        // Once is enough, and nothing else is extended.
        assert_eq!(
            extended.clone().extended(Extension::Stereo, 44_100),
            extended
        );
        assert_eq!(stereo.clone().extended(Extension::Spectrum, 44_000), stereo);
        let opus = format(SoundCodec::Opus, 2, 48_000);
        assert_eq!(opus.clone().extended(Extension::Spectrum, 48_000), opus);
    }
}
