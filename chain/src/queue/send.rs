//! From the journal to the pool: check, sign, journal, broadcast.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use serde_json::json;

use crate::queue::budget::Purpose;
use crate::queue::driver::{Driver, StepError};
use crate::queue::entry::{Attempt, Entry, Sent, State, TxError};
use crate::queue::fees::Fees;
use crate::rpc::{Broadcast, CallRequest, Head, RpcError, is_about_price};
use crate::signing::{Unsigned, sign};

/// Keys of transactions that only fill a nonce begin with this.
pub(crate) const GAP: &str = "gap:";

/// How long a call must look as if it would fail.
const DOUBT: Duration = Duration::from_millis(250);

/// What became of a queued call.
enum Step {
    /// Its nonce is used.
    Used,
    /// It failed; the nonce is free.
    Failed,
    /// It stays in the queue, and chores behind it with it.
    Waits,
    /// The daily limit keeps it in the queue, or what it may depend on; what is behind it may be cheap enough.
    Held {
        /// Whether it goes out with the next day.
        tomorrow: bool,
    },
    /// It stays in the queue until gas is cheaper; the node's words.
    Dear(String),
}

/// What the check of a call against the chain says.
enum Preflight {
    Gas(u64),
    /// It would fail as the chain stands.
    Failing(TxError),
}

impl Driver {
    /// Signs and broadcasts what is queued: answers first, then evidence, then chores, each in order of submission.
    ///
    /// A chore that fails while an earlier one of this account is under way is held back rather than failed, with all
    /// that come after it: it may depend on it, and not every node's `pending` state contains the pool. For the same reason
    /// one that fails behind another that goes out at midnight waits as well, alone: what the day can pay for does not wait
    /// for what it cannot. Behind one that is dearer than a whole day's limit, and may never go out, it fails.
    pub async fn send_queued(&mut self, head: Head) -> Result<(), StepError> {
        self.broadcast_again().await?;
        let queued = |e: &&Entry| matches!(e.state, State::Queued);
        let mut waiting: Vec<(Purpose, u64)> = self
            .active
            .values()
            .filter(queued)
            .map(|e| (e.purpose, e.seq))
            .collect();
        if waiting.is_empty() {
            self.dear = None;
            return Ok(());
        }
        waiting.sort_by_key(|(purpose, _)| *purpose);
        let tip = self.client.rpc().suggested_tip().await?;
        let fees = Fees::first(head.base_fee, tip, &self.config.fees);
        let mut nonce = self.next_nonce().await?;
        let (mut chores_wait, mut tomorrows, mut dear) = (false, false, None);
        for (purpose, seq) in waiting {
            let chore = purpose == Purpose::Chore;
            let Some(entry) = self.active.get(&seq).cloned() else {
                continue;
            };
            if chore && chores_wait {
                break;
            }
            let behind = chore && tomorrows;
            match self.send_one(&entry, nonce, fees, head, behind).await? {
                Step::Used => nonce += 1,
                Step::Failed => {}
                Step::Waits => chores_wait |= chore,
                Step::Held { tomorrow } => tomorrows |= chore && tomorrow,
                Step::Dear(words) => {
                    chores_wait |= chore;
                    dear.get_or_insert(words);
                }
            }
        }
        // The first words stay: those of every block would differ by its base fee.
        self.dear = dear.map(|words| self.dear.take().unwrap_or(words));
        Ok(())
    }

    /// After everything in the pool, everything of ours, and everything that is forgotten already.
    async fn next_nonce(&self) -> Result<u64, StepError> {
        let account = self.client.account();
        let pending = self.client.rpc().nonce(account, "pending").await?;
        let own = self.active.values().filter_map(Entry::nonce).max();
        Ok(pending.max(own.map_or(0, |n| n + 1)).max(self.floor))
    }

    /// `behind` says that an earlier chore goes out at midnight.
    async fn send_one(
        &mut self,
        entry: &Entry,
        nonce: u64,
        fees: Fees,
        head: Head,
        behind: bool,
    ) -> Result<Step, StepError> {
        let seq = entry.seq;
        let in_flight = self
            .active
            .values()
            .filter(|e| matches!(e.state, State::Sent(_)))
            .count();
        // A quarter of the places is evidence's.
        let places = match entry.purpose {
            Purpose::Answer | Purpose::Evidence => self.config.in_flight,
            Purpose::Chore => self.config.in_flight - self.config.in_flight / 4,
        };
        if in_flight >= places {
            return Ok(Step::Waits);
        }
        let gas = match self.preflight(entry).await? {
            Preflight::Gas(gas) => self.config.with_margin(gas),
            Preflight::Failing(_) if in_flight > 0 => return Ok(Step::Waits),
            Preflight::Failing(_) if behind => {
                self.doubted.remove(&seq);
                return Ok(Step::Held { tomorrow: true });
            }
            Preflight::Failing(_) if self.in_doubt(seq) => return Ok(Step::Waits),
            Preflight::Failing(error) => {
                self.doubted.remove(&seq);
                self.become_state(seq, State::Failed(error)).await?;
                return Ok(Step::Failed);
            }
        };
        self.doubted.remove(&seq);
        let cost = U256::from(gas).saturating_mul(fees.max_fee);
        if let Err(shortage) = self.affords(entry, entry.purpose, cost) {
            let tomorrow = shortage.ends_at_midnight();
            return Ok(Step::Held { tomorrow });
        }
        let attempt = self.attempt(entry, nonce, gas, fees, head.number);
        let raw = attempt.raw.clone();
        let sent = Sent {
            nonce,
            gas,
            attempts: vec![attempt],
            day: self.today,
        };
        self.become_state(seq, State::Sent(sent)).await?;
        self.unsent.insert(seq);
        // Where this fails it may have arrived all the same: it stays sent, and its nonce used.
        let step = match self.client.rpc().send_raw(&raw).await? {
            Broadcast::Taken | Broadcast::Spent => Step::Used,
            // Never in a pool, so the nonce is free for the next one.
            Broadcast::Refused(reason) if is_about_price(&reason) => {
                self.become_state(seq, State::Queued).await?;
                Step::Dear(format!(
                    "{} waits for a lower base fee: the Ethereum node refuses {} wei per gas ({reason})",
                    entry.label, fees.max_fee
                ))
            }
            // One node of several behind an address may have taken it, and another refused it.
            Broadcast::Refused(_) if self.is_known(seq).await? => Step::Used,
            Broadcast::Refused(reason) => {
                let label = entry.label.clone();
                let error = TxError::Refused { label, reason };
                self.become_state(seq, State::Failed(error)).await?;
                Step::Failed
            }
        };
        self.unsent.remove(&seq);
        Ok(step)
    }

    /// Whether a node has what was signed for this entry, in its pool or in a block.
    async fn is_known(&self, seq: u64) -> Result<bool, StepError> {
        let state = self.active.get(&seq).map(|entry| &entry.state);
        if let Some(State::Sent(sent)) = state {
            for attempt in &sent.attempts {
                if self.client.rpc().knows(attempt.hash).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// One refusal does not decide: a node that is just putting a block together may show `pending` without the
    /// transaction that the call depends on.
    fn in_doubt(&mut self, seq: u64) -> bool {
        let since = *self.doubted.entry(seq).or_insert_with(Instant::now);
        since.elapsed() < DOUBT
    }

    /// Broadcasts what was signed and journaled while the node was away.
    async fn broadcast_again(&mut self) -> Result<(), StepError> {
        for seq in self.unsent.clone() {
            if let Some(State::Sent(sent)) = self.active.get(&seq).map(|e| e.state.clone()) {
                self.rebroadcast(&sent).await?;
            }
            self.unsent.remove(&seq);
        }
        Ok(())
    }

    async fn preflight(&self, entry: &Entry) -> Result<Preflight, StepError> {
        let call = self.request(entry);
        match self
            .client
            .rpc()
            .estimate_gas(&call, json!("pending"))
            .await
        {
            Ok(gas) => Ok(Preflight::Gas(gas)),
            // As from a node that is away: it says nothing about the call.
            Err(error) if error.is_local_refusal() => Err(error.into()),
            Err(RpcError::Refused {
                message,
                data,
                code,
                ..
            }) => {
                let label = entry.label.clone();
                Ok(Preflight::Failing(
                    match self.client.revert_of(code, &message, data.as_ref()) {
                        Some(revert) => TxError::WouldRevert { label, revert },
                        None => TxError::Refused {
                            label,
                            reason: message,
                        },
                    },
                ))
            }
            Err(other) => Err(other.into()),
        }
    }

    pub fn request<'a>(&self, entry: &'a Entry) -> CallRequest<'a> {
        CallRequest {
            from: self.client.account(),
            to: entry.to,
            data: &entry.data,
            value: entry.value,
        }
    }

    pub fn attempt(&self, entry: &Entry, nonce: u64, gas: u64, fees: Fees, block: u64) -> Attempt {
        let unsigned = Unsigned {
            chain_id: self.client.domain().chain_id,
            nonce,
            to: Some(entry.to),
            data: &entry.data,
            value: entry.value,
            gas,
            max_fee: fees.max_fee,
            tip: fees.tip,
        };
        let (raw, hash) = sign(self.client.key(), &unsigned);
        Attempt {
            hash,
            raw,
            max_fee: fees.max_fee,
            tip: fees.tip,
            block,
        }
    }

    /// Fills a nonce that a transaction from elsewhere left open, by sending nothing to ourselves: those behind it
    /// are signed and may still happen, so they must not be signed again under other nonces. The daily limit is asked for
    /// the first of them, which costs so much more: all of it may be used, as for what is stuck.
    pub async fn fill_gap(&mut self, nonce: u64, first: u64, head: Head) -> Result<(), StepError> {
        let Some(first) = self.active.get(&first).cloned() else {
            return Ok(());
        };
        let entry = Entry {
            key: format!("{GAP}{nonce}:{}", head.hash),
            seq: self.next_seq,
            label: format!("fill the open nonce {nonce}"),
            to: self.client.account(),
            data: Default::default(),
            value: U256::ZERO,
            purpose: Purpose::Chore,
            over: false,
            lost_from: None,
            state: State::Queued,
        };
        const PLAIN_TRANSFER_GAS: u64 = 21_000;
        let tip = self.client.rpc().suggested_tip().await?;
        let fees = Fees::first(head.base_fee, tip, &self.config.fees);
        let promised = first.gas_cost().filter(|(day, _)| *day == self.today);
        let cost = U256::from(PLAIN_TRANSFER_GAS).saturating_mul(fees.max_fee);
        let both = promised.map_or(cost, |(_, wei)| wei.saturating_add(cost));
        if self.affords(&first, self.most_urgent(), both).is_err() {
            return Ok(());
        }
        let seq = entry.seq;
        self.next_seq += 1;
        let attempt = self.attempt(&entry, nonce, PLAIN_TRANSFER_GAS, fees, head.number);
        tracing::warn!(
            nonce,
            "filling a nonce that a transaction from elsewhere left open"
        );
        self.active.insert(seq, entry);
        self.become_state(
            seq,
            State::Sent(Sent {
                nonce,
                gas: PLAIN_TRANSFER_GAS,
                attempts: vec![attempt],
                day: self.today,
            }),
        )
        .await?;
        self.unsent.insert(seq);
        self.broadcast_again().await
    }
}
