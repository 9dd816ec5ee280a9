//! An account at work on one deployment: calls are tried, asked about, sent once, and told.
//!
//! Every call is in a journal before it is signed, under a key that follows from what it says. A command that was
//! interrupted has told nobody what became of it, and what a reorganisation took away is not as it was told: the next one of
//! the same account waits for it and tells, and the same command, typed again, sends nothing again (`earlier`).

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::call::{Call, TokenCall};
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::queue::budget::Held;
use assay_chain::queue::{Journal, Mined, QueueConfig, StoreError, TxError, TxQueue};
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::{Address, U256};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::account::AccountOptions;
use super::earlier::Earlier;
use super::error::CommandError;
use super::outcome::{Outcome, Step};
use super::{note, say};

/// A command ends when nothing has gone on for so long, because no Ethereum node answers or gas is dearer than what is
/// offered; what it has begun goes on when it is typed again.
const NODE_LIMIT: Duration = Duration::from_secs(120);
/// Calls that are tried together. All of them must fit the gas of a block, and as many batches of winning tickets do; only
/// such calls, none of which needs another one, are more.
const TOGETHER: usize = 12;
/// Another command of the same account, which has its journal open, is waited for so long.
const JOURNAL_LIMIT: Duration = Duration::from_secs(10);

/// An account at work on one deployment.
pub struct Session {
    /// Its connection.
    pub client: Client,
    /// The deployment.
    pub deployment: Deployment,
    options: AccountOptions,
    /// None in a dry run.
    queue: Option<TxQueue>,
    config: QueueConfig,
    journal: PathBuf,
    /// What earlier commands had left.
    pub(super) earlier: Vec<Earlier>,
}

impl Session {
    /// Opens the account's journal, unless nothing will be sent, and waits for what an earlier command has left in it.
    pub async fn begin(
        client: Client,
        deployment: Deployment,
        options: AccountOptions,
    ) -> Result<Self, CommandError> {
        let mut session = Self {
            client,
            deployment,
            queue: None,
            config: QueueConfig::default(),
            journal: PathBuf::new(),
            earlier: Vec::new(),
            options,
        };
        let purse = session.options.purse(&session.client).await?;
        session.config = QueueConfig {
            poll: Duration::from_millis(100),
            daily_gas: purse.limit,
            ..QueueConfig::default()
        };
        if session.options.dry_run {
            return Ok(session);
        }
        session.journal = purse.journal;
        let queue = session.open_journal().await?;
        session.queue = Some(queue.clone());
        session.hear_of_earlier(&queue).await?;
        Ok(session)
    }

    async fn open_journal(&self) -> Result<TxQueue, CommandError> {
        let begun = Instant::now();
        loop {
            let journal = Journal::File(self.journal.clone());
            match TxQueue::open(&self.client, journal, self.config.clone()).await {
                Err(ChainError::Journal(StoreError::InUse { .. }))
                    if begun.elapsed() < JOURNAL_LIMIT =>
                {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(ChainError::Journal(error)) => {
                    let path = self.journal.clone();
                    return Err(CommandError::Journal { path, error });
                }
                other => return Ok(other?),
            }
        }
    }

    /// The account that acts.
    pub fn account(&self) -> Address {
        self.client.account()
    }

    /// Prints to a person; JSON has no words beside it.
    pub fn tell(&self, text: impl std::fmt::Display) {
        if !self.options.chain.json {
            say(text);
        }
    }

    /// Tells a person what must be read before the question, where JSON goes to standard output as well.
    pub fn warn(&self, text: impl std::fmt::Display) {
        match self.options.chain.json {
            true => note(format_args!("{text}")),
            false => say(text),
        }
    }

    /// The call that lets a contract take LPT, where its allowance is not enough.
    pub async fn allow(&self, spender: Address, amount: Lpt) -> Result<Vec<Call>, CommandError> {
        let allowed = self.client.lpt_allowance(self.account(), spender).await?;
        let missing = (allowed < amount).then(|| TokenCall::Approve { spender, amount }.into());
        Ok(missing.into_iter().collect())
    }

    /// Says in time, and in words, that there is not enough LPT. After an interrupted command it may be this very
    /// command that has spent it.
    pub async fn can_pay(&self, amount: Lpt) -> Result<(), CommandError> {
        let liquid = self.client.lpt_balance(self.account()).await?;
        if liquid < amount && self.earlier.is_empty() {
            return Err(CommandError::Argument(format!(
                "{} has {liquid} LPT at hand, {amount} LPT are needed",
                self.account()
            )));
        }
        Ok(())
    }

    /// The same of ETH, without what gas costs besides.
    pub async fn can_send(&self, amount: Eth) -> Result<(), CommandError> {
        let has = Eth(self.client.eth_balance(self.account()).await?);
        if has.0 < amount.0 && self.earlier.is_empty() {
            return Err(CommandError::Argument(format!(
                "{} has {has} ETH at hand, {amount} ETH are needed, and some for gas",
                self.account()
            )));
        }
        Ok(())
    }

    /// The operator that is meant: the named one, or the one for which the account signs.
    pub async fn operator(&self, named: Option<Address>) -> Result<Address, CommandError> {
        match named {
            Some(operator) => Ok(operator),
            None => Ok(self.client.operator_of(self.account()).await?),
        }
    }

    /// Asks a person who has read what was told, unless told not to. A dry run has nothing to ask.
    fn confirm(&self, question: &str) -> Result<(), CommandError> {
        if self.options.yes {
            return Ok(());
        }
        let (mut out, stdin) = (std::io::stderr(), std::io::stdin());
        if !stdin.is_terminal() {
            return Err(CommandError::NobodyAnswers);
        }
        let _ = write!(out, "{question} [y/N] ");
        let _ = out.flush();
        let mut answer = String::new();
        let _ = stdin.lock().read_line(&mut answer);
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(CommandError::Declined),
        }
    }

    /// Tries the calls in order; sends them, unless this is a dry run, once all of them would succeed and the question,
    /// if there is one, was answered with yes. Then says what they did.
    ///
    /// # Errors
    /// [`CommandError::WouldRevert`] with the first refusal, before anything is sent.
    pub async fn carry_out(
        &self,
        question: Option<&str>,
        calls: Vec<Call>,
    ) -> Result<(), CommandError> {
        self.carry_out_about(None, question, calls).await
    }

    /// The same; JSON has `about` with it, which a person has been told.
    pub async fn carry_out_about(
        &self,
        about: Option<Value>,
        question: Option<&str>,
        calls: Vec<Call>,
    ) -> Result<(), CommandError> {
        let outcome = |steps, gas, cost| Outcome {
            account: self.account(),
            dry_run: self.options.dry_run,
            about,
            steps,
            gas,
            cost_eth: Eth(cost),
        };
        let json = self.options.chain.json;
        let Some(queue) = &self.queue else {
            let (steps, gas, cost) = self.try_out(&calls).await?;
            return outcome(steps, gas, cost).print(json);
        };
        let keys = self.keys(&calls)?;
        let done = self.typed_before(&keys, &calls);
        if let Some(before) = &done
            && before.missing.is_empty()
        {
            note(format_args!("{}", before.words()));
            let (gas, cost) = sums(&before.steps);
            outcome(before.steps.clone(), gas, cost).print(json)?;
            return self.end(queue).await;
        }
        let (mut steps, missing) = match done {
            Some(before) => {
                note(format_args!("{}", before.words()));
                (before.steps, before.missing)
            }
            None => {
                // Told already; the same calls in another command are others.
                queue.forget().await?;
                (Vec::new(), keys.into_iter().zip(calls).collect())
            }
        };
        let calls: Vec<Call> = missing.iter().map(|(_, call)| call.clone()).collect();
        self.try_out(&calls).await?;
        if let Some(question) = question {
            self.confirm(question)?;
        }
        for (key, call) in missing {
            let what = call.label();
            // Listened for before there is anything to be heard, and told only once.
            let held = queue.held();
            let ticket = queue.submit(key.as_str(), call).await?;
            let mined = self.wait(queue, &key, held, ticket.outcome()).await?;
            steps.push(self.step(what, mined, false).await?);
        }
        let (gas, cost) = sums(&steps);
        outcome(steps, gas, cost).print(json)?;
        self.end(queue).await
    }

    /// What has been shown is done, and may be typed again; the queue goes on holding it against the chain.
    async fn end(&self, queue: &TxQueue) -> Result<(), CommandError> {
        queue.forget().await?;
        queue.clone().shutdown().await;
        Ok(())
    }

    /// Tries calls without sending them: what they would do, their gas, and what it would cost.
    async fn try_out(&self, calls: &[Call]) -> Result<(Vec<Step>, u64, U256), CommandError> {
        let mut trials = Vec::with_capacity(calls.len());
        for calls in calls.chunks(TOGETHER) {
            trials.extend(self.client.simulate(calls).await?);
        }
        for trial in &trials {
            if let Some(revert) = &trial.revert {
                return Err(CommandError::WouldRevert {
                    label: trial.label.clone(),
                    revert: revert.clone(),
                });
            }
        }
        let gas: u64 = trials.iter().filter_map(|trial| trial.gas).sum();
        self.fits_the_day(calls, gas).await?;
        let price = self.client.gas_price().await?;
        let steps = trials.into_iter().map(|trial| Step {
            what: trial.label,
            gas: trial.gas,
            effects: trial.effects,
            ..Step::default()
        });
        let cost = U256::from(gas).saturating_mul(price.0);
        Ok((steps.collect(), gas, cost))
    }

    /// Says before anything is sent that the day's gas does not last for all of it. What is spent of it is in the journal,
    /// which a dry run does not open.
    async fn fits_the_day(&self, calls: &[Call], gas: u64) -> Result<(), CommandError> {
        let least_urgent = calls.iter().map(Call::purpose).max().unwrap_or_default();
        let Some(limit) = self.config.daily_gas.map(|limit| limit.share(least_urgent)) else {
            return Ok(());
        };
        let spent = match &self.queue {
            Some(queue) => queue.gas_today().await?.spent,
            None => U256::ZERO,
        };
        let asked = self.client.promised_for(gas, &self.config).await?.0;
        match spent.saturating_add(asked) <= limit {
            true => Ok(()),
            false => Err(CommandError::DayTooShort {
                asked: Eth(asked),
                spent: Eth(spent),
                limit: Eth(limit),
            }),
        }
    }

    pub(super) async fn step(
        &self,
        what: String,
        mined: Mined,
        earlier: bool,
    ) -> Result<Step, CommandError> {
        let events = self.client.events_of(mined.tx).await?;
        Ok(Step {
            what,
            gas: Some(mined.gas_used),
            cost: U256::from(mined.gas_used).saturating_mul(mined.gas_price),
            tx: Some(mined.tx),
            block: Some(mined.block),
            earlier,
            effects: events.into_iter().map(|entry| entry.what).collect(),
        })
    }

    /// Waits for what the queue is to bring about a call, and says why where it does not come.
    pub(super) async fn wait<T>(
        &self,
        queue: &TxQueue,
        key: &str,
        mut held: broadcast::Receiver<Held>,
        coming: impl Future<Output = Result<T, TxError>>,
    ) -> Result<T, CommandError> {
        let mut trouble = queue.trouble();
        let mut away: Option<(Instant, String)> = None;
        let mut coming = std::pin::pin!(coming);
        loop {
            let limit = away.as_ref().map(|(since, _)| *since + NODE_LIMIT);
            let given_up = async move {
                match limit {
                    Some(limit) => tokio::time::sleep_until(limit).await,
                    None => std::future::pending().await,
                }
            };
            let why = tokio::select! {
                come = &mut coming => return Ok(come?),
                Ok(notice) = held.recv() => match notice.key == key {
                    true => return Err(CommandError::Held(Box::new(notice))),
                    // Another may go out before it; or one may be stuck before it, for which no more may be offered.
                    false => Some(notice.to_string()),
                },
                Ok(()) = trouble.changed() => {
                    trouble.borrow_and_update().clone()
                }
                () = given_up => {
                    let path = self.journal.clone();
                    let why = away.map(|(_, why)| why).unwrap_or_default();
                    return Err(CommandError::Away { why, limit: NODE_LIMIT, path });
                }
            };
            if let Some(why) = &why {
                note(format_args!("waiting: {why}"));
            }
            let since = away.map_or_else(Instant::now, |(since, _)| since);
            away = why.map(|why| (since, why));
        }
    }
}

fn sums(steps: &[Step]) -> (u64, U256) {
    let gas: u64 = steps.iter().filter_map(|step| step.gas).sum();
    let cost = steps.iter().map(|step| step.cost);
    (
        gas,
        cost.fold(U256::ZERO, |sum, wei| sum.saturating_add(wei)),
    )
}
