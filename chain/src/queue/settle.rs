//! From the pool to a settled block: receipts, replacements, reorganisations.

use alloy_primitives::{B256, U256};

use crate::convert::{hash_in, word_in};
use crate::queue::budget::Purpose;
use crate::queue::driver::{Driver, StepError};
use crate::queue::entry::{Entry, Mined, Sent, State};
use crate::queue::fees::Fees;
use crate::queue::past::SHOWN;
use crate::revert::Revert;
use crate::rpc::{Broadcast, Head, RpcError, block_tag, is_about_price};

/// Blocks without inclusion after which the same bytes are broadcast again, in case the pool lost them.
const REBROADCAST_BLOCKS: u64 = 2;

impl Driver {
    /// Takes a new head into account; the previous one is still in `self.head`.
    pub async fn follow(&mut self, head: Head) -> Result<(), StepError> {
        let continuous = self.head.is_some_and(|old| old.hash == head.parent);
        if !continuous {
            self.recheck_mined(head).await?;
        }
        self.find_receipts(head).await?;
        self.settle(head).await?;
        self.hasten(head).await
    }

    /// After a reorganisation, a gap or a restart: is what was mined still in the chain?
    async fn recheck_mined(&mut self, head: Head) -> Result<(), StepError> {
        let mut mined: Vec<_> = self
            .active
            .values()
            .filter_map(|e| match &e.state {
                State::Mined { mined, sent, .. } => {
                    Some((mined.block, mined.block_hash, e.seq, sent.clone()))
                }
                _ => None,
            })
            .collect();
        mined.sort_by_key(|(block, ..)| std::cmp::Reverse(*block));
        for (block, hash, seq, sent) in mined {
            if self.is_in_chain(block, hash).await? {
                // Everything older lies below this block.
                break;
            }
            self.take_back(seq, hash, sent, head).await?;
        }
        Ok(())
    }

    /// What was mined in a block that is not in the chain is sent again.
    async fn take_back(
        &mut self,
        seq: u64,
        lost: B256,
        mut sent: Sent,
        head: Head,
    ) -> Result<(), StepError> {
        tracing::warn!(
            block = %lost,
            "a reorganisation took a transaction out of the chain; it is sent again"
        );
        if let Some(last) = sent.attempts.last_mut() {
            last.block = head.number;
        }
        if let Some(entry) = self.active.get_mut(&seq)
            && entry.key.starts_with(SHOWN)
        {
            entry.lost_from.get_or_insert(lost);
        }
        self.become_state(seq, State::Sent(sent)).await?;
        self.unsent.insert(seq);
        self.fresh = true;
        Ok(())
    }

    async fn find_receipts(&mut self, head: Head) -> Result<(), StepError> {
        for (seq, sent) in self.sent() {
            let Some(entry) = self.active.get(&seq).cloned() else {
                continue;
            };
            if let Some(mined) = self.mined(&entry, &sent).await? {
                self.missing.remove(&seq);
                self.searched.remove(&seq);
                self.unsent.remove(&seq);
                let settled = self.is_deep(mined.block, head);
                self.become_state(
                    seq,
                    State::Mined {
                        sent,
                        mined,
                        settled,
                    },
                )
                .await?;
                self.fresh = true;
            }
        }
        Ok(())
    }

    async fn is_in_chain(&self, block: u64, hash: B256) -> Result<bool, StepError> {
        let canonical = self.client.rpc().head(block_tag(block)).await?;
        Ok(canonical.is_some_and(|head| head.hash == hash))
    }

    /// The receipt of whichever form was taken, newest first.
    async fn mined(&self, entry: &Entry, sent: &Sent) -> Result<Option<Mined>, StepError> {
        for attempt in sent.attempts.iter().rev() {
            let Some(receipt) = self.client.rpc().receipt(attempt.hash).await? else {
                continue;
            };
            let (Some(block), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
                continue;
            };
            // Another endpoint may know another block, or the one that is asked be wrong: what it says next decides.
            if !self
                .is_in_chain(block.as_u64(), hash_in(block_hash))
                .await?
            {
                tracing::warn!(tx = %attempt.hash, %block, "its receipt names a block that is not in the chain");
                continue;
            }
            let gas_used = receipt.gas_used.unwrap_or_default().low_u64();
            let failed = receipt.status.is_some_and(|s| s.is_zero());
            let revert = if failed {
                Some(
                    self.reason(entry, block.as_u64(), gas_used >= sent.gas)
                        .await?,
                )
            } else {
                None
            };
            return Ok(Some(Mined {
                tx: attempt.hash,
                block: block.as_u64(),
                block_hash: hash_in(block_hash),
                gas_used,
                gas_price: receipt.effective_gas_price.map(word_in).unwrap_or_default(),
                revert,
            }));
        }
        Ok(None)
    }

    /// Calls again on the state after the block and, where that passes, before it: receipts carry no reason.
    async fn reason(&self, entry: &Entry, block: u64, gas_gone: bool) -> Result<Revert, StepError> {
        for state in [block, block.saturating_sub(1)] {
            match self
                .client
                .rpc()
                .call(&self.request(entry), block_tag(state))
                .await
            {
                Ok(_) => {}
                Err(RpcError::Refused {
                    code,
                    message,
                    data,
                    ..
                }) => {
                    if let Some(revert) = self.client.revert_of(code, &message, data.as_ref()) {
                        return Ok(revert);
                    }
                }
                Err(other) => return Err(other.into()),
            }
        }
        Ok(Revert::message(if gas_gone {
            "the transaction ran out of gas"
        } else {
            "the state changed within the block; the reason cannot be had any more"
        }))
    }

    async fn settle(&mut self, head: Head) -> Result<(), StepError> {
        let entries: Vec<Entry> = self.active.values().cloned().collect();
        for entry in entries {
            let State::Mined {
                sent,
                mined,
                settled,
            } = entry.state.clone()
            else {
                continue;
            };
            if settled && mined.block.saturating_add(self.config.reorg_blocks) < head.number {
                let (block, hash) = (mined.block, mined.block_hash);
                // Before it is forgotten.
                match self.is_in_chain(block, hash).await? {
                    true => self.end(entry).await?,
                    false => self.take_back(entry.seq, hash, sent, head).await?,
                }
            } else if !settled && self.is_deep(mined.block, head) {
                self.become_state(
                    entry.seq,
                    State::Mined {
                        sent,
                        mined,
                        settled: true,
                    },
                )
                .await?;
            }
        }
        Ok(())
    }

    fn is_deep(&self, block: u64, head: Head) -> bool {
        (head.number + 1).saturating_sub(block) >= self.config.confirmations
    }

    /// Broadcasts again, offers more, or signs anew, as each transaction without receipt needs.
    async fn hasten(&mut self, head: Head) -> Result<(), StepError> {
        let mut under_way = self.sent();
        if under_way.is_empty() {
            return Ok(());
        }
        under_way.sort_by_key(|(_, sent)| sent.nonce);
        let account = self.client.account();
        let next = self.client.rpc().nonce(account, "latest").await?;
        let resumed = self.head.is_none();
        let lowest_open = under_way.iter().map(|(_, s)| s.nonce).find(|n| *n >= next);
        for (seq, sent) in under_way {
            let Some(last) = sent.attempts.last() else {
                continue;
            };
            let age = head.number.saturating_sub(last.block);
            if sent.nonce < next {
                self.suspect_foreign(seq, &sent, head).await?;
            } else if age >= self.config.stuck_blocks && sent.nonce == next {
                self.bump(seq, sent, head).await?;
            } else if resumed || age >= REBROADCAST_BLOCKS || head.number < last.block {
                self.rebroadcast(&sent).await?;
                let is_lowest = lowest_open == Some(sent.nonce);
                if is_lowest && sent.nonce > next && age >= self.config.stuck_blocks {
                    // Nobody holds the next nonce, so nothing behind it can ever be mined.
                    if self.client.rpc().nonce(account, "pending").await? == next {
                        self.fill_gap(next, seq, head).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Offers every signed form once more, the newest first, until one is in a pool. Says why the newest is not, where no
    /// higher fee would change that.
    pub async fn rebroadcast(&self, sent: &Sent) -> Result<Option<String>, StepError> {
        let mut hopeless = None;
        for (age, attempt) in sent.attempts.iter().rev().enumerate() {
            let Broadcast::Refused(reason) = self.client.rpc().send_raw(&attempt.raw).await? else {
                break;
            };
            if age == 0 {
                tracing::warn!(tx = %attempt.hash, "the node refuses a transaction: {reason}");
                hopeless = Some(reason).filter(|reason| !is_about_price(reason));
            }
        }
        Ok(hopeless)
    }

    async fn bump(&mut self, seq: u64, mut sent: Sent, head: Head) -> Result<(), StepError> {
        let (Some(last), Some(entry)) = (
            sent.attempts.last().cloned(),
            self.active.get(&seq).cloned(),
        ) else {
            return Ok(());
        };
        // What is not refused for its price, such as for want of ETH, would be refused at a higher one too.
        if let Some(reason) = self.rebroadcast(&sent).await? {
            tracing::debug!(tx = %last.hash, "a stuck transaction is not offered for more: {reason}");
            return Ok(());
        }
        let fees = Fees {
            max_fee: last.max_fee,
            tip: last.tip,
        };
        let Some(more) = fees.bumped(head.base_fee, &self.config.fees) else {
            tracing::debug!(tx = %last.hash, "a stuck transaction already offers the most that is allowed");
            return Ok(());
        };
        let cost = U256::from(sent.gas).saturating_mul(more.max_fee);
        if self.affords(&entry, self.most_urgent(), cost).is_err() {
            return Ok(());
        }
        let attempt = self.attempt(&entry, sent.nonce, sent.gas, more, head.number);
        tracing::debug!(old = %last.hash, new = %attempt.hash, "{} is stuck; offering more", entry.label);
        sent.attempts.push(attempt);
        sent.day = self.today;
        self.become_state(seq, State::Sent(sent.clone())).await?;
        self.rebroadcast(&sent).await.map(drop)
    }

    /// What the foremost transaction is for: everything behind it waits for it, evidence too, so it may use the whole day's
    /// limit, or more if an answer waits.
    pub(super) fn most_urgent(&self) -> Purpose {
        let under_way = |e: &&Entry| matches!(e.state, State::Queued | State::Sent(_));
        let purposes = self.active.values().filter(under_way).map(|e| e.purpose);
        purposes.fold(Purpose::Evidence, Purpose::min)
    }

    fn sent(&self) -> Vec<(u64, Sent)> {
        let entries = self.active.values().filter_map(|e| match &e.state {
            State::Sent(sent) => Some((e.seq, sent.clone())),
            _ => None,
        });
        entries.collect()
    }
}
