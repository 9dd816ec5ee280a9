//! The way into the active set behind a deposit. Contracts look for a place where a new operator bonds and where somebody asks
//! (`enlist`), not with every deposit: an operator that is outside and becomes heavy enough is brought in by a call of its own.

use std::collections::BTreeMap;

use assay_chain::call::{Call, StakeCall};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::{Address, U256};

use super::error::CommandError;
use super::session::Session;

/// What a call adds to a pool.
struct Deposit {
    role: Role,
    operator: Address,
    holder: Address,
    amount: Lpt,
}

impl Deposit {
    /// `None` of a call that adds nothing. What the chain does not know it will refuse, in its own words.
    async fn of(session: &Session, call: &Call) -> Option<Self> {
        let Call::Stake(call) = call else {
            return None;
        };
        let me = session.account();
        match *call {
            StakeCall::Bond { role, amount } => Some(Self {
                role,
                operator: me,
                holder: me,
                amount,
            }),
            StakeCall::Delegate {
                role,
                operator,
                amount,
            } => Some(Self {
                role,
                operator,
                holder: me,
                amount,
            }),
            StakeCall::Rebond { lock } | StakeCall::Arrive { lock } => {
                let view = session.client.lock(lock).await.ok()?;
                let arrives = matches!(call, StakeCall::Arrive { .. });
                Some(Self {
                    role: view.role,
                    operator: match arrives {
                        true => view.destination?,
                        false => view.operator,
                    },
                    holder: view.holder,
                    amount: view.amount,
                })
            }
            _ => None,
        }
    }
}

/// What is added to one pool, by its operator and by others.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    own: U256,
    delegated: U256,
}

/// The calls, and behind them one for each operator outside that their deposits make heavy enough for the active set.
pub async fn with_entries(
    session: &Session,
    mut calls: Vec<Call>,
) -> Result<Vec<Call>, CommandError> {
    let (client, params) = (&session.client, &session.deployment.params);
    let mut pools: BTreeMap<(Role, Address), Added> = BTreeMap::new();
    for (key, call) in session.keys(&calls)?.iter().zip(&calls) {
        let Some(deposit) = Deposit::of(session, call).await else {
            continue;
        };
        let added = pools.entry((deposit.role, deposit.operator)).or_default();
        // What an earlier command has deposited is in the pool already.
        if session.done(key).is_some() {
            continue;
        }
        let part = match deposit.holder == deposit.operator {
            true => &mut added.own,
            false => &mut added.delegated,
        };
        *part = part.saturating_add(deposit.amount.0);
    }
    for ((role, operator), added) in pools {
        // Of a new operator the bond itself looks for a place.
        if client.is_new(role, operator).await? {
            continue;
        }
        let standing = client.standing(role, operator).await?;
        if standing.jailed {
            session.warn(format!(
                "{role} {operator} is kept out of snapshots until it returns: assay operator release --role {role}"
            ));
            continue;
        }
        if standing.active {
            continue;
        }
        let pool = client.pool(role, operator).await?;
        let own = pool.own.0.saturating_add(added.own);
        let delegated = pool.delegated.0.saturating_add(added.delegated);
        if own.saturating_add(U256::ONE) < params.min_own_bond.0 {
            continue;
        }
        let counted = own.saturating_mul(U256::from(params.delegation_factor));
        let weight = Lpt(own.saturating_add(delegated.min(counted)));
        let places = role.places(params);
        if client.has_place(weight, role, operator, places).await? {
            session.tell(format!(
                "{operator} is not among the active {role}s, and has the weight with this: the last call brings it in"
            ));
            calls.push(StakeCall::Enlist { role, operator }.into());
        }
    }
    Ok(calls)
}
