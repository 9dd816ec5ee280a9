//! Frames in which nothing is heard. Players stop for good where a track has nothing while the pictures go on, or skip the
//! pictures, so what a source leaves silent is filled with these.

use super::sound::{Sound, SoundCodec, SoundFormat, opus_streams};

/// A frame and its samples; none of a format that has no such frame.
fn frame(format: &SoundFormat) -> Option<(u32, Vec<u8>)> {
    match &format.codec {
        SoundCodec::Aac(config) => Some((1024, aac(config.get(1)? >> 3 & 0x0f)?)),
        SoundCodec::Mp3 => mp3(format.rate, format.channels),
        SoundCodec::Opus => Some((960, opus(format.channels as u8))),
    }
}

/// A raw_data_block of a channel configuration (ISO/IEC 14496-3, 4.4.2.1 and table 1.19) whose channels have no spectrum: all
/// that is said of them is zero.
fn aac(configuration: u8) -> Option<Vec<u8>> {
    const SINGLE: u8 = 0;
    const PAIR: u8 = 1;
    const LOW: u8 = 3;
    const END: u8 = 7;
    let elements: &[u8] = match configuration {
        1 => &[SINGLE],
        2 => &[PAIR],
        3 => &[SINGLE, PAIR],
        4 => &[SINGLE, PAIR, SINGLE],
        5 => &[SINGLE, PAIR, PAIR],
        6 => &[SINGLE, PAIR, PAIR, LOW],
        7 => &[SINGLE, PAIR, PAIR, PAIR, LOW],
        _ => return None,
    };
    // A channel: global gain (8 bits), ics_info (1, 2, 1, 6, 1), and that there are no pulses, shaping or gain control (3).
    const CHANNEL: usize = 22;
    let mut bits = Vec::new();
    let mut put = |value: u8, count: usize| {
        bits.extend((0..count).rev().map(|bit| bit < 8 && value >> bit & 1 == 1));
    };
    for (index, &element) in elements.iter().enumerate() {
        // Its kind, and its number among those of that kind.
        let before = elements[..index].iter().filter(|&&other| other == element);
        put(element, 3);
        put(before.count() as u8, 4);
        // Of a pair, that it has no window in common.
        put(
            0,
            if element == PAIR {
                1 + 2 * CHANNEL
            } else {
                CHANNEL
            },
        );
    }
    put(END, 3);
    let byte = |bits: &[bool]| {
        (0..8).fold(0, |byte, bit| {
            byte << 1 | u8::from(bits.get(bit) == Some(&true))
        })
    };
    Some(bits.chunks(8).map(byte).collect())
}

/// A frame of layer 3 at its lowest bitrate, without any bits of sound (ISO/IEC 11172-3, 2.4.1; ISO/IEC 13818-3 for lower rates).
fn mp3(rate: u32, channels: u16) -> Option<(u32, Vec<u8>)> {
    let (version, base, samples, bits) = match rate {
        32_000.. => (3, rate, 1152, 32_000),
        16_000.. => (2, rate * 2, 576, 8_000),
        _ => (0, rate * 4, 576, 8_000),
    };
    let index = [44_100, 48_000, 32_000]
        .iter()
        .position(|&known| known == base)? as u8;
    let mode = if channels == 1 { 0xc0 } else { 0 };
    // Layer 3 without a checksum; the first bitrate.
    let mut frame = vec![0xff, 0xe3 | version << 3, 1 << 4 | index << 2, mode];
    frame.resize((samples / 8 * bits / rate) as usize, 0);
    Some((samples, frame))
}

/// A packet of 20 ms at full band (RFC 6716, 3.1): one frame of silence in each stream. All but the last say how long theirs is
/// (appendix B).
fn opus(channels: u8) -> Vec<u8> {
    const MONO: u8 = 0xf8;
    const STEREO: u8 = 0xfc;
    const SILENCE: [u8; 2] = [0xff, 0xfe];
    let (streams, pairs) = match opus_streams(channels) {
        Some((streams, pairs, _)) => (streams, pairs),
        None => (1, channels.saturating_sub(1)),
    };
    let mut packet = Vec::new();
    for stream in 0..streams {
        packet.push(if stream < pairs { STEREO } else { MONO });
        if stream + 1 < streams {
            packet.push(SILENCE.len() as u8);
        }
        packet.extend_from_slice(&SILENCE);
    }
    packet
}

impl Sound {
    /// What is heard from sample `begin` on, to `end`, with silence where that leaves a frame's time or more. Silence behind it begins
    /// `late` samples before the end at the latest: sound that comes later than its pictures ends before them.
    pub(super) fn filled(&self, begin: u64, end: u64, late: u64) -> Self {
        let mut filled = Self {
            start: begin,
            format: self.format.clone(),
            frames: Vec::new(),
            bytes: Vec::new(),
        };
        let (mut at, mut rest) = (self.start, &self.bytes[..]);
        for &(samples, len) in &self.frames {
            let (bytes, after) = rest.split_at(rest.len().min(len as usize));
            // What lies before has been silence already.
            if at >= begin {
                filled.silent_until(at);
                if filled.frames.is_empty() {
                    filled.start = at;
                }
                filled.frames.push((samples, len));
                filled.bytes.extend_from_slice(bytes);
            }
            at += u64::from(samples);
            rest = after;
        }
        if self.frames.is_empty() || filled.end().saturating_add(late) < end {
            filled.silent_until(end);
        }
        filled
    }

    /// Sample after its last one.
    pub(super) fn end(&self) -> u64 {
        self.start + self.samples()
    }

    /// Adds as many silent frames as there is room for; the last frame is longer by what is left.
    pub(crate) fn silent_until(&mut self, end: u64) {
        let mut room = end.saturating_sub(self.end());
        if let Some((samples, silence)) = frame(&self.format) {
            let count = (room / u64::from(samples)) as usize;
            let len = silence.len() as u32;
            self.frames
                .extend(std::iter::repeat_n((samples, len), count));
            self.bytes.extend(silence.repeat(count));
            room %= u64::from(samples);
        }
        if let Some(last) = self.frames.last_mut() {
            last.0 = last
                .0
                .saturating_add(u32::try_from(room).unwrap_or(u32::MAX));
        }
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

    fn aac_of(channels: u8) -> SoundFormat {
        let config = vec![0x11, 0x80 | channels << 3];
        format(SoundCodec::Aac(config), channels.into(), 48_000)
    }

    #[test]
    fn silence_fills_what_is_left_open() {
        let heard = Sound {
            start: 48_000,
            format: aac_of(2),
            frames: vec![(1024, 2); 3],
            bytes: vec![1, 1, 2, 2, 3, 3],
        };
        let len = frame(&heard.format).unwrap().1.len() as u32;
        // Before it: a second, with the remainder in the last frame.
        let filled = heard.filled(0, 52_000, 24_000);
        assert_eq!((filled.start, filled.end()), (0, 51_072));
        assert_eq!(
            filled.frames[45..],
            [(1024 + 896, len), (1024, 2), (1024, 2), (1024, 2)]
        );
        assert!(filled.bytes.ends_with(&heard.bytes));
        // Too little for a frame, and what was silence already.
        assert_eq!(heard.filled(47_500, 52_000, 24_000), heard);
        let cut = heard.filled(48_500, 52_000, 24_000);
        assert_eq!((cut.start, &cut.bytes[..]), (49_024, &[2, 2, 3, 3][..]));
        // Behind it, unless sound is only late.
        assert_eq!(heard.filled(48_000, 96_000, 24_000).end(), 96_000);
        assert_eq!(heard.filled(48_000, 96_000, 72_000), heard);
        let nothing = Sound {
            frames: Vec::new(),
            bytes: Vec::new(),
            ..heard
        };
        let silent = nothing.filled(100, 48_100, 24_000);
        assert_eq!(
            (silent.start, silent.end(), silent.frames.len()),
            (100, 48_100, 46)
        );
    }
}
