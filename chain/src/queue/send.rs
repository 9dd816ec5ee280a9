//! From the journal to the pool: check, sign, journal, broadcast.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use serde_json::json;

use crate::queue::driver::{Driver, StepError};
use crate::queue::entry::{Attempt, Entry, Sent, State, TxError};
use crate::queue::fees::Fees;
use crate::rpc::{CallRequest, Head, RpcError};
use crate::signing::{Unsigned, sign};

/// How long a call must look as if it would fail.
const DOUBT: Duration = Duration::from_millis(250);

/// What the check of a call against the chain says.
enum Preflight {
    Gas(u64),
    /// It would fail as the chain stands.
    Failing(TxError),
}

/// What the node says to a signed transaction.
pub(crate) enum Broadcast {
    /// It has it, from now or from before.
    Taken,
    /// The nonce is used already: perhaps by this very transaction.
    Spent,
    Refused(String),
}

impl Driver {
    /// Signs and broadcasts what is queued, in order of submission.
    ///
    /// A call that fails while an earlier one of this account is under way is held back rather than failed: it may
    /// depend on it, and not every node's `pending` state contains the pool.
    pub async fn send_queued(&mut self, head: Head) -> Result<(), StepError> {
        self.broadcast_again().await?;
        let queued = |e: &&Entry| matches!(e.state, State::Queued);
        let waiting: Vec<u64> = self.active.values().filter(queued).map(|e| e.seq).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let tip = self.client.rpc().suggested_tip().await?;
        let pending = self
            .client
            .rpc()
            .nonce(self.client.account(), "pending")
            .await?;
        let own = self
            .active
            .values()
            .filter_map(Entry::nonce)
            .max()
            .map_or(0, |n| n + 1);
        let mut nonce = pending.max(own);
        for seq in waiting {
            let in_flight = self
                .active
                .values()
                .filter(|e| matches!(e.state, State::Sent(_)))
                .count();
            if in_flight >= self.config.in_flight {
                break;
            }
            let Some(entry) = self.active.get(&seq).cloned() else {
                continue;
            };
            let gas = match self.preflight(&entry).await? {
                Preflight::Gas(gas) => gas + gas * self.config.gas_margin_percent / 100,
                Preflight::Failing(_) if in_flight > 0 || self.in_doubt(seq) => break,
                Preflight::Failing(error) => {
                    self.doubted.remove(&seq);
                    self.become_state(seq, State::Failed(error)).await?;
                    continue;
                }
            };
            self.doubted.remove(&seq);
            let fees = Fees::first(head.base_fee, tip, &self.config.fees);
            let attempt = self.attempt(&entry, nonce, gas, fees, head.number);
            let raw = attempt.raw.clone();
            self.become_state(
                seq,
                State::Sent(Sent {
                    nonce,
                    gas,
                    attempts: vec![attempt],
                }),
            )
            .await?;
            self.unsent.insert(seq);
            match self.broadcast(&raw).await? {
                Broadcast::Taken | Broadcast::Spent => nonce += 1,
                Broadcast::Refused(reason) => {
                    // Never in a pool, so the nonce is free for the next one.
                    let error = TxError::Refused {
                        label: entry.label,
                        reason,
                    };
                    self.become_state(seq, State::Failed(error)).await?;
                }
            }
            self.unsent.remove(&seq);
        }
        Ok(())
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
            if let Some(State::Sent(sent)) = self.active.get(&seq).map(|e| e.state.clone())
                && let Some(last) = sent.attempts.last()
                && let Broadcast::Refused(reason) = self.broadcast(&last.raw).await?
            {
                tracing::warn!(tx = %last.hash, "the node refuses a transaction: {reason}");
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

    /// Errors only where the node is away; its opinions are values. Nodes word them differently (geth, reth, anvil).
    pub async fn broadcast(&self, raw: &[u8]) -> Result<Broadcast, StepError> {
        match self.client.rpc().send_raw(raw).await {
            Ok(_) => Ok(Broadcast::Taken),
            Err(RpcError::Refused { message, .. }) => {
                let lower = message.to_lowercase();
                Ok(
                    if ["already known", "already imported", "known transaction"]
                        .iter()
                        .any(|w| lower.contains(w))
                    {
                        Broadcast::Taken
                    } else if lower.contains("nonce too low") {
                        Broadcast::Spent
                    } else {
                        Broadcast::Refused(message)
                    },
                )
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Fills a nonce that a transaction from elsewhere left open, by sending nothing to ourselves: those behind it
    /// are signed and may still happen, so they must not be signed again under other nonces.
    pub async fn fill_gap(&mut self, nonce: u64, head: Head) -> Result<(), StepError> {
        let entry = Entry {
            key: format!("gap:{nonce}:{}", head.hash),
            seq: self.next_seq,
            label: format!("fill the open nonce {nonce}"),
            to: self.client.account(),
            data: Default::default(),
            value: U256::ZERO,
            state: State::Queued,
        };
        const PLAIN_TRANSFER_GAS: u64 = 21_000;
        let seq = entry.seq;
        self.next_seq += 1;
        let tip = self.client.rpc().suggested_tip().await?;
        let fees = Fees::first(head.base_fee, tip, &self.config.fees);
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
            }),
        )
        .await?;
        self.unsent.insert(seq);
        self.broadcast_again().await
    }
}
