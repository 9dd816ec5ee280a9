//! Reads about fees of transcoders and their delegators.

use alloy_primitives::Address;
use assay_protocol::amount::Eth;

use crate::bindings::fee_ledger as abi;
use crate::client::Client;
use crate::convert::{address_out, word_in};
use crate::error::ChainError;

impl Client {
    /// Fees of a transcoder's pool that its stake will be given by and by, and that nobody could withdraw now.
    pub async fn fees_pending(&self, operator: Address) -> Result<Eth, ChainError> {
        let call = abi::PoolOfCall {
            operator: address_out(operator),
        };
        let at = self.contracts().fee_ledger;
        let abi::PoolOfReturn(pool) = self.view("a pool's fees", at, call).await?;
        Ok(Eth(word_in(pool.pending)))
    }

    /// Fees that a holder of stake in a transcoder's pool could withdraw now.
    pub async fn fees_of(&self, operator: Address, holder: Address) -> Result<Eth, ChainError> {
        let call = abi::FeesOfCall {
            operator: address_out(operator),
            holder: address_out(holder),
        };
        let at = self.contracts().fee_ledger;
        Ok(Eth(word_in(self.view("a holder's fees", at, call).await?)))
    }
}
