//! The contracts of stake, rewards and fees against an exact model: random sequences of operations, every balance
//! compared, every rounding bounded and in the contracts' favour.
//!
//! A short run is part of `make test`; `ASSAY_DIFFERENTIAL_OPERATIONS=10000` makes it what `make nightly` runs, and
//! `ASSAY_DIFFERENTIAL_SEED` another sequence. A failure prints both.

mod cases;
mod compare;
mod contracts;
mod model;
mod payments;
mod rpc;
mod run;
mod stakes;

use std::path::PathBuf;

use assay_chain::anvil::{Anvil, AnvilConfig};

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
    println!(
        "{} operations, {} refusals, {} slashes ({} of everything), {} comparisons, {} base units off at most",
        tally.done, tally.refused, tally.slashes, tally.wiped, tally.comparisons, tally.largest_off
    );
    assert!(tally.refused > 0 && tally.slashes > 0);
}
