//! What must have happened for a demonstration to be a success.

use assay_protocol::U256;
use assay_protocol::amount::{Eth, Lpt};

use super::swarm::Fed;
use super::tally::Stakes;
use crate::cast::{Part, Player};
use crate::ledger::Ledger;
use crate::report::Report;

/// Wei that dividing a pool's fees may leave over: there are a few holders and a few dozen payments.
const DUST: u64 = 1_000;

/// Everything that did not happen as it must, in words.
pub(crate) fn failures(
    ledger: &Ledger,
    report: &Report,
    players: &[Player],
    wanted: u32,
    fed: &Fed,
) -> Vec<String> {
    let mut failures = fed.troubles.clone();
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            failures.push(otherwise);
        }
    };
    must(
        ledger.gaps.is_empty(),
        format!("segments {:?} were not delivered", ledger.gaps),
    );
    let wanted = wanted.max(fed.segments());
    must(
        report.segments >= u64::from(wanted),
        format!("{} of {wanted} segments were delivered", report.segments),
    );
    must(report.samples > 0, "no sample was drawn".into());
    must(
        ledger.open_cases() == 0,
        format!("{} cases are still open", ledger.open_cases()),
    );
    must(
        report.fraud_proofs.len() == ledger.cases.len(),
        format!(
            "{} cases, but {} complete proofs",
            ledger.cases.len(),
            report.fraud_proofs.len()
        ),
    );
    for (player, row) in players
        .iter()
        .filter(|p| matches!(p.part, Part::Transcoder { .. }))
        .zip(&report.transcoders)
    {
        if player.part == (Part::Transcoder { cheats: true }) {
            must(
                row.cheats_made > 0,
                format!("{} never cheated", player.name),
            );
            must(
                ledger.was_slashed(player.address()),
                format!("{} was not slashed", player.name),
            );
        } else {
            must(
                row.accused == 0,
                format!("honest {} was accused {} times", player.name, row.accused),
            );
            must(
                row.slashed.0 == U256::ZERO,
                format!("honest {} was slashed {} LPT", player.name, row.slashed),
            );
        }
    }
    for proof in &report.fraud_proofs {
        // A cheat that had lost everything before has nothing more to lose.
        let ruined = report
            .transcoders
            .iter()
            .any(|t| t.address == proof.transcoder && t.stake_after.0 == U256::ZERO);
        if ruined && proof.burned.0 == U256::ZERO {
            continue;
        }
        must(
            proof.burned.0 > U256::ZERO,
            format!("nothing was burned for leaf {}", proof.leaf),
        );
    }
    for case in ledger.cases.values().filter(|c| c.burned > U256::ZERO) {
        let (paid, signed) = (case.paid.len(), case.bitmap.count_ones());
        must(
            paid == signed,
            format!(
                "{paid} of {signed} signers of leaf {} were paid",
                case.leaf.index
            ),
        );
    }
    for player in players.iter().filter(|p| p.part == Part::Verifier) {
        let reported = ledger
            .duties
            .keys()
            .any(|(who, _)| *who == player.address());
        must(reported, format!("{} has reported nothing", player.name));
    }
    let told = ledger
        .minted
        .values()
        .fold(U256::ZERO, |sum, amount| sum + *amount);
    must(
        report.minted_lpt.0 == told,
        format!(
            "{} LPT were minted, the nodes tell of {}",
            report.minted_lpt,
            Lpt(told)
        ),
    );
    // Where only cheats were at work nothing is owed.
    let honest = |t: &crate::report::Transcoder| t.segments > 0 && t.cheats_made == 0;
    let paid = report.transcoders.iter().any(|t| t.minted.0 > U256::ZERO);
    must(
        paid || !report.transcoders.iter().any(honest),
        "no round was certified and its work paid".into(),
    );
    failures
}

/// Whether what was paid, told and held is the same money.
pub(crate) fn fees(ledger: &Ledger, report: &Report, after: &Stakes) -> Vec<String> {
    let mut failures = Vec::new();
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            failures.push(otherwise);
        }
    };
    let told = ledger
        .payments
        .values()
        .fold(U256::ZERO, |sum, payment| sum + payment.paid);
    must(
        told == report.fees_paid_eth.0,
        format!(
            "transcoders were told of {} ETH in fees, the chain says {} ETH",
            Eth(told),
            report.fees_paid_eth
        ),
    );
    let kept = report.fees_paid_eth.0 - report.fees_burned_eth.0;
    must(
        after.held_fees.0 == kept,
        format!(
            "the fee ledger holds {} ETH, {} ETH were paid into it",
            after.held_fees,
            Eth(kept)
        ),
    );
    for transcoder in &report.transcoders {
        let (earned, held) = (transcoder.fees_eth, after.fees_in_pool(transcoder.address));
        // Dividing by shares rounds down, for each holder and each time that shares change.
        must(
            held.0 <= earned.0 && earned.0 - held.0 <= U256::from(DUST),
            format!(
                "the pool of {} has earned {earned} ETH, its holders can take out {held} ETH",
                transcoder.address
            ),
        );
    }
    let unpaid = ledger.unpaid_tickets();
    must(
        unpaid == 0,
        format!("{unpaid} winning tickets were not paid"),
    );
    failures
}

/// Whether the latest round's elections know what the slashes have taken.
pub(crate) fn elections(
    ledger: &Ledger,
    players: &[Player],
    before: &Stakes,
    after: &Stakes,
) -> Vec<String> {
    players
        .iter()
        .filter(|p| ledger.was_slashed(p.address()))
        .filter(|p| {
            let minted = ledger.minted_to(p.address(), false);
            after.weight(p.address()) >= before.weight(p.address()) + minted
        })
        .map(|p| format!("the elections do not see that {} was slashed", p.name))
        .collect()
}
