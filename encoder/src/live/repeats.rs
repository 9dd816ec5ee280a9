//! A playlist that is fetched again begins with what it had. That was published already: a stream that stands still for an hour
//! must not be the same few seconds over and over.

use std::collections::VecDeque;

use blake3::Hash;

/// Key frames that are remembered: more than a live playlist has.
const REMEMBERED: usize = 32;

/// The last key frames, by their bytes.
#[derive(Default)]
pub(super) struct Repeats {
    recent: VecDeque<Hash>,
    /// How many may still come again. Pictures that stand still are new ones that look the same; so there is an end to it.
    expected: usize,
}

impl Repeats {
    /// What comes now may have come before, up to the first that has not.
    pub fn expect(&mut self) {
        self.expected = self.recent.len();
    }

    /// Whether this key frame has come before, at a time when that may be; remembers it otherwise.
    pub fn is_known(&mut self, frame: &[u8]) -> bool {
        let hash = blake3::hash(frame);
        if self.expected > 0 && self.recent.contains(&hash) {
            self.expected -= 1;
            return true;
        }
        self.expected = 0;
        self.recent.push_back(hash);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_known_once_and_only_when_it_is_expected() {
        let mut repeats = Repeats::default();
        let known = |repeats: &mut Repeats, frames: &[u8]| -> Vec<bool> {
            frames.iter().map(|&f| repeats.is_known(&[f])).collect()
        };
        repeats.expect();
        assert_eq!(known(&mut repeats, &[1, 2, 2]), [false; 3]);
        repeats.expect();
        // From the first new one on, all are new.
        assert_eq!(known(&mut repeats, &[2, 3, 1]), [true, false, false]);
        repeats.expect();
        // A picture that stands still is not held back for ever.
        let still = known(&mut repeats, &[1; 40]);
        assert_eq!(still.iter().filter(|&&known| known).count(), 5);
        assert!(still[5..].iter().all(|known| !known));
        assert!(repeats.recent.len() <= REMEMBERED);
    }
}
