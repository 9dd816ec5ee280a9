//! Rules and bytes that everyone agrees on, against the committed vectors. One program for all of them: linking is what tests wait for.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot set its scene has failed.

mod assignments;
mod elections;
mod leaves;
mod profiles;
mod proof_file;
mod round_work;
mod vectors;
