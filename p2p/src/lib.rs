//! The Assay network: gossip between all nodes, direct streams for blobs, jobs and verdicts, and discovery, over
//! libp2p with TCP + Noise + Yamux and QUIC.
//!
//! One task owns the swarm. The node talks to it through a cheap [`Handle`] and hears from it through one bounded
//! channel of [`Event`]s. Payloads are opaque here (their types are in `assay_protocol::wire`): the operator's
//! signature inside a message is the authority, so the node judges every gossip message before it is forwarded.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use assay_p2p::{Config, Event, Identity, Judgement, MemoryStore, Topic, spawn};
//! use assay_protocol::address;
//!
//! let court = address!("0x00000000000000000000000000000000000000c0");
//! let store = Arc::new(MemoryStore::new(64 << 20));
//! let alice = Identity::from_secret([1; 32].into())?;
//! let (first, mut first_events) = spawn(Config::new(31337, court), &alice, store.clone())?;
//! let Some(Event::Listening(address)) = first_events.recv().await else { panic!("not listening") };
//!
//! let bob = Identity::from_secret([2; 32].into())?;
//! let config = Config { bootstrap: vec![address.with_p2p(alice.peer_id()).unwrap()], ..Config::new(31337, court) };
//! let (second, mut events) = spawn(config, &bob, store)?;
//!
//! first.publish(Topic::Records, b"hello".to_vec()).await?;
//! loop {
//!     if let Some(Event::Gossip { token, bytes, .. }) = events.recv().await {
//!         assert_eq!(bytes, b"hello");
//!         second.validate(token, Judgement::Accept).await;
//!         break;
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! The files: [`Config`] and [`Identity`] go into [`spawn()`]; `behaviour` puts the protocols together, `service` runs
//! them; `gossip`, `outbox`, `standing` and `quota` are the gossip side, `blob`, `proof`, `store`, `fetch`, `frame`, `lanes`
//! and `requests` the streams, `discovery` and `network` the rest.
#![forbid(unsafe_code)]

mod behaviour;
mod blob;
mod config;
mod discovery;
mod event;
mod fetch;
mod frame;
mod gossip;
mod handle;
mod identity;
mod lanes;
mod network;
mod outbox;
mod proof;
mod quota;
mod requests;
mod service;
mod spawn;
mod standing;
mod store;
mod topic;

pub use behaviour::{MAX_JOB, MAX_JOB_ANSWER, MAX_VERDICT};
pub use blob::Refusal;
pub use config::{Config, ConfigError, Discovery, Limits, Quotas};
pub use event::{Event, Judgement, MessageToken};
pub use fetch::{FetchError, ProviderFailure};
pub use handle::{Handle, PublishError, Published, RequestError};
pub use identity::{Identity, IdentityError, is_signed_by};
pub use libp2p::{Multiaddr, PeerId};
pub use proof::BadData;
pub use spawn::{SpawnError, spawn};
pub use standing::Misconduct;
pub use store::{BlobSource, BlobStore, MemoryStore};
pub use topic::Topic;
