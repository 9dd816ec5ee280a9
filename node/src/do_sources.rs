//! How long sources are kept, and for whom.

use assay_protocol::B256;
use assay_protocol::assignment::{Assignment, MAX_ATTEMPT};
use assay_protocol::record::roles;

use crate::driver::Node;

impl Node {
    /// Keeps an assignment's source, where it is here, until no proof about it is accepted any more.
    pub(crate) fn need_source(&mut self, assignment: &Assignment) {
        let last = assignment
            .deadlineBlock
            .saturating_add(self.params.evidence_blocks);
        self.leases.extend(assignment.sourceHash, last);
    }

    /// The same for a live segment before it is assigned: to its last attempt's end.
    pub(crate) fn need_live_source(&mut self, hash: B256, block: u64) {
        let params = &self.params;
        let attempt = params.response_blocks + 2 * params.late_blocks;
        let attempts = (u64::from(MAX_ATTEMPT) + 1) * attempt;
        let last = block + attempts + params.evidence_blocks;
        self.leases.extend(hash, last);
    }

    /// Lets verifiers fetch what this broadcaster had assigned before it was started again: who cannot holds it against the
    /// receipts.
    pub(crate) fn serve_earlier(&self) {
        for hash in self.leases.hashes() {
            self.network.allow_blob(hash, []);
        }
    }

    /// Removes sources that nobody needs any more.
    pub(crate) fn clear_sources(&mut self, block: u64) {
        let over = self.leases.expire(block);
        // A file may be published again; a live stream is not.
        let live = self.publishing.as_ref().is_some_and(|p| p.offers.is_live());
        if over.is_empty() || (self.roles & roles::BROADCASTER != 0 && !live) {
            return;
        }
        for hash in &over {
            self.network.forbid_blob(*hash);
        }
        self.sources.removed(&over);
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || {
            for hash in over {
                if let Err(e) = blobs.remove(hash) {
                    tracing::warn!(%hash, "source cannot be removed: {e}");
                }
            }
        });
    }
}
