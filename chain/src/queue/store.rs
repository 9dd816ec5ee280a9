//! The journal file: one row per account and idempotency key, and one per transaction that costs gas.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, U256};
use redb::backends::InMemoryBackend;
use redb::{ReadableTable, TableDefinition};

use crate::queue::budget::Day;
use crate::queue::entry::{Entry, State};
use crate::queue::past::SHOWN;
use crate::redb_file::RedbFile;

/// An account as part of a row's key.
type AccountKey = &'static [u8; 20];
/// Big-endian wei.
type WeiBytes = &'static [u8; 32];
/// Day and wei that a transaction costs, by its order of submission.
pub(crate) type Costs = Vec<(u64, (Day, U256))>;

/// Account and key → [`Entry`] as JSON.
const ENTRIES: TableDefinition<'static, (AccountKey, &str), &[u8]> = TableDefinition::new("calls");
/// Account and order of submission → day, wei (big endian).
const GAS: TableDefinition<'static, (AccountKey, u64), (u64, WeiBytes)> =
    TableDefinition::new("gas");
/// `chain` → the chain it belongs to.
const OWNER: TableDefinition<'static, &str, &str> = TableDefinition::new("owner");
/// What the first version called its rows: of one account, named in `OWNER`.
const FIRST_VERSION: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("transactions");

/// Gas of days before the present one is kept this long, for whoever looks at the file.
const GAS_DAYS: u64 = 30;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another queue of this one, has it.
    #[error(
        "the transaction journal {path} is in use: a node or a command with this account runs already"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// A queue of this account is open on the same journal.
    #[error("a transaction queue of account {account} is open already; use its handle")]
    Taken {
        /// The account.
        account: Address,
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

/// What is to be gone on with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    /// Everything that may still need work, in order of submission.
    pub entries: Vec<Entry>,
    /// The next order number.
    pub next_seq: u64,
    /// No nonce below is free: what is over had them.
    pub floor: u64,
}

/// The journal of one chain.
#[derive(Debug)]
pub(crate) struct Store {
    file: RedbFile,
    /// Accounts whose queues are open.
    open: Mutex<HashSet<Address>>,
}

impl Store {
    /// Opens or creates the file; `None` keeps the journal in memory only.
    pub fn open(path: Option<&Path>, chain: &str) -> Result<Self, StoreError> {
        let file = match path {
            None => RedbFile::over(InMemoryBackend::new()),
            Some(path) => RedbFile::open(path),
        };
        let file = file.map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse {
                path: path.map_or_else(String::new, |p| p.display().to_string()),
            },
            other => StoreError::Database(other.into()),
        })?;
        let store = Self {
            file,
            open: Mutex::default(),
        };
        match store.claim(chain)? {
            Some(found) => Err(StoreError::Foreign {
                found,
                expected: chain.to_owned(),
            }),
            None => Ok(store),
        }
    }

    /// Writes the chain of a new file; returns another file's chain.
    fn claim(&self, chain: &str) -> Result<Option<String>, StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_write()?;
        let foreign = {
            let mut rows = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
            transaction.open_table(GAS).map_err(redb::Error::from)?;
            let mut owners = transaction.open_table(OWNER).map_err(redb::Error::from)?;
            let first = read_owner(&owners, "owner")?;
            let mut found = read_owner(&owners, "chain")?;
            if let Some((account, its_chain)) = first.as_deref().and_then(first_owner) {
                if its_chain == chain {
                    let old = transaction
                        .open_table(FIRST_VERSION)
                        .map_err(redb::Error::from)?;
                    for row in old.iter().map_err(redb::Error::from)? {
                        let (key, value) = row.map_err(redb::Error::from)?;
                        rows.insert((&account.0.0, key.value()), value.value())
                            .map_err(redb::Error::from)?;
                    }
                    owners.remove("owner").map_err(redb::Error::from)?;
                } else {
                    found = Some(its_chain.to_owned());
                }
            }
            if found.is_none() {
                owners.insert("chain", chain).map_err(redb::Error::from)?;
            }
            found.filter(|found| found != chain)
        };
        if foreign.is_none() {
            transaction
                .delete_table(FIRST_VERSION)
                .map_err(redb::Error::from)?;
            transaction.commit().map_err(redb::Error::from)?;
        }
        Ok(foreign)
    }

    /// Takes an account for one queue. `alone` refuses a file with calls of other accounts, which nobody would send; what
    /// was shown of theirs is theirs to look after, with their next command.
    pub fn enter(&self, account: Address, alone: bool) -> Result<(), StoreError> {
        let others = |key: &str| alone && !key.starts_with(SHOWN);
        let mut others = self.accounts_with(others)?.into_iter();
        if let Some(other) = others.find(|a| *a != account) {
            return Err(StoreError::Foreign {
                found: format!("account {other}"),
                expected: format!("account {account}"),
            });
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.insert(account) {
            true => Ok(()),
            false => Err(StoreError::Taken { account }),
        }
    }

    /// Gives an account back.
    pub fn leave(&self, account: Address) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&account);
    }

    /// Every account with calls in the file.
    pub fn accounts(&self) -> Result<Vec<Address>, StoreError> {
        self.accounts_with(|_| true)
    }

    /// Every account with a call under such a key.
    fn accounts_with(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Address>, StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_read()?;
        let table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
        let mut accounts: Vec<Address> = Vec::new();
        for row in table.iter().map_err(redb::Error::from)? {
            let (key, _) = row.map_err(redb::Error::from)?;
            let (account, key) = key.value();
            let account = Address::from(account);
            if wanted(key) && accounts.last() != Some(&account) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }

    /// Writes one row and what it costs, in one commit; both are on the disk when this returns.
    pub fn put(&self, account: Address, entry: &Entry) -> Result<(), StoreError> {
        let bytes = written(entry)?;
        let database = self.file.database()?;
        let transaction = database.begin_write()?;
        {
            let mut rows = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
            rows.insert((&account.0.0, entry.key.as_str()), bytes.as_slice())
                .map_err(redb::Error::from)?;
            let mut gas = transaction.open_table(GAS).map_err(redb::Error::from)?;
            let place = (&account.0.0, entry.seq);
            match entry.gas_cost() {
                Some((day, wei)) => gas.insert(place, (day.0, &wei.to_be_bytes())),
                None => gas.remove(place),
            }
            .map_err(redb::Error::from)?;
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    pub fn get(&self, account: Address, key: &str) -> Result<Option<Entry>, StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_read()?;
        let table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
        let row = table.get((&account.0.0, key)).map_err(redb::Error::from)?;
        row.map(|value| read(key, value.value())).transpose()
    }

    /// What the journal has left open for an account.
    pub fn open_entries(&self, account: Address) -> Result<Open, StoreError> {
        let mut open = Open::default();
        for entry in self.entries(account)? {
            open.next_seq = open.next_seq.max(entry.seq + 1);
            if entry.over {
                let next = entry.nonce().map_or(0, |nonce| nonce + 1);
                open.floor = open.floor.max(next);
            } else if !matches!(entry.state, State::Failed(_)) {
                open.entries.push(entry);
            }
        }
        Ok(open)
    }

    /// Every row of an account, in order of submission.
    pub fn entries(&self, account: Address) -> Result<Vec<Entry>, StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_read()?;
        let table = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
        let rows = table
            .range((&account.0.0, "")..)
            .map_err(redb::Error::from)?;
        let mut entries = Vec::new();
        for row in rows {
            let (key, value) = row.map_err(redb::Error::from)?;
            let (of, key) = key.value();
            if *of != account.0.0 {
                break;
            }
            entries.push(read(key, value.value())?);
        }
        entries.sort_by_key(|e| e.seq);
        Ok(entries)
    }

    /// Removes rows of an account and writes others in their place, in one commit; what they cost stays.
    pub fn replace(
        &self,
        account: Address,
        keys: &[String],
        by: &[Entry],
    ) -> Result<(), StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_write()?;
        {
            let mut rows = transaction.open_table(ENTRIES).map_err(redb::Error::from)?;
            for key in keys {
                rows.remove((&account.0.0, key.as_str()))
                    .map_err(redb::Error::from)?;
            }
            for entry in by {
                rows.insert(
                    (&account.0.0, entry.key.as_str()),
                    written(entry)?.as_slice(),
                )
                .map_err(redb::Error::from)?;
            }
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    /// What the account's transactions cost, by order of submission.
    pub fn gas(&self, account: Address) -> Result<Costs, StoreError> {
        let database = self.file.database()?;
        let transaction = database.begin_read()?;
        let table = transaction.open_table(GAS).map_err(redb::Error::from)?;
        let rows = table
            .range((&account.0.0, 0)..=(&account.0.0, u64::MAX))
            .map_err(redb::Error::from)?;
        let mut costs = Vec::new();
        for row in rows {
            let (key, value) = row.map_err(redb::Error::from)?;
            let (day, wei) = value.value();
            costs.push((key.value().1, (Day(day), U256::from_be_bytes(*wei))));
        }
        Ok(costs)
    }

    /// Forgets the gas of days long past.
    pub fn forget_gas(&self, account: Address, today: Day) -> Result<(), StoreError> {
        let old: Vec<u64> = self
            .gas(account)?
            .into_iter()
            .filter(|(_, (day, _))| day.0.saturating_add(GAS_DAYS) < today.0)
            .map(|(seq, _)| seq)
            .collect();
        if old.is_empty() {
            return Ok(());
        }
        let database = self.file.database()?;
        let transaction = database.begin_write()?;
        {
            let mut gas = transaction.open_table(GAS).map_err(redb::Error::from)?;
            for seq in old {
                gas.remove((&account.0.0, seq)).map_err(redb::Error::from)?;
            }
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }
}

fn read_owner(
    table: &impl ReadableTable<&'static str, &'static str>,
    key: &str,
) -> Result<Option<String>, StoreError> {
    let row = table.get(key).map_err(redb::Error::from)?;
    Ok(row.map(|v| v.value().to_owned()))
}

/// `account A on chain C` of the first version.
fn first_owner(text: &str) -> Option<(Address, &str)> {
    let (account, chain) = text.strip_prefix("account ")?.split_once(" on ")?;
    Some((account.parse().ok()?, chain))
}

fn written(entry: &Entry) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(entry).map_err(|e| StoreError::Row {
        key: entry.key.clone(),
        reason: e.to_string(),
    })
}

fn read(key: &str, bytes: &[u8]) -> Result<Entry, StoreError> {
    serde_json::from_slice(bytes).map_err(|e| StoreError::Row {
        key: key.to_owned(),
        reason: e.to_string(),
    })
}

#[cfg(test)]
mod tests;
