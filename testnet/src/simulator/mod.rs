//! A whole network in virtual time: the cores that ship, around them a model of chain, network and work.
//!
//! [`simulate`] runs one [`Scenario`] with one seed; the same two give the same [`Report`], down to its trace hash.
//! Operators sign for real, BLS is ideal, encoding is a hash: everything else that decides anything is the code of
//! `assay-protocol`, `assay-roles` and `assay-verifier`.
//!
//! ```
//! use assay_testnet::simulator::{Scenario, TranscoderConduct, simulate};
//!
//! let mut scenario = Scenario::default();
//! scenario.transcoders[1].conduct = TranscoderConduct::WorseChunks { one_in: 5 };
//! let report = simulate(&scenario, 7)?;
//! let (honest, cheat) = (report.transcoders[0], report.transcoders[1]);
//! assert!(report.terminated);
//! assert!(report.cases_of(cheat).count() > 0);
//! assert_eq!(report.cases_of(honest).count(), 0);
//! # Ok::<(), assay_testnet::simulator::ScenarioError>(())
//! ```

mod broadcaster;
mod certifier;
mod chain;
mod clock;
mod court;
mod inbox;
mod journal;
mod ledger;
mod media;
mod network;
mod node;
pub(crate) mod random;
mod report;
mod scenario;
mod seals;
mod shell;
mod trace;
mod transcoder;
mod verifier;
mod world;

pub use clock::Millis;
pub use court::{FaultKind, Rejection};
pub use report::{CaseOutcome, ReceiptTruth, Report};
pub use scenario::{
    Link, Outage, Pace, Partition, Scenario, ScenarioError, TranscoderConduct, TranscoderPlan,
    VerifierConduct, VerifierPlan, Who,
};

/// Virtual milliseconds from block to block.
pub const BLOCK_MILLIS: Millis = 1_000;

/// Runs a scenario with a seed.
///
/// # Errors
/// [`ScenarioError`] where the scenario contradicts itself.
pub fn simulate(scenario: &Scenario, seed: u64) -> Result<Report, ScenarioError> {
    scenario.validate()?;
    Ok(world::World::new(scenario, seed)?.run())
}
