//! The verifier's core, message by message. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod cases;
mod certify;
mod certify_hostile;
mod certify_lost;
mod certify_runs;
mod floods;
mod pressure;
mod regressions;
mod restart;
mod rounds;
mod scene;
