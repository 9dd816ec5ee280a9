//! An account at work on one deployment: calls are tried, asked about, sent once, and told.
//!
//! Every call is in a journal before it is signed, under a key that follows from what it says. A command that was
//! interrupted has told nobody what became of it: the next one of the same account waits for it and tells, and the same
//! command, typed again, sends nothing again.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::call::{Call, TokenCall};
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::queue::budget::Held;
use assay_chain::queue::{Journal, Mined, QueueConfig, StoreError, TYPED, Ticket, TxQueue};
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::{Address, U256};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::account::AccountOptions;
use super::error::CommandError;
use super::outcome::{Outcome, Step};
use super::say;

/// A command ends when nothing has gone on for so long, because no Ethereum node answers or gas is dearer than what is
/// offered; what it has begun goes on when it is typed again.
const NODE_LIMIT: Duration = Duration::from_secs(120);
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
    journal: PathBuf,
    /// What earlier commands had left, by key.
    earlier: Vec<(String, Step)>,
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
            journal: PathBuf::new(),
            earlier: Vec::new(),
            options,
        };
        if session.options.dry_run {
            return Ok(session);
        }
        let purse = session.options.purse(&session.client).await?;
        let config = QueueConfig {
            poll: Duration::from_millis(100),
            daily_gas: purse.limit,
            ..QueueConfig::default()
        };
        session.journal = purse.journal;
        let queue = session.open_journal(config).await?;
        session.queue = Some(queue.clone());
        session.hear_of_earlier(&queue).await?;
        Ok(session)
    }

    async fn open_journal(&self, config: QueueConfig) -> Result<TxQueue, CommandError> {
        let begun = Instant::now();
        loop {
            let journal = Journal::File(self.journal.clone());
            match TxQueue::open(&self.client, journal, config.clone()).await {
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

    /// Tells what became of the calls of a command that could not tell it itself.
    async fn hear_of_earlier(&mut self, queue: &TxQueue) -> Result<(), CommandError> {
        for left in queue.left().await? {
            eprintln!("an earlier command has left this: {}", left.label);
            match self.outcome(queue, left.ticket, queue.held()).await {
                Ok(mined) => {
                    eprintln!("  it is in block {}, transaction {}", mined.block, mined.tx);
                    let step = self.step(left.label, mined, true).await?;
                    self.earlier.push((left.key, step));
                }
                Err(CommandError::Tx(error)) => eprintln!("  it failed: {error}"),
                Err(other) => return Err(other),
            }
        }
        Ok(())
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
            true => eprintln!("{text}"),
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
        if let Some(Before { steps, missing }) = &done
            && missing.is_empty()
        {
            eprintln!(
                "this command was typed before, and ended before it could say what became of it. Nothing was sent again; \
                 to do the same once more, type it once more."
            );
            let (gas, cost) = sums(steps);
            outcome(steps.clone(), gas, cost).print(json)?;
            return self.end(queue).await;
        }
        let (mut steps, missing) = match done {
            Some(before) => {
                eprintln!(
                    "a part of this command was done by an earlier one, which ended before it could say so. Only the rest is \
                     sent."
                );
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
            let ticket = queue.submit(key, call).await?;
            let mined = self.outcome(queue, ticket, held).await?;
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

    /// One key for each call: what it says, and the how manieth of its kind it is in this command.
    fn keys(&self, calls: &[Call]) -> Result<Vec<String>, CommandError> {
        let mut keys = Vec::with_capacity(calls.len());
        for call in calls {
            let print = call.fingerprint(self.client.contracts());
            let print = print.map_err(|e| CommandError::Argument(e.to_string()))?;
            let same = format!("{TYPED}{print} ");
            let before = keys.iter().filter(|key: &&String| key.starts_with(&same));
            let number = before.count();
            keys.push(format!("{same}{number}"));
        }
        Ok(keys)
    }

    /// What of this command an earlier one has done, where that came to its last call. An allowance that is missing was
    /// there when its call was made.
    fn typed_before(&self, keys: &[String], calls: &[Call]) -> Option<Before> {
        let done = |key: &String| self.earlier.iter().find(|(known, _)| known == key);
        done(keys.last()?)?;
        let steps = keys.iter().filter_map(done);
        let prepares = |call: &Call| matches!(call, Call::Token(TokenCall::Approve { .. }));
        let missing = keys.iter().zip(calls);
        let missing = missing.filter(|(key, call)| done(key).is_none() && !prepares(call));
        Some(Before {
            steps: steps.map(|(_, step)| step.clone()).collect(),
            missing: missing
                .map(|(key, call)| (key.clone(), call.clone()))
                .collect(),
        })
    }

    /// Tries calls without sending them: what they would do, their gas, and what it would cost.
    async fn try_out(&self, calls: &[Call]) -> Result<(Vec<Step>, u64, U256), CommandError> {
        let trials = self.client.simulate(calls).await?;
        for trial in &trials {
            if let Some(revert) = &trial.revert {
                return Err(CommandError::WouldRevert {
                    label: trial.label.clone(),
                    revert: revert.clone(),
                });
            }
        }
        let gas: u64 = trials.iter().filter_map(|trial| trial.gas).sum();
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

    async fn step(&self, what: String, mined: Mined, earlier: bool) -> Result<Step, CommandError> {
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

    /// Waits for an outcome, and says why where it does not come.
    async fn outcome(
        &self,
        queue: &TxQueue,
        ticket: Ticket,
        mut held: broadcast::Receiver<Held>,
    ) -> Result<Mined, CommandError> {
        let mut trouble = queue.trouble();
        let mut away: Option<Instant> = None;
        let mut outcome = std::pin::pin!(ticket.outcome());
        loop {
            let limit = away.map(|since| since + NODE_LIMIT);
            let given_up = async move {
                match limit {
                    Some(limit) => tokio::time::sleep_until(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                outcome = &mut outcome => return Ok(outcome?),
                Ok(notice) = held.recv() => return Err(CommandError::Held(Box::new(notice))),
                Ok(()) = trouble.changed() => {
                    match trouble.borrow_and_update().as_deref() {
                        Some(why) => {
                            eprintln!("waiting: {why}");
                            away.get_or_insert_with(Instant::now);
                        }
                        None => away = None,
                    }
                }
                () = given_up => {
                    let (path, why) = (self.journal.clone(), trouble.borrow().clone());
                    let why = why.unwrap_or_default();
                    return Err(CommandError::Away { why, limit: NODE_LIMIT, path });
                }
            }
        }
    }
}

/// A command that was typed before, in whole or in part.
struct Before {
    steps: Vec<Step>,
    /// What is still to be done, with its keys.
    missing: Vec<(String, Call)>,
}

fn sums(steps: &[Step]) -> (u64, U256) {
    let gas: u64 = steps.iter().filter_map(|step| step.gas).sum();
    let cost = steps.iter().map(|step| step.cost);
    (
        gas,
        cost.fold(U256::ZERO, |sum, wei| sum.saturating_add(wei)),
    )
}
