//! What a node is started with.

use std::path::PathBuf;
use std::sync::Arc;

use assay_chain::contracts::Deployment;
use assay_encoder::{EncodeRequest, Workers};
use assay_protocol::U256;
use assay_protocol::assignment::Assignment;
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;

use crate::keys::Keys;

/// How a transcoder turns an assignment into an encode. The honest way is [`Honest`]; an adversary lives elsewhere.
pub trait Craft: Send + Sync + 'static {
    /// Changes the request for `assignment`; gives the leaves that will not be as the profile says.
    fn shape(&self, assignment: &Assignment, request: &mut EncodeRequest) -> Vec<u32>;
}

/// Encodes what is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Craft for Honest {
    fn shape(&self, _: &Assignment, _: &mut EncodeRequest) -> Vec<u32> {
        Vec::new()
    }
}

/// The transcoder's settings.
#[derive(Clone)]
pub struct TranscoderSettings {
    /// Segments taken at a time; more are refused.
    pub capacity: usize,
    /// Chunks of one segment encoded at the same time.
    pub threads: u16,
    /// How it encodes.
    pub craft: Arc<dyn Craft>,
}

/// The broadcaster's settings.
pub struct BroadcasterSettings {
    /// The job, created already.
    pub job: U256,
    /// Segments unfinished at a time.
    pub in_flight: usize,
    /// Number of the first segment.
    pub first_seq: u32,
    /// Segments, stored in the node's blob folder and inspected.
    pub segments: mpsc::Receiver<Source>,
    /// Where the playlist is written.
    pub output: PathBuf,
}

/// A node's settings.
pub struct Settings {
    /// Folder of this node: journal, transactions, blobs, proofs.
    pub folder: PathBuf,
    /// Its keys.
    pub keys: Keys,
    /// RPC of the chain.
    pub rpc: String,
    /// The deployment.
    pub deployment: Deployment,
    /// The network.
    pub p2p: assay_p2p::Config,
    /// Worker processes, shared by the nodes of one machine.
    pub workers: Workers,
    /// Encodes for others.
    pub transcoder: Option<TranscoderSettings>,
    /// Recomputes samples.
    pub verifier: bool,
    /// Publishes a job.
    pub broadcaster: Option<BroadcasterSettings>,
}
