//! Verifiers' signatures: BLS12-381, min-sig, over EIP-712 digests; compressed on the wire, EIP-2537 form on chain.

use std::fmt;

use alloy_primitives::{Address, B256, FixedBytes, keccak256};
use blst::BLST_ERROR;
use blst::min_sig::{AggregateSignature, PublicKey, SecretKey, Signature};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// RFC 9380 domain separation tag of all signatures.
pub const SIGNATURE_TAG: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
/// RFC 9380 domain separation tag of proofs of possession.
pub const POSSESSION_TAG: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

/// Why a key or signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// Not a point in compressed form.
    #[error("not a compressed BLS12-381 point")]
    Encoding,
    /// Infinity, or outside the prime-order subgroup.
    #[error("point is infinity or outside the prime-order subgroup")]
    Group,
    /// The pairing does not hold.
    #[error("BLS signature does not fit message and key")]
    Mismatch,
    /// Nothing to aggregate.
    #[error("an aggregate needs at least one signature")]
    Empty,
    /// A secret of zero or not below the order.
    #[error("BLS secret is not a scalar of BLS12-381")]
    BadSecret,
}

fn group(error: BLST_ERROR) -> BlsError {
    match error {
        BLST_ERROR::BLST_POINT_NOT_IN_GROUP | BLST_ERROR::BLST_PK_IS_INFINITY => BlsError::Group,
        BLST_ERROR::BLST_VERIFY_FAIL => BlsError::Mismatch,
        _ => BlsError::Encoding,
    }
}

/// A signature in G1, 48 bytes compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlsSignature(pub FixedBytes<48>);

/// A key in G2, 96 bytes compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlsPublicKey(pub FixedBytes<96>);

impl BlsSignature {
    /// From the compressed form; nothing is checked until it is used.
    pub const fn from_bytes(bytes: [u8; 48]) -> Self {
        Self(FixedBytes(bytes))
    }

    /// The compressed form.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn point(&self) -> Result<Signature, BlsError> {
        let point = Signature::uncompress(self.as_bytes()).map_err(group)?;
        point.validate(true).map_err(|_| BlsError::Group)?;
        Ok(point)
    }

    /// EIP-2537 form: x and y, 64 bytes each.
    ///
    /// # Errors
    /// [`BlsError::Encoding`] or [`BlsError::Group`] where the bytes are no point of the prime-order group.
    pub fn to_evm(&self) -> Result<FixedBytes<128>, BlsError> {
        let mut out = [0u8; 128];
        pad_fields(&self.point()?.serialize(), &mut out);
        Ok(FixedBytes(out))
    }

    /// Checks it over `digest` under `key`, subgroups included.
    ///
    /// # Errors
    /// [`BlsError::Mismatch`] where it does not hold, [`BlsError::Encoding`] or [`BlsError::Group`] where signature or key is no point of
    /// the group.
    pub fn verify(&self, digest: B256, key: &BlsPublicKey) -> Result<(), BlsError> {
        self.verify_tagged(digest, key, SIGNATURE_TAG)
    }

    /// Checks a proof of possession of `key` by `operator`, see [`possession_message`].
    ///
    /// # Errors
    /// [`BlsError::Mismatch`] where it does not hold, [`BlsError::Encoding`] or [`BlsError::Group`] where signature or key is no point of
    /// the group.
    pub fn verify_possession(&self, message: B256, key: &BlsPublicKey) -> Result<(), BlsError> {
        self.verify_tagged(message, key, POSSESSION_TAG)
    }

    fn verify_tagged(&self, message: B256, key: &BlsPublicKey, tag: &[u8]) -> Result<(), BlsError> {
        let point = self.point()?;
        match point.verify(true, message.as_slice(), tag, &[], &key.point()?, true) {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            error => Err(group(error)),
        }
    }

    /// Checks an aggregate of signatures on one `digest` under the sum of `keys`.
    ///
    /// # Errors
    /// [`BlsError::Mismatch`] where it does not hold, [`BlsError::Encoding`] or [`BlsError::Group`] where signature or key is no point of
    /// the group.
    pub fn verify_aggregate(&self, digest: B256, keys: &[BlsPublicKey]) -> Result<(), BlsError> {
        let points = keys
            .iter()
            .map(BlsPublicKey::point)
            .collect::<Result<Vec<_>, _>>()?;
        let refs: Vec<_> = points.iter().collect();
        match self
            .point()?
            .fast_aggregate_verify(true, digest.as_slice(), SIGNATURE_TAG, &refs)
        {
            BLST_ERROR::BLST_SUCCESS => Ok(()),
            error => Err(group(error)),
        }
    }

    /// The sum of signatures on one message.
    ///
    /// # Errors
    /// [`BlsError::Empty`] for no signature, [`BlsError::Encoding`] or [`BlsError::Group`] for one that is no point of the group.
    pub fn aggregate(signatures: &[Self]) -> Result<Self, BlsError> {
        let points = signatures
            .iter()
            .map(Self::point)
            .collect::<Result<Vec<_>, _>>()?;
        let refs: Vec<_> = points.iter().collect();
        if refs.is_empty() {
            return Err(BlsError::Empty);
        }
        let sum = AggregateSignature::aggregate(&refs, false).map_err(group)?;
        Ok(Self(FixedBytes(sum.to_signature().compress())))
    }
}

impl BlsPublicKey {
    fn point(&self) -> Result<PublicKey, BlsError> {
        let point = PublicKey::uncompress(self.0.as_slice()).map_err(group)?;
        point.validate().map_err(|_| BlsError::Group)?;
        Ok(point)
    }

    /// EIP-2537 form: x.c0, x.c1, y.c0, y.c1, 64 bytes each.
    ///
    /// # Errors
    /// [`BlsError::Encoding`] or [`BlsError::Group`] where the bytes are no point of the prime-order group.
    pub fn to_evm(&self) -> Result<FixedBytes<256>, BlsError> {
        // The ZCash form puts the imaginary part c1 first.
        let zcash = self.point()?.serialize();
        let mut swapped = [0u8; 192];
        for (to, from) in [(0, 48), (48, 0), (96, 144), (144, 96)] {
            swapped[to..to + 48].copy_from_slice(&zcash[from..from + 48]);
        }
        let mut out = [0u8; 256];
        pad_fields(&swapped, &mut out);
        Ok(FixedBytes(out))
    }

    /// From the EIP-2537 form.
    ///
    /// # Errors
    /// [`BlsError::Encoding`] or [`BlsError::Group`] where the bytes are no point of the prime-order group.
    pub fn from_evm(bytes: &FixedBytes<256>) -> Result<Self, BlsError> {
        let mut zcash = [0u8; 192];
        for (field, to) in [48, 0, 144, 96].into_iter().enumerate() {
            let word = &bytes[field * 64..field * 64 + 64];
            if word[..16].iter().any(|b| *b != 0) {
                return Err(BlsError::Encoding);
            }
            zcash[to..to + 48].copy_from_slice(&word[16..]);
        }
        let point = PublicKey::deserialize(&zcash).map_err(group)?;
        point.validate().map_err(|_| BlsError::Group)?;
        Ok(Self(FixedBytes(point.compress())))
    }
}

/// Writes 48-byte field elements as 64-byte ones with 16 leading zeros.
fn pad_fields(fields: &[u8], out: &mut [u8]) {
    for (field, word) in fields.chunks_exact(48).zip(out.chunks_exact_mut(64)) {
        word[16..].copy_from_slice(field);
    }
}

/// The message whose signature under [`POSSESSION_TAG`] proves possession: binds key, operator, chain and registry.
///
/// # Errors
/// [`BlsError::Encoding`] or [`BlsError::Group`] where the bytes are no point of the prime-order group.
pub fn possession_message(
    key: &BlsPublicKey,
    operator: Address,
    chain_id: u64,
    registry: Address,
) -> Result<B256, BlsError> {
    let mut bytes = key.to_evm()?.to_vec();
    bytes.extend_from_slice(operator.as_slice());
    bytes.extend_from_slice(&B256::from(alloy_primitives::U256::from(chain_id)).0);
    bytes.extend_from_slice(registry.as_slice());
    Ok(keccak256(bytes))
}

/// A verifier's BLS secret. It is wiped when dropped and never printed.
#[derive(Clone)]
pub struct BlsKey {
    secret: Zeroizing<[u8; 32]>,
    public: BlsPublicKey,
}

impl BlsKey {
    /// Derives a key from 32 secret bytes by the KeyGen of the BLS signature draft.
    ///
    /// # Errors
    /// [`BlsError::BadSecret`] where the library makes no key of the seed.
    pub fn derive(seed: &[u8; 32]) -> Result<Self, BlsError> {
        let key = SecretKey::key_gen(seed, &[]).map_err(|_| BlsError::BadSecret)?;
        let public = BlsPublicKey(FixedBytes(key.sk_to_pk().compress()));
        Ok(Self {
            secret: Zeroizing::new(key.to_bytes()),
            public,
        })
    }

    /// The public key.
    pub fn public(&self) -> BlsPublicKey {
        self.public
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// [`BlsError::BadSecret`] where the secret is no scalar; that of [`Self::derive`] is one.
    pub fn sign(&self, digest: B256) -> Result<BlsSignature, BlsError> {
        self.sign_tagged(digest, SIGNATURE_TAG)
    }

    /// Proves possession over [`possession_message`].
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn prove_possession(&self, message: B256) -> Result<BlsSignature, BlsError> {
        self.sign_tagged(message, POSSESSION_TAG)
    }

    fn sign_tagged(&self, message: B256, tag: &[u8]) -> Result<BlsSignature, BlsError> {
        let key = SecretKey::from_bytes(self.secret.as_slice()).map_err(|_| BlsError::BadSecret)?;
        Ok(BlsSignature(FixedBytes(
            key.sign(message.as_slice(), tag, &[]).compress(),
        )))
    }
}

impl fmt::Debug for BlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlsKey({})", self.public.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u8) -> BlsKey {
        BlsKey::derive(&[i; 32]).unwrap()
    }

    #[test]
    fn aggregates_hold_for_exactly_their_signers() {
        let digest = B256::repeat_byte(1);
        let keys: Vec<_> = (1..5).map(key).collect();
        let signatures: Vec<_> = keys.iter().map(|k| k.sign(digest).unwrap()).collect();
        let publics: Vec<_> = keys.iter().map(BlsKey::public).collect();
        let sum = BlsSignature::aggregate(&signatures).unwrap();
        assert_eq!(sum.verify_aggregate(digest, &publics), Ok(()));
        assert_eq!(
            sum.verify_aggregate(digest, &publics[1..]),
            Err(BlsError::Mismatch)
        );
        assert_eq!(
            sum.verify_aggregate(B256::ZERO, &publics),
            Err(BlsError::Mismatch)
        );
        assert_eq!(BlsSignature::aggregate(&[]), Err(BlsError::Empty));
    }

    #[test]
    fn infinity_is_refused() {
        let mut signature = [0u8; 48];
        signature[0] = 0xc0;
        let mut public = [0u8; 96];
        public[0] = 0xc0;
        let digest = B256::ZERO;
        assert_eq!(
            BlsSignature::from_bytes(signature).verify(digest, &key(1).public()),
            Err(BlsError::Group)
        );
        let good = key(1).sign(digest).unwrap();
        assert!(
            good.verify(digest, &BlsPublicKey(FixedBytes(public)))
                .is_err()
        );
    }

    #[test]
    fn evm_form_returns() {
        let public = key(9).public();
        assert_eq!(
            BlsPublicKey::from_evm(&public.to_evm().unwrap()),
            Ok(public)
        );
    }

    #[test]
    fn possession_is_bound_to_the_operator() {
        let (k, registry) = (key(3), Address::repeat_byte(2));
        let message =
            |operator| possession_message(&k.public(), operator, 31337, registry).unwrap();
        let mine = message(Address::repeat_byte(7));
        let proof = k.prove_possession(mine).unwrap();
        assert_eq!(proof.verify_possession(mine, &k.public()), Ok(()));
        assert!(
            proof
                .verify_possession(message(Address::repeat_byte(8)), &k.public())
                .is_err()
        );
        assert!(
            k.sign(mine)
                .unwrap()
                .verify_possession(mine, &k.public())
                .is_err()
        );
    }
}
