use alloy_primitives::U256;
use assay_protocol::accusation::Accusation;
use assay_protocol::assignment::Refusal;
use assay_protocol::payment::PaymentTicket;
use assay_protocol::receipt::Receipt;
use assay_protocol::record::NodeRecord;
use assay_protocol::sample::SampleTicket;
use assay_protocol::sig::OperatorKey;
use assay_protocol::verdict::{Divergence, Unverifiable, Verdict};
use assay_protocol::work::{RoundWork, WorkClaim};
use serde_json::json;

use super::{assignment, check, domain, word};

#[test]
fn digests_and_operator_signatures() {
    let d = domain();
    let broadcaster = OperatorKey::from_bytes(word("broadcaster").0).unwrap();
    let transcoder = OperatorKey::from_bytes(word("transcoder").0).unwrap();
    let a = assignment(transcoder.address());
    let assignment_hash = d.digest(&a);
    let r = Receipt {
        assignmentHash: assignment_hash,
        outputRoot: word("root"),
        outputBytes: 4_242,
        plant: word("plant"),
    };
    let receipt_hash = d.digest(&r);
    let record = NodeRecord {
        operator: transcoder.address(),
        peerId: b"peer".to_vec().into(),
        roles: 2,
        addresses: vec![
            "/ip4/127.0.0.1/tcp/1".into(),
            "/ip4/127.0.0.1/udp/1/quic-v1".into(),
        ],
        sequence: 3,
        expiryBlock: 1_000,
    };
    let ticket = PaymentTicket {
        assignmentHash: assignment_hash,
        recipient: transcoder.address(),
        sender: broadcaster.address(),
        faceValue: U256::from(10).pow(U256::from(15)),
        winProb: U256::MAX >> 4,
        nonce: 5,
        recipientRandHash: word("rand"),
    };
    let claim = WorkClaim {
        transcoder: transcoder.address(),
        round: 4,
        receiptsRoot: word("receipts"),
        pixels: 1 << 40,
    };
    check(
        "eip712.json",
        &json!({
            "chainId": d.chain_id, "court": d.court, "separator": d.separator(),
            "broadcaster": broadcaster.address(), "transcoder": transcoder.address(),
            "assignment": a, "assignmentDigest": assignment_hash,
            "assignmentSignature": broadcaster.sign(assignment_hash),
            "receipt": r, "receiptDigest": receipt_hash, "receiptSignature": transcoder.sign(receipt_hash),
            "refusalDigest": d.digest(&Refusal { assignmentHash: assignment_hash, reason: 3 }),
            "ticketDigest": d.digest(&SampleTicket { epoch: 17 }),
            "verdictDigest": d.digest(&Verdict { receiptHash: receipt_hash, leafIndex: 2, recomputedHash: word("out") }),
            "divergenceDigest": d.digest(&Divergence { receiptHash: receipt_hash, leafIndex: 2, level: 4 }),
            "unverifiableDigest": d.digest(&Unverifiable { receiptHash: receipt_hash, reason: 1 }),
            "accusationDigest": d.digest(&Accusation { receiptHash: receipt_hash, leafIndex: 2, commit: word("commit") }),
            "record": record, "recordDigest": d.digest(&record),
            "workClaimDigest": d.digest(&claim),
            "roundWorkDigest": d.digest(&RoundWork {
                round: 4,
                claimsRoot: word("claims"),
                claims: 100,
                totalPixels: 1 << 41,
                duties: 0xf0f0,
            }),
            "payment": ticket, "paymentDigest": d.digest(&ticket),
        }),
    );
}
