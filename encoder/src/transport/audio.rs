//! One track's audio, put together from access units.

use std::collections::VecDeque;

use super::CLOCK;
use super::frames::{Frame, SoundKind, frame};
use super::place::Place;
use crate::package::{Sound, SoundFormat};

/// Frames and bytes of a track that wait for their pictures; what is beyond is left out. An hour of AAC is 170,000 frames
/// and, at 128 kbit/s, 58 MB; only files have segments so long.
const WAITING: (usize, usize) = (1 << 18, 64 << 20);

/// One track's audio, put together frame by frame.
#[derive(Default)]
pub struct SoundClock {
    language: Option<String>,
    /// What was put together, all of one format; without frames where nothing waits.
    pending: Option<Pending>,
    place: Place,
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
    /// Whether there was a frame in it.
    pub fn push(&mut self, kind: SoundKind, time: i64, unit: &[u8]) -> bool {
        // Of several frames in it the first has the time.
        let (mut rest, mut before) = (unit, 0);
        while let Some((frame, after)) = frame(kind, rest) {
            rest = after;
            let told = i128::from(time) * i128::from(frame.rate) / i128::from(CLOCK);
            self.add(&frame, told as i64 + before);
            before += i64::from(frame.samples);
        }
        before > 0
    }

    fn add(&mut self, frame: &Frame<'_>, told: i64) {
        let Some(start) = self.place.of(told, frame.samples, frame.rate) else {
            return;
        };
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
        if pending.frames.len() >= WAITING.0 || pending.bytes.len() + frame.bytes.len() > WAITING.1
        {
            return;
        }
        let len = frame.bytes.len() as u32;
        pending.frames.push_back((start, frame.samples, len));
        pending.bytes.extend_from_slice(frame.bytes);
        self.place.put(start, frame.samples);
    }

    /// Takes the frames that begin before `ticks` after the stream's beginning; none of a track that was never heard.
    pub fn take(&mut self, ticks: i64) -> Option<Sound> {
        let pending = self.pending.as_mut()?;
        let rate = u64::from(pending.format.rate);
        Some(pending.take(rescale(ticks.max(0).unsigned_abs(), CLOCK, rate)))
    }
}

impl Pending {
    fn take(&mut self, limit: u64) -> Sound {
        let first = self.frames.front().map_or(limit, |&(at, ..)| at.min(limit));
        let mut sound = Sound {
            format: self.format.clone(),
            start: first,
            frames: Vec::new(),
            bytes: Vec::new(),
        };
        let mut bytes = 0;
        while let Some(&(at, samples, len)) = self.frames.front()
            && at < limit
        {
            self.frames.pop_front();
            let rest = &self.bytes[bytes..];
            sound.frames.push((samples, len));
            sound.bytes.extend_from_slice(&rest[..len as usize]);
            bytes += len as usize;
            // Frames were lost, or the sound stopped; but not past the end of its piece.
            if let Some(&(next, ..)) = self.frames.front() {
                sound.silent_until(next.min(limit));
            }
        }
        self.bytes.drain(..bytes);
        sound
    }
}

/// A count by one rate as one by another.
fn rescale(count: u64, from: u64, to: u64) -> u64 {
    (u128::from(count) * u128::from(to) / u128::from(from)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ADTS frame of 48 kHz stereo with `len` bytes of payload.
    fn adts(len: usize) -> Vec<u8> {
        adts_of(3, len)
    }

    /// The same at another rate, by its index.
    fn adts_of(rate: u8, len: usize) -> Vec<u8> {
        let whole = len + 7;
        let mut frame = vec![
            0xff,
            0xf1,
            1 << 6 | rate << 2,
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
        assert!(clock.take(i64::MAX).unwrap().frames.is_empty());
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
        // Silence is in frames of its own, and the last one has what is left.
        let frames: Vec<_> = sound.frames.iter().map(|&(samples, _)| samples).collect();
        assert_eq!((sound.start, frames[0], frames.len()), (0, 1024, 47));
        assert_eq!(frames[44..], [1024, 1024 + 896, 1024]);
        let len: u32 = sound.frames.iter().map(|&(_, len)| len).sum();
        assert_eq!(sound.bytes.len(), len as usize);
    }

    #[test]
    fn a_hole_is_not_filled_beyond_its_piece() {
        let mut clock = SoundClock::default();
        assert!(clock.take(90_000).is_none());
        clock.push(SoundKind::Aac, 90_000, &adts(1));
        clock.push(SoundKind::Aac, 61 * 90_000, &adts(1));
        let before = clock.take(2 * 90_000).unwrap();
        assert_eq!((before.start, before.samples()), (48_000, 48_000));
        // What it would be is known.
        let silent = clock.take(60 * 90_000).unwrap();
        assert_eq!((silent.start, silent.frames.len()), (60 * 48_000, 0));
        let after = clock.take(62 * 90_000).unwrap();
        assert_eq!((after.start, after.samples()), (61 * 48_000, 1024));
    }

    #[test]
    fn another_rate_is_heard_from_its_first_frame_on() {
        let mut clock = SoundClock::default();
        let hour = 3600 * 90_000;
        clock.push(SoundKind::Aac, hour, &adts(1));
        let before = clock.take(hour + 90_000).unwrap();
        assert_eq!(before.start, 3600 * 48_000);
        // 44.1 kHz from the next second on.
        for second in 1..4 {
            clock.push(SoundKind::Aac, hour + second * 90_000, &adts_of(4, 1));
        }
        let after = clock.take(i64::MAX).unwrap();
        assert_eq!((after.format.rate, after.start), (44_100, 3601 * 44_100));
        assert_eq!(after.samples(), 2 * 44_100 + 1024);
    }

    #[test]
    fn what_waits_for_its_pictures_is_bounded() {
        let opus = SoundKind::Opus { channels: 2 };
        // The shortest packets, all in one unit; one without samples takes no time and is none.
        let unit = [0x7f, 0xe0, 1, 0x80].repeat(1 << 20);
        let mut clock = SoundClock::default();
        assert!(clock.push(opus, 0, &unit));
        assert!(!clock.push(opus, 0, &[0x7f, 0xe0, 2, 0x03, 0]));
        let sound = clock.take(i64::MAX).unwrap();
        assert_eq!(sound.frames.len(), WAITING.0);
        let mut clock = SoundClock::default();
        for index in 0..9000 {
            clock.push(SoundKind::Aac, index * 1920, &adts(8000));
        }
        let sound = clock.take(i64::MAX).unwrap();
        assert!(sound.bytes.len() <= WAITING.1 && sound.bytes.len() > WAITING.1 - 8000);
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
}
