//! The daily limit at work: what it lets out, and who is told of what it does not.

use alloy_primitives::U256;

use crate::queue::budget::{Day, GasToday, Held, Purpose, Shortage};
use crate::queue::driver::{Driver, StepError};
use crate::queue::entry::{Entry, TxError};

impl Driver {
    /// By the chain's present clock; while the node is away, by the last one known.
    pub async fn gas_today(&mut self) -> GasToday {
        if let Ok(head) = self.client.rpc().latest().await
            && let Err(error) = self.begin_day(Day::of(head.timestamp))
        {
            tracing::warn!("{error}");
        }
        GasToday::of(&self.spending, self.config.daily_gas.as_ref(), self.today)
    }

    pub fn begin_day(&mut self, day: Day) -> Result<(), StepError> {
        if self.today != day {
            self.today = day;
            self.spending.begin(day);
            let (store, account) = (&self.place.store, self.place.account);
            let forgotten = store.forget_gas(account, day);
            forgotten.map_err(|e| TxError::Journal(e.to_string()))?;
        }
        Ok(())
    }

    /// Whether the daily limit lets a transaction promise so much gas; says so, once a day, where it does not.
    pub fn affords(&mut self, entry: &Entry, purpose: Purpose, wei: U256) -> Result<(), Shortage> {
        let limit = self.config.daily_gas.as_ref();
        let allowed = self
            .spending
            .allows(limit, purpose, self.today, entry.seq, wei);
        let Err(shortage) = allowed else {
            self.held.remove(&entry.seq);
            return Ok(());
        };
        let day = shortage.day;
        if self.held.insert(entry.seq, day) != Some(day) {
            let notice = Held {
                account: self.place.account,
                key: entry.key.clone(),
                label: entry.label.clone(),
                purpose,
                asked: shortage.asked,
                spent: shortage.spent,
                share: shortage.share,
                until: day.end(),
            };
            tracing::warn!("daily gas limit: {notice}");
            // Nobody may be listening.
            let _ = self.told.held.send(notice);
        }
        Err(shortage)
    }
}
