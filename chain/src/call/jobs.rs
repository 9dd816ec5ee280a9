//! Calls of `JobRegistry`.

use alloy_primitives::{Address, Bytes, U256};
use assay_protocol::bls::BlsError;
use ethers::abi::AbiEncode;

use super::Callable;
use crate::bindings::job_registry as abi;
use crate::contracts::Contracts;
use crate::convert::word_out;

/// What is done with jobs.
#[derive(Clone, Debug)]
pub enum JobCall {
    /// Creates a job.
    Create {
        /// Bytes of the profiles, `docs/protocol.md` section 4.
        profiles: Bytes,
        /// Wei per output pixel.
        max_price_per_pixel: U256,
    },
    /// Writes a job's seed down before its source forgets it.
    FixSeed {
        /// The job.
        job: U256,
    },
}

impl Callable for JobCall {
    fn label(&self) -> String {
        match self {
            Self::Create { .. } => "create a job".into(),
            Self::FixSeed { job } => format!("fix the seed of job {job}"),
        }
    }

    fn to(&self, contracts: &Contracts) -> Address {
        contracts.job_registry
    }

    fn data(&self) -> Result<Vec<u8>, BlsError> {
        Ok(match self {
            Self::Create {
                profiles,
                max_price_per_pixel,
            } => abi::CreateJobCall {
                profiles: profiles.to_vec().into(),
                max_price_per_pixel: word_out(*max_price_per_pixel),
            }
            .encode(),
            Self::FixSeed { job } => abi::FixSeedCall {
                job_id: word_out(*job),
            }
            .encode(),
        })
    }
}
