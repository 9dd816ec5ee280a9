//! Reads about jobs, cases and the deployment's parameters.

use alloy_primitives::{Address, B256, U256};
use assay_protocol::amount::Lpt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bindings as abi;
use crate::client::{Client, topic};
use crate::convert::{address_in, address_out, word_in, word_out};
use crate::error::ChainError;
use crate::events::{CourtLog, JobLog, Log};
use crate::fault::{CaseStatus, FaultKind};
use crate::views::JobView;

/// A case before the court.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// The accused.
    pub operator: Address,
    /// What it did.
    pub kind: FaultKind,
    /// Where it stands.
    pub status: CaseStatus,
    /// Round whose verifiers signed.
    pub round: u64,
    /// Block in which the proof was accepted.
    pub opened_block: u64,
    /// First block in which it may be executed.
    pub executable_at: u64,
    /// The leaf, where the fault is about one.
    pub leaf_index: u32,
    /// Signers by position in the round's verifier set.
    pub bitmap: U256,
    /// Positions that were paid.
    pub claimed: U256,
    /// What all signers share; known after the execution.
    pub signers_reward: Lpt,
}

impl CaseView {
    /// Whether the operator has been slashed.
    pub fn is_executed(&self) -> bool {
        self.status == CaseStatus::Executed
    }
}

impl Client {
    /// Number of jobs ever created; the last one's id.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn job_count(&self) -> Result<U256, ChainError> {
        let at = self.contracts().job_registry;
        Ok(word_in(
            self.view("the number of jobs", at, abi::job_registry::JobCountCall)
                .await?,
        ))
    }

    /// A job; `None` where there is none. The profiles come from the event that created it.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn job(&self, id: U256) -> Result<Option<JobView>, ChainError> {
        let at = self.contracts().job_registry;
        let topics = json!([
            topic("JobCreated(uint256,address,bytes32,uint256,uint64,bytes)"),
            B256::from(id)
        ]);
        let Some(entry) = self.search(at, topics).await?.into_iter().next() else {
            return Ok(None);
        };
        let Log::Jobs(JobLog::JobCreated {
            job,
            broadcaster,
            profiles_hash,
            max_price_per_pixel,
            seed_block,
            profiles,
        }) = entry.what
        else {
            return Ok(None);
        };
        let seed = self.job_seed(id).await?;
        Ok(Some(JobView {
            id: job,
            broadcaster,
            profiles,
            profiles_hash,
            max_price_per_pixel,
            seed_block,
            seed,
        }))
    }

    /// A job's seed; `None` until its block is there.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn job_seed(&self, id: U256) -> Result<Option<B256>, ChainError> {
        let call = abi::job_registry::JobSeedCall {
            job_id: word_out(id),
        };
        match self
            .view::<[u8; 32]>("a job's seed", self.contracts().job_registry, call)
            .await
        {
            Ok(seed) => Ok(Some(B256::from(seed))),
            Err(ChainError::Revert { revert, .. })
                if revert.is("SeedNotYet") || revert.is("ValueNotYet") =>
            {
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// A case; `None` where there is none.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn case(&self, id: B256) -> Result<Option<CaseView>, ChainError> {
        const WHAT: &str = "a case";
        let call = abi::fraud_court::CaseOfCall { case_id: id.0 };
        let abi::fraud_court::CaseOfReturn { state } =
            self.view(WHAT, self.contracts().fraud_court, call).await?;
        if state.status == 0 {
            return Ok(None);
        }
        let status = CaseStatus::of(state.status).ok_or_else(|| ChainError::Shape {
            what: WHAT,
            reason: format!("status {}", state.status),
        })?;
        let kind = FaultKind::of(state.kind).ok_or_else(|| ChainError::Shape {
            what: WHAT,
            reason: format!("kind {}", state.kind),
        })?;
        Ok(Some(CaseView {
            operator: address_in(state.operator),
            kind,
            status,
            round: state.round,
            opened_block: state.opened_block,
            executable_at: state.executable_at,
            leaf_index: state.leaf_index,
            bitmap: U256::from(state.bitmap),
            claimed: U256::from(state.claimed),
            signers_reward: Lpt(word_in(state.signers_reward)),
        }))
    }

    /// Every case ever opened against `operator`, or against anyone, in order of opening.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn case_ids(&self, operator: Option<Address>) -> Result<Vec<B256>, ChainError> {
        let signature = topic("CaseOpened(bytes32,uint8,address,bytes32,uint32,uint64)");
        let topics = json!([signature, null, operator.map(|a| a.into_word())]);
        let found = self.search(self.contracts().fraud_court, topics).await?;
        let ids = found.into_iter().filter_map(|entry| match entry.what {
            Log::Court(CourtLog::CaseOpened { case, .. }) => Some(case),
            _ => None,
        });
        Ok(ids.collect())
    }

    /// Block in which a case opened that already covers wrong encodes which `operator` was assigned in block
    /// `signed_block`; `None` where such a proof would open a case of its own.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn burst_at(
        &self,
        operator: Address,
        signed_block: u64,
    ) -> Result<Option<u64>, ChainError> {
        let call = abi::fraud_court::BurstAtCall {
            operator: address_out(operator),
            signed_block: signed_block.into(),
        };
        let block: u64 = self
            .view("a burst", self.contracts().fraud_court, call)
            .await?;
        Ok((block != 0).then_some(block))
    }

    /// What the operator's next fault of a kind would cost, in basis points of its pool.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn penalty_of(&self, kind: FaultKind, operator: Address) -> Result<u64, ChainError> {
        const WHAT: &str = "a penalty";
        let call = abi::fraud_court::PenaltyOfCall {
            kind: kind.code(),
            operator: address_out(operator),
        };
        let bps = self.view(WHAT, self.contracts().fraud_court, call).await?;
        u64::try_from(word_in(bps)).map_err(|_| ChainError::Shape {
            what: WHAT,
            reason: format!("{bps} basis points"),
        })
    }
}
