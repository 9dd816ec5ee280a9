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
    /// The last key frames of a source that has begun from its start, as many as are remembered, while they are other ones.
    sought: Option<VecDeque<Hash>>,
}

impl Repeats {
    /// What comes now may have come before, up to the first that has not.
    pub fn expect(&mut self) {
        self.expected = self.recent.len();
        self.sought = None;
    }

    /// All that has come comes again: nothing is new until what is remembered has come in its order.
    pub fn expect_all(&mut self) {
        self.expected = 0;
        self.sought = (!self.recent.is_empty()).then(VecDeque::new);
    }

    /// Whether this key frame has come before, at a time when that may be; remembers it otherwise.
    pub fn is_known(&mut self, frame: &[u8]) -> bool {
        let hash = blake3::hash(frame);
        if let Some(passed) = &mut self.sought {
            passed.push_back(hash);
            if passed.len() > self.recent.len() {
                passed.pop_front();
            }
            if *passed == self.recent {
                self.sought = None;
            }
            return true;
        }
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

    #[test]
    fn what_begins_from_its_start_goes_on_where_it_was_left() {
        let mut repeats = Repeats::default();
        let new = |repeats: &mut Repeats, frames: std::ops::Range<u8>| -> Vec<u8> {
            frames.filter(|&f| !repeats.is_known(&[f])).collect()
        };
        // Nothing is remembered yet.
        repeats.expect_all();
        assert_eq!(new(&mut repeats, 0..100).len(), 100);
        for _ in 0..3 {
            repeats.expect_all();
            assert!(new(&mut repeats, 0..100).is_empty());
        }
        repeats.expect_all();
        assert_eq!(new(&mut repeats, 0..103), [100, 101, 102]);
        // What has none of it is another.
        repeats.expect_all();
        assert!(new(&mut repeats, 150..250).is_empty());
    }
}
