//! Reads about what rounds mint.

use assay_protocol::amount::Lpt;

use crate::bindings as abi;
use crate::client::Client;
use crate::convert::word_in;
use crate::error::ChainError;

/// A round's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What can be paid at most for the round's work.
    pub mintable: Lpt,
    /// What has been paid.
    pub minted: Lpt,
}

impl Client {
    /// A round's budget; zeros before it has opened.
    pub async fn budget(&self, round: u64) -> Result<Budget, ChainError> {
        let call = abi::minter::BudgetOfCall { round };
        let at = self.contracts().minter;
        let (mintable, minted) = self.view("a round's budget", at, call).await?;
        Ok(Budget {
            mintable: Lpt(word_in(mintable)),
            minted: Lpt(word_in(minted)),
        })
    }
}
