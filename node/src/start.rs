//! Puts a node together and starts it.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use assay_chain::ChainError;
use assay_chain::client::Client;
use assay_chain::queue::{Journal as TxJournal, TxError, TxQueue};
use assay_p2p::{Identity, IdentityError, Multiaddr, PeerId, SpawnError};
use assay_protocol::checked::Now;
use assay_protocol::{Address, B256};
use assay_roles::transcoder::Transcoder;
use assay_verifier::Verifier;
use assay_verifier::certify::Certifier;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use crate::blobs::{Blobs, Leases};
use crate::chain_feed::Feed;
use crate::driver::{Event, Node, Transcoding, Unborn};
use crate::dues::Dues;
use crate::evidence::Witness;
use crate::job::own_job;
use crate::journal::{Journal, JournalError};
use crate::notice::Notice;
use crate::outlet::Outlet;
use crate::own_receipts::OwnReceipts;
use crate::seen_log::SeenLog;
use crate::settings::{BroadcasterSettings, Settings};
use crate::signer::Signer;
use crate::sources::Sources;
use crate::suspects::Suspects;
use crate::validate::Checker;
use crate::winners::{Winners, WinnersError};
use crate::work_shelf::WorkShelf;

/// Events waiting for the loop; tasks that produce more wait.
const EVENTS: usize = 4_096;
/// Notices waiting for whoever watches.
const NOTICES: usize = 4_096;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its folder cannot be used.
    #[error("{path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The journal forbids it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain is away or another one.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] SpawnError),
    /// The broadcaster's job could not be created.
    #[error("the job cannot be created: {0}")]
    Job(#[from] TxError),
    /// The transaction that created the job tells of none.
    #[error("transaction {0} created no job; is this another deployment?")]
    JobUnknown(B256),
    /// The operator has not authorised this node's key.
    #[error(
        "in round {round} {signer} signs for operator {operator}, not this node's key {key}; its owner types: assay operator authorise {key} --consent …"
    )]
    NotTheSigner {
        /// The operator of the configuration.
        operator: Address,
        /// This node's key.
        key: Address,
        /// Who signs.
        signer: Address,
        /// The present round.
        round: u64,
    },
    /// The winning tickets of before cannot be read.
    #[error(transparent)]
    Winners(#[from] WinnersError),
    /// The libp2p key is none.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Why a node has stopped that nobody has asked to.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// A part of it has ended without being told to.
    #[error("{0} has died")]
    Died(&'static str),
    /// Its operator has authorised another key.
    #[error("another key signs for its operator; the last log lines say which")]
    Replaced,
    /// A fault of its own.
    #[error("its loop has died: {0}")]
    Panicked(#[from] JoinError),
}

/// A running node.
pub struct Running {
    /// Its operator account.
    pub operator: Address,
    /// Its libp2p peer.
    pub peer: PeerId,
    network: assay_p2p::Handle,
    events: mpsc::Sender<Event>,
    task: JoinHandle<Result<(), Ended>>,
}

impl Running {
    /// Addresses it listens on, with its peer id: what others bootstrap from.
    pub async fn addresses(&self) -> Vec<Multiaddr> {
        let addresses = self.network.listen_addrs().await;
        addresses
            .into_iter()
            .filter_map(|address| address.with_p2p(self.peer).ok())
            .collect()
    }

    /// Peers it is connected with.
    pub async fn peers(&self) -> usize {
        self.network.connected().await.len()
    }

    /// What gives it something to publish later on.
    pub fn publisher(&self) -> Publisher {
        Publisher(self.events.clone())
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// Why it has by itself.
    pub async fn ended(self) -> Result<(), Ended> {
        self.task.await?
    }

    /// Stops it and waits until its journals are closed and its playlists are written; they end only if its source has. Its notices
    /// end then.
    ///
    /// # Errors
    /// As [`Self::ended`], if it had stopped before.
    pub async fn stop(self) -> Result<(), Ended> {
        // Nobody reads that any more if it had.
        let _ = self.events.send(Event::Stop).await;
        self.ended().await
    }
}

/// Gives a running node something to publish.
#[derive(Clone)]
pub struct Publisher(mpsc::Sender<Event>);

impl Publisher {
    /// Makes the node a broadcaster. One that publishes already goes on with what it has.
    pub async fn publish(&self, settings: BroadcasterSettings) {
        // A node that has stopped publishes nothing.
        let _ = self.0.send(Event::Publish(Box::new(settings))).await;
    }
}

/// Starts a node on the current tokio runtime. What it has to tell must be read, or the node waits.
pub async fn start(settings: Settings) -> Result<(Running, mpsc::Receiver<Notice>), StartError> {
    let Settings {
        folder,
        keys,
        operator: me,
        rpc,
        queue,
        deployment,
        p2p,
        sources,
        workers,
        transcoder,
        verifier,
        broadcaster,
    } = settings;
    let in_folder = |source| StartError::Folder {
        path: folder.clone(),
        source,
    };
    std::fs::create_dir_all(&folder).map_err(in_folder)?;
    let domain = deployment.domain();
    let params = deployment.params.clone();
    let journal = Journal::open(&folder.join("journal.redb"), &domain)?;
    let winners = Winners::open(&folder.join("winners.redb"), domain)?;
    let blobs = Blobs::open(&folder).map_err(in_folder)?;
    let client = Client::connect(&rpc, &deployment, keys.operator.clone()).await?;
    let (key, round) = (keys.operator.address(), client.round().await?.round);
    let signer = client.signer_at(me, round).await?;
    if signer != key {
        return Err(StartError::NotTheSigner {
            operator: me,
            key,
            signer,
            round,
        });
    }
    let tx_journal = TxJournal::File(folder.join("transactions.redb"));
    let queue = TxQueue::open(&client, tx_journal, queue).await?;
    let unborn = match broadcaster {
        Some(settings) => Some(Unborn {
            job: own_job(&settings.job, &client, &queue).await?,
            settings,
            waiting_since: None,
        }),
        None => None,
    };
    let identity = Identity::from_secret(keys.p2p.clone())?;
    let (network, network_events) = assay_p2p::spawn(p2p, &identity, Arc::new(blobs.clone()))?;

    let (events, inbox) = mpsc::channel(EVENTS);
    let (notices, watched) = mpsc::channel(NOTICES);
    let state = Arc::new(RwLock::default());
    let encoder_id = assay_encoder::encoder_id();
    let witness = Arc::new(Witness::new(&folder, me, domain, &params));
    let checker = Arc::new(Checker::new(
        domain,
        params.clone(),
        encoder_id,
        state.clone(),
        witness.clone(),
    ));
    let outlet = Outlet {
        network: network.clone(),
        events: events.clone(),
        checker: checker.clone(),
    };
    let head = client.head().await?.number;
    // What is here from before belongs to assignments signed until now.
    let last = head + params.response_blocks + params.evidence_blocks;
    let mut leases = Leases::default();
    for (hash, _) in blobs.published.list().map_err(in_folder)? {
        leases.begin(hash, last);
    }
    let evidence = params.evidence_blocks;
    let sources = Sources::new(blobs.clone(), network.clone(), sources, evidence);
    for hash in sources.found(blobs.fetched.list().map_err(in_folder)?, last) {
        blobs.fetched.remove(hash).map_err(in_folder)?;
    }
    let transcoding = transcoder.map(|settings| Transcoding {
        core: Transcoder::new(me, params.clone(), encoder_id, settings.capacity),
        settings,
        outputs: Default::default(),
        tendered: Default::default(),
        under_way: Default::default(),
    });
    let seen_log = SeenLog::new(&folder);
    let node = Node {
        me,
        roles: Node::role_bits(unborn.is_some(), transcoding.is_some(), verifier),
        domain,
        state: state.clone(),
        checker,
        outlet,
        checks: Default::default(),
        staked: Default::default(),
        signer: Arc::new(Signer::new(domain, keys, identity, journal)),
        queue,
        client: client.clone(),
        winners,
        live: false,
        recalled: false,
        ended: None,
        unsigned_at: None,
        network: network.clone(),
        directory: Default::default(),
        sources,
        blobs,
        leases,
        workers,
        keeper: Default::default(),
        unborn,
        publishing: None,
        transcoding,
        certifying: verifier
            .then(|| Certifier::new(me, domain, params.clone()).resume(seen_log.known())),
        shelf: WorkShelf::open(&folder),
        dues: Dues::default(),
        seen_log,
        witness,
        receipts: OwnReceipts::new(&folder),
        suspects: Suspects::new(&folder),
        verifying: verifier.then(|| Verifier::new(me, params.clone(), Now { block: head })),
        params,
        folder,
        events: events.clone(),
        notices,
    };
    let task = tokio::spawn(node.run(inbox, network_events));
    Feed::start(client, deployment.deploy_block, state, events.clone()).await?;
    // The loop is alive: it ends only when it is told to.
    let _ = events.send(Event::Notice(Notice::Ready)).await;
    Ok((
        Running {
            operator: me,
            peer: network.peer_id(),
            network,
            events,
            task,
        },
        watched,
    ))
}
