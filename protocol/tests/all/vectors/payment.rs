use alloy_primitives::U256;
use assay_protocol::payment::{Lottery, PaymentTicket, lot, rand_hash};
use assay_protocol::sig::OperatorKey;
use serde_json::json;

use super::{account, assignment, check, domain, word};

#[test]
fn payments() {
    let d = domain();
    let broadcaster = OperatorKey::from_bytes(word("broadcaster").0).unwrap();
    let transcoder = account("transcoder");
    let a = assignment(transcoder);
    let ether = U256::from(10).pow(U256::from(18));
    let dues = [
        (U256::ZERO, ether),
        (U256::from(1), ether),
        (U256::from(16_588_800_000u64), ether / U256::from(100)),
        (ether / U256::from(3), ether),
        (ether - U256::from(1), ether),
        (ether, ether),
        (ether, U256::from(1)),
    ];
    let lotteries: Vec<_> = dues
        .map(|(due, face)| {
            let lottery = Lottery::paying(due, face);
            json!({
                "due": due, "face": face, "faceValue": lottery.face_value, "winProb": lottery.win_prob,
                "expected": lottery.expected(),
            })
        })
        .into();
    let half = Lottery::paying(ether / U256::from(2), ether);
    let tickets: Vec<_> = (0..8u64)
        .map(|nonce| {
            let rand = word(&format!("rand {nonce}"));
            let ticket = PaymentTicket {
                assignmentHash: d.digest(&a),
                recipient: transcoder,
                sender: broadcaster.address(),
                faceValue: half.face_value,
                winProb: half.win_prob,
                nonce,
                recipientRandHash: rand_hash(rand),
            };
            let hash = d.digest(&ticket);
            json!({
                "nonce": nonce, "rand": rand, "randHash": ticket.recipientRandHash, "hash": hash,
                "lot": lot(hash, rand), "wins": ticket.wins(hash, rand),
                "signature": broadcaster.sign(hash),
            })
        })
        .collect();
    check(
        "payment.json",
        &json!({
            "chainId": d.chain_id, "court": d.court, "broadcaster": broadcaster.address(),
            "assignment": a, "assignmentHash": d.digest(&a), "faceValue": half.face_value,
            "winProb": half.win_prob, "tickets": tickets, "lotteries": lotteries,
        }),
    );
}
