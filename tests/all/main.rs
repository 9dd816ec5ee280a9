//! The program's commands, typed as a person types them. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

/// The program's files that have unit tests; as a test of its own the program would be compiled a second time for them.
#[path = "../../src/command"]
#[allow(dead_code)] // Only the tests call them.
mod command {
    mod units;
    mod demo {
        mod report_file;
    }
    mod doctor {
        mod check;
        mod machine;
    }
}
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
mod words;
