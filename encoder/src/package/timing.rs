//! When a segment is shown: the source's own clock, kept to a grid where the two agree.

use std::time::{Duration, SystemTime};

use assay_protocol::profile::SourceFormat;

/// Containers round times to milliseconds, and a player does not notice less than this; so frames stay on the grid of
/// the nominal rate until the source's clock is further away. Audio keeps the source's clock: this is also the most by
/// which the two can differ.
const SNAP: Duration = Duration::from_millis(20);
/// Ticks per second are at least this many, for players that count in milliseconds.
const MIN_TIMESCALE: u32 = 1000;

/// Where a segment lies in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When its first frame is shown, since the stream's beginning.
    pub start: Duration,
    /// From there to the first frame of the next segment.
    pub duration: Duration,
    /// Since `start`, when each frame is shown. Empty where that is not known: they are spread evenly then.
    pub frames: Vec<Duration>,
    /// Whether something else than the end of the segment before comes right before it: the sender was away.
    pub discontinuity: bool,
    /// When its first frame came in, by this machine's clock. `None` for files.
    pub date: Option<SystemTime>,
}

/// A segment on the track's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First tick.
    pub start: u64,
    /// Tick after the last.
    pub end: u64,
    /// Whether time jumps before it.
    pub jump: bool,
}

/// Ticks of all video tracks of one stream, and how far they are used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Ticks a second: a multiple of the frame rate's numerator, so that a frame has a whole number of them.
    pub timescale: u32,
    /// Ticks of a frame at the nominal rate.
    pub frame: u32,
    /// Tick after everything so far.
    cursor: u64,
}

impl Clock {
    pub fn new(source: &SourceFormat) -> Self {
        let factor = MIN_TIMESCALE.div_ceil(source.fps_num.max(1));
        let scaled = |value: u32| value.checked_mul(factor);
        let (timescale, frame) = match (scaled(source.fps_num), scaled(source.fps_den)) {
            (Some(timescale), Some(frame)) => (timescale, frame),
            _ => (source.fps_num, source.fps_den),
        };
        Self {
            timescale: timescale.max(1),
            frame: frame.max(1),
            cursor: 0,
        }
    }

    fn ticks(&self, time: Duration) -> u64 {
        let nanos = time.as_nanos() * u128::from(self.timescale);
        ((nanos + 500_000_000) / 1_000_000_000) as u64
    }

    pub fn seconds(&self, ticks: u64) -> f64 {
        ticks as f64 / f64::from(self.timescale)
    }

    /// Takes the next segment's time; `frames` is `None` for one that is missing. Without a timing it lasts as long as
    /// its frames at the nominal rate.
    pub fn place(&mut self, timing: Option<&Timing>, frames: Option<u32>) -> Span {
        let snap = self.ticks(SNAP);
        let near = |a: u64, b: u64| a.abs_diff(b) <= snap;
        let nominal = |start: u64| start + u64::from(frames.unwrap_or(0)) * u64::from(self.frame);
        let (start, end) = match timing {
            None => (self.cursor, nominal(self.cursor)),
            Some(timing) => {
                let told = self.ticks(timing.start);
                let start = if near(told, self.cursor) || told < self.cursor {
                    self.cursor
                } else {
                    told
                };
                let told = self.ticks(timing.start + timing.duration);
                let end = if frames.is_some() && near(told, nominal(start)) {
                    nominal(start)
                } else {
                    told
                };
                // Each frame has at least one tick.
                (start, end.max(start + u64::from(frames.unwrap_or(1))))
            }
        };
        let jump = start != self.cursor || timing.is_some_and(|timing| timing.discontinuity);
        self.cursor = end;
        Span { start, end, jump }
    }

    /// Durations of `count` frames that fill `span`: the source's own where it says them and they are not about even, of one
    /// tick at least.
    pub fn durations(&self, span: Span, timing: Option<&Timing>, count: usize) -> Vec<u32> {
        let length = span.end - span.start;
        let even = |index: usize| length * index as u64 / count.max(1) as u64;
        let half = u64::from(self.frame / 2);
        let own: Option<Vec<u64>> = timing
            .filter(|timing| timing.frames.len() == count)
            .map(|timing| timing.frames.iter().map(|&time| self.ticks(time)))
            .map(|own| rising(own, length, count as u64));
        let uneven = |own: &Vec<u64>| {
            let off = |(index, &time): (usize, &u64)| time.abs_diff(even(index)) > half;
            own.iter().enumerate().any(off)
        };
        let starts = match own.filter(uneven) {
            Some(own) => own,
            None => (0..count).map(even).collect(),
        };
        let ends = starts.iter().skip(1).copied().chain([length]);
        starts
            .iter()
            .zip(ends)
            .map(|(start, end)| (end - start) as u32)
            .collect()
    }
}

/// The nearest starts of `count` frames, from 0 on, that rise and leave each of them a tick of `length`. Two frames of one time,
/// or of one tick, move each other; all others stay where they are.
fn rising(times: impl Iterator<Item = u64>, length: u64, count: u64) -> Vec<u64> {
    let mut least = 0;
    let each = (0u64..).zip(times).map(|(index, time)| {
        let most = length.saturating_sub(count - index);
        let start = if index == 0 {
            0
        } else {
            time.max(least).min(most)
        };
        least = start + 1;
        start
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(fps_num: u32, fps_den: u32) -> Clock {
        Clock::new(&SourceFormat {
            width: 64,
            height: 48,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num,
            fps_den,
        })
    }

    fn timing(start: u64, duration: u64) -> Timing {
        Timing {
            start: Duration::from_millis(start),
            duration: Duration::from_millis(duration),
            frames: Vec::new(),
            discontinuity: false,
            date: None,
        }
    }

    #[test]
    fn rounded_times_stay_on_the_grid() {
        let mut clock = clock(30_000, 1001);
        for i in 0..10_000u64 {
            // 60 frames last 2.002 s; the container says milliseconds, off by up to one.
            let span = clock.place(Some(&timing(i * 2002 + i % 2, 2002)), Some(60));
            assert_eq!((span.start, span.jump), (i * 60_060, false));
        }
    }

    #[test]
    fn a_wrong_nominal_rate_does_not_drift() {
        // Declared 30, in truth 29.97: 3.6 s an hour.
        let mut clock = clock(30, 1);
        for i in 0..1800u64 {
            let span = clock.place(Some(&timing(i * 2002, 2002)), Some(60));
            assert!(!span.jump);
            let off = clock.seconds(span.start) - (i * 2002) as f64 / 1000.0;
            assert!(off.abs() <= 0.0205, "segment {i} is off by {off} s");
            let durations = clock.durations(span, None, 60);
            let sum: u64 = durations.iter().map(|&d| u64::from(d)).sum();
            assert_eq!(sum, span.end - span.start);
        }
    }

    #[test]
    fn a_hole_is_a_jump_and_an_announced_one_is_not() {
        let mut clock = clock(25, 1);
        clock.place(Some(&timing(0, 2000)), Some(50));
        assert!(clock.place(Some(&timing(4000, 2000)), Some(50)).jump);
        let gap = clock.place(Some(&timing(6000, 2000)), None);
        assert_eq!(clock.seconds(gap.end), 8.0);
        assert!(!clock.place(Some(&timing(8000, 2000)), Some(50)).jump);
    }

    #[test]
    fn uneven_frames_keep_their_times() {
        let mut clock = clock(25, 1);
        let mut uneven = timing(0, 1000);
        uneven.frames = [0, 100, 700].map(Duration::from_millis).into();
        let span = clock.place(Some(&uneven), Some(3));
        assert_eq!(clock.durations(span, Some(&uneven), 3), [100, 600, 300]);
        assert_eq!(
            clock.durations(span, Some(&uneven), 2).iter().sum::<u32>(),
            1000
        );
    }

    #[test]
    fn frames_of_one_time_do_not_move_the_others() {
        let clock = clock(25, 1);
        let durations = |times: &[u64], length: u64| {
            let mut timing = timing(0, length);
            timing.frames = times.iter().copied().map(Duration::from_millis).collect();
            let span = Span {
                start: 0,
                end: length,
                jump: false,
            };
            clock.durations(span, Some(&timing), times.len())
        };
        assert_eq!(durations(&[0, 40, 40, 700], 1000), [40, 1, 659, 300]);
        assert_eq!(durations(&[0, 0, 0, 700], 1000), [1, 1, 698, 300]);
        // Set back, which no source should be.
        assert_eq!(durations(&[0, 600, 40, 700], 1000), [600, 1, 99, 300]);
        // Later than the next segment begins.
        assert_eq!(durations(&[0, 100, 1000, 1200], 1000), [100, 898, 1, 1]);
        assert_eq!(durations(&[0, 500, 500, 500], 4), [1, 1, 1, 1]);
    }

    #[test]
    fn starts_rise_and_leave_each_frame_a_tick() {
        // xorshift64: any times at all.
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..2000 {
            let count = 1 + next(12);
            let length = count + next(40);
            let times: Vec<u64> = (0..count).map(|_| next(60)).collect();
            let starts = rising(times.iter().copied(), length, count);
            let said = format!("{times:?} in {length}: {starts:?}");
            assert_eq!(starts[0], 0, "{said}");
            assert!(starts.is_sorted_by(|a, b| a < b), "{said}");
            assert!(starts[count as usize - 1] < length, "{said}");
        }
    }
}
