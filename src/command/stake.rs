//! `assay stake`: bonding, delegating, moving and taking out.

use std::process::ExitCode;

use assay_chain::call::{Call, FeeCall, StakeCall};
use assay_chain::positions::Holdings;
use assay_chain::views::{LockView, Role};
use assay_protocol::amount::Lpt;
use assay_protocol::{Address, U256};

use super::account::{AccountOptions, ChainOptions, RoleName};
use super::error::{CommandError, finish};
use super::session::Session;
use super::{entry, offer, stake_status, units};

/// Options of `assay stake`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// An amount of LPT with its unit, in one word or two.
#[derive(clap::Args)]
struct Amount {
    /// With its unit, such as 12.5 LPT.
    #[arg(required = true, num_args = 1..=2, value_name = "AMOUNT")]
    amount: Vec<String>,
}

impl Amount {
    fn lpt(&self) -> Result<Lpt, CommandError> {
        Ok(units::lpt(&self.amount)?)
    }
}

#[derive(clap::Subcommand)]
enum Action {
    /// Add to the account's own bond as an operator. It can be slashed, and needs rounds to come back.
    Bond {
        #[command(flatten)]
        amount: Amount,
        /// As what.
        #[arg(long)]
        role: RoleName,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Delegate to an operator, after a look at its terms and at what can be lost with it.
    Delegate {
        #[command(flatten)]
        amount: Amount,
        /// The operator's account.
        #[arg(long, value_name = "ADDRESS")]
        to: Address,
        /// To which of its pools.
        #[arg(long, default_value = "transcoder")]
        role: RoleName,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Begin to move stake from one pool to another of the same role; it arrives rounds later by `assay stake claim`.
    Move {
        #[command(flatten)]
        amount: Amount,
        /// The operator that it leaves.
        #[arg(long, value_name = "ADDRESS")]
        from: Address,
        /// The operator that it goes to.
        #[arg(long, value_name = "ADDRESS")]
        to: Address,
        /// In which role.
        #[arg(long, default_value = "transcoder")]
        role: RoleName,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Begin to take stake out of a pool. It can be slashed until it is withdrawn.
    Unbond {
        #[command(flatten)]
        amount: Amount,
        /// The operator whose pool it leaves. Default: the account's own.
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Address>,
        /// In which role.
        #[arg(long)]
        role: RoleName,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Put what is on its way out back into its pool.
    Rebond {
        /// Number of the lock, as `assay stake status` shows it.
        lock: U256,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Take out what is ripe: the named locks, or all that are ripe.
    Withdraw {
        /// Numbers of locks, as `assay stake status` shows them.
        locks: Vec<U256>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Take the fees out of every pool, and let moved stake arrive.
    Claim {
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Bring an operator back into the active set, where it lost its place and there is one again; anyone may.
    Enlist {
        /// In which role.
        #[arg(long)]
        role: RoleName,
        /// The operator. Default: the one for which the account signs.
        #[arg(long, value_name = "ADDRESS")]
        operator: Option<Address>,
        #[command(flatten)]
        account: AccountOptions,
    },
    /// Say what an account has at stake, what comes to it, and when locks ripen.
    Status {
        /// The account.
        #[arg(value_name = "ADDRESS")]
        holder: Address,
        #[command(flatten)]
        chain: ChainOptions,
    },
}

/// Carries it out.
pub async fn run(arguments: Arguments) -> ExitCode {
    finish(match arguments.action {
        Action::Bond {
            amount,
            role,
            account,
        } => bond(amount, role.into(), &account).await,
        Action::Delegate {
            amount,
            to,
            role,
            account,
        } => delegate(amount, role.into(), to, &account).await,
        Action::Move {
            amount,
            from,
            to,
            role,
            account,
        } => {
            let role = role.into();
            let call = |amount| StakeCall::Move {
                role,
                from,
                to,
                amount,
            };
            begin(amount.lpt().map(call), &account).await
        }
        Action::Unbond {
            amount,
            from,
            role,
            account,
        } => unbond(amount, role.into(), from, &account).await,
        Action::Rebond { lock, account } => begin(Ok(StakeCall::Rebond { lock }), &account).await,
        Action::Withdraw { locks, account } => withdraw(locks, &account).await,
        Action::Claim { account } => claim(&account).await,
        Action::Enlist {
            role,
            operator,
            account,
        } => enlist(role.into(), operator, &account).await,
        Action::Status { holder, chain } => stake_status::show(holder, &chain).await,
    })
}

/// A single call that needs no look at anything else.
async fn begin(
    call: Result<StakeCall, CommandError>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let call = call?;
    let session = account.open().await?;
    let calls = entry::with_entries(&session, vec![call.into()]).await?;
    session.carry_out(None, calls).await
}

/// The calls of a deposit: an allowance first, where there is not enough, and last the entry into the active set, where the
/// operator is outside.
async fn deposit(
    session: &Session,
    amount: Lpt,
    call: StakeCall,
) -> Result<Vec<Call>, CommandError> {
    let spender = session.client.contracts().bonding_manager;
    let mut calls = session.allow(spender, amount).await?;
    calls.push(call.into());
    entry::with_entries(session, calls).await
}

async fn bond(amount: Amount, role: Role, account: &AccountOptions) -> Result<(), CommandError> {
    let amount = amount.lpt()?;
    let session = account.open().await?;
    session.can_pay(amount).await?;
    let calls = deposit(&session, amount, StakeCall::Bond { role, amount }).await?;
    session.carry_out(None, calls).await
}

async fn delegate(
    amount: Amount,
    role: Role,
    operator: Address,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let amount = amount.lpt()?;
    let session = account.open().await?;
    session.can_pay(amount).await?;
    let offer = offer::read(&session.client, &session.deployment.params, role, operator).await?;
    session.warn(offer.sentences(amount));
    let call = StakeCall::Delegate {
        role,
        operator,
        amount,
    };
    let calls = deposit(&session, amount, call).await?;
    let question = format!("delegate {amount} LPT to {operator}?");
    let facts = offer.facts(amount);
    session
        .carry_out_about(Some(facts), Some(&question), calls)
        .await
}

async fn unbond(
    amount: Amount,
    role: Role,
    from: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let amount = amount.lpt()?;
    let session = account.open().await?;
    let call = StakeCall::Unbond {
        role,
        operator: from.unwrap_or(session.account()),
        amount,
    };
    session.carry_out(None, vec![call.into()]).await
}

async fn enlist(
    role: Role,
    operator: Option<Address>,
    account: &AccountOptions,
) -> Result<(), CommandError> {
    let session = account.open().await?;
    let operator = session.operator(operator).await?;
    let (client, params) = (&session.client, &session.deployment.params);
    let places = role.places(params);
    if !client.could_enter(role, operator, places).await? {
        let standing = client.standing(role, operator).await?;
        let why = match (standing.active, standing.jailed) {
            (true, _) => "it is among them already".into(),
            (_, true) => "it is kept out until it returns: assay operator release".into(),
            _ => format!(
                "its own bond is below {} LPT, or it is not larger than the smallest of {places}",
                params.min_own_bond
            ),
        };
        return Err(CommandError::Argument(format!(
            "{operator} cannot enter the active {role}s: {why}"
        )));
    }
    let call = StakeCall::Enlist { role, operator };
    session.carry_out(None, vec![call.into()]).await
}

async fn withdraw(locks: Vec<U256>, account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let locks = match locks.is_empty() {
        false => locks,
        true => {
            let holdings = session.client.holdings(session.account()).await?;
            let ripe = ripe(&session, &holdings, |lock| lock.destination.is_none());
            if ripe.is_empty() {
                return Err(CommandError::Argument(nothing_ripe(&holdings)));
            }
            ripe
        }
    };
    let calls = locks
        .into_iter()
        .map(|lock| StakeCall::Withdraw { lock }.into());
    session.carry_out(None, calls.collect()).await
}

/// Those of some locks that are ripe; tells of those that a case keeps.
fn ripe(session: &Session, holdings: &Holdings, which: impl Fn(&LockView) -> bool) -> Vec<U256> {
    let locks = holdings.locks.iter().filter(|open| which(&open.lock));
    for open in locks.clone().filter(|open| open.is_kept()) {
        session.warn(format!(
            "left out: lock {} {}",
            open.id,
            stake_status::waits(open)
        ));
    }
    locks.filter(|open| open.ripe).map(|open| open.id).collect()
}

fn nothing_ripe(holdings: &Holdings) -> String {
    let mut leaving = holdings.locks.iter();
    match leaving.find(|open| open.lock.destination.is_none()) {
        None => "nothing is on its way out; assay stake unbond begins it".into(),
        Some(open) => format!(
            "nothing is ripe yet: lock {} {}",
            open.id,
            stake_status::waits(open)
        ),
    }
}

async fn claim(account: &AccountOptions) -> Result<(), CommandError> {
    let session = account.open().await?;
    let me = session.account();
    let holdings = session.client.holdings(me).await?;
    let with_fees = holdings.positions.iter().filter(|p| !p.fees.0.is_zero());
    let fees = with_fees.map(|position| {
        Call::from(FeeCall::Withdraw {
            operator: position.operator,
            to: me,
        })
    });
    let arriving = ripe(&session, &holdings, |lock| lock.destination.is_some());
    let arriving = arriving
        .into_iter()
        .map(|lock| StakeCall::Arrive { lock }.into());
    let calls = what_passes(&session, fees.chain(arriving).collect()).await?;
    if calls.is_empty() {
        return Err(CommandError::Argument(
            "there is nothing to claim now: no fees, and nothing that arrives; rewards come into the stake by themselves"
                .into(),
        ));
    }
    let calls = entry::with_entries(&session, calls).await?;
    session.carry_out(None, calls).await
}

/// Leaves out what the chain would refuse, and says why: parts of a claim have nothing to do with each other.
async fn what_passes(session: &Session, calls: Vec<Call>) -> Result<Vec<Call>, CommandError> {
    let mut passes = Vec::with_capacity(calls.len());
    for call in calls {
        let Some(revert) = session.client.refusal(&call).await? else {
            passes.push(call);
            continue;
        };
        let instead = match call {
            Call::Stake(StakeCall::Arrive { lock }) => {
                format!("; assay stake withdraw {lock} takes it out instead")
            }
            _ => String::new(),
        };
        session.warn(format!("left out: {}: {revert}{instead}", call.label()));
    }
    Ok(passes)
}
