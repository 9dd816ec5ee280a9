//! Events of `JobRegistry`.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256};
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::job_registry as abi;
use crate::convert::{address_in, word_in};

/// What happens to jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum JobLog {
    /// A job was created.
    JobCreated {
        job: U256,
        broadcaster: Address,
        profiles_hash: B256,
        max_price_per_pixel: U256,
        seed_block: u64,
        profiles: Bytes,
    },
    /// A job's seed was written down.
    SeedFixed { job: U256, seed: B256 },
}

impl JobLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::JobRegistryEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::JobCreatedFilter(e) => Self::JobCreated {
                job: word_in(e.job_id),
                broadcaster: address_in(e.broadcaster),
                profiles_hash: B256::from(e.profiles_hash),
                max_price_per_pixel: word_in(e.max_price_per_pixel),
                seed_block: e.seed_block,
                profiles: Bytes::from(e.profiles.0),
            },
            Events::SeedFixedFilter(e) => Self::SeedFixed {
                job: word_in(e.job_id),
                seed: B256::from(e.seed),
            },
        })
    }
}

impl fmt::Display for JobLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JobCreated {
                job,
                broadcaster,
                max_price_per_pixel,
                ..
            } => write!(
                f,
                "job {job} of {broadcaster} is created, at most {max_price_per_pixel} wei per pixel"
            ),
            Self::SeedFixed { job, .. } => write!(f, "the seed of job {job} is written down"),
        }
    }
}
