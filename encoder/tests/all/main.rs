//! Sources, workers and packages, with real video. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod bombs;
mod conformance;
mod input;
mod package;
mod picture;
mod pinned;
mod pipeline;
mod processes;
mod sandbox;
mod sources;
mod streaming;
mod support;
mod worker;
