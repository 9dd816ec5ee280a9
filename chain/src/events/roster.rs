//! Events of `Roster`.

use std::fmt;

use alloy_primitives::Address;
use assay_protocol::amount::Lpt;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::roster as abi;
use crate::convert::{address_in, word_in};
use crate::views::Role;

/// What happens to the active sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum RosterLog {
    /// An operator entered the active set.
    Activated {
        role: Role,
        operator: Address,
        weight: Lpt,
    },
    /// An operator left the active set.
    Deactivated { role: Role, operator: Address },
    /// Verifiers of a round, by position, leave the next snapshot unless they return before.
    AbsenceNoted { round: u64, positions: u64 },
    /// An operator is in this snapshot no more, and kept out until it returns.
    Jailed { role: Role, operator: Address },
    /// An operator may be in the next snapshot again.
    Released { role: Role, operator: Address },
}

impl RosterLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::RosterEvents as Events;
        Some(match Events::decode_log(raw).ok()? {
            Events::ActivatedFilter(e) => Self::Activated {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
                weight: Lpt(word_in(e.weight)),
            },
            Events::DeactivatedFilter(e) => Self::Deactivated {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
            },
            Events::AbsenceNotedFilter(e) => Self::AbsenceNoted {
                round: e.round,
                positions: e.positions,
            },
            Events::JailedFilter(e) => Self::Jailed {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
            },
            Events::ReleasedFilter(e) => Self::Released {
                role: Role::of(e.role)?,
                operator: address_in(e.operator),
            },
            _ => return None,
        })
    }
}

impl fmt::Display for RosterLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activated {
                role,
                operator,
                weight,
            } => write!(
                f,
                "{operator} enters the active {role}s with a weight of {weight} LPT"
            ),
            Self::Deactivated { role, operator } => {
                write!(f, "{operator} leaves the active {role}s")
            }
            Self::AbsenceNoted { round, positions } => write!(
                f,
                "{} verifiers of round {round} leave the next snapshot unless they return before",
                positions.count_ones()
            ),
            Self::Jailed { role, operator } => write!(
                f,
                "{role} {operator} is kept out of snapshots until it returns"
            ),
            Self::Released { role, operator } => {
                write!(f, "{role} {operator} is not kept out of snapshots any more")
            }
        }
    }
}
