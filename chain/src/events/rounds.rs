//! Events of `RoundsManager`.

use std::fmt;

use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::rounds_manager as abi;

/// What happens to rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there and in `views`.
pub enum RoundsLog {
    /// A round was opened; its snapshots can be read.
    RoundOpened { round: u64, block: u64 },
}

impl RoundsLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        let e = abi::RoundOpenedFilter::decode_log(raw).ok()?;
        Some(Self::RoundOpened {
            round: e.round,
            block: e.block_number,
        })
    }
}

impl fmt::Display for RoundsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::RoundOpened { round, block } = self;
        write!(f, "round {round} is opened in block {block}")
    }
}
