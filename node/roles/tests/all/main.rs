//! The broadcaster's and the transcoder's cores, message by message. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod payments;
mod regressions;
mod room;
mod scene;
