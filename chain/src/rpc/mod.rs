//! JSON-RPC with time limits, failover and typed failures.
//!
//! | file | holds |
//! |---|---|
//! | `endpoints` | the addresses, as configured |
//! | `transport` | HTTP and HTTPS to one of them |
//! | `health`, `pool` | which one is asked |
//! | `broadcast` | what nodes say to a transaction |

mod broadcast;
mod endpoints;
mod error;
mod health;
mod pool;
mod transport;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use ethers::core::types as eth;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::convert::{hash_in, word_in};
use crate::error::ChainError;
pub(crate) use broadcast::{Broadcast, is_about_price};
pub use endpoints::{Endpoints, Policy};
pub use error::RpcError;
use health::Chain;
pub use health::{EndpointState, EndpointView};
use pool::{Pool, none_answers};

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

/// A transaction in a block as far as it tells whose nonce it used. Its hash is the node's word: foreign
/// transactions are never hashed again.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Included {
    pub hash: B256,
    pub from: Address,
    nonce: alloy_primitives::U64,
}

impl Included {
    pub fn nonce(&self) -> u64 {
        self.nonce.to()
    }
}

/// A cheap, cloneable connection.
#[derive(Clone, Debug)]
pub(crate) struct Rpc(Arc<Pool>);

impl Rpc {
    /// Speaks to whatever chain the endpoints serve.
    pub fn new(endpoints: impl Into<Endpoints>) -> Result<Self, RpcError> {
        Ok(Self(Arc::new(Pool::new(&endpoints.into())?)))
    }

    /// Looks for the first endpoint that serves the chain with this number and these contracts; its block 0 is what
    /// all others must have.
    pub async fn connect(
        endpoints: &Endpoints,
        chain_id: u64,
        contracts: &[(&'static str, Address)],
    ) -> Result<Self, ChainError> {
        let pool = Arc::new(Pool::new(endpoints)?);
        let (mut verdict, mut failures) = (None, Vec::new());
        for node in pool.nodes() {
            match serves(&pool, node, chain_id, contracts).await {
                Ok(chain) => {
                    pool.pin(chain);
                    return Ok(Self(pool));
                }
                Err(ChainError::Rpc(error)) => failures.push((node.name(), error)),
                Err(other) => {
                    if pool.nodes().len() > 1 {
                        tracing::error!("{} is not used: {other}", node.name());
                    }
                    verdict.get_or_insert(other);
                }
            }
        }
        Err(verdict.unwrap_or_else(|| none_answers("eth_chainId", failures).into()))
    }

    /// Every endpoint as it is at the moment.
    pub fn endpoints(&self) -> Vec<EndpointView> {
        self.0.views()
    }

    /// One request; `null` is a value of `R` where the method allows it.
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, RpcError>
    where
        P: Serialize,
        R: DeserializeOwned,
    {
        let params = match serde_json::to_value(params) {
            Ok(Value::Null) => json!([]),
            Ok(params) => params,
            Err(e) => {
                let reason = format!("the request cannot be written: {e}");
                return Err(RpcError::Malformed { method, reason });
            }
        };
        self.0.request(method, &params).await
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

    /// Offers a signed transaction to the pools. Errors only where it may or may not have arrived.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<Broadcast, RpcError> {
        self.0.broadcast(raw).await
    }

    /// Number of an account's transactions up to a block.
    pub async fn nonce_at(&self, account: Address, block: u64) -> Result<u64, RpcError> {
        let nonce: eth::U256 = self
            .request("eth_getTransactionCount", (account, block_tag(block)))
            .await?;
        Ok(nonce.low_u64())
    }

    /// Every transaction of a block; `None` where there is no such block.
    pub async fn transactions_of(&self, block: u64) -> Result<Option<Vec<Included>>, RpcError> {
        #[derive(Deserialize)]
        struct Full {
            transactions: Vec<Included>,
        }
        let full: Option<Full> = self
            .request("eth_getBlockByNumber", (block_tag(block), true))
            .await?;
        Ok(full.map(|block| block.transactions))
    }

    pub async fn receipt(&self, tx: B256) -> Result<Option<eth::TransactionReceipt>, RpcError> {
        self.request("eth_getTransactionReceipt", [tx]).await
    }

    /// Whether a transaction is in a pool or in a block.
    pub async fn knows(&self, tx: B256) -> Result<bool, RpcError> {
        let found: Option<Value> = self.request("eth_getTransactionByHash", [tx]).await?;
        Ok(found.is_some_and(|found| !found.is_null()))
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

    /// Logs of some contracts in a range of blocks, by topics as `eth_getLogs` takes them (`null` for all). Nodes bound
    /// such ranges: [`crate::history::History`] asks for no more than they answer.
    pub async fn logs_between(
        &self,
        from: u64,
        to: u64,
        addresses: &[Address],
        topics: &Value,
    ) -> Result<Vec<eth::Log>, RpcError> {
        let mut filter =
            json!({ "fromBlock": block_tag(from), "toBlock": block_tag(to), "address": addresses });
        if !topics.is_null() {
            filter["topics"] = topics.clone();
        }
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

/// Whether one endpoint serves the deployment; what chain that is.
async fn serves(
    pool: &Pool,
    node: &pool::Node,
    chain_id: u64,
    contracts: &[(&'static str, Address)],
) -> Result<Chain, ChainError> {
    let chain = pool.chain_of(node).await?;
    if chain.id != chain_id {
        return Err(ChainError::OtherChain {
            found: chain.id,
            expected: chain_id,
        });
    }
    for (name, address) in contracts {
        let (name, address) = (*name, *address);
        let code: eth::Bytes = pool
            .ask_directly(node, "eth_getCode", &json!([address, "latest"]))
            .await?;
        if code.is_empty() {
            return Err(ChainError::NoCode { name, address });
        }
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_node_is_said_to_be_away() {
        let rpc = Rpc::new("http://127.0.0.1:9").unwrap();
        let error = rpc.chain_id().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(error.to_string().contains("eth_chainId"), "{error}");
        assert!(matches!(
            Rpc::new("ws://example.org"),
            Err(RpcError::Url { .. })
        ));
    }

    #[tokio::test]
    async fn with_several_dead_nodes_each_is_named() {
        let rpc = Rpc::new("http://127.0.0.1:9,http://127.0.0.1:7").unwrap();
        let error = rpc.chain_id().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("127.0.0.1:9") && text.contains("127.0.0.1:7"),
            "{text}"
        );
    }
}
