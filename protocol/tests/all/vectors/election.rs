use alloy_primitives::U256;
use assay_protocol::election::{Ballot, Candidate, Snapshot, elect_without, electees};
use serde_json::json;

use super::{account, check, word};

#[test]
fn elections() {
    let mut operators: Vec<_> = (0..6).map(|i| account(&format!("operator {i}"))).collect();
    operators.sort();
    let weights = [
        "1",
        "1000000000000000000",
        "250000000000000000000",
        "3",
        "90000000000000000000000000",
        "77",
    ];
    let prices = [10u64, 20, 30, 10, 25, 0];
    let candidates: Vec<_> = operators
        .iter()
        .zip(weights.iter().zip(prices))
        .map(|(operator, (weight, price))| Candidate {
            operator: *operator,
            weight: weight.parse().unwrap(),
            price: U256::from(price),
        })
        .collect();
    let snapshot = Snapshot {
        round: 4,
        candidates,
    };
    let cases: Vec<_> = (0..40u32)
        .map(|seq| {
            let cap = [30u64, 20, 10][seq as usize % 3];
            let ballot = Ballot {
                seed: word(&format!("seed {}", seq / 8)),
                job_id: U256::from(seq % 3 + 1),
                seq,
                max_price: U256::from(cap),
            };
            let winners: Vec<_> = electees(&ballot, &snapshot, 3).iter().map(|c| c.operator).collect();
            json!({ "seed": ballot.seed, "jobId": ballot.job_id.to_string(), "seq": seq, "maxPrice": cap, "electees": winners })
        })
        .collect();
    // Earlier electees may come from another round's snapshot: anybody can be among the excluded.
    let across_rounds: Vec<_> = (0..12u32)
        .map(|seq| {
            let attempt = (seq % 3 + 1) as u8;
            let mut excluded: Vec<_> = (0..u32::from(attempt))
                .map(|i| operators[((seq + 2 * i) % 6) as usize])
                .collect();
            if seq % 4 == 0 {
                excluded[0] = account("an operator of another round");
            }
            let ballot = Ballot {
                seed: word("seed across rounds"),
                job_id: U256::from(9),
                seq,
                max_price: U256::from(25),
            };
            let electee = elect_without(&ballot, &snapshot, attempt, &excluded).map(|c| c.operator);
            json!({
                "seed": ballot.seed, "jobId": "9", "seq": seq, "attempt": attempt, "maxPrice": 25,
                "excluded": excluded, "electee": electee.unwrap_or_default(),
            })
        })
        .collect();
    check(
        "election.json",
        &json!({
            "operators": operators, "weights": weights, "prices": prices, "cases": cases,
            "acrossRounds": across_rounds,
        }),
    );
}
