//! What a delegator should know of an operator before trusting it with stake.

use assay_chain::client::Client;
use assay_chain::events::{Log, LogEntry, StakeLog};
use assay_chain::fault::FaultKind;
use assay_chain::operators::{Cuts, Standing};
use assay_chain::views::{PoolView, Role};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::{Address, U256};
use serde::Serialize;
use serde_json::{Value, json};

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
    /// What each fault of the role would cost next, in basis points.
    penalties: Vec<(FaultKind, u64)>,
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
    let mut penalties = Vec::new();
    for fault in FaultKind::of_role(role) {
        penalties.push((fault, client.penalty_of(fault, operator).await?));
    }
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
        penalties,
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

/// A fault as a delegator reads of it.
const fn named(fault: FaultKind) -> &'static str {
    match fault {
        FaultKind::WrongEncode => "a wrong encode",
        FaultKind::LeafFault => "a leaf that its place or the source's frames contradict",
        FaultKind::Equivocation => "two receipts for one assignment",
        FaultKind::WithheldLeaf => "a leaf that it does not open when it must",
        FaultKind::VerifierEquivocation => "two verdicts on one leaf",
        FaultKind::FalsePass => "a pass that a quorum contradicts",
        FaultKind::FalseAccusation => "an accusation that a quorum contradicts",
        FaultKind::EarlyTicket => "a ticket shown early",
        FaultKind::FalseDivergence => "a divergence that is refuted",
    }
}

/// A part of an amount, rounded down.
fn part(amount: Lpt, bps: u64) -> Lpt {
    Lpt(amount.0.saturating_mul(U256::from(bps)) / U256::from(10_000))
}

/// What an operator offers, for programs.
#[derive(Serialize)]
struct Facts<'a> {
    role: Role,
    operator: Address,
    active: bool,
    jailed: bool,
    open_cases: u16,
    own_bond: Lpt,
    delegated: Lpt,
    unbonding: Lpt,
    /// In this round, and in the next.
    cuts: Cuts,
    next_cuts: Cuts,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_per_pixel_wei: Option<u64>,
    /// Oldest first.
    slashes: &'a [LogEntry],
    /// Of the amount, beyond what counts.
    not_counted: Lpt,
    may_lose: Vec<Loss>,
    /// Until it is out again, at the least.
    unbonding_rounds: u64,
    unbonding_blocks: u64,
}

/// What the operator's next fault of a kind would cost the delegator.
#[derive(Serialize)]
struct Loss {
    fault: FaultKind,
    bps: u64,
    amount: Lpt,
    /// Rounds within which each repeat costs twice as much as the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubles_within_rounds: Option<u64>,
}

impl Offer {
    /// For programs, for `amount` delegated.
    pub fn facts(&self, amount: Lpt) -> Value {
        let p = &self.params;
        let loss = |&(fault, bps): &(FaultKind, u64)| Loss {
            fault,
            bps,
            amount: part(amount, bps),
            doubles_within_rounds: fault.doubles().then_some(p.repeat_rounds),
        };
        let facts = Facts {
            role: self.role,
            operator: self.operator,
            active: self.standing.active,
            jailed: self.standing.jailed,
            open_cases: self.pool.open_cases,
            own_bond: self.pool.own,
            delegated: self.pool.delegated,
            unbonding: Lpt(self.pool.own_unbonding.0 + self.pool.delegated_unbonding.0),
            cuts: self.cuts,
            next_cuts: self.next_cuts,
            price_per_pixel_wei: (self.role == Role::Transcoder).then_some(self.price),
            slashes: &self.slashes,
            not_counted: self.not_counted(amount),
            may_lose: self.penalties.iter().map(loss).collect(),
            unbonding_rounds: p.unbonding_rounds,
            unbonding_blocks: self.leaving_blocks(),
        };
        json!({ "offer": facts })
    }

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
                "terms: it keeps {keeps} of rewards, shares {} of fees by stake, asks {} wei per pixel in the next round",
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

    /// Most delegation that counts.
    fn counted(&self) -> U256 {
        let factor = U256::from(self.params.delegation_factor);
        self.pool.own.0.saturating_mul(factor)
    }

    /// What of the amount would be beyond that.
    fn not_counted(&self, amount: Lpt) -> Lpt {
        let before = self.pool.delegated.0;
        let after = before.saturating_add(amount.0);
        Lpt(after.saturating_sub(self.counted().max(before)))
    }

    /// Delegation beyond the factor earns with the pool and brings it no work.
    fn weight_line(&self, amount: Lpt) -> Option<String> {
        let beyond = self.not_counted(amount);
        (!beyond.0.is_zero()).then(|| {
            format!(
                "delegations to it count up to {} LPT ({} times its own bond): {beyond} LPT would not count",
                Lpt(self.counted()),
                self.params.delegation_factor,
            )
        })
    }

    fn leaving_blocks(&self) -> u64 {
        let p = &self.params;
        p.response_blocks + p.evidence_blocks + p.case_blocks
    }

    fn risk(&self, amount: Lpt) -> String {
        let p = &self.params;
        let leave = self.leaving_blocks();
        let mut faults = String::new();
        for &(fault, bps) in &self.penalties {
            let (of_it, lost) = (percent(bps), part(amount, bps));
            let again = match fault.doubles() {
                true => " *",
                false => "",
            };
            faults += &format!("\n  {of_it} ({lost} LPT) for {}{again}", named(fault));
        }
        if self.role == Role::Transcoder {
            faults += &format!(
                "\n  * counted together: twice as much for each one after it within {} rounds, up to all of it",
                p.repeat_rounds
            );
        }
        format!(
            "what you stand to lose by its next fault:{faults}\n\
             leaving takes {} rounds and at least {leave} blocks; until then slashes reach it, and while a case is open nothing leaves",
            p.unbonding_rounds
        )
    }
}
