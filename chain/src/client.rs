//! Typed reads of one deployment, on behalf of one account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use assay_protocol::bls::BlsPublicKey;
use assay_protocol::domain::Domain;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::sig::OperatorKey;
use ethers::abi::{AbiDecode, AbiEncode};
use serde_json::{Value, json};

use crate::bindings::{self as abi, errors};
use crate::call::{Call, Encoded};
use crate::contracts::{Contracts, Deployment};
use crate::convert::{address_in, address_out, word_in};
use crate::error::ChainError;
use crate::events::LogEntry;
use crate::history::History;
use crate::revert::{ErrorBook, Revert};
use crate::rpc::{CallRequest, EndpointView, Endpoints, Head, Rpc, RpcError};
use crate::views::{BlockRef, Role, RoundView};

/// Blocks that a search asks for at a time, until the node wants fewer: few logs are found, so that it is the number of
/// requests that takes time.
const PIECE: u64 = 50_000;

/// A connection to one deployment with one account's key. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>, Moment);

/// The block after which contracts are looked at; `None`: the latest.
type Moment = Option<u64>;

struct Inner {
    rpc: Rpc,
    domain: Domain,
    contracts: Contracts,
    deploy_block: u64,
    key: OperatorKey,
    errors: ErrorBook,
    /// Keys are registered once and for good.
    bls_keys: Mutex<HashMap<Address, BlsPublicKey>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("account", &self.account())
            .field("domain", &self.0.domain)
            .finish()
    }
}

/// The latest block of whatever chain these nodes serve: for looking at the chain's clock before there is a deployment.
///
/// # Errors
/// When no node answers.
pub async fn latest_block(endpoints: impl Into<Endpoints>) -> Result<BlockRef, ChainError> {
    Ok(Rpc::new(endpoints)?.latest().await?.into())
}

impl Client {
    /// Connects to the first of the nodes that serves the deployment's chain and contracts; the others take over while
    /// it is away. A single URL will do.
    ///
    /// # Errors
    /// When all nodes are away, serve another chain, or have no contract at one of the addresses.
    pub async fn connect(
        endpoints: impl Into<Endpoints>,
        deployment: &Deployment,
        key: OperatorKey,
    ) -> Result<Self, ChainError> {
        let contracts = deployment.contracts.named();
        let rpc = Rpc::connect(&endpoints.into(), deployment.chain_id, &contracts).await?;
        let inner = Inner {
            rpc,
            domain: deployment.domain(),
            contracts: deployment.contracts,
            deploy_block: deployment.deploy_block,
            key,
            errors: errors(),
            bls_keys: Mutex::default(),
        };
        Ok(Self(Arc::new(inner), None))
    }

    /// The same for looking at contracts as block `number` has left them; the nodes must still know.
    pub fn as_of(&self, number: u64) -> Self {
        Self(self.0.clone(), Some(number))
    }

    /// The same without a key of anybody's: for looking. Its account is one whose key everybody knows.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn watching(url: &str, deployment: &Deployment) -> Result<Self, ChainError> {
        let nobody = crate::anvil::dev_key(0).map_err(|e| ChainError::Internal(e.to_string()))?;
        Self::connect(url, deployment, nobody).await
    }

    /// The account that signs transactions.
    pub fn account(&self) -> Address {
        self.0.key.address()
    }

    /// Chain and court, in which every signed object is hashed.
    pub fn domain(&self) -> &Domain {
        &self.0.domain
    }

    /// Addresses of the deployment.
    pub fn contracts(&self) -> &Contracts {
        &self.0.contracts
    }

    /// The Ethereum nodes that are asked, each as it is at the moment.
    pub fn endpoints(&self) -> Vec<EndpointView> {
        self.0.rpc.endpoints()
    }

    pub(crate) fn rpc(&self) -> &Rpc {
        &self.0.rpc
    }

    pub(crate) fn key(&self) -> &OperatorKey {
        &self.0.key
    }

    pub(crate) fn deploy_block(&self) -> u64 {
        self.0.deploy_block
    }

    pub(crate) fn encode(&self, call: &Call) -> Result<Encoded, assay_protocol::bls::BlsError> {
        call.encode(&self.0.contracts)
    }

    /// The refusal inside a JSON-RPC error; `None` where the node itself refuses.
    pub(crate) fn revert_of(
        &self,
        code: i64,
        message: &str,
        data: Option<&Bytes>,
    ) -> Option<Revert> {
        revert_of(&self.0.errors, code, message, data)
    }

    /// Hash of the chain's block 0: it tells one development chain from the next.
    pub(crate) async fn genesis(&self) -> Result<B256, ChainError> {
        let first = self.rpc().head(json!("0x0")).await?;
        Ok(first.map(|block| block.hash).unwrap_or_default())
    }

    /// What a transaction journal belongs to.
    pub(crate) async fn journal_chain(&self) -> Result<String, ChainError> {
        let genesis = self.genesis().await?;
        Ok(format!("chain {} ({genesis})", self.domain().chain_id))
    }

    /// A read of a contract's function on the latest state.
    pub(crate) async fn view<R: AbiDecode>(
        &self,
        what: &'static str,
        to: Address,
        call: impl AbiEncode,
    ) -> Result<R, ChainError> {
        let data = call.encode();
        let request = CallRequest {
            from: self.account(),
            to,
            data: &data,
            value: U256::ZERO,
        };
        let tag = self
            .1
            .map_or(json!("latest"), |block| json!(format!("{block:#x}")));
        match self.rpc().call(&request, tag).await {
            Ok(answer) => R::decode(answer).map_err(|e| ChainError::Shape {
                what,
                reason: e.to_string(),
            }),
            Err(RpcError::Refused {
                method,
                code,
                message,
                data,
            }) => Err(match self.revert_of(code, &message, data.as_ref()) {
                Some(revert) => ChainError::Revert { what, revert },
                None => RpcError::Refused {
                    method,
                    code,
                    message,
                    data,
                }
                .into(),
            }),
            Err(other) => Err(other.into()),
        }
    }

    /// The latest block.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn head(&self) -> Result<BlockRef, ChainError> {
        Ok(self.rpc().latest().await?.into())
    }

    /// The present round.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn round(&self) -> Result<RoundView, ChainError> {
        let at = self.contracts().rounds_manager;
        let round: u64 = self
            .view("current round", at, abi::rounds_manager::CurrentRoundCall)
            .await?;
        let opened_at = self.opened_at(round).await?;
        let openable: ethers::types::U256 = self
            .view(
                "next round's block",
                at,
                abi::rounds_manager::OpenableAtCall,
            )
            .await?;
        Ok(RoundView {
            round,
            opened_at,
            openable_at: openable.low_u64(),
        })
    }

    /// Block in which a round was opened.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn opened_at(&self, round: u64) -> Result<u64, ChainError> {
        let at = self.contracts().rounds_manager;
        self.view(
            "block of a round's opening",
            at,
            abi::rounds_manager::OpenedAtCall { round },
        )
        .await
    }

    /// Snapshot of one role's active set in a round: what elections and draws use. It never changes.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn snapshot(&self, role: Role, round: u64) -> Result<Snapshot, ChainError> {
        let call = abi::roster::SnapshotCall {
            role: role.code(),
            round,
        };
        let abi::roster::SnapshotReturn(operators, weights, prices) = self
            .view("a round's snapshot", self.contracts().roster, call)
            .await?;
        let candidates = operators
            .into_iter()
            .zip(weights.into_iter().zip(prices))
            .map(|(operator, (weight, price))| Candidate {
                operator: address_in(operator),
                weight: word_in(weight),
                price: word_in(price),
            });
        Ok(Snapshot {
            round,
            candidates: candidates.collect(),
        })
    }

    /// The verifiers of a round with their keys: positions are the bits of a proof's bitmap. It never changes.
    ///
    /// # Errors
    /// As [`Self::snapshot`] and [`Self::bls_key`].
    pub async fn verifiers(&self, round: u64) -> Result<VerifierSet, ChainError> {
        let call = abi::verifier_registry::SnapshotCall { round };
        let answer: abi::verifier_registry::SnapshotReturn = self
            .view(
                "a round's verifiers",
                self.contracts().verifier_registry,
                call,
            )
            .await?;
        let mut seats = Vec::with_capacity(answer.verifiers.len());
        for (operator, weight) in answer.verifiers.into_iter().zip(answer.weights) {
            let operator = address_in(operator);
            let key = self.bls_key(operator).await?;
            seats.push(VerifierSeat {
                operator,
                key,
                weight: word_in(weight),
            });
        }
        Ok(VerifierSet { round, seats })
    }

    /// A verifier's registered key.
    ///
    /// # Errors
    /// [`ChainError::BlsKey`] where what is registered is no key; otherwise as [`Self::snapshot`].
    pub async fn bls_key(&self, operator: Address) -> Result<BlsPublicKey, ChainError> {
        if let Ok(known) = self.0.bls_keys.lock()
            && let Some(key) = known.get(&operator)
        {
            return Ok(*key);
        }
        const WHAT: &str = "a verifier's key";
        let call = abi::verifier_registry::KeyOfCall {
            operator: address_out(operator),
        };
        let bytes: ethers::types::Bytes = self
            .view(WHAT, self.contracts().verifier_registry, call)
            .await?;
        let bytes: FixedBytes<256> =
            FixedBytes::try_from(bytes.as_ref()).map_err(|_| ChainError::Shape {
                what: WHAT,
                reason: format!("{} bytes, expected 256", bytes.len()),
            })?;
        let key = BlsPublicKey::from_evm(&bytes)
            .map_err(|reason| ChainError::BlsKey { operator, reason })?;
        if let Ok(mut known) = self.0.bls_keys.lock() {
            known.insert(operator, key);
        }
        Ok(key)
    }

    /// Logs of a contract since its deployment, by topics as `eth_getLogs` takes them.
    pub(crate) async fn search(
        &self,
        at: Address,
        topics: Value,
    ) -> Result<Vec<LogEntry>, ChainError> {
        let last = self.rpc().latest().await?.number;
        let mut history = History::new(vec![at], topics, self.deploy_block(), PIECE);
        let mut found = Vec::new();
        while let Some(piece) = history.piece(self.rpc(), last).await? {
            let logs = piece.logs.iter();
            found.extend(logs.filter_map(|log| LogEntry::read(self.contracts(), log)));
        }
        Ok(found)
    }
}

/// Nodes say "execution reverted" with code 3 (geth, anvil) or −32000 and the data, if any, beside it.
pub(crate) fn revert_of(
    errors: &ErrorBook,
    code: i64,
    message: &str,
    data: Option<&Bytes>,
) -> Option<Revert> {
    match data {
        Some(data) => Some(errors.decode(data)),
        None => {
            (code == 3 || message.to_lowercase().contains("revert")).then(|| errors.decode(&[]))
        }
    }
}

/// Topic of an event by its signature.
pub(crate) fn topic(signature: &str) -> B256 {
    keccak256(signature)
}

impl From<Head> for BlockRef {
    fn from(head: Head) -> Self {
        Self {
            number: head.number,
            hash: head.hash,
            parent: head.parent,
            timestamp: head.timestamp,
        }
    }
}
