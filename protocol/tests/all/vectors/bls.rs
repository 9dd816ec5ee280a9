use alloy_primitives::FixedBytes;
use assay_protocol::bls::{BlsKey, BlsSignature, SIGNATURE_TAG, possession_message};
use serde_json::json;

use super::{account, check, word};

#[test]
fn bls() {
    let registry = account("registry");
    // A signature by the scalar 1 is the message's point itself.
    let mut one = [0u8; 32];
    one[31] = 1;
    let unit = blst::min_sig::SecretKey::from_bytes(&one).unwrap();
    let message = word("message");
    let point = BlsSignature(FixedBytes(
        unit.sign(message.as_slice(), SIGNATURE_TAG, &[]).compress(),
    ));
    let keys: Vec<_> = (0..4)
        .map(|i| BlsKey::derive(&word(&format!("verifier {i}")).0).unwrap())
        .collect();
    let signatures: Vec<_> = keys.iter().map(|k| k.sign(message).unwrap()).collect();
    let signers: Vec<_> = keys
        .iter()
        .zip(&signatures)
        .enumerate()
        .map(|(i, (key, signature))| {
            let operator = account(&format!("verifier {i}"));
            let possession = possession_message(&key.public(), operator, 31337, registry).unwrap();
            let proof = key.prove_possession(possession).unwrap();
            json!({
                "operator": operator, "key": key.public().to_evm().unwrap(), "keyCompressed": key.public(),
                "signature": signature.to_evm().unwrap(), "signatureCompressed": signature,
                "possessionMessage": possession, "possession": proof.to_evm().unwrap(),
            })
        })
        .collect();
    let aggregate = BlsSignature::aggregate(&signatures).unwrap();
    let publics: Vec<_> = keys.iter().map(BlsKey::public).collect();
    assert_eq!(aggregate.verify_aggregate(message, &publics), Ok(()));
    check(
        "bls.json",
        &json!({
            "chainId": 31337, "registry": registry, "message": message,
            "hashToCurve": point.to_evm().unwrap(), "signers": signers, "aggregate": aggregate.to_evm().unwrap(),
        }),
    );
}
