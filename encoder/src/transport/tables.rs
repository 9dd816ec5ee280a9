//! Which streams there are: program association and program map (ISO/IEC 13818-1, 2.4.4).

use super::frames::SoundKind;
use super::video::VideoKind;
use super::{PACKET, TransportError};
use crate::package::MAX_SOUNDS;

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video(VideoKind),
    /// Audio that can be passed on.
    Sound(SoundKind),
    /// Anything else, by its stream type.
    Other(u8),
}

/// One stream of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub(super) pid: u16,
    /// What it is.
    pub kind: Kind,
    /// Index among the streams of the same sort.
    pub track: usize,
    /// ISO 639-2 code, if it says one.
    pub language: Option<String>,
    /// Its entry in the program map.
    entry: Vec<u8>,
}

impl Stream {
    /// Whether anything comes of it: the first video, and as much audio as is passed on.
    pub(super) fn is_taken(&self) -> bool {
        match self.kind {
            Kind::Video(_) => self.track == 0,
            Kind::Sound(_) => self.track < MAX_SOUNDS,
            Kind::Other(_) => false,
        }
    }
}

#[derive(Default)]
pub(super) struct Tables {
    map: Option<u16>,
    association: Vec<u8>,
    /// The map's section that is being put together from packets.
    partial: Vec<u8>,
    /// The last whole one.
    section: Vec<u8>,
    streams: Vec<Stream>,
}

impl Tables {
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Whether the packet belongs to the tables.
    pub fn take(
        &mut self,
        pid: u16,
        starts: bool,
        payload: &[u8],
        packet: &[u8; PACKET],
    ) -> Result<bool, TransportError> {
        match pid {
            0 if starts => {
                let section = section(payload).ok_or(TransportError::Table("association"))?;
                // Program number 0 is the network's table.
                let program = section
                    .get(8..section.len() - 4)
                    .unwrap_or_default()
                    .chunks_exact(4)
                    .find(|entry| entry[..2] != [0, 0]);
                self.map = program.map(|entry| u16::from_be_bytes([entry[2] & 0x1f, entry[3]]));
                self.association = packet.to_vec();
                Ok(true)
            }
            _ if Some(pid) == self.map => {
                if starts {
                    // What lies before the section is the end of one of which the beginning was lost, or of the one before.
                    let begun = payload.first().map(|&skip| 1 + usize::from(skip));
                    let section = begun.and_then(|begun| payload.get(begun..));
                    self.partial = section.ok_or(CUT_OFF)?.to_vec();
                } else if !self.partial.is_empty() {
                    self.partial.extend_from_slice(payload);
                }
                self.read_map().map(|()| true)
            }
            // Null packets, service descriptions.
            0 | 0x11 | 0x1fff => Ok(true),
            _ => Ok(false),
        }
    }

    /// Reads the map once all of it is there. It has at most 1021 bytes behind its head.
    fn read_map(&mut self) -> Result<(), TransportError> {
        let Some(len) = section_len(&self.partial) else {
            return Ok(());
        };
        if self.partial.len() < len {
            return match len <= MAX_SECTION {
                true => Ok(()),
                false => Err(CUT_OFF),
            };
        }
        let mut section = std::mem::take(&mut self.partial);
        section.truncate(len);
        if self.section != section {
            self.streams = streams(&section).ok_or(CUT_OFF)?;
            self.section = section;
        }
        Ok(())
    }

    /// Both tables, with the first video stream alone.
    pub fn of_video(&self) -> Vec<u8> {
        let video = self
            .streams
            .iter()
            .find(|stream| matches!(stream.kind, Kind::Video(_)));
        let (Some(video), Some(map), Some(head)) = (video, self.map, self.section.get(..12)) else {
            return Vec::new();
        };
        let mut section = head.to_vec();
        // Without descriptors of the program: program_info_length is the last field of the head.
        section[10] = 0xf0;
        section[11] = 0;
        // Its descriptors where they have room in one packet, which is all that a decoder asks of them.
        let room = PACKET - 5 - section.len() - 4;
        match video.entry.len() <= room {
            true => section.extend_from_slice(&video.entry),
            false => {
                section.extend_from_slice(&video.entry[..3]);
                section.extend_from_slice(&[0xf0, 0]);
            }
        }
        let len = section.len() - 3 + 4;
        section[1] = 0xb0 | (len >> 8) as u8;
        section[2] = len as u8;
        section.extend_from_slice(&checksum(&section).to_be_bytes());
        let mut packet = vec![0x47, 0x40 | (map >> 8) as u8, map as u8, 0x10, 0];
        packet.extend_from_slice(&section);
        packet.resize(PACKET, 0xff);
        [self.association.clone(), packet].concat()
    }
}

/// What is wrong with a program map that does not fit.
const CUT_OFF: TransportError = TransportError::Table("program");
/// Bytes of a section: 1021 behind its length.
const MAX_SECTION: usize = 1024;

/// A section that lies whole in one packet, as that of one program does.
fn section(payload: &[u8]) -> Option<&[u8]> {
    let section = payload.get(1 + usize::from(*payload.first()?)..)?;
    // Head and checksum.
    let len = section_len(section)?;
    section.get(..len).filter(|section| section.len() >= 12)
}

/// Bytes of a section, by its head.
fn section_len(section: &[u8]) -> Option<usize> {
    let len = [section.get(1)? & 0x0f, *section.get(2)?];
    Some(3 + usize::from(u16::from_be_bytes(len)))
}

fn streams(section: &[u8]) -> Option<Vec<Stream>> {
    let word = |at: usize| {
        let bytes = [*section.get(at)?, *section.get(at + 1)?];
        Some(u16::from_be_bytes(bytes))
    };
    let mut at = 12 + usize::from(word(10)? & 0x0fff);
    let mut streams: Vec<Stream> = Vec::new();
    while at + 5 <= section.len().checked_sub(4)? {
        let (pid, info) = (word(at + 1)? & 0x1fff, usize::from(word(at + 3)? & 0x0fff));
        let entry = section.get(at..at + 5 + info)?;
        let descriptors = Descriptors(&entry[5..]);
        let kind = kind(entry[0], &descriptors);
        let language = descriptors.find(0x0a).and_then(|body| {
            let code = std::str::from_utf8(body.get(..3)?).ok()?;
            let named = code.bytes().all(|byte| byte.is_ascii_lowercase()) && code != "und";
            named.then(|| code.to_owned())
        });
        let same = |stream: &&Stream| {
            std::mem::discriminant(&stream.kind) == std::mem::discriminant(&kind)
        };
        let track = streams.iter().filter(same).count();
        streams.push(Stream {
            pid,
            kind,
            track,
            language,
            entry: entry.to_vec(),
        });
        at += entry.len();
    }
    Some(streams)
}

struct Descriptors<'a>(&'a [u8]);

impl<'a> Descriptors<'a> {
    fn find(&self, tag: u8) -> Option<&'a [u8]> {
        let mut rest = self.0;
        while let [found, len, body @ ..] = rest {
            let body = body.get(..usize::from(*len))?;
            if *found == tag {
                return Some(body);
            }
            rest = &rest[2 + body.len()..];
        }
        None
    }
}

fn kind(stream_type: u8, descriptors: &Descriptors<'_>) -> Kind {
    match stream_type {
        0x1b => Kind::Video(VideoKind::H264),
        0x24 => Kind::Video(VideoKind::Hevc),
        0x0f => Kind::Sound(SoundKind::Aac),
        0x03 | 0x04 => Kind::Sound(SoundKind::Mp3),
        // Private data, registered as Opus; the extension descriptor has the channels.
        0x06 if descriptors
            .find(0x05)
            .is_some_and(|body| body.starts_with(b"Opus")) =>
        {
            match descriptors.find(0x7f) {
                Some([0x80, channels @ 1..=8, ..]) => Kind::Sound(SoundKind::Opus {
                    channels: *channels,
                }),
                None => Kind::Sound(SoundKind::Opus { channels: 2 }),
                // Channels in an order of their own.
                Some(_) => Kind::Other(stream_type),
            }
        }
        other => Kind::Other(other),
    }
}

/// CRC-32 of MPEG sections (ISO/IEC 13818-1, annex A).
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            let carry = crc & 0x8000_0000 != 0;
            crc << 1 ^ if carry { 0x04c1_1db7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_mpeg_ones() {
        assert_eq!(checksum(b"123456789"), 0x0376_e6e7);
    }
}
