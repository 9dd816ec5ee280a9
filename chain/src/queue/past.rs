//! What an earlier command has left in the journal, for whoever asks.

use tokio::sync::oneshot;

use crate::queue::driver::Driver;
use crate::queue::entry::{Entry, State, TxError};
use crate::queue::journal::Place;
use crate::queue::store::StoreError;
use crate::queue::{Left, TYPED, Ticket};

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
    place.store.remove(place.account, &keys)
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

    /// Takes out of the journal what of it has an outcome.
    pub fn forget(&mut self) -> Result<(), TxError> {
        let over: Vec<_> = self.typed()?.filter(|e| e.outcome().is_some()).collect();
        if over.is_empty() {
            return Ok(());
        }
        for entry in &over {
            self.active.remove(&entry.seq);
            if let Some(nonce) = entry.nonce() {
                self.floor = self.floor.max(nonce + 1);
            }
        }
        let keys: Vec<_> = over.into_iter().map(|e| e.key).collect();
        let removed = self.place.store.remove(self.place.account, &keys);
        removed.map_err(|e| TxError::Journal(e.to_string()))
    }

    fn typed(&self) -> Result<impl Iterator<Item = Entry> + use<>, TxError> {
        typed(&self.place).map_err(|e| TxError::Journal(e.to_string()))
    }
}
