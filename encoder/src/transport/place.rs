//! Where frames of sound are put by times that are not exact.

/// A frame is heard right after the one before unless its time says otherwise by more than this.
const SLACK_MS: i64 = 60;
/// The same for the times of many frames on average: an audible gap is not worth correcting less.
const OFF_MS: i64 = 20;
/// Frames that are many, a third of a second of AAC: senders round times to milliseconds, and some take them when they have the
/// time for it.
const MANY: i64 = 16;

/// Puts one track's frames behind each other. All counts are samples of its rate.
#[derive(Default)]
pub(super) struct Place {
    /// Sample after the last frame.
    next: Option<i64>,
    /// Samples a second.
    rate: u32,
    /// How far times are ahead of `next` on average, times [`MANY`].
    ahead: i64,
    /// Whether frames are left out until their time is met.
    late: bool,
}

impl Place {
    /// Where a frame of so many samples begins that is to be heard at `told`; none if that was before the first picture, or
    /// something else is heard then.
    pub fn of(&mut self, told: i64, samples: u32, rate: u32) -> Option<u64> {
        if self.rate != rate {
            let before = i128::from(self.rate.max(1));
            let rescaled = |next| (i128::from(next) * i128::from(rate) / before) as i64;
            self.next = self.next.map(rescaled);
            (self.rate, self.ahead, self.late) = (rate, 0, false);
        }
        let start = match self.next {
            Some(next) => next + self.correction(told - next, samples.into())?,
            None => told,
        };
        u64::try_from(start).ok()
    }

    /// A frame was put there.
    pub fn put(&mut self, start: u64, samples: u32) {
        self.next = i64::try_from(start + u64::from(samples)).ok();
    }

    /// How much later than right behind the last one a frame is put of which the time is so much later; none if it is left out.
    fn correction(&mut self, ahead: i64, samples: i64) -> Option<i64> {
        let ticks = |ms| i64::from(self.rate) * ms / 1000;
        let (slack, off) = (ticks(SLACK_MS), ticks(OFF_MS));
        if self.late || ahead.abs() > slack {
            self.late = ahead < if self.late { -samples / 2 } else { 0 };
            self.ahead = 0;
            let put = if ahead > slack.min(samples / 2) {
                ahead
            } else {
                0
            };
            return (!self.late).then_some(put);
        }
        self.ahead += ahead - self.ahead / MANY;
        let average = self.ahead / MANY;
        if average > off {
            self.ahead = 0;
            return Some(average);
        }
        // A frame that is left out puts the others ahead by a whole one.
        if average < -off.max(samples * 3 / 4) {
            self.ahead += samples * MANY;
            return None;
        }
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;
    const MS: i64 = RATE as i64 / 1000;
    const FRAME: u32 = 1024;

    /// Puts a frame for each of these times: by how much each was put late, if it was.
    fn late(place: &mut Place, told: impl Iterator<Item = i64>) -> Vec<Option<i64>> {
        let put = told.map(|told| {
            let start = place.of(told, FRAME, RATE)?;
            place.put(start, FRAME);
            Some(start as i64 - told)
        });
        put.collect()
    }

    fn frames(count: i64) -> impl Iterator<Item = i64> {
        (0..count).map(|index| index * i64::from(FRAME))
    }

    #[test]
    fn a_clock_that_is_slow_or_fast_is_followed_within_a_frame() {
        // Two percent are far more than clocks are off.
        for percent in [98, 99, 101, 102] {
            let late = late(
                &mut Place::default(),
                frames(5000).map(|time| time * percent / 100),
            );
            let worst = late.iter().flatten().map(|late| late.abs()).max().unwrap();
            assert!(worst <= 28 * MS, "{percent} %: {worst}");
            let lost = late.iter().filter(|late| late.is_none()).count();
            let more = 50 * 100_usize.saturating_sub(percent as usize);
            assert!(lost.abs_diff(more) <= 2, "{percent} %: {lost}");
        }
    }

    #[test]
    fn what_was_lost_or_came_twice_is_made_up_for() {
        for step in [-300, -130, -70, -45, -25, 25, 45, 70, 130, 300] {
            let mut place = Place::default();
            late(&mut place, frames(100));
            let late = late(
                &mut place,
                frames(200).map(|time| time + 100 * i64::from(FRAME) + step * MS),
            );
            let lost = late.iter().filter(|late| late.is_none()).count() as i64;
            let most = (-step).max(0) * MS / i64::from(FRAME) + 1;
            assert!(lost <= most, "{step} ms: {lost} are lost");
            let left = late.last().copied().flatten().unwrap();
            assert!(left.abs() <= 20 * MS, "{step} ms: {left} are left");
        }
    }

    #[test]
    fn no_frame_is_lost_for_times_that_are_not_exact() {
        let mut state = 1u32;
        let mut jitter = |most: i64| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i64::from(state >> 16) * (2 * most + 1) / 65_536 - most
        };
        // The first one is right: all others are measured by it.
        let told = frames(50_000).map(|time| match time {
            0 => 0,
            time => (time + jitter(25 * MS)).max(0),
        });
        let late = late(&mut Place::default(), told);
        assert!(late.iter().all(Option::is_some));
        let last = *late.last().unwrap();
        assert!(last.unwrap().abs() <= 25 * MS, "{last:?}");
    }

    #[test]
    fn one_time_that_is_wrong_costs_one_frame() {
        let mut place = Place::default();
        let told = frames(300).map(|time| match time / i64::from(FRAME) {
            100 => time - 70 * MS,
            _ => time,
        });
        let late = late(&mut place, told);
        assert_eq!(late.iter().filter(|late| late.is_none()).count(), 1);
        assert!(late.iter().flatten().all(|&late| late == 0));
    }
}
