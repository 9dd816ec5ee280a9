//! What calls would do and cost, without sending them.

use alloy_primitives::{Bytes, U256};
use assay_protocol::amount::Eth;
use ethers::core::types as eth;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Encoded};
use crate::client::Client;
use crate::error::ChainError;
use crate::events::Log;
use crate::queue::{FeeCaps, QueueConfig, fees::Fees};
use crate::revert::Revert;
use crate::rpc::{CallRequest, RpcError};

/// JSON-RPC's code for a method that the node does not have.
const NO_SUCH_METHOD: i64 = -32_601;

/// A call that was tried on the latest state, after those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// What the call does.
    pub label: String,
    /// Gas of the whole transaction; `None` where only its predecessors' effects would let it succeed, and the node
    /// cannot try several in a row.
    pub gas: Option<u64>,
    /// What it would tell.
    pub effects: Vec<Log>,
    /// Why it would be refused, where it would.
    pub revert: Option<Revert>,
}

#[derive(Deserialize)]
struct SimulatedBlock {
    calls: Vec<SimulatedCall>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SimulatedCall {
    status: eth::U64,
    gas_used: eth::U64,
    #[serde(default)]
    logs: Vec<SimulatedLog>,
    #[serde(default)]
    return_data: eth::Bytes,
    #[serde(default)]
    error: Option<SimulatedError>,
}

#[derive(Deserialize)]
struct SimulatedLog {
    address: eth::Address,
    topics: Vec<eth::H256>,
    data: eth::Bytes,
}

#[derive(Deserialize)]
struct SimulatedError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<eth::Bytes>,
}

impl Client {
    /// Why a call by itself would be refused on the latest state; none where it would not.
    ///
    /// # Errors
    /// As [`Self::simulate`].
    pub async fn refusal(&self, call: &Call) -> Result<Option<Revert>, ChainError> {
        let trials = self.simulate(std::slice::from_ref(call)).await?;
        Ok(trials.into_iter().find_map(|trial| trial.revert))
    }

    /// Tries calls one after the other on the latest state, as transactions of this account, and sends none of them.
    ///
    /// # Errors
    /// When the node is away, or a call cannot be encoded. That a contract refuses is part of the answer.
    pub async fn simulate(&self, calls: &[Call]) -> Result<Vec<Trial>, ChainError> {
        let mut encoded = Vec::with_capacity(calls.len());
        for call in calls {
            encoded.push(self.encode(call).map_err(|e| ChainError::Shape {
                what: "a call",
                reason: e.to_string(),
            })?);
        }
        let requests: Vec<Value> = encoded.iter().map(|call| self.as_json(call)).collect();
        let payload = json!({ "blockStateCalls": [{ "calls": requests }] });
        let answer: Result<Vec<SimulatedBlock>, RpcError> = self
            .rpc()
            .request("eth_simulateV1", (payload, "latest"))
            .await;
        match answer {
            Ok(blocks) => {
                let results = blocks.into_iter().flat_map(|block| block.calls);
                let trials = encoded.into_iter().zip(results);
                Ok(trials
                    .map(|(call, result)| self.trial(call, result))
                    .collect())
            }
            // An older node: each call by itself.
            Err(RpcError::Refused {
                code: NO_SUCH_METHOD,
                ..
            }) => {
                let mut trials = Vec::with_capacity(encoded.len());
                for call in encoded {
                    let alone = trials.is_empty();
                    trials.push(self.try_alone(call, alone).await?);
                }
                Ok(trials)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// What a gas costs in the next block at the least: its base fee and a tip.
    pub async fn gas_price(&self) -> Result<Eth, ChainError> {
        let head = self.rpc().latest().await?;
        let tip = self.rpc().suggested_tip().await?;
        let fees = Fees::first(head.base_fee, tip, &FeeCaps::default());
        Ok(Eth(head.base_fee.saturating_add(fees.tip)))
    }

    /// Wei that the queue promises for so much gas before anything is stuck.
    ///
    /// # Errors
    /// As [`gas_price`](Self::gas_price).
    pub async fn promised_for(&self, gas: u64, config: &QueueConfig) -> Result<Eth, ChainError> {
        let head = self.rpc().latest().await?;
        let tip = self.rpc().suggested_tip().await?;
        let fees = Fees::first(head.base_fee, tip, &config.fees);
        Ok(Eth(
            U256::from(config.with_margin(gas)).saturating_mul(fees.max_fee)
        ))
    }

    fn as_json(&self, call: &Encoded) -> Value {
        let value: U256 = call.value;
        json!({ "from": self.account(), "to": call.to, "input": call.data, "value": format!("{value:#x}") })
    }

    fn trial(&self, call: Encoded, result: SimulatedCall) -> Trial {
        let failed = result.status.is_zero();
        let data = result.error.as_ref().and_then(|e| e.data.clone());
        let data = Bytes::from(data.unwrap_or(result.return_data).0);
        let message = result.error.map(|e| e.message).unwrap_or_default();
        let revert = || {
            self.revert_of(3, &message, Some(&data).filter(|data| !data.is_empty()))
                .unwrap_or_else(|| Revert::message(message.clone()))
        };
        let read = |log: SimulatedLog| {
            let log = eth::Log {
                address: log.address,
                topics: log.topics,
                data: log.data,
                ..Default::default()
            };
            Log::read(self.contracts(), &log)
        };
        Trial {
            label: call.label,
            gas: Some(result.gas_used.as_u64()),
            revert: failed.then(revert),
            effects: result.logs.into_iter().filter_map(read).collect(),
        }
    }

    /// One call on the latest state. Unless it is the first, a refusal says nothing: the calls before it are not there.
    async fn try_alone(&self, call: Encoded, first: bool) -> Result<Trial, ChainError> {
        let request = CallRequest {
            from: self.account(),
            to: call.to,
            data: &call.data,
            value: call.value,
        };
        let (gas, revert) = match self.rpc().estimate_gas(&request, json!("latest")).await {
            Ok(gas) => (Some(gas), None),
            Err(RpcError::Refused {
                code,
                message,
                data,
                ..
            }) => {
                let revert = self.revert_of(code, &message, data.as_ref());
                let revert = revert.unwrap_or_else(|| Revert::message(message));
                (None, first.then_some(revert))
            }
            Err(other) => return Err(other.into()),
        };
        Ok(Trial {
            label: call.label,
            gas,
            effects: Vec::new(),
            revert,
        })
    }
}
