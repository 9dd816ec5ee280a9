//! Audio that is not passed on: told once, because nothing else shows that it is missing.

use super::{Kind, Stream};
use crate::package::MAX_SOUNDS;

/// Access units in which there is not one frame before a track counts as one of something else.
const DEAF: u32 = 20;

/// What was told of one stream.
#[derive(Default)]
pub struct Untaken {
    /// Streams that were looked at.
    looked: usize,
    /// Of each track, units without a frame since the beginning.
    deaf: [u32; MAX_SOUNDS],
}

/// Instead of their number, once there was a frame or the track was told.
const SETTLED: u32 = u32::MAX;

impl Untaken {
    /// A unit of a track came, with frames in it or without.
    pub fn heard(&mut self, track: usize, frames: bool) {
        match self.deaf.get_mut(track) {
            Some(deaf) if frames => *deaf = SETTLED,
            Some(deaf) => *deaf = deaf.saturating_add(1),
            None => {}
        }
    }

    /// What is new.
    pub fn tell(&mut self, streams: &[Stream]) -> Vec<String> {
        let mut new = Vec::new();
        for stream in streams.get(self.looked..).unwrap_or_default() {
            if let Kind::Other(number) = stream.kind {
                new.push(words(number));
            }
        }
        self.looked = streams.len();
        for (track, deaf) in self.deaf.iter_mut().enumerate() {
            if (DEAF..SETTLED).contains(deaf) {
                *deaf = SETTLED;
                new.push(format!(
                    "audio track {} (MPEG layer 1 or 2, AAC without a channel configuration, or damaged)",
                    track + 1
                ));
            }
        }
        new
    }
}

/// What FFmpeg's transport streams call audio (libavformat/mpegts.h).
fn words(number: u8) -> String {
    let name = match number {
        0x06 => "of private data",
        0x11 => "AAC in LATM",
        0x81 => "AC-3",
        0x87 => "E-AC-3",
        0x82 | 0x8a => "DTS",
        0x83 => "TrueHD",
        _ => "of another kind",
    };
    format!("a track {name} (stream type {number:#04x})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_without_frames_is_told_once() {
        let mut untaken = Untaken::default();
        for unit in 0..100 {
            untaken.heard(0, unit > 3);
            untaken.heard(1, false);
            let told = untaken.tell(&[]);
            assert_eq!(told.len(), usize::from(unit == 19), "{unit}: {told:?}");
        }
    }
}
