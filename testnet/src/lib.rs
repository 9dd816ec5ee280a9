//! Networks to try things out on: the demonstration on real components ([`demo`]), networks of separate processes
//! ([`launcher`]), the [`simulator`], which drives the cores that ship in virtual time, and the [`economy`] over many rounds
//! without video.
#![forbid(unsafe_code)]

pub mod cast;
pub mod chart;
pub mod cheat;
pub mod demo;
pub mod economy;
pub mod launcher;
pub mod ledger;
mod memory;
mod pace;
pub mod report;
pub mod show;
pub mod simulator;
pub mod stage;

pub use assay_node::clip;
