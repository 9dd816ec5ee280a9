//! The node's libp2p key.

use std::fmt;

use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey};
use zeroize::Zeroizing;

/// Code of the multihash that is the hashed bytes themselves.
const IDENTITY_HASH: u64 = 0;

/// An Ed25519 key pair. Neither `Debug` nor anything else shows the secret.
#[derive(Clone)]
pub struct Identity {
    keypair: Keypair,
}

/// Why bytes are not a libp2p key.
#[derive(Debug, thiserror::Error)]
#[error("the 32 bytes given are not an Ed25519 secret key; create a new libp2p key for this node")]
pub struct IdentityError;

impl Identity {
    /// The key pair of a 32-byte Ed25519 secret. The copy made of it is wiped.
    pub fn from_secret(secret: Zeroizing<[u8; 32]>) -> Result<Self, IdentityError> {
        let mut bytes = secret;
        let keypair = Keypair::ed25519_from_bytes(&mut bytes[..]).map_err(|_| IdentityError)?;
        Ok(Self { keypair })
    }

    /// The peer id, to be written into the operator's signed node record.
    pub fn peer_id(&self) -> PeerId {
        self.keypair.public().to_peer_id()
    }

    /// Signs a message, for instance the digest of a node record that names this peer.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        // An Ed25519 key signs everything; an empty signature would be refused by everybody.
        self.keypair.sign(message).unwrap_or_default()
    }

    pub(crate) fn keypair(&self) -> Keypair {
        self.keypair.clone()
    }
}

/// Whether `signature` over `message` is by the key of `peer`, a peer id that contains its key, as Ed25519 ones do.
pub fn is_signed_by(peer: &PeerId, message: &[u8], signature: &[u8]) -> bool {
    let id = peer.as_ref();
    id.code() == IDENTITY_HASH
        && PublicKey::try_decode_protobuf(id.digest())
            .is_ok_and(|key| key.verify(message, signature))
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_peer_itself_signs_for_it() {
        let [one, other] = [[9; 32], [8; 32]].map(|s| Identity::from_secret(s.into()).unwrap());
        let signature = one.sign(b"record");
        assert!(is_signed_by(&one.peer_id(), b"record", &signature));
        assert!(!is_signed_by(&one.peer_id(), b"other", &signature));
        assert!(!is_signed_by(&other.peer_id(), b"record", &signature));
        assert!(!is_signed_by(&one.peer_id(), b"record", b""));
    }

    #[test]
    fn same_secret_same_peer_and_debug_shows_only_the_peer() {
        let identity = Identity::from_secret(Zeroizing::new([9; 32])).unwrap();
        let again = Identity::from_secret(Zeroizing::new([9; 32])).unwrap();
        assert_eq!(identity.peer_id(), again.peer_id());
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity({})", identity.peer_id())
        );
    }
}
