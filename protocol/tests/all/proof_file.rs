//! A proof file says nothing that its proof does not show.

use assay_protocol::assignment::Assignment;
use assay_protocol::bls::{BlsKey, BlsSignature};
use assay_protocol::domain::Domain;
use assay_protocol::fraud_proof::{
    FraudProof, ProofError, ProofFile, SigningKeys, VerifierSeat, VerifierSet,
};
use assay_protocol::receipt::{Leaf, Receipt, output_tree};
use assay_protocol::sig::OperatorKey;
use assay_protocol::verdict::Verdict;
use assay_protocol::{Address, B256, U256};

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));

/// A proof by both verifiers of the round.
fn file() -> ProofFile {
    // The broadcaster signs itself; the transcoder's owner has authorised a hot key.
    let (broadcaster, transcoder, owner) = (
        OperatorKey::from_bytes([1; 32]).unwrap(),
        OperatorKey::from_bytes([2; 32]).unwrap(),
        Address::repeat_byte(0xcc),
    );
    let keys = [3, 4].map(|n| BlsKey::derive(&[n; 32]).unwrap());
    let seat = |(n, key): (u8, &BlsKey)| VerifierSeat {
        operator: Address::repeat_byte(n),
        key: key.public(),
        weight: U256::from(100),
    };
    let verifiers = VerifierSet {
        round: 0,
        seats: (3..).zip(&keys).map(seat).collect(),
    };
    let leaf = Leaf::default();
    let assignment = Assignment {
        transcoder: owner,
        leafCount: 1,
        ..Default::default()
    };
    let receipt = Receipt {
        assignmentHash: DOMAIN.digest(&assignment),
        outputRoot: output_tree(&[leaf]).root(),
        ..Default::default()
    };
    let verdict = Verdict {
        receiptHash: DOMAIN.digest(&receipt),
        leafIndex: 0,
        recomputedHash: B256::repeat_byte(7),
    };
    let signatures = keys
        .each_ref()
        .map(|key| key.sign(DOMAIN.digest(&verdict)).unwrap());
    let proof = FraudProof {
        assignment_signature: broadcaster.sign(DOMAIN.digest(&assignment)),
        receipt_signature: transcoder.sign(verdict.receiptHash),
        assignment,
        receipt,
        leaf,
        leaf_index: 0,
        path: output_tree(&[leaf]).path(0),
        recomputed_hash: verdict.recomputedHash,
        bitmap: U256::from(3),
        signature: BlsSignature::aggregate(&signatures).unwrap(),
    };
    let keys = SigningKeys {
        broadcaster: broadcaster.address(),
        transcoder: transcoder.address(),
    };
    ProofFile::new(DOMAIN, broadcaster.address(), keys, verifiers, proof)
}

#[test]
fn what_follows_from_a_proof_cannot_be_forged_beside_it() {
    let proven = file().verify().unwrap();
    assert_eq!(proven.transcoder, file().proof.assignment.transcoder);
    let forged = |field: &'static str, forge: fn(&mut ProofFile)| {
        let mut file = file();
        forge(&mut file);
        assert_eq!(file.verify(), Err(ProofError::Derived(field)));
    };
    forged("assignment_hash", |file| file.assignment_hash = B256::ZERO);
    forged("receipt_hash", |file| file.receipt_hash = B256::ZERO);
    forged("verdict_hash", |file| file.verdict_hash = B256::ZERO);
    forged("signers", |file| file.signers[0] = Address::ZERO);
    forged("signers", |file| file.signers.truncate(1));
}

#[test]
fn the_signature_must_be_of_who_signs_for_the_transcoder() {
    let mut file = file();
    let (owner, hot) = (
        file.proof.assignment.transcoder,
        file.signing_keys.transcoder,
    );
    file.signing_keys.transcoder = owner;
    assert_eq!(
        file.verify(),
        Err(ProofError::Transcoder {
            found: hot,
            expected: owner
        })
    );
}
