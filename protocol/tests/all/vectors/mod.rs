//! The values that Rust and Solidity must both give, one file for each of `protocol/vectors`. `ASSAY_WRITE_VECTORS=1 cargo test --release
//! -p assay-protocol --test all -- vectors profiles` writes them anew; otherwise the committed files are compared with what the code
//! gives now.

mod bls;
mod draws;
mod eip712;
mod election;
mod merkle;
mod payment;
mod work;

use std::path::Path;

use alloy_primitives::{Address, B256, U256, keccak256};
use assay_protocol::assignment::Assignment;
use assay_protocol::domain::Domain;
use serde_json::Value;

pub(crate) fn check(name: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == text,
        "{name} differs from what the code gives; see the head of this file"
    );
}

/// 32 bytes that differ for every label.
fn word(label: &str) -> B256 {
    keccak256(label)
}

fn account(label: &str) -> Address {
    Address::from_slice(&word(label)[12..])
}

fn court() -> Address {
    account("court")
}

fn domain() -> Domain {
    Domain::new(31337, court())
}

fn assignment(transcoder: Address) -> Assignment {
    Assignment {
        jobId: U256::from(1),
        seq: 7,
        attempt: 1,
        round: 4,
        transcoder,
        sourceHash: word("source"),
        sourceLen: 123_456,
        framesRoot: word("frames"),
        frameCount: 60,
        profilesHash: word("profiles"),
        encoderId: word("encoder"),
        leafCount: 8,
        pricePerPixel: U256::from(1_200),
        deadlineBlock: 99,
    }
}
