//! What the contracts say, typed: one file of events for each contract.

mod broker;
mod budget;
mod challenges;
mod contests;
mod court;
mod fees;
mod jobs;
mod operators;
mod roster;
mod rounds;
mod stake;
mod verifiers;
mod work;

use std::fmt;

use alloy_primitives::B256;
use ethers::abi::RawLog;
use ethers::core::types as eth;
use serde::{Deserialize, Serialize};

use crate::contracts::Contracts;
use crate::convert::{address_out, hash_in};

pub use broker::BrokerLog;
pub use budget::BudgetLog;
pub use challenges::ChallengeLog;
pub use contests::ContestLog;
pub use court::CourtLog;
pub use fees::FeeLog;
pub use jobs::JobLog;
pub use operators::OperatorLog;
pub use roster::RosterLog;
pub use rounds::RoundsLog;
pub use stake::StakeLog;
pub use verifiers::VerifierLog;
pub use work::WorkLog;

/// One event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its block.
    pub block: u64,
    /// Its transaction.
    pub tx: B256,
    /// Its index in the block.
    pub index: u64,
    /// What happened.
    pub what: Log,
}

/// Makes [`Log`] out of the events of each contract.
macro_rules! logs {
    ($($(#[$doc:meta])* $name:ident($events:ident) from $contract:ident,)+) => {
        /// An event of the deployment.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(untagged)]
        pub enum Log {
            $($(#[$doc])* $name($events),)+
        }

        impl Log {
            /// Reads a log of one of the contracts; `None` for foreign ones and for events that nobody here follows.
            pub(crate) fn read(contracts: &Contracts, log: &eth::Log) -> Option<Self> {
                let raw = RawLog {
                    topics: log.topics.clone(),
                    data: log.data.to_vec(),
                };
                $(if log.address == address_out(contracts.$contract) {
                    return $events::read(&raw).map(Self::$name);
                })+
                None
            }
        }

        /// A sentence for people.
        impl fmt::Display for Log {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(event) => event.fmt(f),)+
                }
            }
        }

        $(impl From<$events> for Log {
            fn from(event: $events) -> Self {
                Self::$name(event)
            }
        })+
    };
}

// One line for each contract.
logs! {
    /// Of `Operators`.
    Operators(OperatorLog) from operators,
    /// Of `Roster`.
    Roster(RosterLog) from roster,
    /// Of `RoundsManager`.
    Rounds(RoundsLog) from rounds_manager,
    /// Of `JobRegistry`.
    Jobs(JobLog) from job_registry,
    /// Of `BondingManager`.
    Stake(StakeLog) from bonding_manager,
    /// Of `VerifierRegistry`.
    Verifiers(VerifierLog) from verifier_registry,
    /// Of `FeeLedger`.
    Fees(FeeLog) from fee_ledger,
    /// Of `TicketBroker`.
    Broker(BrokerLog) from ticket_broker,
    /// Of `FraudCourt`.
    Court(CourtLog) from fraud_court,
    /// Of `Contests`.
    Contests(ContestLog) from contests,
    /// Of `Challenges`.
    Challenges(ChallengeLog) from challenges,
    /// Of `Minter`, or of `FundedPool` in its place.
    Budget(BudgetLog) from minter,
    /// Of `WorkLedger`.
    Work(WorkLog) from work_ledger,
}

impl LogEntry {
    /// Reads a log of one of the contracts; `None` for foreign ones and for events that nobody here follows.
    pub(crate) fn read(contracts: &Contracts, log: &eth::Log) -> Option<Self> {
        Some(Self {
            block: log.block_number?.as_u64(),
            tx: hash_in(log.transaction_hash?),
            index: log.log_index?.low_u64(),
            what: Log::read(contracts, log)?,
        })
    }
}
