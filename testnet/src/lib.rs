//! Networks to try things out on: [`simulator`] drives the cores that ship in virtual time.
#![forbid(unsafe_code)]

pub mod simulator;
