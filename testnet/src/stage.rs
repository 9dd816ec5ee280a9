//! Sets the stage on chain: accounts funded, stakes bonded and delegated, keys registered, a job created, a round open.

use std::collections::BTreeSet;

use assay_chain::ChainError;
use assay_chain::call::{
    BrokerCall, Call, EtherCall, JobCall, OperatorCall, RoundsCall, StakeCall, TokenCall,
    VerifierCall,
};
use assay_chain::client::Client;
use assay_chain::contracts::{Deployment, Randomness};
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy};
use assay_chain::queue::{Journal, QueueConfig, TxError, TxQueue};
use assay_chain::views::Role;
use assay_protocol::amount::{Eth, Lpt};
use assay_protocol::bls::{BlsError, possession_message};
use assay_protocol::params::Params;
use assay_protocol::profile::Profiles;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256, keccak256};
use tokio::task::JoinSet;

use crate::cast::{Part, Player};

/// LPT in existence at the start: more than the largest cast bonds, and not so much that a round's inflation makes up for a
/// slash.
const SUPPLY: u64 = 25_000;
/// Wei that each account gets for gas: 10 ETH.
const GAS_MONEY: u128 = 10_000_000_000_000_000_000;
/// Transcoders' price, wei per output pixel: about 0.02 ETH an hour of 360p at 30 fps.
pub(crate) const PRICE: u64 = 80;
/// Wei of the broadcaster's deposit, and of its reserve: half an ETH, enough for days.
const DEPOSIT: u64 = 500_000_000_000_000_000;
/// Part of rewards that operators keep before sharing the rest with their delegators.
const REWARD_CUT_BPS: u16 = 1_000;
/// Part of fees that transcoders share.
const FEE_SHARE_BPS: u16 = 5_000;
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
    client: Client,
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
            client,
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
        token: TokenChoice::New {
            supply: Lpt::whole(SUPPLY),
        },
        // Nothing is contested here; whoever deploys decides.
        resolver: deployer.address(),
    };
    deploy(url, deployer, &config).await
}

/// Funds, bonds, authorises and registers. Owners act for their stakes with keys of their own; what signs and pays gas
/// afterwards is each node's hot key, from the first round on.
pub async fn set(
    url: &str,
    deployer: &OperatorKey,
    deployment: &Deployment,
    players: &[Player],
) -> Result<(), StageError> {
    let treasury = Actor::new(url, deployment, "deployer", deployer.clone()).await?;
    let mut funding = Vec::new();
    for player in players {
        let accounts: BTreeSet<_> = [player.address(), player.signer()].into();
        for to in accounts {
            let wei = U256::from(GAS_MONEY);
            funding.push((format!("ether {to}"), EtherCall::Send { to, wei }.into()));
        }
        if !player.stake.0.is_zero() {
            let (to, amount) = (player.address(), player.stake);
            funding.push((
                format!("lpt {to}"),
                TokenCall::Transfer { to, amount }.into(),
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
    act(url, deployment, operators, None).await?;
    act(url, deployment, delegators, first).await
}

/// Creates the broadcaster's job with its hot key, which must count by now: the job is then the owner's.
pub async fn create_job(
    url: &str,
    deployment: &Deployment,
    players: &[Player],
    profiles: &Profiles,
) -> Result<Stage, StageError> {
    let broadcaster = players.iter().find(|p| p.part == Part::Broadcaster);
    if let Some(player) = broadcaster {
        let key = player.keys.operator.clone();
        let actor = Actor::new(url, deployment, &player.name, key).await?;
        let create = JobCall::Create {
            profiles: profiles.to_bytes().into(),
            max_price_per_pixel: U256::from(PRICE_CAP),
        };
        actor.run([("job".to_owned(), create.into())]).await?;
    }
    Ok(Stage {
        deployment: deployment.clone(),
        job: U256::from(1),
    })
}

/// Every player at once, each with its own calls in order. Delegators delegate to `first`.
async fn act(
    url: &str,
    deployment: &Deployment,
    players: Vec<Player>,
    first: Option<Address>,
) -> Result<(), StageError> {
    let mut tasks = JoinSet::new();
    for player in players {
        let (url, deployment) = (url.to_owned(), deployment.clone());
        tasks.spawn(async move {
            let owner = player.owner.clone();
            let actor = Actor::new(&url, &deployment, &player.name, owner).await?;
            let calls = match player.part {
                Part::Delegator => delegator_calls(&player, &deployment, first),
                _ => operator_calls(&player, &actor.client, &deployment).await?,
            };
            let named = calls.into_iter().enumerate();
            actor
                .run(named.map(|(i, call)| (format!("stage {i}"), call)))
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

/// What an owner does once: it lets its hot key sign, bonds, and says its terms.
async fn operator_calls(
    player: &Player,
    client: &Client,
    deployment: &Deployment,
) -> Result<Vec<Call>, StageError> {
    let (owner, signer) = (player.address(), player.signer());
    let digest = client.consent_digest(owner, signer).await?;
    let consent = player.keys.operator.sign(digest);
    let mut calls: Vec<Call> = vec![OperatorCall::Authorise { signer, consent }.into()];
    let role = match player.part {
        Part::Transcoder { .. } => Role::Transcoder,
        Part::Verifier => Role::Verifier,
        Part::Broadcaster => {
            let half = Eth(U256::from(DEPOSIT));
            calls.push(
                BrokerCall::Fund {
                    broadcaster: owner,
                    deposit: half,
                    reserve: half,
                }
                .into(),
            );
            return Ok(calls);
        }
        Part::Delegator => return Ok(calls),
    };
    let (amount, spender) = (player.stake, deployment.contracts.bonding_manager);
    calls.push(TokenCall::Approve { spender, amount }.into());
    calls.push(StakeCall::Bond { role, amount }.into());
    calls.push(
        OperatorCall::SetCuts {
            role,
            reward_cut_bps: REWARD_CUT_BPS,
            fee_share_bps: FEE_SHARE_BPS,
        }
        .into(),
    );
    if role == Role::Transcoder {
        calls.push(
            OperatorCall::SetPrice {
                operator: owner,
                price_per_pixel: PRICE,
            }
            .into(),
        );
    } else {
        let key = player.keys.bls.public();
        let registry = deployment.contracts.verifier_registry;
        let message = possession_message(&key, owner, deployment.chain_id, registry)?;
        let possession = player.keys.bls.prove_possession(message)?;
        calls.push(
            VerifierCall::Register {
                operator: owner,
                key,
                possession,
            }
            .into(),
        );
    }
    Ok(calls)
}

fn delegator_calls(
    player: &Player,
    deployment: &Deployment,
    operator: Option<Address>,
) -> Vec<Call> {
    let amount = player.stake;
    let spender = deployment.contracts.bonding_manager;
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
