//! When frames are shown: at a constant rate, or each at its own time.

use std::time::Duration;

use super::packets::{Micros, length};

/// Two times, each to a microsecond.
const ROUNDED: f64 = 1.0;

/// When each frame is shown since the first one, by its packets' times in any order; nothing where one is unknown.
pub(super) fn since_first(times: &[Option<Micros>]) -> Vec<Duration> {
    let mut shown = times
        .iter()
        .copied()
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default();
    shown.sort_unstable();
    let first = shown.first().copied().unwrap_or_default();
    shown.iter().map(|at| length(at - first)).collect()
}

/// The same for so many frames at a constant rate.
pub(super) fn even(frames: u32, fps: (u32, u32)) -> Vec<Duration> {
    let at = |index: u32| length((f64::from(index) * frame(fps)) as Micros);
    (0..frames).map(at).collect()
}

/// Whether a constant rate shows every frame within half a frame of its time, so that sound does not drift from it.
///
/// The times come in any order; where one is unknown nothing better than a constant rate is known.
pub(super) fn constant(times: &[Option<Micros>], fps: (u32, u32)) -> bool {
    let Some(mut shown) = times.iter().copied().collect::<Option<Vec<_>>>() else {
        return true;
    };
    shown.sort_unstable();
    let frame = frame(fps);
    let first = shown.first().copied().unwrap_or_default();
    let off = |(index, at): (usize, &Micros)| (at - first) as f64 - index as f64 * frame;
    shown
        .iter()
        .enumerate()
        .all(|at| off(at).abs() <= frame / 2.0 + ROUNDED)
}

/// Microseconds of a frame.
pub(super) fn frame(fps: (u32, u32)) -> f64 {
    1e6 * f64::from(fps.1) / f64::from(fps.0.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(times: &[Micros]) -> Vec<Option<Micros>> {
        times.iter().copied().map(Some).collect()
    }

    #[test]
    fn frames_come_in_the_order_of_the_screen() {
        let found = since_first(&known(&[10_000, 100_000, 40_000]));
        assert_eq!(found, [0, 30, 90].map(Duration::from_millis));
        assert!(since_first(&[Some(1), None]).is_empty());
    }

    #[test]
    fn milliseconds_are_constant_and_drift_is_not() {
        let rounded: Vec<_> = (0..500)
            .map(|i| Some(i * 1_000_000 / 30 / 1000 * 1000))
            .collect();
        assert!(constant(&rounded, (30, 1)));
        let ntsc: Vec<_> = (0..2000)
            .map(|i| Some(i * 1_001_000_000 / 30_000))
            .collect();
        assert!(constant(&ntsc, (30_000, 1001)) && !constant(&ntsc, (30, 1)));
        assert!(!constant(&known(&[0, 33_000, 500_000, 533_000]), (30, 1)));
        assert!(constant(&[None, Some(1)], (30, 1)));
        // The last one of an AVI file with B-frames: half a frame early.
        assert!(constant(&known(&[66_667, 133_333, 166_667]), (15, 1)));
        assert!(!constant(&known(&[66_667, 133_333, 166_660]), (15, 1)));
    }
}
