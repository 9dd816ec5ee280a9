//! Carries out what the certification of rounds wants, keeps the lists, and claims what is due.

use std::collections::BTreeMap;
use std::path::PathBuf;

use assay_chain::call::{OperatorCall, WorkCall};
use assay_chain::views::Role as ChainRole;
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::bls::BlsSignature;
use assay_protocol::round_work::Segment;
use assay_protocol::wire::{decode, encode};
use assay_protocol::work::WorkList;
use assay_protocol::{B256, U256};
use assay_verifier::certify::{Certification, Input, Output, RoundFacts, SeenAssignment};

use crate::driver::{Node, Role};
use crate::notice::Notice;

/// Lists that are kept on disk; a round has few, and a claim is due for weeks on mainnet.
const MAX_LISTS: usize = 512;

/// A round that the chain has certified, as its claims need it.
#[derive(Clone, Copy, Debug)]
struct Certified {
    claims_root: B256,
    duties: u64,
    /// Last block in which this node claims.
    until: u64,
}

/// Lists by round and root, on disk, because who certifies a list and who claims by it may lie a restart apart; and the
/// rounds of which something may be due here.
#[derive(Debug)]
pub(crate) struct WorkShelf {
    folder: PathBuf,
    due: BTreeMap<u64, Certified>,
    /// Block in which this verifier was jailed, until it is told to return.
    pub jailed: Option<u64>,
}

impl WorkShelf {
    /// The shelf of a node whose folder this is.
    pub(crate) fn new(node: &std::path::Path) -> Self {
        Self {
            folder: node.join("work"),
            due: BTreeMap::new(),
            jailed: None,
        }
    }

    fn path(&self, round: u64, root: B256) -> PathBuf {
        self.folder.join(format!("{round:08}-{root:x}.list"))
    }

    /// Writes a list down; the oldest ones make room.
    fn put(&self, list: &WorkList, root: B256) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.path(list.round, root);
        if path.exists() {
            return Ok(());
        }
        let bytes = encode(list).unwrap_or_default();
        let draft = path.with_extension("draft");
        std::fs::write(&draft, bytes)?;
        std::fs::rename(draft, path)?;
        let mut kept: Vec<_> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        kept.sort();
        let excess = kept.len().saturating_sub(MAX_LISTS);
        for old in &kept[..excess] {
            std::fs::remove_file(old)?;
        }
        Ok(())
    }

    fn get(&self, round: u64, root: B256) -> Option<WorkList> {
        decode(&std::fs::read(self.path(round, root)).ok()?).ok()
    }
}

impl Node {
    pub(crate) async fn drive_certifier(&mut self, input: Input) {
        let now = self.now();
        let Some(core) = &mut self.certifying else {
            return;
        };
        for output in core.handle(input, now) {
            match output {
                Output::Sign(draft) => self.sign(Role::Certifier, draft),
                Output::Gossip(message) => self.outlet.publish(&message),
                Output::Certify(certification) => self.certify(*certification),
                Output::Dropped { round, receipts } => {
                    let text = format!(
                        "{receipts} receipts of round {round} are dropped: too few have seen them"
                    );
                    self.tell(Notice::Warning(text)).await;
                }
            }
        }
    }

    /// What the certifier needs of an assignment that holds; `None` where its job has gone.
    pub(crate) fn seen(&self, signed: &SignedAssignment, hash: B256) -> Option<SeenAssignment> {
        self.certifying.as_ref()?;
        self.read(|state| {
            let job = state.jobs.get(&signed.assignment.jobId)?;
            Some(SeenAssignment {
                hash,
                segment: Segment::new(signed, &job.profiles),
                max_price: job.max_price,
            })
        })
    }

    /// Tells the certifier of a round that was opened.
    pub(crate) async fn round_for_certifier(&mut self, round: u64) {
        let facts = self.read(|state| {
            let round = state.rounds.get(&round)?;
            Some(RoundFacts {
                verifiers: round.verifiers.clone(),
                transcoders: round.transcoders.clone(),
                opened: round.opened_at,
            })
        });
        if let Some(facts) = facts {
            self.drive_certifier(Input::Round(Box::new(facts))).await;
        }
    }

    fn certify(&self, certification: Certification) {
        let Certification { work, signatures } = certification;
        let bitmap = signatures.iter().fold(U256::ZERO, |mut bits, (at, _)| {
            bits.set_bit(*at, true);
            bits
        });
        let signatures: Vec<_> = signatures.into_iter().map(|(_, s)| s).collect();
        match BlsSignature::aggregate(&signatures) {
            Ok(aggregate) => {
                let digest = self.domain.digest(&work);
                self.submit(
                    "certify",
                    format!("certify:{digest}"),
                    digest,
                    WorkCall::Certify {
                        work,
                        bitmap,
                        aggregate,
                    },
                );
            }
            Err(e) => tracing::error!("a list with valid votes has no aggregate: {e}"),
        }
    }

    /// Keeps a proposed list: if it is the one that the chain takes, this node claims by it.
    pub(crate) fn keep_list(&self, list: &WorkList, root: B256) {
        if let Err(e) = self.shelf.put(list, root) {
            tracing::warn!("the list of round {} is not kept: {e}", list.round);
        }
    }

    /// The chain has a round's list.
    pub(crate) async fn on_certified(
        &mut self,
        round: u64,
        claims_root: B256,
        duties: u64,
        block: u64,
    ) {
        // Certified within its window, so that claims are paid at least this long.
        let until = block + self.params.claim_blocks;
        let certified = Certified {
            claims_root,
            duties,
            until,
        };
        self.shelf.due.insert(round, certified);
        self.drive_certifier(Input::Certified(round)).await;
    }

    /// A verifier that runs and was jailed for a round in which it did not returns.
    pub(crate) fn return_from_jail(&mut self) {
        if let Some(block) = self.shelf.jailed.take() {
            self.submit(
                "return",
                format!("release:{block}"),
                B256::ZERO,
                OperatorCall::Release {
                    role: ChainRole::Verifier,
                    operator: self.me,
                },
            );
        }
    }

    /// Claims for this node's pools what certified rounds owe them, each once.
    pub(crate) fn claim_work(&mut self, block: u64) {
        for (round, certified) in std::mem::take(&mut self.shelf.due) {
            if block > certified.until {
                continue;
            }
            let list = self.shelf.get(round, certified.claims_root);
            if let Some((claim, index, path)) =
                list.and_then(|list| list.open(&self.domain, self.me))
            {
                self.submit(
                    "claim work",
                    format!("work:{round}"),
                    certified.claims_root,
                    WorkCall::Claim { claim, index, path },
                );
            }
            let seat = self.read(|state| {
                let (position, _) = state.verifiers(round)?.find(self.me)?;
                Some(position as u64)
            });
            let dutiful = seat.filter(|position| certified.duties >> position & 1 == 1);
            if let Some(position) = dutiful {
                self.submit(
                    "claim duty",
                    format!("duty:{round}"),
                    certified.claims_root,
                    WorkCall::ClaimDuty { round, position },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::work::WorkClaim;

    #[test]
    fn a_list_is_read_as_it_was_written_and_a_torn_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = WorkShelf::new(folder.path());
        let list = WorkList {
            round: 3,
            claims: vec![WorkClaim::default()],
            total_pixels: 7,
        };
        let root = B256::repeat_byte(1);
        assert_eq!(shelf.get(3, root), None);
        shelf.put(&list, root).unwrap();
        shelf.put(&list, root).unwrap();
        assert_eq!(shelf.get(3, root), Some(list));
        std::fs::write(shelf.path(3, root), b"torn").unwrap();
        assert_eq!(shelf.get(3, root), None);
    }
}
