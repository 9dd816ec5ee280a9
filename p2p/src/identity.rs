//! The node's libp2p key.

use std::fmt;

use libp2p::PeerId;
use libp2p::identity::Keypair;
use zeroize::Zeroizing;

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

    pub(crate) fn keypair(&self) -> Keypair {
        self.keypair.clone()
    }
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
