//! `assay broadcaster`: the deposit that pays for transcoding.

use std::process::ExitCode;

use assay_chain::broker::{Parting, SenderView};
use assay_chain::call::{BrokerCall, Call};
use assay_protocol::Address;
use assay_protocol::amount::Eth;
use serde::Serialize;

use super::account::{AccountOptions, ChainOptions, print_json};
use super::error::{CommandError, finish};
use super::{say, units};

/// Options of `assay broadcaster`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Add to a broadcaster's deposit, from which winning tickets are paid, and to its reserve.
    Deposit {
        /// With its unit, such as 0.5 ETH; pays any winner.
        #[arg(num_args = 1..=2, value_name = "AMOUNT", required_unless_present = "reserve")]
        deposit: Vec<String>,
        /// With its unit; pays what the deposit cannot, to each transcoder its part by stake. More gives those who are new no
        /// part: `part-anew` does.
        #[arg(long, num_args = 1..=2, value_name = "AMOUNT")]
        reserve: Vec<String>,
        /// Whose deposit. Default: that of the operator for which the key signs.
        #[arg(long = "for", value_name = "ADDRESS")]
        broadcaster: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Give those transcoders a part of the reserve who are new, in two steps: the first call announces parts by the present
    /// stakes, and one after all tickets of now are payable lets them hold. A node that publishes does both by itself.
    PartAnew {
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Take deposit and reserve out, in two steps: the first call asks for them, the one some rounds later gets them.
    Withdraw {
        /// Take the request back instead.
        #[arg(long)]
        cancel: bool,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Send what a broadcaster's payments burn to the zero address; anyone may.
    Burn {
        /// Whose. Default: that of the operator for which the key signs.
        #[arg(long = "for", value_name = "ADDRESS")]
        broadcaster: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Say what a broadcaster has put up.
    Status {
        /// The broadcaster's account.
        #[arg(value_name = "ADDRESS")]
        broadcaster: Address,
        #[command(flatten)]
        chain: ChainOptions,
    },
}

/// A deposit's state, as JSON.
#[derive(Serialize)]
struct State {
    broadcaster: Address,
    round: u64,
    #[serde(flatten)]
    sender: SenderView,
    /// Null where nobody has a part of the reserve.
    parting: Option<Parting>,
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(match arguments.action {
        Action::Deposit {
            deposit,
            reserve,
            broadcaster,
            account,
        } => fund(&deposit, &reserve, broadcaster, &account).await,
        Action::PartAnew { account } => part_anew(&account).await,
        Action::Withdraw { cancel, account } => withdraw(cancel, &account).await,
        Action::Burn {
            broadcaster,
            account,
        } => burn(broadcaster, &account).await,
        Action::Status { broadcaster, chain } => status(broadcaster, &chain).await,
    })
}

/// An amount that may be left out.
fn amount(words: &[String]) -> Result<Eth, CommandError> {
    match words {
        [] => Ok(Eth::default()),
        words => Ok(units::eth(words)?),
    }
}

async fn fund(
    deposit: &[String],
    reserve: &[String],
    broadcaster: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let (deposit, reserve) = (amount(deposit)?, amount(reserve)?);
    let session = account.open().await?;
    session
        .can_send(Eth(deposit.0.saturating_add(reserve.0)))
        .await?;
    let call = BrokerCall::Fund {
        broadcaster: session.operator(broadcaster).await?,
        deposit,
        reserve,
    };
    session.carry_out(None, vec![call.into()]).await
}

async fn part_anew(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let broadcaster = session.operator(None).await?;
    let call = BrokerCall::PartAnew { broadcaster };
    session.carry_out(None, vec![call.into()]).await
}

async fn withdraw(cancel: bool, account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let sender = session.client.sender(session.account()).await?;
    let round = session.client.round().await?.round;
    let unlock = session.deployment.params.unlock_rounds;
    let (call, question): (BrokerCall, _) = match (cancel, sender.withdraw_round) {
        (true, _) => (BrokerCall::CancelUnlock, None),
        (false, Some(from)) if round >= from => (BrokerCall::Withdraw, None),
        (false, Some(from)) => {
            return Err(CommandError::Argument(format!(
                "{} ETH can be withdrawn from round {from} on; it is round {round}",
                Eth(sender.deposit.0.saturating_add(sender.reserve.0))
            )));
        }
        (false, None) => (
            BrokerCall::Unlock,
            Some(format!(
                "transcoders decline your assignments from now on, and {unlock} rounds from now the same command gets \
                 {} ETH back; go on?",
                Eth(sender.deposit.0.saturating_add(sender.reserve.0))
            )),
        ),
    };
    let calls: Vec<Call> = vec![call.into()];
    session.carry_out(question.as_deref(), calls).await
}

async fn burn(broadcaster: Option<Address>, account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let broadcaster = session.operator(broadcaster).await?;
    let waiting = session.client.sender(broadcaster).await?.burned;
    if waiting.0.is_zero() {
        let text = format!("nothing of {broadcaster}'s payments waits to be burned");
        return Err(CommandError::Argument(text));
    }
    let call = BrokerCall::Burn { broadcaster };
    session.carry_out(None, vec![call.into()]).await
}

async fn status(broadcaster: Address, chain: &ChainOptions) -> Result<(), CommandError> {
    let (client, _) = chain.look().await?;
    let sender = client.sender(broadcaster).await?;
    let parting = client.parting(broadcaster).await?;
    let round = client.round().await?.round;
    if chain.json {
        return print_json(&State {
            broadcaster,
            round,
            sender,
            parting,
        });
    }
    say(format!(
        "{broadcaster}: deposit {} ETH, reserve {} ETH",
        sender.deposit, sender.reserve
    ));
    match sender.withdraw_round {
        Some(from) if round >= from => say("both can be withdrawn: assay broadcaster withdraw"),
        Some(from) => say(format!(
            "both can be withdrawn from round {from} on; it is round {round}"
        )),
        None => {}
    }
    match parting {
        Some(Parting {
            round,
            announced: Some(announced),
            ..
        }) => say(format!(
            "its reserve is parted by the stakes of round {round}, and by those of round {} from block {} on, once nothing of it \
             is missing: assay broadcaster part-anew",
            announced.round, announced.from
        )),
        Some(parting) => say(format!(
            "its reserve is parted by the stakes of round {}",
            parting.round
        )),
        None if !sender.reserve.0.is_zero() => say(
            "nobody has a part of its reserve before it adds to it itself, or: assay broadcaster part-anew",
        ),
        None => {}
    }
    if !sender.burned.0.is_zero() {
        say(format!("{} ETH of its payments burn", sender.burned));
    }
    Ok(())
}
