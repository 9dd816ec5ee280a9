//! Operator signatures: secp256k1 over EIP-712 digests, low s, recoverable.

use std::fmt;

use alloy_primitives::{Address, B256, FixedBytes, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Why a signature or key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The last byte is neither 27 nor 28.
    #[error("recovery byte is {0}, expected 27 or 28")]
    RecoveryByte(u8),
    /// s lies in the upper half of the order: the malleable twin of a valid signature.
    #[error("s lies in the upper half of the group order; the low form is required")]
    HighS,
    /// r, s name no key.
    #[error("r and s name no public key")]
    NotRecoverable,
    /// The secret is zero or not below the group order.
    #[error("operator secret is not a scalar of secp256k1")]
    BadSecret,
}

/// 65 bytes: r, s, v (27 or 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature(pub FixedBytes<65>);

impl Signature {
    /// The account that signed `digest`; rejects every form but the canonical one.
    pub fn recover(&self, digest: B256) -> Result<Address, SignatureError> {
        let v = self.0[64];
        let id = match v {
            27 => RecoveryId::Zero,
            28 => RecoveryId::One,
            other => return Err(SignatureError::RecoveryByte(other)),
        };
        let signature = RecoverableSignature::from_compact(&self.0[..64], id)
            .map_err(|_| SignatureError::NotRecoverable)?;
        let plain = signature.to_standard();
        let mut low = plain;
        low.normalize_s();
        if low != plain {
            return Err(SignatureError::HighS);
        }
        let key = SECP256K1
            .recover_ecdsa(Message::from_digest(digest.0), &signature)
            .map_err(|_| SignatureError::NotRecoverable)?;
        Ok(account(&key))
    }
}

fn account(key: &PublicKey) -> Address {
    Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..])
}

/// An operator's secret key. It is wiped when dropped and never printed.
#[derive(Clone)]
pub struct OperatorKey {
    secret: Zeroizing<[u8; 32]>,
    address: Address,
}

impl OperatorKey {
    /// From 32 secret bytes.
    pub fn from_bytes(secret: [u8; 32]) -> Result<Self, SignatureError> {
        let secret = Zeroizing::new(secret);
        let key = SecretKey::from_byte_array(*secret).map_err(|_| SignatureError::BadSecret)?;
        Ok(Self {
            address: account(&key.public_key(SECP256K1)),
            secret,
        })
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The 32 secret bytes, for a wallet or a keystore file.
    pub fn secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.secret
    }

    /// Signs a digest (deterministic nonce, low s).
    pub fn sign(&self, digest: B256) -> Signature {
        // Checked in `from_bytes`.
        #[allow(clippy::expect_used)]
        let key = SecretKey::from_byte_array(*self.secret).expect("checked when made");
        let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &key);
        let (id, compact) = signature.serialize_compact();
        let mut out = [0u8; 65];
        out[..64].copy_from_slice(&compact);
        out[64] = 27 + i32::from(id) as u8;
        Signature(FixedBytes(out))
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorKey({})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n of secp256k1, to make the malleable twin of a signature.
    const ORDER: alloy_primitives::U256 = alloy_primitives::uint!(
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256
    );

    #[test]
    fn only_the_low_form_recovers() {
        let key = OperatorKey::from_bytes([5; 32]).unwrap();
        let digest = B256::repeat_byte(8);
        let signature = key.sign(digest);
        assert_eq!(signature.recover(digest), Ok(key.address()));
        assert_ne!(signature.recover(B256::ZERO), Ok(key.address()));
        let mut twin = signature;
        let s = ORDER - alloy_primitives::U256::from_be_slice(&signature.0[32..64]);
        twin.0[32..64].copy_from_slice(&s.to_be_bytes::<32>());
        twin.0[64] = 55 - signature.0[64];
        assert_eq!(twin.recover(digest), Err(SignatureError::HighS));
        let mut zero_v = signature;
        zero_v.0[64] -= 27;
        assert_eq!(
            zero_v.recover(digest),
            Err(SignatureError::RecoveryByte(signature.0[64] - 27))
        );
        assert_eq!(
            Signature(FixedBytes([0; 65])).recover(digest),
            Err(SignatureError::RecoveryByte(0))
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = OperatorKey::from_bytes([0xab; 32]).unwrap();
        assert!(!format!("{key:?}").contains("abababab"));
    }
}
