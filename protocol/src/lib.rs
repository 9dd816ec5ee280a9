//! The Assay protocol: what is signed, how it is hashed, who is elected, what is drawn, when a fault is proven.
//!
//! Pure functions and plain types, no async and no I/O. `docs/protocol.md` states the same byte for byte; the
//! contracts in `chain/contracts` implement the same rules, and `protocol/vectors` holds the values both must give.
//!
//! The files follow a segment's life: [`profile`] and [`frames`] fix what is encoded, [`election`] names the
//! transcoder of an [`assignment`], its [`receipt`] commits to [`merkle`] leaves, a [`sample`] ticket draws some of
//! them, a [`verdict`] says what a verifier recomputed, an [`accusation`] collects verdicts, and a [`fraud_proof`]
//! carries them to the chain.
//!
//! ```
//! use assay_protocol::{address, merkle::{leaf_hash, Tree}, sig::OperatorKey};
//! use assay_protocol::{domain::Domain, receipt::Receipt};
//!
//! let court = address!("0x00000000000000000000000000000000000000c0");
//! let domain = Domain::new(31337, court);
//! let tree = Tree::new(vec![leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]);
//! let receipt = Receipt { outputRoot: tree.root(), ..Default::default() };
//! let key = OperatorKey::from_bytes([7; 32])?;
//! let signature = key.sign(domain.digest(&receipt));
//! assert_eq!(signature.recover(domain.digest(&receipt))?, key.address());
//! assert!(tree.path(2).verify(tree.root(), 3, 2, leaf_hash(b"c")));
//! # Ok::<(), assay_protocol::sig::SignatureError>(())
//! ```
#![forbid(unsafe_code)]

pub mod accusation;
pub mod amount;
pub mod assignment;
pub mod bls;
pub mod certification;
pub mod checked;
pub mod demand;
pub mod domain;
pub mod draft;
pub mod election;
pub mod frames;
pub mod fraud_proof;
pub mod merkle;
pub mod mint;
pub mod params;
pub mod payment;
pub mod profile;
pub mod receipt;
pub mod record;
pub mod round_work;
pub mod rules;
pub mod sample;
pub mod sig;
pub mod verdict;
pub mod wire;
pub mod work;

pub use alloy_primitives::{Address, B256, Bytes, U256, address, b256, keccak256};
