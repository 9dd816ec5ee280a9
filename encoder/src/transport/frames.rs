//! Audio frames in access units: AAC in ADTS, MPEG-1 layer 3, Opus.

use crate::package::SoundCodec;

/// Samples a second by the index in ADTS (ISO/IEC 14496-3, table 1.18).
pub(crate) const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
const OPUS_RATE: u32 = 48_000;
/// Most samples of an Opus packet: 120 ms (RFC 6716, 3.2.5).
const OPUS_MOST: u32 = 5760;

/// Audio codecs that are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundKind {
    /// AAC in ADTS.
    Aac,
    /// MPEG-1 or MPEG-2 layer 3.
    Mp3,
    /// Opus.
    Opus {
        /// Channels.
        channels: u8,
    },
}

/// A frame, and what it says of itself.
pub(super) struct Frame<'a> {
    pub codec: SoundCodec,
    pub channels: u16,
    pub rate: u32,
    pub samples: u32,
    pub bytes: &'a [u8],
}

/// The frame that begins here, and what comes after it.
pub(super) fn frame(kind: SoundKind, bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
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
            // Of an order that is told in some frame alone, often the first: no frame without it is understood.
            0 => return None,
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

/// Samples at 48 kHz of a packet (RFC 6716, 3.1); none of one that no decoder takes.
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
    Some(each * count).filter(|samples| (1..=OPUS_MOST).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opus_and_layer_three_lengths() {
        assert_eq!(opus_samples(&[0xfc]), Some(960));
        assert_eq!(opus_samples(&[0x03, 3]), Some(1440));
        // No frame at all, and 63 of 60 ms.
        assert_eq!(opus_samples(&[0x03, 0]), None);
        assert_eq!(opus_samples(&[0x1b, 63]), None);
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
