//! Several endpoints as one: the best one is asked, the next one when it fails.
//!
//! A read asks every endpoint at most once, best first; who asked tries again at its own next tick. A probe beside it
//! looks at all endpoints at intervals: whether they are of the right chain, how new their picture is, whether who was
//! away is back. One endpoint alone has no probe, and is identified again after each failure.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use ethers::core::types as eth;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::convert::hash_in;
use crate::rpc::RpcError;
use crate::rpc::broadcast::Broadcast;
use crate::rpc::endpoints::{Endpoints, Policy, parse};
use crate::rpc::health::{Chain, Change, EndpointView, Health};
use crate::rpc::transport::Transport;

#[derive(Debug)]
pub(crate) struct Pool {
    nodes: Vec<Node>,
    policy: Policy,
    /// Set once, by the first endpoint that serves the deployment.
    chain: OnceLock<Chain>,
}

#[derive(Debug)]
pub(crate) struct Node {
    transport: Transport,
    health: Mutex<Health>,
}

impl Pool {
    pub fn new(endpoints: &Endpoints) -> Result<Self, RpcError> {
        endpoints.validate()?;
        let urls: Vec<_> = endpoints
            .urls()
            .iter()
            .map(|url| parse(url))
            .collect::<Result<_, _>>()?;
        let client = Transport::client(&urls, endpoints.authority())?;
        let nodes = urls.into_iter().map(|url| Node {
            transport: Transport::new(client.clone(), url),
            health: Mutex::default(),
        });
        Ok(Self {
            nodes: nodes.collect(),
            policy: endpoints.policy(),
            chain: OnceLock::new(),
        })
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn views(&self) -> Vec<EndpointView> {
        let views = self
            .nodes
            .iter()
            .map(|node| node.health(|h| h.view(node.transport.name())));
        views.collect()
    }

    /// From now on every endpoint must serve this chain; where there are several they are watched.
    pub fn pin(self: &Arc<Self>, chain: Chain) {
        if self.chain.set(chain).is_ok() && self.nodes.len() > 1 {
            tokio::spawn(watch(Arc::downgrade(self), self.policy.probe));
        }
    }

    /// Good ones first, in the order in which they were given.
    fn order(&self) -> Vec<&Node> {
        let mut order: Vec<_> = self
            .nodes
            .iter()
            .map(|node| (node.health(|h| h.rank()), node))
            .collect();
        order.sort_by_key(|(rank, _)| *rank);
        order.into_iter().map(|(_, node)| node).collect()
    }

    fn limit(&self, method: &str) -> Duration {
        if self.nodes.len() == 1 || method == "eth_getLogs" {
            self.policy.patience
        } else {
            self.policy.impatience
        }
    }

    /// The first usable answer.
    pub async fn request<R: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<R, RpcError> {
        let (mut failures, mut refusal) = (Vec::new(), None);
        for node in self.order() {
            match self.ask(node, method, params).await {
                Err(error) if error.is_transient() => {
                    failures.push((node.transport.name(), error));
                }
                Err(error) if error.is_local_refusal() && self.nodes.len() > 1 => {
                    refusal.get_or_insert(error);
                }
                decided => return decided,
            }
        }
        Err(refusal.unwrap_or_else(|| none_answers(method, failures)))
    }

    /// Hands a signed transaction to every good endpoint at once, or to the next best that answers: pools differ, and
    /// one that lost it would hold up everything behind. Refused means that *none* took it and each said so: after
    /// an endpoint that did not answer it may be in a pool.
    pub async fn broadcast(self: &Arc<Self>, raw: &[u8]) -> Result<Broadcast, RpcError> {
        const METHOD: &str = "eth_sendRawTransaction";
        let params = Arc::new(json!([format!("0x{}", hex::encode(raw))]));
        let ranks: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.health(|h| h.rank()))
            .collect();
        let (mut failures, mut said) = (Vec::new(), None);
        for rank in 0..=4 {
            let mut asked = JoinSet::new();
            for index in (0..ranks.len()).filter(|i| ranks[*i] == rank) {
                let (pool, params) = (Arc::clone(self), Arc::clone(&params));
                asked.spawn(async move {
                    let answer = pool.ask::<Value>(&pool.nodes[index], METHOD, &params).await;
                    (index, answer.map(drop))
                });
            }
            while let Some(joined) = asked.join_next().await {
                let Ok((index, answer)) = joined else {
                    continue;
                };
                match Broadcast::of(answer) {
                    Ok(Broadcast::Taken) => {
                        // The others go on hearing of it.
                        asked.detach_all();
                        return Ok(Broadcast::Taken);
                    }
                    Ok(other) => said = Some(other.or(said.take())),
                    Err(error) => failures.push((self.nodes[index].transport.name(), error)),
                }
            }
            match said.take() {
                Some(Broadcast::Spent) => return Ok(Broadcast::Spent),
                Some(refused) if failures.is_empty() => return Ok(refused),
                // Refused here, unanswered there: undecided.
                Some(_) => break,
                None => {}
            }
        }
        Err(none_answers(METHOD, failures))
    }

    async fn ask<R: DeserializeOwned>(
        &self,
        node: &Node,
        method: &'static str,
        params: &Value,
    ) -> Result<R, RpcError> {
        if let Some(chain) = self.chain.get()
            && !node.health(|h| h.is_checked())
        {
            self.identify(node, chain).await?;
        }
        self.ask_directly(node, method, params).await
    }

    /// Asks this endpoint, of whatever chain it is.
    pub async fn ask_directly<R: DeserializeOwned>(
        &self,
        node: &Node,
        method: &'static str,
        params: &Value,
    ) -> Result<R, RpcError> {
        let answer = node
            .transport
            .request(method, params, self.limit(method))
            .await;
        let change = node.health(|health| match &answer {
            Err(error) if error.is_failure() => health.failed(error.clone()),
            _ => health.answered(),
        });
        self.tell(node, change);
        answer
    }

    async fn identify(&self, node: &Node, chain: &Chain) -> Result<(), RpcError> {
        let found = self.chain_of(node).await?;
        let endpoint = || node.transport.name().to_owned();
        let other = if found.id != chain.id {
            Some(RpcError::OtherChain {
                endpoint: endpoint(),
                found: found.id,
                expected: chain.id,
            })
        } else if found.genesis != chain.genesis {
            Some(RpcError::OtherGenesis {
                endpoint: endpoint(),
                found: found.genesis,
                expected: chain.genesis,
            })
        } else {
            None
        };
        match other {
            None => {
                let change = node.health(Health::identified);
                self.tell(node, change);
                Ok(())
            }
            Some(error) => {
                if let Some(Change::Worse(line)) = node.health(|h| h.refused(error.clone())) {
                    tracing::error!("{line}");
                }
                Err(error)
            }
        }
    }

    /// What an endpoint says it serves.
    pub async fn chain_of(&self, node: &Node) -> Result<Chain, RpcError> {
        let id: eth::U64 = self.ask_directly(node, "eth_chainId", &json!([])).await?;
        const METHOD: &str = "eth_getBlockByNumber";
        let params = json!(["0x0", false]);
        let first: Option<eth::Block<eth::H256>> = self.ask_directly(node, METHOD, &params).await?;
        let genesis = first.and_then(|block| block.hash).map(hash_in);
        Ok(Chain {
            id: id.as_u64(),
            genesis: genesis.ok_or(RpcError::Malformed {
                method: METHOD,
                reason: "there is no block 0".into(),
            })?,
        })
    }

    /// Looks at every endpoint, then holds their heads against each other.
    async fn probe(self: &Arc<Self>) {
        let mut looks = JoinSet::new();
        for index in 0..self.nodes.len() {
            let pool = Arc::clone(self);
            looks.spawn(async move {
                let node = &pool.nodes[index];
                let params = json!(["latest", false]);
                let answer: Result<eth::Block<eth::H256>, _> =
                    pool.ask(node, "eth_getBlockByNumber", &params).await;
                if let Ok(block) = answer
                    && let Some(number) = block.number
                {
                    node.health(|h| h.saw(number.as_u64(), block.timestamp.low_u64()));
                }
            });
        }
        while looks.join_next().await.is_some() {}
        let heights = self
            .nodes
            .iter()
            .filter_map(|node| node.health(|h| h.height()));
        if let Some(newest) = heights.max() {
            for node in &self.nodes {
                let change = node.health(|h| h.compare(newest, self.policy.lag_blocks));
                self.tell(node, change);
            }
        }
    }

    /// One endpoint alone is spoken of by whoever waits for it.
    fn tell(&self, node: &Node, change: Option<Change>) {
        let name = node.transport.name();
        match change {
            Some(Change::Worse(reason)) if self.nodes.len() > 1 => {
                tracing::warn!("{name}: {reason}; the other endpoints are asked first");
            }
            Some(Change::Better(news)) if self.nodes.len() > 1 => {
                tracing::info!("{name} {news}");
            }
            _ => {}
        }
    }
}

impl Node {
    pub fn name(&self) -> &str {
        self.transport.name()
    }

    /// Never held across an await.
    fn health<T>(&self, look: impl FnOnce(&mut Health) -> T) -> T {
        look(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Ends with the last user of the pool.
async fn watch(pool: Weak<Pool>, pause: Duration) {
    let mut tick = tokio::time::interval(pause.max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match pool.upgrade() {
            Some(pool) => pool.probe().await,
            None => return,
        }
    }
}

/// One endpoint's own error, or all of them in one.
pub(crate) fn none_answers(method: &'static str, mut failures: Vec<(&str, RpcError)>) -> RpcError {
    match failures.len() {
        1 => failures.remove(0).1,
        _ => {
            let reasons: Vec<_> = failures
                .iter()
                .map(|(name, e)| format!("{name}: {e}"))
                .collect();
            RpcError::NoneAnswers {
                method,
                reasons: reasons.join("; "),
            }
        }
    }
}
