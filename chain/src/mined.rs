//! What became of transactions.

use alloy_primitives::{Address, B256};

use crate::client::Client;
use crate::convert::address_in;
use crate::error::ChainError;
use crate::events::LogEntry;
use crate::views::TxView;

impl Client {
    /// Number of this account's mined transactions: its next nonce.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn transaction_count(&self) -> Result<u64, ChainError> {
        self.nonce_of(self.account()).await
    }

    /// The same of any account.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn nonce_of(&self, account: Address) -> Result<u64, ChainError> {
        Ok(self.rpc().nonce(account, "latest").await?)
    }

    /// What a mined transaction cost; `None` where it is not mined.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn transaction(&self, tx: B256) -> Result<Option<TxView>, ChainError> {
        let Some(receipt) = self.rpc().receipt(tx).await? else {
            return Ok(None);
        };
        Ok(receipt.block_number.map(|block| TxView {
            from: address_in(receipt.from),
            block: block.as_u64(),
            succeeded: receipt.status.is_none_or(|status| !status.is_zero()),
            gas_used: receipt.gas_used.unwrap_or_default().low_u64(),
        }))
    }

    /// The deployment's events in one mined transaction, in order; empty where it is not mined.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn events_of(&self, tx: B256) -> Result<Vec<LogEntry>, ChainError> {
        let Some(receipt) = self.rpc().receipt(tx).await? else {
            return Ok(Vec::new());
        };
        Ok(receipt
            .logs
            .iter()
            .filter_map(|log| LogEntry::read(self.contracts(), log))
            .collect())
    }
}
