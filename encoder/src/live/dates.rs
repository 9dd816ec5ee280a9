//! When segments came in, by this machine's clock.

use std::time::{Duration, SystemTime};

/// A date is drawn by this part of what it is off towards the time at which its frame really came: a sender's clock that runs
/// slow or fast cannot get away, and what the network held up once moves it little.
const PULL: u32 = 8;
/// Further off than this, one of the clocks was set or nothing came for long: dates begin anew.
const LOST: Duration = Duration::from_secs(30);

/// Dates of segments that follow each other.
#[derive(Default)]
pub(super) struct Dates {
    /// Of the last one, and of what comes right after it.
    last: Option<(SystemTime, SystemTime)>,
}

impl Dates {
    /// What comes next has another clock.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// So much is missing before what comes next.
    pub fn skip(&mut self, missing: Duration) {
        if let Some((_, next)) = &mut self.last {
            *next += missing;
        }
    }

    /// The date of a segment whose first frame came at `came`, and which lasts for `duration` by the sender's clock.
    pub fn date(&mut self, came: SystemTime, duration: Duration) -> SystemTime {
        let date = match self.last {
            None => came,
            Some((last, next)) => match came.duration_since(next) {
                Ok(late) if late <= LOST => next + late / PULL,
                Err(early) if early.duration() <= LOST => {
                    // What comes all at once is not dated backwards.
                    (next - early.duration() / PULL).max(last)
                }
                _ => came,
            },
        };
        self.last = Some((date, date + duration));
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Duration = Duration::from_secs(2);

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1e9 + seconds)
    }

    fn off(a: SystemTime, b: SystemTime) -> f64 {
        match a.duration_since(b) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        }
    }

    #[test]
    fn a_clock_that_runs_slow_or_fast_stays_near() {
        for rate in [0.98, 0.999, 1.0, 1.001, 1.02] {
            let mut dates = Dates::default();
            for i in 0..10_000u32 {
                let came = at(f64::from(i) * 2.0 * rate);
                let off = off(dates.date(came, SEGMENT), came);
                assert!(off.abs() < 0.4, "segment {i} at rate {rate}: {off} s");
            }
        }
    }

    #[test]
    fn what_is_held_up_once_moves_little_and_a_burst_does_not_go_back() {
        let mut dates = Dates::default();
        dates.date(at(0.0), SEGMENT);
        assert!(off(dates.date(at(3.0), SEGMENT), at(2.0)) < 0.2);
        let mut last = at(0.0);
        dates.restart();
        for _ in 0..50 {
            let date = dates.date(at(1.0), SEGMENT);
            assert!(date >= last);
            last = date;
        }
        // What is missing is not taken for a slow clock.
        dates.restart();
        dates.date(at(0.0), SEGMENT);
        dates.skip(Duration::from_secs(8));
        assert_eq!(dates.date(at(10.0), SEGMENT), at(10.0));
        // An hour of silence, or a clock that was set back.
        for came in [at(3600.0), at(-3600.0)] {
            assert_eq!(dates.date(came, SEGMENT), came);
        }
    }
}
