//! JSON-RPC with a time limit and typed failures.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use ethers::core::types as eth;
use ethers::providers::{Http, JsonRpcClient, RpcError as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::convert::{hash_in, word_in};

/// A request to the Ethereum node that gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// The address is no URL this client speaks.
    #[error("`{url}` is no http:// address of an Ethereum node: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer: refused, closed, not HTTP.
    #[error("the Ethereum node does not answer {method}: {reason}; is it running?")]
    Unreachable {
        /// The RPC method.
        method: &'static str,
        /// What the HTTP client said.
        reason: String,
    },
    /// No answer in time.
    #[error("the Ethereum node did not answer {method} within {} s", limit.as_secs_f32())]
    Timeout {
        /// The RPC method.
        method: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The node answered with an error.
    #[error("the Ethereum node refuses {method}: {message} (code {code})")]
    Refused {
        /// The RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// Revert data, where the error is a revert.
        data: Option<Bytes>,
    },
    /// The answer is not what the method promises.
    #[error("the Ethereum node's answer to {method} cannot be read: {reason}")]
    Malformed {
        /// The RPC method.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl RpcError {
    /// Whether asking again later may help: the node is away, not of another opinion.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Malformed { .. }
        )
    }
}

/// One block as far as this crate needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub number: u64,
    pub hash: B256,
    pub parent: B256,
    pub timestamp: u64,
    pub base_fee: U256,
}

/// What a call looks like to the node.
#[derive(Clone, Debug)]
pub(crate) struct CallRequest<'a> {
    pub from: Address,
    pub to: Address,
    pub data: &'a [u8],
    pub value: U256,
}

/// A cheap, cloneable connection.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    http: Arc<Http>,
    limit: Duration,
}

/// Answers come from loopback or a near node; a slower one is as good as none for a protocol of one-second blocks.
pub(crate) const RPC_TIMEOUT: Duration = Duration::from_secs(10);

impl Rpc {
    pub fn new(url: &str) -> Result<Self, RpcError> {
        let bad = |reason: String| RpcError::Url {
            url: url.to_owned(),
            reason,
        };
        if !url.starts_with("http://") {
            return Err(bad("only plain HTTP is spoken".into()));
        }
        let parsed = reqwest::Url::parse(url).map_err(|e| bad(e.to_string()))?;
        // A proxy from the environment would carry loopback requests off the machine.
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|e| bad(e.to_string()))?;
        Ok(Self {
            http: Arc::new(Http::new_with_client(parsed, client)),
            limit: RPC_TIMEOUT,
        })
    }

    /// One request; `null` is a value of `R` where the method allows it.
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, RpcError>
    where
        P: std::fmt::Debug + Serialize + Send + Sync,
        R: DeserializeOwned + Send,
    {
        match tokio::time::timeout(self.limit, self.http.request(method, params)).await {
            Err(_) => Err(RpcError::Timeout {
                method,
                limit: self.limit,
            }),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if let Some(refusal) = error.as_error_response() {
                    Err(RpcError::Refused {
                        method,
                        code: refusal.code,
                        message: refusal.message.clone(),
                        data: refusal.data.as_ref().and_then(revert_bytes),
                    })
                } else if let Some(reason) = error.as_serde_error() {
                    Err(RpcError::Malformed {
                        method,
                        reason: reason.to_string(),
                    })
                } else {
                    Err(RpcError::Unreachable {
                        method,
                        reason: innermost(&error),
                    })
                }
            }
        }
    }

    pub async fn chain_id(&self) -> Result<u64, RpcError> {
        let id: eth::U64 = self.request("eth_chainId", ()).await?;
        Ok(id.as_u64())
    }

    /// The block named by `tag` (`"latest"`, or a number by [`block_tag`]), `None` where there is none yet.
    pub async fn head(&self, tag: Value) -> Result<Option<Head>, RpcError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block: Option<eth::Block<eth::H256>> = self.request(METHOD, (tag, false)).await?;
        let Some(block) = block else { return Ok(None) };
        let (Some(number), Some(hash)) = (block.number, block.hash) else {
            return Err(RpcError::Malformed {
                method: METHOD,
                reason: "a block without number or hash".into(),
            });
        };
        Ok(Some(Head {
            number: number.as_u64(),
            hash: hash_in(hash),
            parent: hash_in(block.parent_hash),
            timestamp: block.timestamp.low_u64(),
            base_fee: block.base_fee_per_gas.map(word_in).unwrap_or_default(),
        }))
    }

    pub async fn latest(&self) -> Result<Head, RpcError> {
        self.head(json!("latest"))
            .await?
            .ok_or(RpcError::Malformed {
                method: "eth_getBlockByNumber",
                reason: "a chain without any block".into(),
            })
    }

    /// `eth_call` on the state after block `tag`.
    pub async fn call(&self, call: &CallRequest<'_>, tag: Value) -> Result<Bytes, RpcError> {
        let answer: eth::Bytes = self.request("eth_call", (call_json(call), tag)).await?;
        Ok(Bytes::from(answer.0))
    }

    /// Runs a contract's constructor without deploying it.
    pub async fn create(&self, from: Address, init: &[u8]) -> Result<(), RpcError> {
        let call = json!({ "from": from, "data": format!("0x{}", hex::encode(init)) });
        let _: eth::Bytes = self.request("eth_call", (call, "latest")).await?;
        Ok(())
    }

    /// `eth_estimateGas` on the state after block `tag`.
    pub async fn estimate_gas(&self, call: &CallRequest<'_>, tag: Value) -> Result<u64, RpcError> {
        let gas: eth::U256 = self
            .request("eth_estimateGas", (call_json(call), tag))
            .await?;
        Ok(gas.low_u64())
    }

    pub async fn nonce(&self, account: Address, tag: &'static str) -> Result<u64, RpcError> {
        let nonce: eth::U256 = self
            .request("eth_getTransactionCount", (account, tag))
            .await?;
        Ok(nonce.low_u64())
    }

    pub async fn balance(&self, account: Address) -> Result<U256, RpcError> {
        let balance: eth::U256 = self.request("eth_getBalance", (account, "latest")).await?;
        Ok(word_in(balance))
    }

    pub async fn has_code(&self, account: Address) -> Result<bool, RpcError> {
        let code: eth::Bytes = self.request("eth_getCode", (account, "latest")).await?;
        Ok(!code.is_empty())
    }

    /// The node's suggestion for a tip; nodes without the method suggest nothing.
    pub async fn suggested_tip(&self) -> Result<Option<U256>, RpcError> {
        match self
            .request::<_, eth::U256>("eth_maxPriorityFeePerGas", ())
            .await
        {
            Ok(tip) => Ok(Some(word_in(tip))),
            Err(RpcError::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, RpcError> {
        let hash: eth::H256 = self
            .request(
                "eth_sendRawTransaction",
                [format!("0x{}", hex::encode(raw))],
            )
            .await?;
        Ok(hash_in(hash))
    }

    pub async fn receipt(&self, tx: B256) -> Result<Option<eth::TransactionReceipt>, RpcError> {
        self.request("eth_getTransactionReceipt", [tx]).await
    }

    /// Logs of one block, by its hash, so that a reorg between two requests cannot mix two chains.
    pub async fn logs_of(
        &self,
        block: B256,
        addresses: &[Address],
    ) -> Result<Vec<eth::Log>, RpcError> {
        self.request(
            "eth_getLogs",
            [json!({ "blockHash": block, "address": addresses })],
        )
        .await
    }

    /// Logs of blocks so old that they stand.
    pub async fn logs_between(
        &self,
        from: u64,
        to: u64,
        addresses: &[Address],
    ) -> Result<Vec<eth::Log>, RpcError> {
        let filter =
            json!({ "fromBlock": block_tag(from), "toBlock": block_tag(to), "address": addresses });
        self.request("eth_getLogs", [filter]).await
    }

    /// Logs of one contract from a block to the latest.
    pub async fn logs_since(
        &self,
        block: u64,
        at: Address,
        topics: Value,
    ) -> Result<Vec<eth::Log>, RpcError> {
        let filter = json!({ "fromBlock": block_tag(block), "toBlock": "latest", "address": at, "topics": topics });
        self.request("eth_getLogs", [filter]).await
    }
}

/// A block number as a JSON-RPC block tag.
pub(crate) fn block_tag(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

fn call_json(call: &CallRequest<'_>) -> Value {
    json!({
        "from": call.from,
        "to": call.to,
        "data": format!("0x{}", hex::encode(call.data)),
        "value": format!("{:#x}", call.value),
    })
}

/// Revert data as nodes wrap it: the hex string itself, or an object that holds it under `data` or `result`.
fn revert_bytes(data: &Value) -> Option<Bytes> {
    match data {
        Value::String(text) => {
            let digits = text.strip_prefix("Reverted ").unwrap_or(text);
            hex::decode(digits.strip_prefix("0x")?)
                .ok()
                .map(Bytes::from)
        }
        Value::Object(fields) => ["data", "result"]
            .iter()
            .find_map(|k| fields.get(*k).and_then(revert_bytes)),
        _ => None,
    }
}

/// The deepest cause: the HTTP client's own sentence repeats the address and little else.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_data_in_every_wrapping() {
        let expected = Some(Bytes::from_static(&[0xab, 0xcd]));
        assert_eq!(revert_bytes(&json!("0xabcd")), expected);
        assert_eq!(revert_bytes(&json!("Reverted 0xabcd")), expected);
        assert_eq!(
            revert_bytes(&json!({ "data": { "result": "0xabcd" } })),
            expected
        );
        assert_eq!(revert_bytes(&json!("no hex")), None);
    }

    #[tokio::test]
    async fn a_dead_node_is_said_to_be_away() {
        let rpc = Rpc::new("http://127.0.0.1:9").unwrap();
        let error = rpc.chain_id().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(error.to_string().contains("eth_chainId"), "{error}");
        assert!(matches!(
            Rpc::new("https://example.org"),
            Err(RpcError::Url { .. })
        ));
    }
}
