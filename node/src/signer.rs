//! Journal, then sign: the only place where protocol messages get their signatures.

use assay_p2p::Identity;
use assay_protocol::bls::BlsError;
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::record::{NodeRecord, SignedRecord};
use assay_protocol::{Address, B256, U256, keccak256};
use zeroize::Zeroizing;

use crate::journal::{Journal, JournalError};
use crate::keys::Keys;

/// Why a draft was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The journal forbids it or cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The BLS key failed.
    #[error(transparent)]
    Bls(#[from] BlsError),
}

impl SignError {
    /// Whether the same may be signed later: the disk may have room again.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Journal(JournalError::Store { .. }))
    }
}

/// The node's keys behind its journal.
pub struct Signer {
    domain: Domain,
    keys: Keys,
    peer: Identity,
    journal: Journal,
}

impl Signer {
    /// Signs in `domain` with `keys`, once per slot of `journal`; `peer` is the libp2p key among them.
    pub fn new(domain: Domain, keys: Keys, peer: Identity, journal: Journal) -> Self {
        Self {
            domain,
            keys,
            peer,
            journal,
        }
    }

    /// Journals the draft's slot durably, then signs. Blocks on the disk.
    pub fn seal(&self, draft: Draft) -> Result<Sealed, SignError> {
        let hash = draft.digest(&self.domain);
        self.journal.take(&draft, hash)?;
        let seal = if draft.by_bls() {
            Seal::Bls(self.keys.bls.sign(hash)?)
        } else {
            Seal::Operator(self.keys.operator.sign(hash))
        };
        Ok(Sealed { draft, hash, seal })
    }

    /// The account whose key this is.
    pub fn account(&self) -> Address {
        self.keys.operator.address()
    }

    /// The first segment number of a job for which nothing was ever signed here.
    pub fn next_seq(&self, job: U256) -> Result<u32, JournalError> {
        self.journal.next_seq(job)
    }

    /// The `plant` of a receipt: random to everybody else, and the same again after a restart, or the journal would
    /// refuse the receipt that it has seen.
    pub fn plant(&self, assignment: B256) -> B256 {
        let secret = self.keys.operator.secret();
        let parts = [b"assay plant", secret.as_slice(), assignment.as_slice()];
        keccak256(Zeroizing::new(parts.concat()).as_slice())
    }

    /// This transcoder's number for the tickets of an assignment: unknown to everybody else, and the same again after a
    /// restart, so that what was promised holds.
    pub fn payment_rand(&self, assignment: B256) -> B256 {
        self.secret_of(b"assay payment", assignment)
    }

    /// This broadcaster's part of the draw of the tickets for an assignment: as unknown, and as lasting.
    pub fn payment_nonce(&self, assignment: B256) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.secret_of(b"assay nonce", assignment).0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn secret_of(&self, use_: &[u8], assignment: B256) -> B256 {
        let secret = self.keys.operator.secret();
        let parts = [use_, secret.as_slice(), assignment.as_slice()];
        keccak256(Zeroizing::new(parts.concat()).as_slice())
    }

    /// Signs a node record: it may change at any time, so no slot guards it.
    pub fn record(&self, record: NodeRecord) -> SignedRecord {
        let digest = self.domain.digest(&record);
        SignedRecord {
            record,
            signature: self.keys.operator.sign(digest),
            peer_signature: self.peer.sign(digest.as_slice()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_protocol::receipt::Receipt;

    use super::*;

    #[test]
    fn a_receipt_is_the_same_after_a_restart() {
        let domain = Domain::new(31_337, Address::ZERO);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let start = || {
            let keys = Keys::from_seed(1, "transcoder").unwrap();
            let peer = Identity::from_secret([1; 32].into()).unwrap();
            Signer::new(domain, keys, peer, Journal::open(&path, &domain).unwrap())
        };
        let receipt = |signer: &Signer| {
            let assignment = B256::repeat_byte(7);
            signer.seal(Draft::Receipt(Receipt {
                assignmentHash: assignment,
                plant: signer.plant(assignment),
                ..Default::default()
            }))
        };
        let first = start();
        let before = receipt(&first).unwrap();
        assert_ne!(first.plant(B256::ZERO), first.plant(B256::repeat_byte(7)));
        drop(first);
        assert_eq!(receipt(&start()).unwrap(), before);
    }
}
