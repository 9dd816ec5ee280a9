//! What a command did, or would do, as people and programs read it.

use assay_chain::events::Log;
use assay_protocol::amount::Eth;
use assay_protocol::{Address, B256, U256};
use serde::Serialize;
use serde_json::Value;

use super::account::print_json;
use super::error::CommandError;
use super::say;

/// One transaction of a command.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Step {
    /// What it does.
    pub what: String,
    /// Gas used, or that would be.
    pub gas: Option<u64>,
    /// Wei that its gas has cost.
    #[serde(skip)]
    pub cost: U256,
    /// Its hash, once sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx: Option<B256>,
    /// Its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// Whether an earlier run of the command has sent it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub earlier: bool,
    /// What the contracts said, or would say.
    pub effects: Vec<Log>,
}

/// What a command did, or would do.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Whose command.
    pub account: Address,
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// What a person was told first; its fields stand beside the others.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub about: Option<Value>,
    /// Its transactions.
    pub steps: Vec<Step>,
    /// Of all steps.
    pub gas: u64,
    /// What they cost in ETH, without what they pay to others.
    pub cost_eth: Eth,
}

impl Outcome {
    /// Prints it, as one JSON object or in words.
    pub fn print(&self, json: bool) -> Result<(), CommandError> {
        if json {
            return print_json(self);
        }
        for step in &self.steps {
            say(step.sentence());
            for effect in &step.effects {
                say(format!("  {effect}"));
            }
        }
        let verb = match self.dry_run {
            true => "dry run, nothing was sent: it would cost about",
            false => "cost",
        };
        say(format!("{verb} {} ETH ({} gas)", self.cost_eth, self.gas));
        Ok(())
    }
}

impl Step {
    fn sentence(&self) -> String {
        let gas = self
            .gas
            .map_or("gas unknown".into(), |gas| format!("{gas} gas"));
        match (self.tx, self.block) {
            (Some(tx), Some(block)) => {
                format!("{}: {gas}, block {block}, transaction {tx}", self.what)
            }
            _ => format!("{}: {gas}", self.what),
        }
    }
}
