//! Networks to try things out on: the demonstration on real components ([`demo`]), networks of separate processes
//! ([`launcher`]), and the [`simulator`], which drives the cores that ship in virtual time.
#![forbid(unsafe_code)]

pub mod cast;
pub mod cheat;
pub mod demo;
pub mod launcher;
pub mod ledger;
mod memory;
pub mod report;
pub mod show;
pub mod simulator;
pub mod stage;

pub use assay_node::clip;
