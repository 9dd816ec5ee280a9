//! A node as a process of its own: from a configuration file to its last log line.

mod broadcast;
mod locks;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::client::Client;
use assay_chain::contracts::{Deployment, DeploymentFileError};
use assay_encoder::conformance::{self, ConformanceError};
use assay_encoder::{Ladder, Limits, WorkerCommand, Workers};
use assay_protocol::{Address, U256};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::{Config, ConfigError};
use crate::keys::{KeyError, Keys};
use crate::log;
use crate::notice::Notice;
use crate::publication::{PublicationError, open_viewers};
use crate::settings::{Craft, Settings, TranscoderSettings};
use crate::start::{Ended, Running, StartError, start};
use crate::status::Status;
use broadcast::prepare;
use locks::Locks;

/// Pause between two looks at the network for the status file.
const STATUS_PAUSE: Duration = Duration::from_secs(1);
/// Longest time for closing journals and playlists.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Why a node does not run, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Another process holds the folder.
    #[error("{folder}: another assay node (process {pid}) is running on this folder; stop it first, or give this one a folder of its own", folder = folder.display())]
    Running {
        /// The folder.
        folder: PathBuf,
        /// The other process.
        pid: String,
    },
    /// Another process signs with these keys.
    #[error(
        "{0}: another assay node is running with these keys; stop it first: two would sign against each other, and lose their stake"
    )]
    KeysInUse(PathBuf),
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration does not fit the deployment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The deployment's file.
    #[error(transparent)]
    Deployment(#[from] DeploymentFileError),
    /// The chain is away or another one.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The configured job is not there.
    #[error(
        "there is no job {0} on this chain; leave broadcaster.job out, and the node creates one"
    )]
    NoJob(U256),
    /// The configured job is for something else.
    #[error(
        "job {0} was created for another video format or ladder than the input's; leave broadcaster.job out, and the node creates one"
    )]
    OtherProfiles(U256),
    /// This machine's encoder gives other bytes than everyone else's.
    #[error(transparent)]
    Conformance(#[from] ConformanceError),
    /// What is to be published, or where.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// The node did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The node's loop ended without being told to.
    #[error("the node has stopped by itself: {0}")]
    Ended(#[from] Ended),
}

impl ProcessError {
    /// Whether the person who typed the command can mend it by giving other files.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Keys(_)
                | Self::Deployment(_)
                | Self::Publication(_)
                | Self::Start(StartError::NotTheSigner { .. })
        )
    }
}

/// Runs a node with the keys of its folder until `until` is ready: reads the deployment, checks that this machine's encoder conforms, starts,
/// and logs what happens. `craft` is how a transcoder encodes; [`crate::Honest`] for everyone who means it.
///
/// # Errors
/// When it cannot start, or stops without being told to.
pub async fn run(
    config: Config,
    keys: Keys,
    craft: Arc<dyn Craft>,
    worker: WorkerCommand,
    until: impl Future<Output = ()>,
) -> Result<(), ProcessError> {
    tokio::pin!(until);
    let folder = config.folder.clone();
    let _locks = Locks::take(&folder, &config.keys).await?;
    let mut tasks = JoinSet::new();
    let started = tokio::select! {
        started = begin(&config, keys, craft, worker, &mut tasks) => started?,
        () = &mut until => return Ok(()),
    };
    let (running, mut notices) = started;
    let mut head = 0;
    let mut pause = tokio::time::interval(STATUS_PAUSE);
    loop {
        tokio::select! {
            notice = notices.recv() => match notice {
                Some(notice) => {
                    if let Notice::Block(number) = notice {
                        head = number;
                    }
                    log::notice(&notice);
                }
                None => return Ok(running.ended().await?),
            },
            Some(ended) = tasks.join_next() => {
                if let Ok(Err(e)) = ended {
                    log::publication_failed(&e);
                }
            }
            _ = pause.tick() => tell_status(&running, &folder, head).await,
            () = &mut until => break,
        }
    }
    tracing::info!("stopping");
    tasks.abort_all();
    // The loop's last notices must be read, or it would wait for a reader.
    let drained = async { while notices.recv().await.is_some() {} };
    let stopped = tokio::time::timeout(STOP_TIME, async { tokio::join!(running.stop(), drained) });
    if stopped.await.is_err() {
        tracing::warn!(
            "the node did not come to an end within {} s",
            STOP_TIME.as_secs()
        );
    }
    let _ = std::fs::remove_file(Status::path(&folder));
    tracing::info!("stopped");
    Ok(())
}

/// Everything up to the running node; what goes on beside it is in `tasks`.
async fn begin(
    config: &Config,
    keys: Keys,
    craft: Arc<dyn Craft>,
    worker: WorkerCommand,
    tasks: &mut JoinSet<Result<(), ProcessError>>,
) -> Result<(Running, mpsc::Receiver<Notice>), ProcessError> {
    let folder = config.folder.clone();
    let deployment = Deployment::load(&config.deployment)?;
    let domain = deployment.domain();
    let p2p = config.network(domain.chain_id, domain.court)?;
    let signer = keys.operator.address();
    let operator = config.operator.unwrap_or(signer);
    tracing::info!(%operator, %signer, chain = domain.chain_id, court = %domain.court, "starting");
    let client = Client::connect(config.endpoints(), &deployment, keys.operator.clone()).await?;
    client.check_params(&deployment.params).await?;
    await_authority(&client, operator, signer).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let slots = config.workers.unwrap_or(cores);
    let workers = Workers::new(worker, Limits::default(), slots);
    // Before anything is decoded, so that the warning comes in time.
    look_at_walls(&workers).await;
    let (mut ready, mut later) = (None, None);
    if let Some(settings) = &config.broadcaster {
        // Viewers may wait for what is not there yet.
        if let Some(server) = open_viewers(settings).await? {
            tasks.spawn(async move {
                server.run().await;
                Ok(())
            });
        }
        // The other roles have duties, and cannot wait for somebody to send a stream, or for a long file to be cut.
        let combined = config.transcoder.is_some() || config.verifier.is_some();
        match combined {
            true => {
                Ladder::load(&settings.profile).map_err(|e| PublicationError::Clip(e.into()))?;
                later = Some(settings.clone());
            }
            false => ready = Some(prepare(settings, &folder, &workers, &client).await?),
        }
    }
    tracing::info!(
        "checking that this machine's encoder gives the bytes of the conformance vectors"
    );
    conformance::check(&workers).await?;
    let broadcaster = ready.map(|(settings, feed)| {
        tasks.spawn(async move { Ok(feed.run().await.map_err(PublicationError::from)?) });
        settings
    });
    let (own_folder, own_workers) = (folder.clone(), workers.clone());
    let settings = Settings {
        folder,
        keys,
        operator,
        rpc: config.endpoints(),
        queue: config.queue(),
        deployment,
        p2p,
        sources: config.sources_gib.saturating_mul(1 << 30),
        workers,
        transcoder: config
            .transcoder
            .as_ref()
            .map(|settings| TranscoderSettings {
                capacity: settings.capacity,
                threads: settings
                    .threads
                    .unwrap_or(slots.try_into().unwrap_or(u16::MAX)),
                craft,
            }),
        verifier: config.verifier.is_some(),
        broadcaster,
    };
    let (running, notices) = start(settings).await?;
    if let Some(settings) = later {
        let publisher = running.publisher();
        tasks.spawn(async move {
            let (settings, feed) = prepare(&settings, &own_folder, &own_workers, &client).await?;
            publisher.publish(settings).await;
            Ok(feed.run().await.map_err(PublicationError::from)?)
        });
    }
    Ok((running, notices))
}

/// Says once what a decoder that was taken over could do on this machine.
async fn look_at_walls(workers: &Workers) {
    match workers.walls().await {
        Ok(walls) => {
            if let Some(warning) = walls.warning() {
                tracing::warn!("{warning}");
            }
        }
        Err(e) => tracing::warn!("whether video decoders are confined is unknown: {e}"),
    }
}

/// An authorisation counts from the next round on: waits for it. One that is not there is said by [`start`].
async fn await_authority(
    client: &Client,
    operator: Address,
    key: Address,
) -> Result<(), ProcessError> {
    let mut told = false;
    loop {
        let round = client.round().await?.round;
        let now = client.signer_at(operator, round).await?;
        if now == key || client.signer_at(operator, round + 1).await? != key {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            tracing::info!(%operator, %key, "the key signs from round {} on; waiting for it", round + 1);
        }
        tokio::time::sleep(STATUS_PAUSE).await;
    }
}

async fn tell_status(running: &Running, folder: &Path, head: u64) {
    let addresses = running.addresses().await;
    let status = Status {
        pid: std::process::id(),
        operator: running.operator,
        peer: running.peer.to_string(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
        peers: running.peers().await,
        head,
    };
    if let Err(e) = status.write(folder) {
        tracing::warn!("{}: {e}", Status::path(folder).display());
    }
}
