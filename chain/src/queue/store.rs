//! The journal file: one row per idempotency key.

use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::queue::entry::{Entry, State};

const ENTRIES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("transactions");
const OWNER: TableDefinition<'static, &str, &str> = TableDefinition::new("owner");

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another queue of this one, has it.
    #[error("the transaction journal {path} is in use; a node with this account already runs")]
    InUse {
        /// The file.
        path: String,
    },
    /// It is of another account or chain.
    #[error(
        "the transaction journal belongs to {found}, this node is {expected}; give it its own data folder"
    )]
    Foreign {
        /// Owner in the file.
        found: String,
        /// Owner that opens it.
        expected: String,
    },
    /// Input, output, or a damaged file.
    #[error("the transaction journal cannot be used: {0}")]
    Database(#[from] redb::Error),
    /// A row that this version does not understand.
    #[error("the transaction journal has an unreadable row `{key}`: {reason}")]
    Row {
        /// Idempotency key of the row.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// The journal of one account on one chain.
#[derive(Debug)]
pub(crate) struct Store(Database);

impl Store {
    /// Opens or creates the file; `None` keeps the journal in memory only.
    pub fn open(path: Option<&Path>, owner: &str) -> Result<Self, StoreError> {
        let database = match path {
            None => redb::Builder::new().create_with_backend(InMemoryBackend::new()),
            Some(path) => Database::create(path),
        };
        let store = Self(database.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse {
                path: path.map_or_else(String::new, |p| p.display().to_string()),
            },
            other => StoreError::Database(other.into()),
        })?);
        match store.claim(owner)? {
            Some(found) => Err(StoreError::Foreign {
                found,
                expected: owner.to_owned(),
            }),
            None => Ok(store),
        }
    }

    /// Writes the owner of a new file; returns another file's owner.
    fn claim(&self, owner: &str) -> Result<Option<String>, StoreError> {
        let transaction = self.0.begin_write().map_err(redb::Error::from)?;
        let foreign = {
            transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
            let mut table = transaction.open_table(OWNER).map_err(redb::Error::from)?;
            let found = table
                .get("owner")
                .map_err(redb::Error::from)?
                .map(|v| v.value().to_owned());
            if found.is_none() {
                table.insert("owner", owner).map_err(redb::Error::from)?;
            }
            found.filter(|found| found != owner)
        };
        transaction.commit().map_err(redb::Error::from)?;
        Ok(foreign)
    }

    /// Writes one row; it is on the disk when this returns.
    pub fn put(&self, entry: &Entry) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(entry).map_err(|e| StoreError::Row {
            key: entry.key.clone(),
            reason: e.to_string(),
        })?;
        let transaction = self.0.begin_write().map_err(redb::Error::from)?;
        {
            let mut table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
            table
                .insert(entry.key.as_str(), bytes.as_slice())
                .map_err(redb::Error::from)?;
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    pub fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let transaction = self.0.begin_read().map_err(redb::Error::from)?;
        let table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
        let row = table.get(key).map_err(redb::Error::from)?;
        row.map(|value| read(key, value.value())).transpose()
    }

    /// Everything that may still need work, in order of submission, and the next order number.
    pub fn open_entries(&self) -> Result<(Vec<Entry>, u64), StoreError> {
        let transaction = self.0.begin_read().map_err(redb::Error::from)?;
        let table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
        let (mut entries, mut next) = (Vec::new(), 0);
        for row in table.iter().map_err(redb::Error::from)? {
            let (key, value) = row.map_err(redb::Error::from)?;
            let entry = read(key.value(), value.value())?;
            next = next.max(entry.seq + 1);
            if !matches!(entry.state, State::Failed(_)) {
                entries.push(entry);
            }
        }
        entries.sort_by_key(|e| e.seq);
        Ok((entries, next))
    }
}

fn read(key: &str, bytes: &[u8]) -> Result<Entry, StoreError> {
    serde_json::from_slice(bytes).map_err(|e| StoreError::Row {
        key: key.to_owned(),
        reason: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, Bytes, U256};

    fn entry(key: &str, seq: u64) -> Entry {
        Entry {
            key: key.into(),
            seq,
            label: "test".into(),
            to: Address::repeat_byte(1),
            data: Bytes::from_static(&[1, 2]),
            value: U256::MAX,
            state: State::Queued,
        }
    }

    #[test]
    fn rows_survive_and_a_second_owner_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let store = Store::open(Some(&path), "me").unwrap();
        store.put(&entry("b", 1)).unwrap();
        store.put(&entry("a", 2)).unwrap();
        assert!(matches!(
            Store::open(Some(&path), "me"),
            Err(StoreError::InUse { .. })
        ));
        drop(store);
        assert!(matches!(
            Store::open(Some(&path), "you"),
            Err(StoreError::Foreign { .. })
        ));
        let store = Store::open(Some(&path), "me").unwrap();
        assert_eq!(
            store.open_entries().unwrap(),
            (vec![entry("b", 1), entry("a", 2)], 3)
        );
        assert_eq!(store.get("a").unwrap(), Some(entry("a", 2)));
        assert_eq!(store.get("c").unwrap(), None);
    }
}
