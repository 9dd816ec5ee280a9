//! The running node as a library: keys, journal, network, chain and worker processes around the cores.
//!
//! [`start()`] puts a node together from [`Settings`]; it tells what happens through [`Notice`]s. Inside, one loop
//! (`driver`) hands checked messages (`on_network`, `validate`), chain news (`chain_feed`) and the answers of tasks to
//! the cores of `assay-roles` and `assay-verifier`, and carries out what they want (`do_broadcaster`,
//! `do_transcoder`, `do_verifier`, `keeper`). [`process`] is the whole of `assay node`: a node from its [`Config`].
#![forbid(unsafe_code)]

mod audio;
mod authority;
mod blobs;
mod chain_feed;
mod chain_state;
mod checks;
pub mod clip;
mod collect;
pub mod config;
mod covers;
mod dated;
mod directory;
mod do_broadcaster;
mod do_cases;
mod do_evidence;
mod do_round;
mod do_sources;
mod do_transcoder;
mod do_verifier;
mod driver;
mod dues;
mod enlist;
mod errand;
mod ether;
pub mod evidence;
mod job;
mod journal;
mod keeper;
mod keys;
pub mod keystore;
mod live;
mod log;
mod notice;
mod offers;
mod on_chain;
mod on_network;
mod outlet;
mod own_funds;
mod own_receipts;
mod payments;
pub mod process;
mod progress;
mod publication;
mod publish;
mod redeem;
mod retry;
mod roll_call;
mod room;
mod seen_log;
pub mod serve;
mod settings;
mod signer;
mod sources;
mod start;
pub mod status;
mod stock;
mod suspects;
mod validate;
mod whole;
pub mod winners;
pub mod work_shelf;

pub use blobs::BlobFolder;
pub use config::Config;
pub use ether::Ether;
pub use journal::JournalError;
pub use keys::{KeyError, Keys, OPERATOR_FILE};
pub use notice::Notice;
pub use progress::Progress;
pub use settings::{
    BroadcasterSettings, Craft, Honest, JobChoice, Offer, Settings, TranscoderSettings,
};
pub use start::{Ended, Publisher, Running, StartError, start};
