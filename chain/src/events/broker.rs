//! Events of `TicketBroker`.

use std::fmt;

use alloy_primitives::{Address, B256};
use assay_protocol::amount::Eth;
use ethers::abi::RawLog;
use ethers::contract::EthLogDecode;
use serde::{Deserialize, Serialize};

use crate::bindings::ticket_broker as abi;
use crate::convert::{address_in, word_in};

/// What happens to deposits and tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[allow(missing_docs)] // The fields are those of the Solidity events, documented there.
pub enum BrokerLog {
    /// Somebody added to a broadcaster's deposit and reserve.
    Funded {
        broadcaster: Address,
        from: Address,
        deposit: Eth,
        reserve: Eth,
    },
    /// Its reserve will be parted by another round's stakes.
    PartsAnnounced {
        broadcaster: Address,
        round: u64,
        from: u64,
    },
    /// It is parted by this round's stakes from now on.
    ReserveParted { broadcaster: Address, round: u64 },
    /// A broadcaster asked for its money back.
    Unlocking {
        broadcaster: Address,
        withdraw_round: u64,
    },
    /// It changed its mind.
    UnlockCancelled { broadcaster: Address },
    /// It has its money back.
    DepositWithdrawn {
        broadcaster: Address,
        deposit: Eth,
        reserve: Eth,
    },
    /// It signed two assignments for one attempt.
    ReserveSlashed { broadcaster: Address, amount: Eth },
    /// A winner was paid.
    TicketRedeemed {
        sender: Address,
        recipient: Address,
        ticket: B256,
        assignment: B256,
        paid: Eth,
        from_reserve: Eth,
        burned: Eth,
    },
    /// A winner in a batch was passed over.
    TicketSkipped { ticket: B256 },
    /// What a broadcaster's payments burned reached the zero address.
    Burned { broadcaster: Address, amount: Eth },
}

impl BrokerLog {
    pub(super) fn read(raw: &RawLog) -> Option<Self> {
        use abi::TicketBrokerEvents as Events;
        let eth = |amount| Eth(word_in(amount));
        Some(match Events::decode_log(raw).ok()? {
            Events::FundedFilter(e) => Self::Funded {
                broadcaster: address_in(e.broadcaster),
                from: address_in(e.from),
                deposit: eth(e.deposit),
                reserve: eth(e.reserve),
            },
            Events::PartsAnnouncedFilter(e) => Self::PartsAnnounced {
                broadcaster: address_in(e.broadcaster),
                round: e.round,
                from: e.from,
            },
            Events::ReservePartedFilter(e) => Self::ReserveParted {
                broadcaster: address_in(e.broadcaster),
                round: e.round,
            },
            Events::UnlockingFilter(e) => Self::Unlocking {
                broadcaster: address_in(e.broadcaster),
                withdraw_round: e.withdraw_round,
            },
            Events::UnlockCancelledFilter(e) => Self::UnlockCancelled {
                broadcaster: address_in(e.broadcaster),
            },
            Events::DepositWithdrawnFilter(e) => Self::DepositWithdrawn {
                broadcaster: address_in(e.broadcaster),
                deposit: eth(e.deposit),
                reserve: eth(e.reserve),
            },
            Events::ReserveSlashedFilter(e) => Self::ReserveSlashed {
                broadcaster: address_in(e.broadcaster),
                amount: eth(e.amount),
            },
            Events::TicketRedeemedFilter(e) => Self::TicketRedeemed {
                sender: address_in(e.sender),
                recipient: address_in(e.recipient),
                ticket: B256::from(e.ticket_hash),
                assignment: B256::from(e.assignment_hash),
                paid: eth(e.paid),
                from_reserve: eth(e.from_reserve),
                burned: eth(e.burned),
            },
            Events::TicketSkippedFilter(e) => Self::TicketSkipped {
                ticket: B256::from(e.ticket_hash),
            },
            Events::BurnedFilter(e) => Self::Burned {
                broadcaster: address_in(e.broadcaster),
                amount: eth(e.amount),
            },
        })
    }
}

impl fmt::Display for BrokerLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Funded {
                broadcaster,
                deposit,
                reserve,
                ..
            } => write!(
                f,
                "{broadcaster} has {deposit} ETH more in its deposit and {reserve} ETH more in its reserve"
            ),
            Self::PartsAnnounced {
                broadcaster,
                round,
                from,
            } => write!(
                f,
                "the reserve of {broadcaster} will be parted by the stakes of round {round}, in block {from} at the earliest"
            ),
            Self::ReserveParted { broadcaster, round } => write!(
                f,
                "the reserve of {broadcaster} is parted by the stakes of round {round}"
            ),
            Self::Unlocking {
                broadcaster,
                withdraw_round,
            } => write!(
                f,
                "{broadcaster} may withdraw its deposit from round {withdraw_round} on"
            ),
            Self::UnlockCancelled { broadcaster } => {
                write!(f, "{broadcaster} leaves its deposit where it is")
            }
            Self::DepositWithdrawn {
                broadcaster,
                deposit,
                reserve,
            } => write!(
                f,
                "{broadcaster} has its deposit of {deposit} ETH and its reserve of {reserve} ETH back"
            ),
            Self::ReserveSlashed {
                broadcaster,
                amount,
            } => write!(f, "{broadcaster} loses its reserve of {amount} ETH"),
            Self::TicketRedeemed {
                sender,
                recipient,
                paid,
                burned,
                ..
            } => write!(
                f,
                "{sender} pays {paid} ETH to {recipient}, {burned} ETH of it are burned"
            ),
            Self::TicketSkipped { ticket } => write!(f, "ticket {ticket} is not paid now"),
            Self::Burned {
                broadcaster,
                amount,
            } => write!(f, "{amount} ETH of {broadcaster}'s payments are burned"),
        }
    }
}
