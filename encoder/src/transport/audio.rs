//! Audio frames in access units: AAC in ADTS, MPEG-1 layer 3, Opus.

use std::collections::VecDeque;

use super::CLOCK;
use crate::package::{Sound, SoundCodec, SoundFormat};

/// A frame is heard right after the one before unless its time says otherwise by more than this: senders round times to
/// milliseconds, and an audible gap is not worth correcting less.
const SLACK_MS: u64 = 60;
/// Samples a second by the index in ADTS (ISO/IEC 14496-3, table 1.18).
const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
const OPUS_RATE: u32 = 48_000;

/// Audio codecs that are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundKind {
    /// AAC in ADTS.
    Aac,
    /// MPEG-1 layer 3.
    Mp3,
    /// Opus.
    Opus {
        /// Channels.
        channels: u8,
    },
}

struct Frame<'a> {
    codec: SoundCodec,
    channels: u16,
    rate: u32,
    samples: u32,
    bytes: &'a [u8],
}

/// One track's audio, put together frame by frame.
#[derive(Default)]
pub struct SoundClock {
    language: Option<String>,
    /// What was put together, all of one format.
    pending: Option<Pending>,
    /// Sample after the last one.
    next: Option<u64>,
}

struct Pending {
    format: SoundFormat,
    /// First sample, samples and bytes of each frame.
    frames: VecDeque<(u64, u32, u32)>,
    bytes: Vec<u8>,
}

impl SoundClock {
    /// A track in that language.
    pub fn new(language: Option<String>) -> Self {
        Self {
            language,
            ..Self::default()
        }
    }

    /// Takes an access unit that is heard `time` ticks after the stream's beginning. What comes before it is left out.
    pub fn push(&mut self, kind: SoundKind, time: i64, unit: &[u8]) {
        let mut rest = unit;
        let mut told = Some(time);
        while let Some((frame, after)) = frame(kind, rest) {
            rest = after;
            self.add(&frame, told.take());
        }
    }

    fn add(&mut self, frame: &Frame<'_>, time: Option<i64>) {
        let rate = u64::from(frame.rate);
        let told = time.map(|time| time as i128 * i128::from(rate) / i128::from(CLOCK));
        let slack = i128::from(rate * SLACK_MS / 1000);
        let start = match (self.next, told) {
            (Some(next), Some(told)) if (told - i128::from(next)).abs() > slack => told,
            (Some(next), _) => i128::from(next),
            (None, Some(told)) => told,
            (None, None) => return,
        };
        // Heard already, or before the first picture.
        let Ok(start) = u64::try_from(start) else {
            return;
        };
        if self.next.is_some_and(|next| start < next) {
            return;
        }
        let format = SoundFormat {
            codec: frame.codec.clone(),
            channels: frame.channels,
            rate: frame.rate,
            language: self.language.clone(),
        };
        // A piece has one format; the rest of it is lost when that changes in its middle.
        let pending = match &mut self.pending {
            Some(pending) if pending.format == format => pending,
            other => other.insert(Pending {
                format,
                frames: VecDeque::new(),
                bytes: Vec::new(),
            }),
        };
        let len = frame.bytes.len() as u32;
        pending.frames.push_back((start, frame.samples, len));
        pending.bytes.extend_from_slice(frame.bytes);
        self.next = Some(start + u64::from(frame.samples));
    }

    /// Takes the frames that begin before `ticks` after the stream's beginning. None of them is drawn out beyond that.
    pub fn take(&mut self, ticks: i64) -> Option<Sound> {
        let mut pending = self.pending.take()?;
        let rate = u64::from(pending.format.rate);
        let limit =
            (ticks.max(0).unsigned_abs() as u128 * u128::from(rate) / u128::from(CLOCK)) as u64;
        let sound = pending.take(limit);
        if !pending.frames.is_empty() {
            self.pending = Some(pending);
        }
        sound
    }
}

impl Pending {
    fn take(&mut self, limit: u64) -> Option<Sound> {
        let &(start, ..) = self.frames.front().filter(|&&(at, ..)| at < limit)?;
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while let Some(&(at, samples, len)) = self.frames.front()
            && at < limit
        {
            self.frames.pop_front();
            // Silence of lost frames is the one before them, longer; but not past the end of its piece.
            let follows = self.frames.front().map(|&(next, ..)| next.min(limit));
            let until = follows.unwrap_or(0).max(at + u64::from(samples));
            frames.push((u32::try_from(until - at).unwrap_or(u32::MAX), len));
            bytes += len as usize;
        }
        let rest = self.bytes.split_off(bytes);
        Some(Sound {
            format: self.format.clone(),
            start,
            frames,
            bytes: std::mem::replace(&mut self.bytes, rest),
        })
    }
}

fn frame(kind: SoundKind, bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    match kind {
        SoundKind::Aac => aac(bytes),
        SoundKind::Mp3 => mp3(bytes),
        SoundKind::Opus { channels } => opus(bytes, channels),
    }
}

/// ADTS (ISO/IEC 14496-3, 1.A.2.2).
fn aac(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let head = bytes.first_chunk::<7>()?;
    if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
        return None;
    }
    let (profile, index) = (head[2] >> 6, head[2] >> 2 & 0x0f);
    let channels = (head[2] & 1) << 2 | head[3] >> 6;
    let len =
        usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    let header = if head[1] & 1 == 1 { 7 } else { 9 };
    let blocks = u32::from(head[6] & 3) + 1;
    // AudioSpecificConfig: object type (5 bits), rate (4), channels (4).
    let config = vec![
        (profile + 1) << 3 | index >> 1,
        (index & 1) << 7 | channels << 3,
    ];
    let frame = Frame {
        codec: SoundCodec::Aac(config),
        channels: match channels {
            0 => 2,
            7 => 8,
            channels => channels.into(),
        },
        rate: *AAC_RATES.get(usize::from(index))?,
        samples: 1024 * blocks,
        bytes: bytes.get(header..len)?,
    };
    Some((frame, bytes.get(len..)?))
}

/// A frame of layer 3 (ISO/IEC 11172-3, 2.4.2.3; the lower rates of ISO/IEC 13818-3).
fn mp3(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    const FIRST: [u32; 15] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const LOWER: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let head = bytes.first_chunk::<4>()?;
    if head[0] != 0xff || head[1] & 0xe6 != 0xe2 {
        return None;
    }
    let (version, index) = (head[1] >> 3 & 3, usize::from(head[2] >> 4));
    let base = *[44_100, 48_000, 32_000].get(usize::from(head[2] >> 2 & 3))?;
    let (rate, rates, samples) = match version {
        3 => (base, FIRST, 1152),
        2 => (base / 2, LOWER, 576),
        0 => (base / 4, LOWER, 576),
        _ => return None,
    };
    let bits = rates.get(index).filter(|&&bits| bits > 0)? * 1000;
    let padding = u32::from(head[2] >> 1 & 1);
    let len = (samples / 8 * bits / rate + padding) as usize;
    let frame = Frame {
        codec: SoundCodec::Mp3,
        channels: if head[3] >> 6 == 3 { 1 } else { 2 },
        rate,
        samples,
        bytes: bytes.get(..len)?,
    };
    Some((frame, &bytes[len..]))
}

/// Opus with the control header of transport streams (ETSI TS 103 491's predecessor, opus-codec.org's draft, 4.3).
fn opus(bytes: &[u8], channels: u8) -> Option<(Frame<'_>, &[u8])> {
    let head = bytes.first_chunk::<2>()?;
    if head[0] != 0x7f || head[1] & 0xe0 != 0xe0 {
        return None;
    }
    let mut at = 2;
    let mut len = 0usize;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        len += usize::from(byte);
        if byte != 0xff {
            break;
        }
    }
    // Trims of the start and of the end, and an extension.
    at += if head[1] & 0x10 != 0 { 2 } else { 0 };
    at += if head[1] & 0x08 != 0 { 2 } else { 0 };
    at += if head[1] & 0x04 != 0 {
        1 + usize::from(*bytes.get(at)?)
    } else {
        0
    };
    let packet = bytes.get(at..at + len)?;
    let frame = Frame {
        codec: SoundCodec::Opus,
        channels: channels.into(),
        rate: OPUS_RATE,
        samples: opus_samples(packet)?,
        bytes: packet,
    };
    Some((frame, &bytes[at + len..]))
}

/// Samples at 48 kHz of a packet (RFC 6716, 3.1).
fn opus_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let config = toc >> 3;
    let each = match config {
        0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        12..=15 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 0x3f),
    };
    Some(each * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ADTS frame of 48 kHz stereo with `len` bytes of payload.
    fn adts(len: usize) -> Vec<u8> {
        let whole = len + 7;
        let mut frame = vec![
            0xff,
            0xf1,
            1 << 6 | 3 << 2,
            2 << 6 | (whole >> 11) as u8,
            (whole >> 3) as u8,
            (whole << 5) as u8 | 0x1f,
            0xfc,
        ];
        frame.resize(whole, 7);
        frame
    }

    #[test]
    fn frames_follow_each_other_although_times_are_rounded() {
        let mut clock = SoundClock::new(Some("deu".into()));
        for i in 0..1000i64 {
            // 21.333 ms each, told in whole milliseconds.
            let millis = (i * 1024 * 1000 + 24_000) / 48_000;
            clock.push(SoundKind::Aac, millis * 90, &adts(5));
        }
        let first = clock.take(90_000).unwrap();
        assert_eq!(
            (first.start, first.frames.len(), first.bytes.len()),
            (0, 47, 47 * 5)
        );
        assert_eq!(first.format.codecs(), "mp4a.40.2");
        assert_eq!(first.format.language.as_deref(), Some("deu"));
        let second = clock.take(i64::MAX).unwrap();
        assert_eq!(second.start, 47 * 1024);
        assert_eq!(second.samples(), 953 * 1024);
        assert!(clock.take(i64::MAX).is_none());
    }

    #[test]
    fn lost_frames_leave_their_time_and_early_ones_are_left_out() {
        let mut clock = SoundClock::default();
        clock.push(SoundKind::Aac, -90_000, &adts(1));
        clock.push(SoundKind::Aac, 0, &adts(1));
        clock.push(SoundKind::Aac, 90_000, &adts(1));
        // What was heard already does not come again.
        clock.push(SoundKind::Aac, 45_000, &adts(1));
        let sound = clock.take(i64::MAX).unwrap();
        assert_eq!(
            (sound.start, sound.frames),
            (0, vec![(48_000, 1), (1024, 1)])
        );
    }

    #[test]
    fn a_hole_is_not_drawn_out_beyond_its_piece() {
        let mut clock = SoundClock::default();
        clock.push(SoundKind::Aac, 90_000, &adts(1));
        clock.push(SoundKind::Aac, 61 * 90_000, &adts(1));
        let before = clock.take(2 * 90_000).unwrap();
        assert_eq!((before.start, before.samples()), (48_000, 48_000));
        assert!(clock.take(60 * 90_000).is_none());
        let after = clock.take(62 * 90_000).unwrap();
        assert_eq!((after.start, after.samples()), (61 * 48_000, 1024));
    }

    #[test]
    fn several_frames_in_one_unit_and_a_torn_one() {
        let mut clock = SoundClock::default();
        let mut unit = [adts(3), adts(4)].concat();
        unit.extend_from_slice(&adts(9)[..8]);
        clock.push(SoundKind::Aac, 0, &unit);
        let sound = clock.take(i64::MAX).unwrap();
        assert_eq!(sound.frames, [(1024, 3), (1024, 4)]);
    }

    #[test]
    fn opus_and_layer_three_lengths() {
        assert_eq!(opus_samples(&[0xfc]), Some(960));
        assert_eq!(opus_samples(&[0x03, 3]), Some(1440));
        let (frame, rest) = opus(&[0x7f, 0xe0, 2, 0xfc, 9], 2).unwrap();
        assert_eq!((frame.samples, frame.bytes.len(), rest.len()), (960, 2, 0));
        // 128 kbit/s at 44.1 kHz: 417 bytes.
        let mut bytes = vec![0xff, 0xfb, 0x90, 0x64];
        bytes.resize(420, 0);
        let (frame, rest) = mp3(&bytes).unwrap();
        assert_eq!(
            (frame.bytes.len(), frame.samples, rest.len()),
            (417, 1152, 3)
        );
    }
}
