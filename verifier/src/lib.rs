//! The verifier without its machinery: [`Verifier::handle`] takes one input and the time, and returns what to do.
//!
//! It draws leaves with its epoch ticket ([`draw`]), compares what a recomputation gave ([`recomputed`]), accuses and
//! answers accusations ([`accused`]), counts verdicts until they make a quorum ([`tally`]), sums them into a fraud
//! proof ([`aggregate`]) and reports at the end of each epoch ([`report`]). Recomputing, signing, sending and
//! submitting are outputs; the shell answers them with inputs.
#![forbid(unsafe_code)]

mod accused;
pub mod aggregate;
mod cases;
pub mod certify;
mod chain;
mod draw;
pub mod fair;
mod input;
mod leaf;
mod output;
mod receipts;
mod recomputed;
mod report;
mod state;
mod suspected;
mod tally;

pub use input::{Input, Recomputation};
pub use output::{Conviction, Equivocation, LeafFault, Note, Output, Urgency};
pub use state::Verifier;
