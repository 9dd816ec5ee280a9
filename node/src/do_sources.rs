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
        self.sources.need(assignment.sourceHash, last);
    }

    /// The same for an own segment before it is assigned: to its last attempt's end.
    pub(crate) fn need_own_source(&mut self, hash: B256, block: u64) {
        let params = &self.params;
        let attempt = params.response_blocks + 2 * params.late_blocks;
        let attempts = (u64::from(MAX_ATTEMPT) + 1) * attempt;
        let last = block + attempts + params.evidence_blocks;
        self.leases.begin(hash, last);
    }

    /// Lets verifiers fetch what this broadcaster had assigned before it was started again: who cannot holds it against the
    /// receipts.
    pub(crate) fn serve_earlier(&self) {
        for hash in self.leases.hashes() {
            self.network.allow_blob(hash, []);
        }
    }

    /// Serves no more what nobody needs any more, and removes it.
    pub(crate) fn clear_sources(&mut self, block: u64) {
        let (fetched, mut published) = (self.sources.expire(block), self.leases.expire(block));
        for hash in fetched.iter().chain(&published) {
            if !self.leases.has(hash) {
                self.network.forbid_blob(*hash);
            }
        }
        // A file may be published again; a live stream is not.
        let live = self.publishing.as_ref().is_some_and(|p| p.offers.is_live());
        if self.roles & roles::BROADCASTER != 0 && !live {
            published.clear();
        }
        if fetched.is_empty() && published.is_empty() {
            return;
        }
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || {
            for (folder, over) in [(blobs.fetched, fetched), (blobs.published, published)] {
                for hash in over {
                    if let Err(e) = folder.remove(hash) {
                        tracing::warn!(%hash, "source cannot be removed: {e}");
                    }
                }
            }
        });
    }
}
