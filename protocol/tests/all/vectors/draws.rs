use assay_protocol::bls::BlsKey;
use assay_protocol::sample::{Odds, SampleTicket, draws};
use serde_json::json;

use super::{check, court, domain, word};

#[test]
fn tickets_and_draws() {
    let key = BlsKey::derive(&word("verifier 0").0).unwrap();
    let ticket = key
        .sign(domain().digest(&SampleTicket { epoch: 17 }))
        .unwrap();
    let odds = Odds {
        weight: "400000000000000000000".parse().unwrap(),
        total: "1600000000000000000000".parse().unwrap(),
        checks_per_leaf_ppm: 2_000_000,
    };
    let receipt = word("receipt");
    let drawn: Vec<_> = (0..64)
        .map(|i| draws(&ticket, &receipt, i, &odds))
        .collect();
    check(
        "draws.json",
        &json!({
            "chainId": domain().chain_id, "court": court(), "epoch": 17, "key": key.public().to_evm().unwrap(),
            "ticket": ticket, "receiptHash": receipt, "weight": odds.weight.to_string(),
            "total": odds.total.to_string(), "checksPerLeafPpm": odds.checks_per_leaf_ppm, "drawn": drawn,
        }),
    );
}
