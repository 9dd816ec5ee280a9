//! Reads about contests and challenges.

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Lpt;
use serde::{Deserialize, Serialize};

use crate::bindings::{challenges, contests};
use crate::client::Client;
use crate::convert::{address_out, word_in};
use crate::error::ChainError;

/// Bonds and rewards that wait to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BondsOwed {
    /// By the contract of contests.
    pub contests: Lpt,
    /// By the contract of challenges.
    pub challenges: Lpt,
}

impl Client {
    /// What contests and challenges owe to an account.
    pub async fn bonds_owed(&self, account: Address) -> Result<BondsOwed, ChainError> {
        let at = *self.contracts();
        let account = address_out(account);
        let by_contests: ethers::core::types::U256 = self
            .view("contest bonds", at.contests, contests::OwedCall { account })
            .await?;
        let by_challenges: ethers::core::types::U256 = self
            .view(
                "challenge bonds",
                at.challenges,
                challenges::OwedCall { account },
            )
            .await?;
        Ok(BondsOwed {
            contests: Lpt(word_in(by_contests)),
            challenges: Lpt(word_in(by_challenges)),
        })
    }

    /// Last round in which nobody assigns work to an encoder; 0 if it was never stopped.
    pub async fn stopped_until(&self, encoder: B256) -> Result<u64, ChainError> {
        let call = contests::StoppedUntilCall {
            encoder_id: encoder.0,
        };
        self.view("a stopped encoder", self.contracts().contests, call)
            .await
    }
}
