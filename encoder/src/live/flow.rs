//! Pictures and sound of one sender beside each other: how far apart they are, and where neither came.

use super::cutter::CutError;
use crate::transport::CLOCK;

const SECOND: i64 = CLOCK as i64;
/// A frame that is this far from the one before is not of the same stream of time: the sender's clock was set.
pub(super) const JUMP: i64 = 30 * SECOND;
/// Pieces of sound in a row that may be further than that from the pictures: ten seconds of AAC at 48 kHz.
const ASTRAY: u32 = 470;
/// Time without a picture is missing if it is longer than a second and than as many frames of this sender.
const FRAMES: i64 = 4;

/// A picture that comes behind others.
pub(super) struct Next {
    /// When it is shown.
    pub time: i64,
    /// From the decoding of the one before to its own.
    pub step: i64,
    /// Whether it is a closed key frame.
    pub closed: bool,
    /// Whether the segment would be too long with it.
    pub too_long: bool,
}

/// What is known of the times of one sender, in ticks of its clock.
pub(super) struct Flow {
    /// What may be without pictures, whatever is heard.
    longest: i64,
    /// Of the last picture.
    shown: Option<i64>,
    /// From picture to picture, smoothed.
    frame: Option<i64>,
    /// Of the first sound and of the last.
    first_heard: Option<i64>,
    heard: Option<i64>,
    /// The last time in which nothing was heard although nothing was shown.
    silence: Option<(i64, i64)>,
    /// Pieces of sound in a row that are too far from the pictures.
    astray: u32,
}

impl Flow {
    pub fn new(longest: i64) -> Self {
        Self {
            longest,
            shown: None,
            frame: None,
            first_heard: None,
            heard: None,
            silence: None,
            astray: 0,
        }
    }

    /// The last picture.
    pub fn shown(&self) -> Option<i64> {
        self.shown
    }

    /// The last picture, or the first sound while there is none.
    pub fn pictured(&self) -> Option<i64> {
        self.shown.or(self.first_heard)
    }

    /// A picture has come.
    pub fn picture(&mut self, time: i64) {
        if let Some(step) = self
            .shown
            .map(|shown| time - shown)
            .filter(|&step| step > 0)
        {
            let frame = self.frame.unwrap_or(step);
            self.frame = Some(frame + (step - frame) / 8);
        }
        self.shown = self.shown.max(Some(time));
    }

    /// Whether what should be before this picture is missing, and not only the last one stood still: then sound would go on, and
    /// the decoder's clock, which runs behind; and without any sound only a closed key frame tells, as others refer to the frames
    /// before. What is too long for a segment counts as missing too.
    pub fn is_torn(&self, next: Next) -> bool {
        let Some(shown) = self.shown.filter(|&shown| next.time - shown > self.most()) else {
            return false;
        };
        if next.too_long && next.closed {
            return true;
        }
        let silent = |(from, to): (i64, i64)| to.min(next.time) - from.max(shown) > self.most();
        let unheard = self.heard.map(|heard| (heard, next.time));
        let quiet = [unheard, self.silence].into_iter().flatten().any(silent);
        next.step > self.most() && (quiet || next.closed && self.heard.is_none())
    }

    /// Whether sound of that time may be kept. It waits for its pictures in memory, so they must come.
    pub fn sound(&mut self, time: i64) -> Result<bool, CutError> {
        let pictured = self.shown.unwrap_or(*self.first_heard.get_or_insert(time));
        let ahead = time - pictured;
        let seconds = ahead.unsigned_abs() / CLOCK;
        if ahead.abs() > JUMP {
            self.astray += 1;
            return match self.astray > ASTRAY {
                true => Err(CutError::Apart { seconds }),
                false => Ok(false),
            };
        }
        self.astray = 0;
        let reached = self.heard.map_or(pictured, |heard| heard.max(pictured));
        if time - reached > self.most() {
            self.silence = Some((reached, time));
        }
        self.heard = self.heard.max(Some(time));
        // The picture behind what is missing comes behind its sound.
        let missing = self.silence.filter(|&(_, to)| pictured < to);
        let missing = missing.map_or(0, |(from, to)| to - from);
        match ahead - missing > self.longest {
            true => Err(CutError::NoPicture {
                seconds,
                max: self.longest as u64 / CLOCK,
            }),
            false => Ok(true),
        }
    }

    /// How long a picture may be there. Nothing is known of a sender's first one.
    fn most(&self) -> i64 {
        let most = self.frame.map(|frame| (FRAMES * frame).max(SECOND));
        most.unwrap_or(self.longest).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: i64 = 10 * SECOND;

    /// Pictures every `step` ticks up to `end`, with sound beside them where that is said.
    fn flow(step: i64, end: i64, sound: bool) -> Flow {
        let mut flow = Flow::new(LONGEST);
        run(&mut flow, 0, step, end, sound);
        flow
    }

    fn run(flow: &mut Flow, from: i64, step: i64, to: i64, sound: bool) {
        for time in (from..=to).step_by(step as usize) {
            flow.picture(time);
            if sound {
                assert_eq!(flow.sound(time), Ok(true));
            }
        }
    }

    fn next(flow: &Flow, time: i64, closed: bool) -> Next {
        Next {
            time,
            step: time - flow.shown.unwrap(),
            closed,
            too_long: false,
        }
    }

    fn torn(flow: &Flow, time: i64) -> [bool; 2] {
        [false, true].map(|closed| flow.is_torn(next(flow, time, closed)))
    }

    #[test]
    fn what_neither_pictures_nor_sound_have_is_missing() {
        let mut flow = flow(SECOND / 25, 2 * SECOND, true);
        assert_eq!(torn(&flow, 3 * SECOND), [false; 2]);
        assert_eq!(torn(&flow, 6 * SECOND), [true; 2]);
        // Its sound may come before the first picture behind it, and is no sound without pictures.
        for time in [14 * SECOND, 14 * SECOND + 1920] {
            assert_eq!(flow.sound(time), Ok(true));
        }
        assert_eq!(torn(&flow, 14 * SECOND + 1000), [true; 2]);
        let late = flow.sound(25 * SECOND);
        assert!(matches!(late, Err(CutError::NoPicture { .. })), "{late:?}");
    }

    #[test]
    fn a_picture_that_stands_still_while_sound_goes_on_is_none_that_is_missing() {
        let mut flow = flow(SECOND / 25, 2 * SECOND, true);
        for piece in 0..100 {
            assert_eq!(flow.sound(2 * SECOND + piece * SECOND / 25), Ok(true));
        }
        assert_eq!(torn(&flow, 6 * SECOND), [false; 2]);
        // Unless its segment would be too long.
        for closed in [false, true] {
            let next = Next {
                too_long: true,
                ..next(&flow, 6 * SECOND, closed)
            };
            assert_eq!(flow.is_torn(next), closed);
        }
    }

    #[test]
    fn what_is_decoded_early_comes_before_its_sound() {
        let flow = flow(SECOND / 25, 2 * SECOND, true);
        let next = Next {
            step: SECOND / 25,
            ..next(&flow, 6 * SECOND, true)
        };
        assert!(!flow.is_torn(next));
    }

    #[test]
    fn without_sound_only_a_key_frame_tells() {
        let flow = flow(SECOND / 25, 2 * SECOND, false);
        assert_eq!(torn(&flow, 6 * SECOND), [false, true]);
    }

    #[test]
    fn few_pictures_are_not_taken_for_missing_ones() {
        for sound in [false, true] {
            let mut slow = flow(5 * SECOND, 5 * SECOND, sound);
            assert_eq!(torn(&slow, 14 * SECOND), [false; 2]);
            // A sender that has more of them from now on.
            run(&mut slow, 6 * SECOND, SECOND / 25, 9 * SECOND, sound);
            assert!(torn(&slow, 12 * SECOND)[1]);
        }
        // The first one says nothing.
        assert_eq!(torn(&flow(SECOND, 0, false), 9 * SECOND), [false; 2]);
    }
}
