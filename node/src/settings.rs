//! What a node is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use assay_chain::Endpoints;
use assay_chain::contracts::Deployment;
use assay_chain::queue::QueueConfig;
use assay_encoder::package::{Keep, Sound, Timing};
use assay_encoder::{EncodeRequest, Workers};
use assay_protocol::assignment::Assignment;
use assay_protocol::profile::Profiles;
use assay_protocol::{Address, U256};
use assay_roles::broadcaster::Source;
use tokio::sync::mpsc;

use crate::keys::Keys;
use crate::progress::Progress;

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

/// The job that a broadcaster publishes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobChoice {
    /// One that was created already.
    Existing(U256),
    /// The node creates one at its first start and finds it again at every later one.
    Own {
        /// What every segment is transcoded to.
        profiles: Profiles,
        /// Most wei paid per output pixel.
        max_price: U256,
    },
}

/// A segment to be published.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its source, stored in the node's blob folder and inspected; `None` for a part of a stream that is missing.
    pub source: Option<Source>,
    /// When it is shown; otherwise it follows the one before.
    pub timing: Option<Timing>,
    /// What is heard meanwhile, of each audio track.
    pub sounds: Vec<Option<Sound>>,
    /// Of a live stream, when its last frame had come in.
    pub came: Option<Instant>,
}

/// The broadcaster's settings. Segments are numbered from the first number for which this node has never signed an
/// assignment, so that a restart cannot equivocate.
pub struct BroadcasterSettings {
    /// The job.
    pub job: JobChoice,
    /// Segments unfinished at a time.
    pub in_flight: usize,
    /// What is published.
    pub segments: mpsc::Receiver<Offer>,
    /// Set before `segments` closes where the source has come to its end. Otherwise it has failed: the next start goes on with it,
    /// and the playlists have no end.
    pub ended: Arc<AtomicBool>,
    /// Where the playlist is written.
    pub output: PathBuf,
    /// What of it is kept.
    pub keep: Keep,
    /// Of a live stream, how long the playlist waits for a segment. It takes segments as they come, and each once.
    pub patience: Option<Duration>,
    /// Of a file, how far it has been published: kept up to date for the next start.
    pub progress: Option<Progress>,
}

/// A node's settings.
pub struct Settings {
    /// Folder of this node: journal, transactions, blobs, proofs.
    pub folder: PathBuf,
    /// Its keys.
    pub keys: Keys,
    /// The account whose stake it acts for: the operator key's own, or one that has authorised it.
    pub operator: Address,
    /// Nodes of the chain.
    pub rpc: Endpoints,
    /// How transactions are sent.
    pub queue: QueueConfig,
    /// The deployment.
    pub deployment: Deployment,
    /// The network.
    pub p2p: assay_p2p::Config,
    /// Most bytes of fetched sources on disk.
    pub sources: u64,
    /// Worker processes, shared by the nodes of one machine.
    pub workers: Workers,
    /// Encodes for others.
    pub transcoder: Option<TranscoderSettings>,
    /// Recomputes samples.
    pub verifier: bool,
    /// Publishes a job.
    pub broadcaster: Option<BroadcasterSettings>,
}
