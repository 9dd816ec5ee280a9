//! Nonces that another program used: found out by looking at the transaction that used them.
//!
//! That no receipt of ours is found proves nothing: a node may know the account's nonce before the receipt, or have
//! lost its index, and two nodes behind one address may be of different age. A call is signed anew, under another
//! nonce, only when the block has been seen in which *another* transaction of this account has its nonce.

use alloy_primitives::B256;

use crate::queue::driver::{Driver, StepError};
use crate::queue::entry::{Sent, State, TxError};
use crate::queue::send::GAP;
use crate::rpc::{Head, RpcError};

/// Heads that a used nonce without a receipt of ours must last before anything is searched.
const PATIENT_HEADS: u32 = 2;

/// Blocks searched in one step where the node does not have their states any more.
const SEARCH_BLOCKS: u64 = 32;

/// The transaction that used a nonce.
struct User {
    tx: B256,
    block: u64,
}

impl Driver {
    /// The chain has used a nonce and no form of ours has a receipt.
    pub async fn suspect_foreign(
        &mut self,
        seq: u64,
        sent: &Sent,
        head: Head,
    ) -> Result<(), StepError> {
        let heads = self.missing.entry(seq).or_default();
        *heads += 1;
        if *heads < PATIENT_HEADS {
            return Ok(());
        }
        let Some(user) = self.user_of(seq, sent, head).await? else {
            return Ok(());
        };
        if sent.attempts.iter().any(|attempt| attempt.hash == user.tx) {
            tracing::debug!(tx = %user.tx, block = user.block, "the node has a block, but not its receipt yet");
            return Ok(());
        }
        if (head.number + 1).saturating_sub(user.block) < self.config.foreign_blocks {
            return Ok(());
        }
        self.missing.remove(&seq);
        self.searched.remove(&seq);
        self.unsent.remove(&seq);
        tracing::warn!(
            nonce = sent.nonce, by = %user.tx,
            "another program uses this account: a transaction lost its nonce and is signed anew"
        );
        let gap = self.active.get(&seq).filter(|e| e.key.starts_with(GAP));
        let state = match gap {
            // It was to be used, by whomever.
            Some(entry) => State::Failed(TxError::Refused {
                label: entry.label.clone(),
                reason: "the nonce is used".into(),
            }),
            None => State::Queued,
        };
        self.become_state(seq, state).await?;
        self.fresh = true;
        Ok(())
    }

    /// Bisects for the first block after which the account's nonce is beyond this one, and looks into it.
    async fn user_of(
        &mut self,
        seq: u64,
        sent: &Sent,
        head: Head,
    ) -> Result<Option<User>, StepError> {
        let signed = sent.attempts.first().map_or(0, |attempt| attempt.block);
        let from = signed.saturating_sub(self.config.reorg_blocks);
        match self.bisect(sent.nonce, from, head.number).await {
            Ok(Some(block)) => self.user_in(block, sent.nonce).await,
            Ok(None) => Ok(None),
            // No state of so old a block: only archive nodes keep it. Blocks themselves are kept.
            Err(StepError::Rpc(RpcError::Refused { .. })) => {
                let begin = self.searched.get(&seq).copied().unwrap_or(from);
                let end = begin.saturating_add(SEARCH_BLOCKS).min(head.number + 1);
                for block in begin..end {
                    if let Some(user) = self.user_in(block, sent.nonce).await? {
                        return Ok(Some(user));
                    }
                }
                self.searched.insert(seq, end);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    async fn bisect(&self, nonce: u64, from: u64, to: u64) -> Result<Option<u64>, StepError> {
        let (rpc, account) = (self.client.rpc(), self.client.account());
        let (mut low, mut high) = (from, to);
        if rpc.nonce_at(account, high).await? <= nonce {
            // Another node than the one that said it was used.
            return Ok(None);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if rpc.nonce_at(account, middle).await? > nonce {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(Some(high))
    }

    /// The account's transaction with this nonce in a block.
    async fn user_in(&self, block: u64, nonce: u64) -> Result<Option<User>, StepError> {
        let account = self.client.account();
        let transactions = self.client.rpc().transactions_of(block).await?;
        let user = transactions
            .into_iter()
            .flatten()
            .find(|tx| tx.from == account && tx.nonce() == nonce);
        Ok(user.map(|tx| User { tx: tx.hash, block }))
    }
}
