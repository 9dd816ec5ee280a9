//! MPEG transport streams as FFmpeg writes them: what comes from a live sender, and a file's audio, passes through here.
//!
//! Packets go in, access units come out (ISO/IEC 13818-1). Nothing is decoded: only headers are read.

mod audio;
mod frames;
mod insert;
mod place;
mod tables;
mod untaken;
mod video;

use std::time::Duration;

pub use audio::SoundClock;
pub(crate) use frames::AAC_RATES;
pub(crate) use insert::insert;
use tables::Tables;
pub use tables::{Kind, Stream};
pub use untaken::Untaken;
pub use video::VideoKind;

/// Bytes of a packet.
pub const PACKET: usize = 188;
/// Ticks a second of all times here.
pub const CLOCK: u64 = 90_000;
/// Times have 33 bits and begin again.
pub(crate) const WRAP: u64 = 1 << 33;
/// Largest access unit of audio: a muxer puts some hundred frames into one at most.
const MAX_SOUND: usize = 1 << 20;
/// Largest access unit: an intra frame of 4K video at a very high rate has some megabytes.
const MAX_UNIT: usize = 32 << 20;

/// Why a stream is not understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TransportError {
    /// Not a packet.
    #[error("a packet starts with byte {found:#04x}, expected 0x47")]
    Sync {
        /// Its first byte.
        found: u8,
    },
    /// A table that does not fit where it should.
    #[error("the {0} table is cut off")]
    Table(&'static str),
    /// No unit is that large.
    #[error("an access unit has more than {MAX_UNIT} bytes, or more than {MAX_SOUND} of audio")]
    Large,
}

/// An access unit, or the part of one that its header begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Index of its stream among those of the same sort.
    pub track: usize,
    /// What it is.
    pub kind: Kind,
    /// When it is shown, in ticks of [`CLOCK`]; does not wrap around.
    pub time: i64,
    /// When it is decoded: grows from unit to unit of a stream, unless its clock was set.
    pub decoded: i64,
    /// The elementary stream's bytes.
    pub bytes: Vec<u8>,
    /// Of video, the packets that it came in.
    pub packets: Vec<u8>,
}

/// Ticks as time; what lies before the origin is zero.
pub fn duration(ticks: i64) -> Duration {
    let ticks = u128::from(ticks.max(0).unsigned_abs());
    let nanos = ticks * 1_000_000_000 / u128::from(CLOCK);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// When a unit is shown, and when it is decoded.
type Times = (u64, u64);

#[derive(Default)]
struct Gathering {
    times: Option<Times>,
    bytes: Vec<u8>,
    packets: Vec<u8>,
    begun: bool,
}

/// Takes packets, gives units.
#[derive(Default)]
pub struct Demuxer {
    tables: Tables,
    gathering: Vec<Gathering>,
    last: Option<i64>,
}

impl Demuxer {
    /// Its streams, once they are known.
    pub fn streams(&self) -> &[Stream] {
        self.tables.streams()
    }

    /// The language of an audio track.
    pub fn sound_language(&self, track: usize) -> Option<String> {
        let mut sounds = self
            .streams()
            .iter()
            .filter(|stream| matches!(stream.kind, Kind::Sound(_)));
        sounds.nth(track)?.language.clone()
    }

    /// Packets that a file of the video alone begins with; empty while there is no video.
    pub fn video_tables(&self) -> Vec<u8> {
        self.tables.of_video()
    }

    /// Takes one packet; gives the unit that it shows to be complete.
    ///
    /// # Errors
    /// What is no transport stream.
    pub fn push(&mut self, packet: &[u8; PACKET]) -> Result<Option<Unit>, TransportError> {
        if packet[0] != 0x47 {
            return Err(TransportError::Sync { found: packet[0] });
        }
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let starts = packet[1] & 0x40 != 0;
        let payload = payload(packet);
        if self.tables.take(pid, starts, payload, packet)? {
            return Ok(None);
        }
        let taken = |stream: &Stream| stream.pid == pid && stream.is_taken();
        let Some(index) = self.streams().iter().position(taken) else {
            return Ok(None);
        };
        if self.gathering.len() <= index {
            self.gathering.resize_with(index + 1, Gathering::default);
        }
        let done = starts.then(|| self.complete(index)).flatten();
        let video = matches!(self.streams()[index].kind, Kind::Video(_));
        let gathering = &mut self.gathering[index];
        if starts {
            let (times, rest) = elementary(payload);
            *gathering = Gathering {
                times,
                bytes: rest.to_vec(),
                packets: Vec::new(),
                begun: true,
            };
        } else if gathering.begun {
            gathering.bytes.extend_from_slice(payload);
        }
        if video && gathering.begun {
            gathering.packets.extend_from_slice(packet);
        }
        let most = if video { MAX_UNIT } else { MAX_SOUND };
        match gathering.bytes.len() > most {
            true => Err(TransportError::Large),
            false => Ok(done),
        }
    }

    /// What is left at the stream's end.
    pub fn finish(&mut self) -> Vec<Unit> {
        (0..self.gathering.len())
            .filter_map(|index| self.complete(index))
            .collect()
    }

    fn complete(&mut self, index: usize) -> Option<Unit> {
        let gathering = std::mem::take(self.gathering.get_mut(index)?);
        let (shown, decoded) = gathering.times.filter(|_| gathering.begun)?;
        let time = self.unwrap(shown);
        let decoded = near(decoded, time);
        let stream = self.tables.streams().get(index)?;
        Some(Unit {
            track: stream.track,
            kind: stream.kind,
            time,
            decoded,
            bytes: gathering.bytes,
            packets: gathering.packets,
        })
    }

    /// A time near the last one, whatever wrapped around in between.
    fn unwrap(&mut self, time: u64) -> i64 {
        let time = near(time, self.last.unwrap_or(time as i64));
        self.last = Some(time);
        time
    }
}

/// Of all times that have these 33 bits the one next to `last`.
fn near(time: u64, last: i64) -> i64 {
    let (time, wrap) = (time as i64, WRAP as i64);
    time + (last - time + wrap / 2).div_euclid(wrap) * wrap
}

/// What a packet carries.
fn payload(packet: &[u8; PACKET]) -> &[u8] {
    let adaptation = packet[3] & 0x20 != 0;
    let skip = if adaptation {
        5 + usize::from(packet[4])
    } else {
        4
    };
    match packet[3] & 0x10 {
        0 => &[],
        _ => packet.get(skip..).unwrap_or_default(),
    }
}

/// Times and elementary bytes of a PES packet's beginning (ISO/IEC 13818-1, 2.4.3.6).
fn elementary(payload: &[u8]) -> (Option<Times>, &[u8]) {
    let (Some([0, 0, 1, ..]), Some(&flags), Some(&header)) =
        (payload.first_chunk::<4>(), payload.get(7), payload.get(8))
    else {
        return (None, &[]);
    };
    let rest = payload.get(9 + usize::from(header)..).unwrap_or_default();
    let time = |at: usize, flag: u8| {
        let b = payload.get(at..at + 5).filter(|_| flags & flag != 0)?;
        let part = |byte: u8, mask: u8| u64::from(byte & mask);
        let high = part(b[0], 0x0e) << 29 | part(b[1], 0xff) << 22 | part(b[2], 0xfe) << 14;
        Some(high | part(b[3], 0xff) << 7 | part(b[4], 0xfe) >> 1)
    };
    // Without a time of its own it is decoded when it is shown.
    let times = time(9, 0x80).map(|shown| (shown, time(14, 0x40).unwrap_or(shown)));
    (times, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_when_they_wrap_around() {
        let mut demuxer = Demuxer::default();
        let near = WRAP - 90;
        assert_eq!(demuxer.unwrap(near), near as i64);
        assert_eq!(demuxer.unwrap(10), (WRAP + 10) as i64);
        assert_eq!(demuxer.unwrap(near + 5), (near + 5) as i64);
        assert_eq!(demuxer.unwrap(100), (WRAP + 100) as i64);
    }

    #[test]
    fn what_is_no_packet_is_said() {
        let packet = [0; PACKET];
        let found = Demuxer::default().push(&packet);
        assert_eq!(found, Err(TransportError::Sync { found: 0 }));
    }

    #[test]
    fn garbage_in_packets_does_no_harm() {
        let mut demuxer = Demuxer::default();
        let mut state = 1u32;
        for _ in 0..20_000 {
            let mut packet = [0u8; PACKET];
            for byte in &mut packet {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
            packet[0] = 0x47;
            // Tables and a few streams.
            packet[1] &= 0x40;
            packet[2] &= 0x03;
            let _ = demuxer.push(&packet);
        }
        demuxer.finish();
    }
}
