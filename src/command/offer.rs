//! What a delegator should know of an operator before trusting it with stake.

use assay_chain::client::Client;
use assay_chain::events::{Log, LogEntry, StakeLog};
use assay_chain::operators::{Cuts, Standing};
use assay_chain::views::{PoolView, Role};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::{Address, U256};

use super::error::CommandError;

/// An operator's terms and history.
pub struct Offer {
    role: Role,
    operator: Address,
    pool: PoolView,
    standing: Standing,
    round: u64,
    cuts: Cuts,
    next_cuts: Cuts,
    price: u64,
    slashes: Vec<LogEntry>,
    params: Params,
}

/// Reads them from the chain.
pub async fn read(
    client: &Client,
    params: &Params,
    role: Role,
    operator: Address,
) -> Result<Offer, CommandError> {
    let round = client.round().await?.round;
    Ok(Offer {
        role,
        operator,
        pool: client.pool(role, operator).await?,
        standing: client.standing(role, operator).await?,
        round,
        cuts: client.cuts_at(role, operator, round).await?,
        next_cuts: client.cuts_at(role, operator, round + 1).await?,
        price: client.price_of(operator).await?,
        slashes: client.slashes(role, operator).await?,
        params: params.clone(),
    })
}

/// Basis points as people write them.
fn percent(bps: u64) -> String {
    match (bps / 100, bps % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, places) => format!("{whole}.{places:02} %"),
    }
}

/// A part of an amount, rounded down.
fn part(amount: Lpt, bps: u64) -> Lpt {
    Lpt(amount.0.saturating_mul(U256::from(bps)) / U256::from(10_000))
}

impl Offer {
    /// In words, for `amount` delegated.
    pub fn sentences(&self, amount: Lpt) -> String {
        let mut lines = vec![self.stake_line(), self.terms_line()];
        if self.next_cuts != self.cuts {
            let (keeps, shares) = (self.next_cuts.reward_cut_bps, self.next_cuts.fee_share_bps);
            lines.push(format!(
                "from round {} on: it keeps {} of rewards, shares {} of fees",
                self.round + 1,
                percent(keeps.into()),
                percent(shares.into())
            ));
        }
        lines.push(self.history());
        lines.extend(self.weight_line(amount));
        lines.push(self.risk(amount));
        lines.join("\n")
    }

    fn stake_line(&self) -> String {
        let standing = match (
            self.standing.jailed,
            self.standing.active,
            self.pool.open_cases,
        ) {
            (true, ..) => "kept out of snapshots until it returns",
            (_, false, _) => "not in the active set: it earns nothing now",
            (.., 0) => "active",
            _ => "FROZEN: a case is open against it, and nothing can be delegated",
        };
        format!(
            "{} {}: {standing}; own bond {} LPT, delegated {} LPT, unbonding {} LPT",
            self.role,
            self.operator,
            self.pool.own,
            self.pool.delegated,
            Lpt(self.pool.own_unbonding.0 + self.pool.delegated_unbonding.0)
        )
    }

    fn terms_line(&self) -> String {
        let keeps = percent(self.cuts.reward_cut_bps.into());
        match self.role {
            Role::Verifier => format!("terms: it keeps {keeps} of rewards"),
            Role::Transcoder => format!(
                "terms: it keeps {keeps} of rewards, shares {} of fees by stake, asks {} wei per pixel",
                percent(self.cuts.fee_share_bps.into()),
                self.price
            ),
        }
    }

    fn history(&self) -> String {
        let told: Vec<_> = self
            .slashes
            .iter()
            .filter_map(|entry| match &entry.what {
                Log::Stake(StakeLog::Slashed {
                    bps,
                    own_cut,
                    delegated_cut,
                    ..
                }) => Some(format!(
                    "  block {}: {} of everything, {own_cut} LPT of its own and {delegated_cut} LPT of others",
                    entry.block,
                    percent(*bps)
                )),
                _ => None,
            })
            .collect();
        match told.len() {
            0 => "slashes: none so far".into(),
            count => format!("slashes: {count}\n{}", told.join("\n")),
        }
    }

    /// Delegation beyond the factor earns with the pool and brings it no work.
    fn weight_line(&self, amount: Lpt) -> Option<String> {
        let most = self
            .pool
            .own
            .0
            .saturating_mul(U256::from(self.params.delegation_factor));
        let after = self.pool.delegated.0.saturating_add(amount.0);
        (after > most).then(|| {
            format!(
                "delegations to it count up to {} LPT ({} times its own bond): {} LPT would not count",
                Lpt(most),
                self.params.delegation_factor,
                Lpt(after - most.max(self.pool.delegated.0))
            )
        })
    }

    fn risk(&self, amount: Lpt) -> String {
        let p = &self.params;
        let leave = p.response_blocks + p.evidence_blocks + p.case_blocks;
        let faults = match self.role {
            Role::Transcoder => format!(
                "{} of it ({} LPT) for a first wrong encode, twice as much for each repeat within {} rounds, up to all of it; \
                 {} ({} LPT) for two receipts for one assignment",
                percent(p.wrong_encode_bps),
                part(amount, p.wrong_encode_bps),
                p.repeat_rounds,
                percent(p.equivocation_bps),
                part(amount, p.equivocation_bps)
            ),
            Role::Verifier => format!(
                "{} of it ({} LPT) for a pass that a quorum contradicts; {} ({} LPT) for two verdicts on one leaf",
                percent(p.false_pass_bps),
                part(amount, p.false_pass_bps),
                percent(p.equivocation_bps),
                part(amount, p.equivocation_bps)
            ),
        };
        format!(
            "what you stand to lose: {faults}\n\
             leaving takes {} rounds and at least {leave} blocks; until then slashes reach it, and while a case is open nothing leaves",
            p.unbonding_rounds
        )
    }
}
