//! What must survive: every slot that was ever signed, written down before the signature leaves.
//!
//! `redb` locks its file, so a node started twice on one folder stops with a clear message, and commits durably, so
//! `kill -9` at any point leaves either no entry and no signature, or an entry and at most one signature. What does not bind
//! its signer ([`Draft::binds`]) is on disk with the next commit that does: anybody can make a node refuse, or fetch in vain,
//! as often as assignments are taken, and should not make it wait for the disk each time.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use assay_chain::redb_file::RedbFile;
use assay_protocol::domain::Domain;
use assay_protocol::draft::Draft;
use assay_protocol::{B256, U256};
use redb::{Durability, ReadableTable, TableDefinition};

const SIGNED: TableDefinition<[u8; 32], [u8; 32]> = TableDefinition::new("signed");
const MEMO: TableDefinition<&str, &[u8]> = TableDefinition::new("memo");
const DOMAIN: &str = "domain";
/// Of so many commits that need not be durable one is.
const LOOSE: u32 = 64;

/// Where the number of a job's next segment is kept.
fn seq_name(job: U256) -> String {
    format!("next segment of job {job}")
}

/// Why nothing may be signed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process holds the file.
    #[error(
        "{0}: another assay node is running on this folder; stop it first, or give this one a folder of its own"
    )]
    InUse(String),
    /// Damaged, unreadable or full disk.
    #[error(
        "journal {path}: {reason}; make room on its disk, or mend that, and start again. An older copy in its place would \
         have forgotten signatures, and a second one costs stake"
    )]
    Store {
        /// The file.
        path: String,
        /// What the store said.
        reason: String,
    },
    /// Written for another chain or deployment.
    #[error("journal {path} belongs to {found}, this node runs on {expected}; use another folder")]
    OtherDeployment {
        /// The file.
        path: String,
        /// In the file.
        found: String,
        /// Asked for.
        expected: String,
    },
    /// Something else was signed in this slot.
    #[error("slot {slot} was signed over {found}, not over {wanted}: refusing to equivocate")]
    Conflict {
        /// The slot.
        slot: B256,
        /// Digest on record.
        found: B256,
        /// Digest asked for.
        wanted: B256,
    },
}

/// The journal of one node.
pub struct Journal {
    path: String,
    store: RedbFile,
    /// Commits that may not be on disk.
    loose: AtomicU32,
}

impl Journal {
    /// Opens or makes the journal of `domain`.
    ///
    /// # Errors
    /// [`JournalError::InUse`] while another process has it, [`JournalError::OtherDeployment`] where it is about another court or
    /// chain, [`JournalError::Store`] where it cannot be read or written.
    pub fn open(path: &Path, domain: &Domain) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        let store = RedbFile::open(path).map_err(|e| match e {
            redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse(name.clone()),
            other => JournalError::Store {
                path: name.clone(),
                reason: other.to_string(),
            },
        })?;
        Self::over(store, name, domain)
    }

    fn over(store: RedbFile, path: String, domain: &Domain) -> Result<Self, JournalError> {
        let journal = Self {
            path,
            store,
            loose: AtomicU32::new(0),
        };
        let mine = format!("court {} on chain {}", domain.court, domain.chain_id);
        match journal.recall(DOMAIN)? {
            None => journal.remember(DOMAIN, mine.as_bytes())?,
            Some(found) if found != mine.as_bytes() => {
                let found = String::from_utf8_lossy(&found).into_owned();
                return Err(JournalError::OtherDeployment {
                    path: journal.path,
                    found,
                    expected: mine,
                });
            }
            Some(_) => {}
        }
        Ok(journal)
    }

    fn error(&self, reason: impl std::fmt::Display) -> JournalError {
        JournalError::Store {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }

    /// Takes the draft's slot for `digest`. The same digest may take it again: its signature is the same.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the slot holds another digest; nothing may be signed then.
    pub fn take(&self, draft: &Draft, digest: B256) -> Result<(), JournalError> {
        let slot = draft.slot();
        let store = self.store.database().map_err(|e| self.error(e))?;
        let mut write = store.begin_write().map_err(|e| self.error(e))?;
        // Sometimes all the same: until then the store keeps the pages of before.
        let turn = self.loose.fetch_add(1, Ordering::Relaxed);
        if !draft.binds() && !turn.is_multiple_of(LOOSE) {
            let loose = write.set_durability(Durability::None);
            loose.map_err(|e| self.error(e))?;
        }
        {
            let mut table = write.open_table(SIGNED).map_err(|e| self.error(e))?;
            let found = table
                .get(slot.0)
                .map_err(|e| self.error(e))?
                .map(|entry| B256::from(entry.value()));
            match found {
                Some(found) if found != digest => {
                    return Err(JournalError::Conflict {
                        slot,
                        found,
                        wanted: digest,
                    });
                }
                Some(_) => return Ok(()),
                None => drop(table.insert(slot.0, digest.0).map_err(|e| self.error(e))?),
            }
            if let Draft::Assignment(assignment) = draft {
                let mut memo = write.open_table(MEMO).map_err(|e| self.error(e))?;
                let name = seq_name(assignment.jobId);
                let next = assignment.seq.saturating_add(1).to_be_bytes();
                let known = memo
                    .get(name.as_str())
                    .map_err(|e| self.error(e))?
                    .is_some_and(|entry| entry.value() >= &next[..]);
                if !known {
                    memo.insert(name.as_str(), &next[..])
                        .map_err(|e| self.error(e))?;
                }
            }
        }
        write.commit().map_err(|e| self.error(e))
    }

    /// The first segment number of a job for which nothing was ever signed: where a broadcaster goes on.
    ///
    /// # Errors
    /// [`JournalError::Store`] where the file cannot be read.
    pub fn next_seq(&self, job: U256) -> Result<u32, JournalError> {
        let found = self.recall(&seq_name(job))?;
        let bytes = found.and_then(|value| <[u8; 4]>::try_from(value).ok());
        Ok(bytes.map_or(0, u32::from_be_bytes))
    }

    /// Keeps a named value.
    ///
    /// # Errors
    /// [`JournalError::Store`] where it cannot be written.
    pub fn remember(&self, name: &str, value: &[u8]) -> Result<(), JournalError> {
        let store = self.store.database().map_err(|e| self.error(e))?;
        let write = store.begin_write().map_err(|e| self.error(e))?;
        {
            let mut table = write.open_table(MEMO).map_err(|e| self.error(e))?;
            table.insert(name, value).map_err(|e| self.error(e))?;
        }
        write.commit().map_err(|e| self.error(e))
    }

    /// The value kept under a name.
    ///
    /// # Errors
    /// [`JournalError::Store`] where the file cannot be read.
    pub fn recall(&self, name: &str) -> Result<Option<Vec<u8>>, JournalError> {
        let store = self.store.database().map_err(|e| self.error(e))?;
        let read = store.begin_read().map_err(|e| self.error(e))?;
        let table = match read.open_table(MEMO) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(e) => return Err(self.error(e)),
        };
        Ok(table
            .get(name)
            .map_err(|e| self.error(e))?
            .map(|entry| entry.value().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use assay_protocol::Address;
    use assay_protocol::assignment::{Assignment, Refusal};
    use assay_protocol::verdict::Verdict;

    use super::*;

    fn verdict(hash: u8) -> Draft {
        Draft::Verdict(Verdict {
            recomputedHash: B256::repeat_byte(hash),
            ..Default::default()
        })
    }

    #[test]
    fn a_slot_is_taken_once_also_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let domain = Domain::new(1, Address::repeat_byte(1));
        let digest = |draft: &Draft| draft.digest(&domain);
        {
            let journal = Journal::open(&path, &domain).unwrap();
            journal.take(&verdict(1), digest(&verdict(1))).unwrap();
            assert!(matches!(
                Journal::open(&path, &domain),
                Err(JournalError::InUse(_))
            ));
        }
        let journal = Journal::open(&path, &domain).unwrap();
        journal.take(&verdict(1), digest(&verdict(1))).unwrap();
        let second = journal.take(&verdict(2), digest(&verdict(2)));
        assert!(matches!(second, Err(JournalError::Conflict { .. })));
    }

    /// A disk that refuses so many writes.
    #[derive(Debug, Default)]
    struct Full(redb::backends::InMemoryBackend, std::sync::Arc<AtomicU32>);

    impl redb::StorageBackend for Full {
        fn len(&self) -> Result<u64, std::io::Error> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
            self.0.read(offset, out)
        }

        fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
            self.0.set_len(len)
        }

        fn sync_data(&self) -> Result<(), std::io::Error> {
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
            let left = |left: u32| left.checked_sub(1);
            let refused = self
                .1
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
            match refused {
                Ok(_) => Err(std::io::ErrorKind::StorageFull.into()),
                Err(_) => self.0.write(offset, data),
            }
        }
    }

    #[test]
    fn a_disk_that_was_full_for_a_moment_costs_no_slot_and_no_signature() {
        let full = Full::default();
        let refuses = full.1.clone();
        let domain = Domain::new(1, Address::repeat_byte(1));
        let store = RedbFile::over(full).unwrap();
        let journal = Journal::over(store, "journal".into(), &domain).unwrap();
        let of_leaf = |leaf, hash| {
            Draft::Verdict(Verdict {
                leafIndex: leaf,
                recomputedHash: B256::repeat_byte(hash),
                ..Default::default()
            })
        };
        let take = |draft: &Draft| journal.take(draft, draft.digest(&domain));
        take(&of_leaf(0, 1)).unwrap();
        for writes in 1..6 {
            refuses.store(1, Ordering::Release);
            let failed = take(&of_leaf(writes, 1));
            assert!(matches!(failed, Err(JournalError::Store { .. })));
            take(&of_leaf(writes, 1)).unwrap();
            for leaf in [0, writes] {
                let second = take(&of_leaf(leaf, 2));
                assert!(matches!(second, Err(JournalError::Conflict { .. })));
            }
        }
    }

    #[test]
    fn what_does_not_bind_is_on_disk_with_what_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let domain = Domain::new(1, Address::repeat_byte(1));
        let refusal = |assignment: u8, reason| {
            Draft::Refusal(Refusal {
                assignmentHash: B256::repeat_byte(assignment),
                reason,
            })
        };
        let take = |journal: &Journal, draft: &Draft| journal.take(draft, draft.digest(&domain));
        let journal = Journal::open(&path, &domain).unwrap();
        for assignment in 0..100 {
            take(&journal, &refusal(assignment, 1)).unwrap();
        }
        let second = take(&journal, &refusal(7, 2));
        assert!(matches!(second, Err(JournalError::Conflict { .. })));
        take(&journal, &verdict(1)).unwrap();
        drop(journal);
        let journal = Journal::open(&path, &domain).unwrap();
        for assignment in 0..100 {
            assert!(take(&journal, &refusal(assignment, 2)).is_err());
        }
        assert!(take(&journal, &verdict(2)).is_err());
    }

    #[test]
    fn a_broadcaster_goes_on_where_nothing_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let domain = Domain::new(1, Address::repeat_byte(1));
        let assignment = |job: u64, seq, attempt| {
            Draft::Assignment(Assignment {
                jobId: U256::from(job),
                seq,
                attempt,
                ..Default::default()
            })
        };
        let journal = Journal::open(&path, &domain).unwrap();
        assert_eq!(journal.next_seq(U256::from(1)).unwrap(), 0);
        for draft in [
            assignment(1, 0, 0),
            assignment(1, 300, 0),
            assignment(1, 7, 1),
            assignment(2, 4, 0),
        ] {
            journal.take(&draft, draft.digest(&domain)).unwrap();
        }
        drop(journal);
        let journal = Journal::open(&path, &domain).unwrap();
        assert_eq!(journal.next_seq(U256::from(1)).unwrap(), 301);
        assert_eq!(journal.next_seq(U256::from(2)).unwrap(), 5);
        assert_eq!(journal.next_seq(U256::from(3)).unwrap(), 0);
    }

    #[test]
    fn another_deployment_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        drop(Journal::open(&path, &Domain::new(1, Address::ZERO)).unwrap());
        let other = Journal::open(&path, &Domain::new(2, Address::ZERO));
        assert!(matches!(other, Err(JournalError::OtherDeployment { .. })));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        std::fs::write(&path, vec![7; 4096]).unwrap();
        match Journal::open(&path, &Domain::new(1, Address::ZERO)) {
            Err(JournalError::Store { path: named, .. }) => {
                assert!(named.ends_with("journal.redb"))
            }
            other => assert!(other.is_err(), "a damaged journal was taken for a good one"),
        }
    }
}
