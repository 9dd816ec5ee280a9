//! What an earlier command has left in the journal, for whoever asks, and what was shown of it.

use tokio::sync::oneshot;

use crate::queue::driver::Driver;
use crate::queue::entry::{Entry, State, TxError};
use crate::queue::journal::Place;
use crate::queue::store::StoreError;
use crate::queue::{Left, TYPED, Ticket};

/// Keys of what a command has shown begin with this, so that the key under which it was typed is free. It is held
/// against the chain like everything else, by whoever has the journal open.
pub(crate) const SHOWN: &str = "shown ";

/// What a person has typed and has not failed, in order.
fn typed(place: &Place) -> Result<impl Iterator<Item = Entry> + use<>, StoreError> {
    let entries = place.store.entries(place.account)?.into_iter();
    let failed = |e: &Entry| matches!(e.state, State::Failed(_));
    Ok(entries.filter(move |e| e.key.starts_with(TYPED) && !failed(e)))
}

/// Takes out of the journal what a person has typed and was never signed.
pub(crate) fn drop_unsigned(place: &Place) -> Result<(), StoreError> {
    let unsigned = typed(place)?.filter(|e| e.state == State::Queued);
    let keys: Vec<_> = unsigned.map(|e| e.key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    place.store.replace(place.account, &keys, &[])
}

impl Driver {
    /// What has not failed of it, each call with a ticket for its outcome.
    pub fn left(&mut self) -> Result<Vec<Left>, TxError> {
        let left = self.typed()?.map(|entry| {
            let (tell, told) = oneshot::channel();
            match entry.outcome() {
                Some(outcome) => drop(tell.send(outcome)),
                None => {
                    let waiters = self.waiters.entry(entry.key.clone());
                    waiters.or_default().push(tell);
                }
            }
            Left {
                key: entry.key,
                label: entry.label,
                ticket: Ticket(told),
            }
        });
        Ok(left.collect())
    }

    /// Frees the keys of what of it has an outcome. It stays, under another key, while a reorganisation may lose it.
    pub fn forget(&mut self) -> Result<(), TxError> {
        let (mut keys, mut shown) = (Vec::new(), Vec::new());
        for mut entry in self.typed()?.filter(|e| e.outcome().is_some()) {
            let key = format!("{SHOWN}{}", entry.seq);
            keys.push(std::mem::replace(&mut entry.key, key));
            if !entry.over {
                shown.push(entry);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        self.replace(&keys, &shown)?;
        self.active.extend(shown.into_iter().map(|e| (e.seq, e)));
        Ok(())
    }

    /// Takes out of the journal what was shown and is over.
    pub fn drop_shown(&self, entry: &Entry) -> Result<(), TxError> {
        self.replace(std::slice::from_ref(&entry.key), &[])
    }

    fn replace(&self, keys: &[String], by: &[Entry]) -> Result<(), TxError> {
        let replaced = self.place.store.replace(self.place.account, keys, by);
        replaced.map_err(|e| TxError::Journal(e.to_string()))
    }

    fn typed(&self) -> Result<impl Iterator<Item = Entry> + use<>, TxError> {
        typed(&self.place).map_err(|e| TxError::Journal(e.to_string()))
    }
}
