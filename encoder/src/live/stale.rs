//! Sound by a clock that is over: it still comes behind the first picture by the next one, and would be taken for what is to
//! come.

use crate::package::MAX_SOUNDS;
use crate::transport::CLOCK;

/// Ticks by the new clock after which all sound is by that too, whether it was set back or not.
const PATIENCE: i64 = CLOCK as i64;

#[derive(Default)]
struct Track {
    /// When its last unit is decoded.
    decoded: Option<i64>,
    /// Whether its clock was set back before that of the pictures.
    ahead: bool,
    over: bool,
}

/// What is known of one sender's tracks.
#[derive(Default)]
pub(super) struct Stale {
    tracks: [Track; MAX_SOUNDS],
    since: i64,
}

impl Stale {
    /// The pictures' clock was set back to `time`.
    pub fn set_back(&mut self, time: i64) {
        self.since = time;
        for track in &mut self.tracks {
            track.over = track.decoded.is_some() && !std::mem::take(&mut track.ahead);
        }
    }

    /// Whether a unit of a track is by the clock of before; `pictured` is the time of the last picture.
    pub fn is_over(&mut self, track: usize, decoded: i64, pictured: i64) -> bool {
        let Some(track) = self.tracks.get_mut(track) else {
            return false;
        };
        if track
            .decoded
            .replace(decoded)
            .is_some_and(|before| decoded < before)
        {
            track.ahead = !std::mem::take(&mut track.over);
        }
        track.over &= pictured - self.since < PATIENCE;
        track.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_over_until_its_own_clock_is_set_back() {
        let mut stale = Stale::default();
        // One track turns after the pictures, one before, and one not at all.
        for track in 0..3 {
            assert!(!stale.is_over(track, 900, 900));
        }
        assert!(!stale.is_over(1, 10, 900));
        stale.set_back(0);
        let over = |stale: &mut Stale, decoded, pictured| {
            [(0, decoded), (1, 20), (2, 950)].map(|(track, at)| stale.is_over(track, at, pictured))
        };
        assert_eq!(over(&mut stale, 910, 10), [true, false, true]);
        assert_eq!(over(&mut stale, 5, 20), [false, false, true]);
        assert_eq!(over(&mut stale, 6, PATIENCE), [false; 3]);
    }
}
