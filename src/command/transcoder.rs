//! `assay transcoder`: on which terms an operator works.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assay_chain::call::{BrokerCall, OperatorCall};
use assay_chain::views::Role;
use assay_node::winners::{BATCH, Refused, Tried, Winners, try_each};
use assay_protocol::Address;
use assay_protocol::payment::Winner;
use serde_json::json;

use super::account::{AccountOptions, RoleName};
use super::error::{CommandError, finish};
use super::session::Session;
use super::units;

/// Options of `assay transcoder`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Set the price of an output pixel from the next round on; by the owner or its signer.
    SetPrice {
        /// With its unit: 80 wei, or 0.00000008 gwei.
        #[arg(required = true, num_args = 1..=2, value_name = "PRICE")]
        price: Vec<String>,
        /// The owner's account. Default: the one for which the key signs.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Set what the operator keeps of rewards, and shares of fees, from the next round on; by the owner alone.
    SetCuts {
        /// Part of rewards that the operator keeps before sharing the rest, such as 10%.
        #[arg(long, value_name = "PERCENT", value_parser = units::percent)]
        reward_cut: u16,
        /// Part of fees that all stake shares, such as 50%.
        #[arg(long, value_name = "PERCENT", value_parser = units::percent)]
        fee_share: u16,
        /// Of which pool.
        #[arg(long, default_value = "transcoder")]
        role: RoleName,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Redeem the winning tickets that a node keeps, where the node does not do it any more; the pay is the operator's.
    /// Anyone may, but only the operator or its node takes a part of what cannot be paid in full. What the chain refuses, such
    /// as a ticket that is too old, is told and left out. The node must not run.
    Redeem {
        /// The node's folder.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        #[command(flatten)]
        account: AccountOptions,
    },
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(match arguments.action {
        Action::SetPrice {
            price,
            operator,
            account,
        } => set_price(&price, operator, &account).await,
        Action::SetCuts {
            reward_cut,
            fee_share,
            role,
            account,
        } => set_cuts(role, reward_cut, fee_share, &account).await,
        Action::Redeem { data, account } => redeem(&data, &account).await,
    })
}

/// Says of an account without a bond that what is set counts once it has one.
async fn warn_without_bond(
    session: &Session,
    role: Role,
    operator: Address,
) -> Result<(), CommandError> {
    let own = session.client.pool(role, operator).await?.own;
    if own.0.is_zero() {
        session.warn(format!(
            "{operator} has no bond as {role}: this counts once it has"
        ));
    }
    Ok(())
}

async fn set_price(
    price: &[String],
    operator: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let price_per_pixel = units::price(price)?;
    let session = account.open().await?;
    let operator = session.operator(operator).await?;
    warn_without_bond(&session, Role::Transcoder, operator).await?;
    let call = OperatorCall::SetPrice {
        operator,
        price_per_pixel,
    };
    session.carry_out(None, vec![call.into()]).await
}

async fn redeem(data: &Path, account: &AccountOptions) -> Result<(), CommandError> {
    let file = data.join("winners.redb");
    if !file.is_file() {
        let text = format!("{} is not there: no node has won tickets", file.display());
        return Err(CommandError::Argument(text));
    }
    let session = account.open().await?;
    let params = &session.deployment.params;
    let winners = Winners::open(&file, session.deployment.domain())
        .map_err(|e| CommandError::Argument(e.to_string()))?;
    let kept = winners.all().count();
    let head = session.client.head().await?.number;
    let ripe = |winner: &&Winner| {
        let deadline = winner.assignment.deadlineBlock;
        deadline.saturating_add(params.evidence_blocks) < head
    };
    let mut due = Vec::new();
    for winner in winners.all().filter(ripe) {
        let ticket = session.deployment.domain().digest(&winner.ticket.ticket);
        if !session.client.is_redeemed(ticket).await? {
            due.push(winner.clone());
        }
    }
    if due.is_empty() {
        return Err(CommandError::Argument(format!(
            "none of {kept} winning tickets can be redeemed now: they are paid already, or evidence about their work \
             is still taken"
        )));
    }
    let Tried { good, refused } =
        try_each(&session.client, &session.deployment.domain(), due).await?;
    for Refused { ticket, revert } in &refused {
        session.warn(format!("ticket {ticket} is left out: {revert}"));
    }
    if good.is_empty() {
        return Err(CommandError::Argument(format!(
            "each of {} winning tickets that are due is refused, for the reasons above",
            refused.len()
        )));
    }
    let good: Vec<Winner> = good.into_iter().map(|(_, winner)| winner).collect();
    let batches = good.chunks(BATCH).map(<[Winner]>::to_vec);
    let calls = batches.map(|batch| BrokerCall::RedeemBatch(batch).into());
    let left_out = |Refused { ticket, revert }: &Refused| json!({ "ticket": ticket, "why": revert.to_string() });
    let left_out: Vec<_> = refused.iter().map(left_out).collect();
    let about = (!left_out.is_empty()).then(|| json!({ "left_out": left_out }));
    session.carry_out_about(about, None, calls.collect()).await
}

async fn set_cuts(
    role: RoleName,
    reward_cut_bps: u16,
    fee_share_bps: u16,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let session = account.open().await?;
    let (me, serves) = (session.account(), session.operator(None).await?);
    if serves != me {
        return Err(CommandError::Argument(format!(
            "{me} signs for {serves}, whose cuts only its own key sets: this would set those of {me}, which has no stake"
        )));
    }
    warn_without_bond(&session, role.into(), me).await?;
    let call = OperatorCall::SetCuts {
        role: role.into(),
        reward_cut_bps,
        fee_share_bps,
    };
    session.carry_out(None, vec![call.into()]).await
}
