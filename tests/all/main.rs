//! The program's commands, typed as a person types them. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod court;
mod earnings;
mod evidence;
mod keys;
mod live;
/// The chain client's own scene, whose actors sign whatever evidence there is.
#[path = "../../chain/tests/all/network/mod.rs"]
#[allow(dead_code)] // The client's tests use all of it.
mod network;
mod publish;
mod stake;
mod testnet;
mod typed;
