//! `assay stake status`: what an account has at stake, what comes to it, and when.

use assay_chain::positions::OpenLock;
use assay_protocol::Address;

use super::account::{ChainOptions, print_json};
use super::error::CommandError;
use super::say;

/// Prints it.
pub async fn show(holder: Address, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    let holdings = client.holdings(holder).await?;
    if chain.json {
        return print_json(&holdings);
    }
    let head = client.head().await?.number;
    say(format!(
        "{holder} at block {head}: {} LPT and {} ETH at hand",
        holdings.liquid, holdings.ether
    ));
    for position in &holdings.positions {
        let (role, operator) = (position.role, position.operator);
        let what = match operator == holder {
            true => format!("own bond as {role}"),
            false => format!("with {role} {operator}"),
        };
        say(format!("{what}: {} LPT", position.stake));
        if let Some(block) = position.wiped_in {
            say(format!("  slashed to nothing in block {block}"));
        }
        match (position.standing.jailed, position.standing.active) {
            (true, _) => say(format!(
                "  kept out of snapshots until the operator returns: assay operator release --role {role}"
            )),
            (false, false) => say(
                "  not in the active set, so it earns nothing: with the weight for a place, assay stake enlist",
            ),
            (false, true) => {}
        }
        if !position.pending_rewards.0.is_zero() {
            say(format!(
                "  rewards on their way: {} LPT, the last of them by block {}",
                position.pending_rewards, position.pending_until
            ));
        }
        if !position.fees.0.is_zero() {
            // Delegators may claim theirs meanwhile.
            let when = match operator == holder && position.open_cases > 0 {
                true => "once the pool is not frozen",
                false => "assay stake claim",
            };
            say(format!("  fees to claim: {} ETH ({when})", position.fees));
        }
        if position.open_cases > 0 {
            say(format!(
                "  frozen: {} open cases; no stake leaves this pool until they are over",
                position.open_cases
            ));
        }
    }
    for open in &holdings.locks {
        let lock = &open.lock;
        let to = match lock.destination {
            Some(to) => format!("moves from {} to {to}", lock.operator),
            None => format!("leaves {} {}", lock.role, lock.operator),
        };
        let when = match (open.ripe, lock.destination) {
            (false, _) => waits(open),
            (true, Some(_)) => "can arrive now: assay stake claim".into(),
            (true, None) => format!("is ripe: assay stake withdraw {}", open.id),
        };
        say(format!(
            "lock {}: {} LPT {to}, {when}",
            open.id, lock.amount
        ));
    }
    if holdings.positions.is_empty() && holdings.locks.is_empty() {
        say("nothing at stake");
    }
    Ok(())
}

/// What a lock that is not ripe waits for: a case that keeps it, and its time as far as it is known, whose block follows from
/// the round after the one it was made in.
pub fn waits(open: &OpenLock) -> String {
    let lock = &open.lock;
    let ripens = match lock.withdrawable_block {
        0 => format!(
            "ripens in round {} at the earliest; the block is known once the present round is over",
            lock.withdrawable_round
        ),
        block => format!(
            "ripens in block {block}, and not before round {}",
            lock.withdrawable_round
        ),
    };
    match (open.open_cases, open.held) {
        (0, false) => ripens,
        (0, true) => format!(
            "is held until the cases that {} has signed are over, and {ripens}",
            lock.operator
        ),
        (cases, _) => {
            format!("is frozen while {cases} cases are open against its pool, and {ripens}")
        }
    }
}
