//! What a sender gives before its first picture. FFmpeg looks at the first seconds of a stream to see what is in it, by the
//! times that it reads: where there is only sound for so long, there are no pictures for it later. So none is given to it before
//! the first tag of video, which says that there are any.

use std::collections::VecDeque;

use super::VIDEO;

/// Kinds of a tag of FLV.
const SOUND: u8 = 8;
const SCRIPT: u8 = 18;
/// What a tag has before its body.
const HEAD: usize = 11;
/// Pieces of sound that are kept: 1.4 s of AAC, less than FFmpeg looks at. What is older is not heard without a picture.
const SOUNDS: usize = 64;
/// Bytes of everything that is kept.
const BYTES: usize = 1 << 20;
/// How the tag begins that says what the stream is: a text in AMF.
const METADATA: &[u8] = b"\x02\x00\x0aonMetaData";

/// Holds tags back until there is one of video.
#[derive(Default)]
pub(super) struct Opening {
    /// What the stream is, and how its sound is coded: the last ones.
    metadata: Vec<u8>,
    coding: Vec<u8>,
    /// The last pieces of sound.
    sounds: VecDeque<Vec<u8>>,
    /// Bytes of these.
    bytes: usize,
    over: bool,
}

impl Opening {
    /// Whether there was a tag of video.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes a tag; what FFmpeg is to be given now.
    pub fn take(&mut self, tag: Vec<u8>) -> Vec<u8> {
        if self.over {
            return tag;
        }
        let body = tag.get(HEAD..).unwrap_or_default();
        match (tag.first(), body) {
            (Some(&VIDEO), _) => {
                self.over = true;
                let mut all = std::mem::take(&mut self.metadata);
                all.append(&mut self.coding);
                all.extend_from_slice(&tag);
                all.extend(std::mem::take(&mut self.sounds).into_iter().flatten());
                return all;
            }
            _ if tag.len() > BYTES => {}
            (Some(&SCRIPT), body) if body.starts_with(METADATA) => self.metadata = tag,
            // AAC's configuration, or that of any codec in Enhanced RTMP: packet type 0.
            (Some(&SOUND), [0xa0..=0xaf, 0, ..] | [0x90, ..]) => self.coding = tag,
            (Some(&SOUND), _) => self.keep(tag),
            _ => {}
        }
        Vec::new()
    }

    fn keep(&mut self, sound: Vec<u8>) {
        self.bytes += sound.len();
        self.sounds.push_back(sound);
        while self.sounds.len() > SOUNDS || self.bytes > BYTES {
            let oldest = self.sounds.pop_front();
            self.bytes -= oldest.map_or(self.bytes, |sound| sound.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut tag = vec![kind];
        tag.resize(HEAD, 0);
        tag.extend_from_slice(body);
        tag
    }

    #[test]
    fn the_first_picture_comes_before_the_sound() {
        let mut opening = Opening::default();
        let metadata = tag(SCRIPT, &[METADATA, &[1]].concat());
        let (coding, video) = (tag(SOUND, &[0xaf, 0, 0x12]), tag(VIDEO, &[0x17, 0]));
        assert!(opening.take(metadata.clone()).is_empty());
        assert!(opening.take(tag(SCRIPT, b"\x02\x00\x04what")).is_empty());
        assert!(opening.take(coding.clone()).is_empty());
        let sounds: Vec<_> = (0..200).map(|i| tag(SOUND, &[0xaf, 1, i])).collect();
        for sound in &sounds {
            assert!(opening.take(sound.clone()).is_empty() && !opening.is_over());
        }
        let last = sounds[200 - SOUNDS..].concat();
        let all = [metadata, coding, video.clone(), last].concat();
        assert_eq!(opening.take(video), all);
        // From then on everything goes as it comes.
        assert!(opening.is_over());
        assert_eq!(opening.take(sounds[0].clone()), sounds[0]);
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        let mut opening = Opening::default();
        for len in [BYTES / 3, 16 << 20, BYTES / 2, BYTES / 3, 100] {
            opening.take(tag(SOUND, &vec![1; len]));
            opening.take(tag(SCRIPT, &[METADATA, &vec![1; 16 << 20]].concat()));
        }
        let video = opening.take(tag(VIDEO, &[]));
        assert_eq!(video.len(), BYTES / 2 + BYTES / 3 + 100 + 4 * HEAD);
    }
}
