//! A whole deployment against an exact model: random sequences of operations, every balance compared, every rounding
//! bounded and in the contracts' favour.
//!
//! The model, from the rules and without a chain: `model` (stakes, locks, rewards, fees), `cuts`, `sets` (weights and
//! active sets), `purses` (deposits, reserves, payments), `mint` (work, convictions). What is done with both:
//! `stakes`, `payments`, `cases`, `broadcasters`, `tickets`, `work`, `convictions`; `compare` and `rosters` hold one
//! against the other.
//!
//! A short run is part of `make test`; `ASSAY_DIFFERENTIAL_OPERATIONS=10000` makes it what `make nightly` runs, and
//! `ASSAY_DIFFERENTIAL_SEED` another sequence. A failure prints both.

mod abi;
mod broadcasters;
mod cases;
mod compare;
mod contracts;
mod convictions;
mod cuts;
mod mint;
mod model;
mod payments;
mod purses;
mod rosters;
mod rpc;
mod run;
mod sets;
mod stakes;
mod tally;
mod tickets;
mod work;

use std::path::PathBuf;

use assay_chain::anvil::{Anvil, AnvilConfig};

/// Operations from which on everything must have happened.
const LONG: u64 = 2_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().unwrap())
}

#[test]
fn every_balance_is_the_exact_one_within_its_rounding() {
    let operations = setting("ASSAY_DIFFERENTIAL_OPERATIONS", 600);
    let seed = setting("ASSAY_DIFFERENTIAL_SEED", 2026);
    println!("{operations} operations of seed {seed}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = AnvilConfig {
        look_in: vec![PathBuf::from(env!("CARGO_MANIFEST_DIR"))],
        ..AnvilConfig::default()
    };
    let anvil = runtime.block_on(Anvil::start(&config)).unwrap();
    let mut run = run::Run::new(&anvil.url(), seed);
    run.operations(operations);
    let tally = &run.tally;
    println!("{tally}");
    assert!(tally.refused > 0 && tally.slashes > 0);
    if operations >= LONG {
        tally.has_seen_everything();
    }
}
