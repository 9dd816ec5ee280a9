//! The broadcaster and the transcoder without their machinery: `handle(input, now) -> outputs`.
//!
//! Messages they take have passed the shell's checks (signature, shape, election); signing, sending, fetching and
//! encoding are outputs that the shell answers with inputs.
#![forbid(unsafe_code)]

pub mod broadcaster;
pub mod transcoder;
