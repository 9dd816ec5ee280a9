//! Tickets tried one by one, without being sent.

use assay_chain::ChainError;
use assay_chain::call::BrokerCall;
use assay_chain::client::Client;
use assay_chain::revert::Revert;
use assay_protocol::B256;
use assay_protocol::domain::Domain;
use assay_protocol::payment::Winner;

/// What the chain makes of winners that are due.
#[derive(Debug, Default)]
pub struct Tried {
    /// Each would be paid as it stands, with its hash.
    pub good: Vec<(B256, Winner)>,
    /// The others.
    pub refused: Vec<Refused>,
}

/// A ticket that the chain does not pay as it stands.
#[derive(Debug)]
pub struct Refused {
    /// Its hash.
    pub ticket: B256,
    /// Why.
    pub revert: Revert,
}

/// What a refusal says of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody will ever pay it: the case of its work has ended, and not for want of a fault.
    Void,
    /// Nothing pays it now.
    Unpaid,
    /// Nothing, but that it was in a batch with one that is wrong, or was passed over in one.
    Together,
}

impl Refusal {
    /// What the refusal of a ticket by itself says of it, if anything. While a ticket is not due the chain may only lag
    /// behind, and what it has paid it tells; words without an error of the contracts are an Ethereum node's own.
    pub fn of(revert: &Revert) -> Option<Self> {
        match revert.name.as_str() {
            "RedeemedTooEarly" | "AlreadyRedeemed" | "Error" => None,
            // Once a ticket is due no other leaf of its work can be proven: a fault that is spared stays so. A case that ended
            // in the transcoder's favour is no reason to refuse.
            "AssignmentAccused" if revert.status("status").is_some_and(|s| s.is_final()) => {
                Some(Self::Void)
            }
            _ => Some(Self::Unpaid),
        }
    }

    /// The same of all tickets of a call that was refused.
    pub(crate) fn of_all(tickets: Vec<B256>, revert: &Revert) -> Vec<(B256, Self)> {
        let why = match tickets.len() {
            1 => Self::of(revert),
            _ => Some(Self::Together),
        };
        tickets
            .into_iter()
            .map(|ticket| (ticket, why))
            .filter_map(|(t, why)| Some((t, why?)))
            .collect()
    }
}

/// Tries each ticket by itself: a batch is refused as a whole for one that is too old, with it all the others would become
/// so, and what it passes over costs gas and says nothing.
///
/// # Errors
/// Where no Ethereum node answers.
pub async fn try_each(
    client: &Client,
    domain: &Domain,
    winners: Vec<Winner>,
) -> Result<Tried, ChainError> {
    let mut tried = Tried::default();
    for winner in winners {
        let ticket = domain.digest(&winner.ticket.ticket);
        let call = BrokerCall::Redeem(Box::new(winner.clone())).into();
        match client.refusal(&call).await? {
            None => tried.good.push((ticket, winner)),
            Some(revert) => tried.refused.push(Refused { ticket, revert }),
        }
    }
    Ok(tried)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_case_that_is_over_makes_a_ticket_void() {
        let revert = |name: &str, status: u8| Revert {
            name: name.into(),
            args: vec![("status".into(), status.to_string())],
        };
        for (status, expected) in [
            (1, Refusal::Unpaid),
            (2, Refusal::Void),
            (3, Refusal::Unpaid),
            (6, Refusal::Void),
            (7, Refusal::Void),
        ] {
            let why = Refusal::of(&revert("AssignmentAccused", status));
            assert_eq!(why, Some(expected), "{status}");
        }
        let nothing = Refusal::of(&revert("NothingToPay", 0));
        assert_eq!(nothing, Some(Refusal::Unpaid));
        for name in ["RedeemedTooEarly", "AlreadyRedeemed", "Error"] {
            assert_eq!(Refusal::of(&revert(name, 0)), None, "{name}");
        }
        let both = vec![B256::ZERO, B256::repeat_byte(1)];
        let said = Refusal::of_all(both, &revert("TicketTooOld", 0));
        assert!(said.iter().all(|(_, why)| *why == Refusal::Together));
    }
}
