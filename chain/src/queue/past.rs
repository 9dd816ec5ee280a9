//! What an earlier command has left in the journal, for whoever asks, and what was shown of it.

use alloy_primitives::B256;
use tokio::sync::oneshot;

use crate::call::fingerprint;
use crate::queue::driver::Driver;
use crate::queue::entry::{Entry, State, TxError};
use crate::queue::journal::Place;
use crate::queue::store::StoreError;
use crate::queue::{Left, TYPED, Ticket};

/// Keys of what a command has shown begin with this, so that the key under which it was typed is free. It is held
/// against the chain like everything else, by whoever has the journal open; what a reorganisation took of it is told by
/// the next command.
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

/// What was shown, and then lost by a reorganisation of which nobody was told, in order; failed or not.
fn lost(place: &Place) -> Result<impl Iterator<Item = Entry> + use<>, StoreError> {
    let entries = place.store.entries(place.account)?.into_iter();
    Ok(entries.filter(|e| e.key.starts_with(SHOWN) && e.lost_from.is_some()))
}

/// The key of what a person types: what the call says, and the how manieth of its kind it is in a command.
pub fn typed_key(fingerprint: B256, number: usize) -> String {
    format!("{TYPED}{fingerprint} {number}")
}

impl Driver {
    /// Answers who asks what earlier commands have left.
    pub fn answer(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            let _ = asked.send(self.left());
        }
    }

    /// What has not failed of what was typed and not shown, and what was shown and then lost; each call with a ticket for
    /// its outcome.
    fn left(&mut self) -> Result<Vec<Left>, TxError> {
        let mut left: Vec<Left> = Vec::new();
        let unreadable = |e: StoreError| TxError::Journal(e.to_string());
        let typed = typed(&self.place).map_err(unreadable)?;
        for entry in typed.chain(lost(&self.place).map_err(unreadable)?) {
            let (tell, told) = oneshot::channel();
            match entry.outcome() {
                Some(outcome) => drop(tell.send(outcome)),
                None => {
                    let waiters = self.waiters.entry(entry.key.clone());
                    waiters.or_default().push(tell);
                }
            }
            let key = match entry.lost_from {
                None => entry.key,
                Some(_) => {
                    self.listed.insert(entry.seq);
                    let print = fingerprint(entry.to, entry.value, &entry.data);
                    let taken = |number: &usize| {
                        let key = typed_key(print, *number);
                        left.iter().any(|other| other.key == key)
                    };
                    // The same may have been typed several times.
                    let number = (0..left.len()).find(|number| !taken(number));
                    typed_key(print, number.unwrap_or(left.len()))
                }
            };
            left.push(Left {
                key,
                label: entry.label,
                lost_from: entry.lost_from,
                ticket: Ticket(told),
            });
        }
        Ok(left)
    }

    /// Frees the keys of what of it has an outcome. It stays, under another key, while a reorganisation may lose it. What
    /// was lost after [`Self::left`] has answered stays lost: nobody knows of it.
    pub fn forget(&mut self) -> Result<(), TxError> {
        let (mut keys, mut shown) = (Vec::new(), Vec::new());
        let unreadable = |e: StoreError| TxError::Journal(e.to_string());
        let typed = typed(&self.place).map_err(unreadable)?;
        let lost = lost(&self.place).map_err(unreadable)?;
        let told = lost.filter(|e| self.listed.contains(&e.seq));
        for mut entry in typed.chain(told).filter(|e| e.outcome().is_some()) {
            let key = format!("{SHOWN}{}", entry.seq);
            keys.push(std::mem::replace(&mut entry.key, key));
            entry.lost_from = None;
            if !entry.over && !matches!(entry.state, State::Failed(_)) {
                shown.push(entry);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        self.replace(&keys, &shown)?;
        for entry in shown {
            self.listed.remove(&entry.seq);
            self.active.insert(entry.seq, entry);
        }
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
}
