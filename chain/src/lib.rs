//! The Ethereum side of a node: deployment, typed reads, events, and a queue that makes every transaction happen once.
//!
//! `ethers` does the encoding; none of its types leaves this crate. What goes in and comes out
//! are the words of `alloy-primitives` and the objects of `assay-protocol`.
//!
//! | file | holds |
//! |---|---|
//! | [`anvil`] | a development chain as a child process |
//! | [`deploy`](mod@deploy), [`contracts`] | the contracts, and where they are |
//! | [`client`], `stake`, [`court`], [`views`] | reads |
//! | [`watcher`], [`events`] | blocks and events as they come |
//! | [`call`], [`fault`], [`exhibit`], [`queue`] | transactions by meaning, evidence as files, journaled and sent |
//! | [`revert`] | contracts' refusals in words |
//!
//! ```no_run
//! use assay_chain::anvil::{Anvil, AnvilConfig, dev_key};
//! use assay_chain::call::RoundsCall;
//! use assay_chain::client::Client;
//! use assay_chain::contracts::Randomness;
//! use assay_chain::deploy::{DeployConfig, TokenChoice, deploy};
//! use assay_chain::queue::{Journal, QueueConfig, TxQueue};
//! use assay_protocol::{B256, amount::Lpt, params::Params};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let anvil = Anvil::start(&AnvilConfig::default()).await?;
//! let deployer = dev_key(0)?;
//! let config = DeployConfig {
//!     params: Params::demo(),
//!     randomness: Randomness::Fixed(B256::repeat_byte(1)),
//!     token: TokenChoice::New {
//!         supply: Lpt::whole(1_000_000),
//!     },
//!     resolver: deployer.address(),
//! };
//! let deployment = deploy(&anvil.url(), &deployer, &config).await?;
//! let client = Client::connect(&anvil.url(), &deployment, deployer).await?;
//! let queue = TxQueue::open(&client, Journal::Memory, QueueConfig::default()).await?;
//! anvil.mine(deployment.params.round_blocks).await?;
//! let mined = queue.run("open round 1", RoundsCall::Open).await?;
//! println!("round {} opened for {} gas", client.round().await?.round, mined.gas_used);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod anvil;
mod bindings;
pub mod broker;
pub mod call;
pub mod challenge;
pub mod client;
pub mod contest;
pub mod contracts;
mod convert;
pub mod court;
pub mod deploy;
pub mod error;
pub mod events;
mod evidence;
pub mod exhibit;
pub mod fault;
mod fees;
mod history;
pub mod key_file;
mod mined;
pub mod operators;
mod parameters;
pub mod positions;
pub mod queue;
pub mod redb_file;
pub mod revert;
mod rpc;
mod signing;
pub mod simulate;
mod stake;
pub mod views;
pub mod watcher;
pub mod work;

pub use error::ChainError;
pub use rpc::{EndpointState, EndpointView, Endpoints, Policy, RpcError};
