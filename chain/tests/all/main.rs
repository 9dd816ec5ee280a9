//! The Rust client against a real chain. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod anvil;
mod court;
mod deploy;
mod differential;
mod fees;
mod fraud;
mod history;
mod network;
mod proxy;
mod queue;
mod resolver;
mod roll;
mod stake;
