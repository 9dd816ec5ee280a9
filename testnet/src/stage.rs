//! Sets the stage on chain: accounts funded, stakes bonded and delegated, keys registered, a job created, a round open.

use std::sync::Arc;

use assay_chain::ChainError;
use assay_chain::call::{Call, EtherCall, JobCall, RoundsCall, StakeCall, TokenCall, VerifierCall};
use assay_chain::client::Client;
use assay_chain::contracts::{Deployment, Randomness};
use assay_chain::deploy::{DeployConfig, deploy};
use assay_chain::queue::{Journal, QueueConfig, TxError, TxQueue};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::bls::{BlsError, possession_message};
use assay_protocol::params::Params;
use assay_protocol::profile::Profiles;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256, keccak256};
use tokio::task::JoinSet;

use crate::cast::{Part, Player};

/// LPT in existence at the start.
const SUPPLY: u64 = 1_000_000;
/// Wei that each account gets for gas: 10 ETH.
const GAS_MONEY: u128 = 10_000_000_000_000_000_000;
/// Transcoders' price, wei per output pixel: about 0.02 ETH an hour of 360p at 30 fps.
const PRICE: u64 = 80;
/// The job's cap: admits everyone.
const PRICE_CAP: u64 = 100;

/// Why the stage cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The chain is away or another one.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction failed.
    #[error("{who}: {source}")]
    Tx {
        /// Whose.
        who: String,
        /// Why.
        source: TxError,
    },
    /// A BLS key.
    #[error(transparent)]
    Bls(#[from] BlsError),
}

/// An account with its connection.
struct Actor {
    name: String,
    queue: TxQueue,
}

impl Actor {
    async fn new(
        url: &str,
        deployment: &Deployment,
        name: &str,
        key: OperatorKey,
    ) -> Result<Self, StageError> {
        let client = Client::connect(url, deployment, key).await?;
        let config = QueueConfig {
            poll: std::time::Duration::from_millis(50),
            ..QueueConfig::default()
        };
        let queue = TxQueue::open(&client, Journal::Memory, config).await?;
        Ok(Self {
            name: name.into(),
            queue,
        })
    }

    async fn run(&self, calls: impl IntoIterator<Item = (String, Call)>) -> Result<(), StageError> {
        for (key, call) in calls {
            self.queue
                .run(key, call)
                .await
                .map_err(|source| StageError::Tx {
                    who: self.name.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// Journals all calls first, then waits: they share blocks.
    async fn run_together(&self, calls: Vec<(String, Call)>) -> Result<(), StageError> {
        let error = |source| StageError::Tx {
            who: self.name.clone(),
            source,
        };
        let mut tickets = Vec::new();
        for (key, call) in calls {
            tickets.push(self.queue.submit(key, call).await.map_err(error)?);
        }
        for ticket in tickets {
            ticket.outcome().await.map_err(error)?;
        }
        Ok(())
    }
}

/// What stands on chain.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The deployment.
    pub deployment: Deployment,
    /// The broadcaster's job: the first one of the deployment.
    pub job: U256,
}

/// Deploys, with `seed` as the source of randomness.
pub async fn deploy_seeded(
    url: &str,
    deployer: &OperatorKey,
    params: &Params,
    seed: u64,
) -> Result<Deployment, ChainError> {
    let randomness = Randomness::Fixed(keccak256(format!("assay randomness {seed}")));
    let config = DeployConfig {
        params: params.clone(),
        randomness,
        supply: Lpt::whole(SUPPLY),
    };
    deploy(url, deployer, &config).await
}

/// Funds, bonds, registers and creates the job, if it is not left to the broadcaster's node. Every player acts with its
/// own account.
pub async fn set(
    url: &str,
    deployer: &OperatorKey,
    deployment: &Deployment,
    players: &[Player],
    profiles: Option<&Profiles>,
) -> Result<Stage, StageError> {
    let treasury = Actor::new(url, deployment, "deployer", deployer.clone()).await?;
    let mut funding = Vec::new();
    for player in players {
        let to = player.address();
        let wei = U256::from(GAS_MONEY);
        funding.push((format!("ether {to}"), EtherCall::Send { to, wei }.into()));
        if !player.stake.0.is_zero() {
            funding.push((
                format!("lpt {to}"),
                TokenCall::Transfer {
                    to,
                    amount: player.stake,
                }
                .into(),
            ));
        }
    }
    treasury.run_together(funding).await?;

    let first = players
        .iter()
        .find(|p| matches!(p.part, Part::Transcoder { .. }))
        .map(Player::address);
    let (operators, delegators): (Vec<_>, Vec<_>) = players
        .iter()
        .cloned()
        .partition(|p| p.part != Part::Delegator);
    let profiles: Option<Arc<[u8]>> = profiles.map(|profiles| profiles.to_bytes().into());
    act(url, deployment, operators, move |player| {
        operator_calls(player, profiles.as_deref())
    })
    .await?;
    act(url, deployment, delegators, move |player| {
        Ok(delegator_calls(player, first))
    })
    .await?;
    Ok(Stage {
        deployment: deployment.clone(),
        job: U256::from(1),
    })
}

/// Every player at once, each with its own calls in order.
async fn act(
    url: &str,
    deployment: &Deployment,
    players: Vec<Player>,
    calls: impl Fn(&ActorOf) -> Result<Vec<Call>, BlsError> + Send + Sync + 'static,
) -> Result<(), StageError> {
    let calls = Arc::new(calls);
    let mut tasks = JoinSet::new();
    for player in players {
        let (url, deployment, calls) = (url.to_owned(), deployment.clone(), calls.clone());
        tasks.spawn(async move {
            let key = player.keys.operator.clone();
            let actor = Actor::new(&url, &deployment, &player.name, key).await?;
            let calls = calls(&ActorOf { player, deployment })?;
            actor
                .run(
                    calls
                        .into_iter()
                        .enumerate()
                        .map(|(i, call)| (format!("stage {i}"), call)),
                )
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(result) => result?,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }
    Ok(())
}

/// A player with where it acts.
struct ActorOf {
    player: Player,
    deployment: Deployment,
}

fn operator_calls(actor: &ActorOf, profiles: Option<&[u8]>) -> Result<Vec<Call>, BlsError> {
    let player = &actor.player;
    let amount = player.stake;
    let spender = actor.deployment.contracts.bonding_manager;
    Ok(match player.part {
        Part::Broadcaster => {
            let create = |profiles: &[u8]| {
                Call::from(JobCall::Create {
                    profiles: profiles.to_vec().into(),
                    max_price_per_pixel: U256::from(PRICE_CAP),
                })
            };
            profiles.map(create).into_iter().collect()
        }
        Part::Transcoder { .. } => vec![
            TokenCall::Approve { spender, amount }.into(),
            StakeCall::Bond {
                role: Role::Transcoder,
                amount,
            }
            .into(),
            StakeCall::SetTerms {
                role: Role::Transcoder,
                reward_cut_bps: 1_000,
                fee_share_bps: 5_000,
                price_per_pixel: PRICE,
            }
            .into(),
        ],
        Part::Verifier => {
            let key = player.keys.bls.public();
            let registry = actor.deployment.contracts.verifier_registry;
            let message =
                possession_message(&key, player.address(), actor.deployment.chain_id, registry)?;
            let possession = player.keys.bls.prove_possession(message)?;
            vec![
                TokenCall::Approve { spender, amount }.into(),
                StakeCall::Bond {
                    role: Role::Verifier,
                    amount,
                }
                .into(),
                VerifierCall::Register { key, possession }.into(),
            ]
        }
        Part::Delegator => Vec::new(),
    })
}

fn delegator_calls(actor: &ActorOf, operator: Option<Address>) -> Vec<Call> {
    let amount = actor.player.stake;
    let spender = actor.deployment.contracts.bonding_manager;
    let Some(operator) = operator else {
        return Vec::new();
    };
    vec![
        TokenCall::Approve { spender, amount }.into(),
        StakeCall::Delegate {
            role: Role::Transcoder,
            operator,
            amount,
        }
        .into(),
    ]
}

/// Opens the next round with the deployer's account; the chain must have reached it.
pub async fn open_round(
    url: &str,
    deployer: &OperatorKey,
    deployment: &Deployment,
) -> Result<(), StageError> {
    let actor = Actor::new(url, deployment, "deployer", deployer.clone()).await?;
    actor
        .run([("open the first round".to_owned(), RoundsCall::Open.into())])
        .await
}
