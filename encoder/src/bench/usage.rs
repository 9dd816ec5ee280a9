//! CPU and wall time of a piece of work.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::worker::cpu;

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Seconds on the clock.
    pub wall_seconds: f64,
    /// CPU seconds of this process and of the children that ended meanwhile, user and system; children to 0.01 s.
    pub cpu_seconds: f64,
}

/// A running measurement.
pub struct Meter {
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    /// Begins.
    pub fn start() -> Self {
        Self {
            begun: Instant::now(),
            cpu: cpu_time(),
        }
    }

    /// What was used since.
    pub fn stop(&self) -> Usage {
        Usage {
            wall_seconds: self.begun.elapsed().as_secs_f64(),
            cpu_seconds: cpu_time().saturating_sub(self.cpu).as_secs_f64(),
        }
    }
}

fn cpu_time() -> Duration {
    let own = clock_gettime(ClockId::ProcessCPUTime);
    let own = Duration::new(own.tv_sec.unsigned_abs(), own.tv_nsec.unsigned_abs() as u32);
    own + cpu::children()
}
