//! The program's commands, typed as a person types them. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod evidence;
mod live;
mod publish;
mod stake;
mod testnet;
