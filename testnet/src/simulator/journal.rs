//! What survives a crash: one digest per slot, written before the seal leaves.

use std::collections::BTreeMap;

use assay_protocol::B256;
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Sealed};

use super::seals::Keys;

/// A node's journal.
#[derive(Debug, Default)]
pub(super) struct Journal {
    slots: BTreeMap<B256, B256>,
}

impl Journal {
    /// Seals a draft, unless another one has its slot.
    pub fn seal(&mut self, draft: Draft, keys: &Keys, domain: &Domain) -> Option<Sealed> {
        let digest = draft.digest(domain);
        let kept = *self.slots.entry(draft.slot()).or_insert(digest);
        (kept == digest).then(|| keys.seal(draft, domain))
    }
}
