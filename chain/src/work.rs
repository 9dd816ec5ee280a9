//! Reads about what rounds mint.

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Lpt;
use serde::{Deserialize, Serialize};

use crate::bindings as abi;
use crate::client::Client;
use crate::convert::{address_out, word_in};
use crate::error::ChainError;

/// A round's certified list, as the chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Root over its claims.
    pub claims_root: B256,
    /// Output pixels of all claims.
    pub total_pixels: u64,
    /// Verifiers that did their duty, by position.
    pub duties: u64,
    /// Verifiers that have been paid, by position.
    pub paid_verifiers: u64,
    /// Number of claims.
    pub claims: u32,
}

/// A round's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What can be paid at most for the round's work.
    pub mintable: Lpt,
    /// What has been paid.
    pub minted: Lpt,
}

impl Client {
    /// A round's certificate; `None` where it has none.
    pub async fn certificate(&self, round: u64) -> Result<Option<Certificate>, ChainError> {
        let call = abi::work_ledger::CertificateOfCall { round };
        let at = self.contracts().work_ledger;
        let found: abi::work_ledger::CertificateOfReturn =
            self.view("a round's certificate", at, call).await?;
        let found = found.0;
        let certificate = Certificate {
            claims_root: B256::from(found.claims_root),
            total_pixels: found.total_pixels,
            duties: found.duties,
            paid_verifiers: found.paid_verifiers,
            claims: found.claims,
        };
        Ok(Some(certificate).filter(|found| !found.claims_root.is_zero()))
    }

    /// Whether a transcoder has been paid for its work in a round.
    pub async fn is_paid(&self, round: u64, transcoder: Address) -> Result<bool, ChainError> {
        let call = abi::work_ledger::IsPaidCall {
            round,
            transcoder: address_out(transcoder),
        };
        let at = self.contracts().work_ledger;
        self.view("whether a claim is paid", at, call).await
    }

    /// Base units that the pool of rewards has for the next rounds; `None` where this deployment mints them instead.
    pub async fn pool_available(&self) -> Result<Option<Lpt>, ChainError> {
        let call = abi::funded_pool::AvailableCall {};
        let at = self.contracts().minter;
        match self.view("the pool of rewards", at, call).await {
            Ok(found) => Ok(Some(Lpt(word_in(found)))),
            Err(ChainError::Revert { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

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
