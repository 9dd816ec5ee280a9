//! Keys of a run. Operators sign for real, because the rules for assignments recover signers; BLS is ideal: a seal is
//! a function of signer and digest, which only the simulator can compute.

use assay_protocol::bls::{BlsPublicKey, BlsSignature};
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::sig::{OperatorKey, SignatureError};
use assay_protocol::{Address, B256, keccak256};

/// One operator's keys.
#[derive(Clone)]
pub(super) struct Keys {
    operator: OperatorKey,
}

fn stretched<const N: usize>(name: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (block, bytes) in out.chunks_mut(32).enumerate() {
        let hash = keccak256([name, &[block as u8]].concat());
        bytes.copy_from_slice(&hash[..bytes.len()]);
    }
    out
}

impl Keys {
    /// The keys that follow from a name.
    pub fn derive(name: &[u8]) -> Result<Self, SignatureError> {
        let secret = keccak256([b"operator key".as_slice(), name].concat());
        Ok(Self {
            operator: OperatorKey::from_bytes(secret.0)?,
        })
    }

    pub fn address(&self) -> Address {
        self.operator.address()
    }

    pub fn seal(&self, draft: Draft, domain: &Domain) -> Sealed {
        let hash = draft.digest(domain);
        let seal = if draft.by_bls() {
            Seal::Bls(ideal_seal(self.address(), hash))
        } else {
            Seal::Operator(self.operator.sign(hash))
        };
        Sealed { draft, hash, seal }
    }
}

/// The only BLS signature of `signer` over `digest`.
pub(super) fn ideal_seal(signer: Address, digest: B256) -> BlsSignature {
    let name = [b"seal".as_slice(), signer.as_slice(), digest.as_slice()].concat();
    BlsSignature::from_bytes(stretched(&name))
}

/// A key that nothing is verified with.
pub(super) fn ideal_key(signer: Address) -> BlsPublicKey {
    BlsPublicKey(stretched::<96>(&[b"key".as_slice(), signer.as_slice()].concat()).into())
}
