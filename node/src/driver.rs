//! One event loop per node: events in, cores decide, outputs are executed by tasks that answer with events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use assay_chain::client::Client;
use assay_chain::exhibit::Exhibit;
use assay_chain::queue::TxQueue;
use assay_encoder::package::Packager;
use assay_encoder::{EncodedLeaf, Workers};
use assay_p2p::{Handle, PeerId};
use assay_protocol::assignment::SignedAssignment;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Seal, Sealed};
use assay_protocol::params::Params;
use assay_protocol::payment::SignedTicket;
use assay_protocol::profile::Profiles;
use assay_protocol::verdict::LeafId;
use assay_protocol::work::WorkList;
use assay_protocol::{Address, B256, U256};
use assay_roles::broadcaster::{self, Broadcaster};
use assay_roles::transcoder::{self, Tender, Transcoder};
use assay_verifier::certify::{self, Certifier};
use assay_verifier::{self as verifier, Verifier};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::blobs::{Blobs, Leases};
use crate::chain_feed::ChainNews;
use crate::chain_state::ChainState;
use crate::checks::Checks;
use crate::collect::Collections;
use crate::directory::Directory;
use crate::dues::Dues;
use crate::evidence::Witness;
use crate::keeper::Keeper;
use crate::notice::Notice;
use crate::offers::Offers;
use crate::outlet::Outlet;
use crate::own_receipts::OwnReceipts;
use crate::progress::Progress;
use crate::retry::Chore;
use crate::seen_log::SeenLog;
use crate::settings::{BroadcasterSettings, Offer, TranscoderSettings};
use crate::signer::Signer;
use crate::sources::Sources;
use crate::start::Ended;
use crate::suspects::Suspects;
use crate::validate::{Checker, Verified};
use crate::winners::{Change, Refusal, Winners, WinnersError};
use crate::work_shelf::WorkShelf;

/// Which core asked for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Broadcaster,
    Transcoder,
    Verifier,
    Certifier,
}

/// What the loop hears.
pub(crate) enum Event {
    Chain(ChainNews),
    Network(assay_p2p::Event),
    Verified(Verified),
    Sealed(Role, Box<Sealed>),
    /// What could not be signed for a reason that may pass, and that.
    Unsigned(Role, Box<Draft>, String),
    Broadcaster(broadcaster::Input),
    /// The next segment to publish.
    Offer(Box<Offer>),
    /// The core may have one that waits.
    Wanted,
    /// No more segments come.
    SourceEnded,
    /// Something to publish, of which nobody knew when the node was started.
    Publish(Box<BroadcasterSettings>),
    /// Its job is on chain.
    Unborn(Box<Unborn>),
    /// A live segment is not waited for any more.
    Overdue(u32),
    Verifier(verifier::Input),
    /// An assignment whose broadcaster was not known a moment ago, and how often to look again.
    Transcode(Box<SignedAssignment>, B256, Address, u32),
    /// An assignment and what pays for it; the signatures hold.
    Assigned(Box<Checked<SignedAssignment>>, Vec<Checked<SignedTicket>>),
    /// Tickets, and what the chain says of who pays them.
    Tender(Box<Tender>),
    /// The chain says nothing of who pays for this assignment.
    Untendered(B256),
    /// Winning tickets are on disk, or are not.
    WinnersWritten(Change, Result<(), WinnersError>),
    /// A transcoder's segment is encoded: the bytes to push, then the core's input.
    Encoded(B256, Made, Box<transcoder::Input>),
    /// A certified list that was asked for, with its root.
    Listed(Box<WorkList>, B256),
    /// A leaf that is demanded of this node's receipts, as the court takes it, where it is here.
    Opening(LeafId, Option<Box<Exhibit>>),
    /// A chore's transaction has failed.
    Failed(Box<Chore>),
    /// The chain refuses to pay these winning tickets.
    Unredeemed(Vec<(B256, Refusal)>),
    /// What the chain says of these winners could not be asked.
    Unoffered(Vec<B256>),
    /// A part without which the node is none has ended.
    Died(&'static str),
    Notice(Notice),
    Announce,
    Stop,
}

/// A broadcaster that cannot begin yet: its job has not been seen on chain, or nobody is there to work for it.
pub(crate) struct Unborn {
    pub job: U256,
    pub settings: BroadcasterSettings,
    /// Block since which only transcoders are missing.
    pub waiting_since: Option<u64>,
}

/// A broadcaster with its machinery.
pub(crate) struct Publishing {
    pub core: Broadcaster,
    pub offers: Offers,
    pub packager: Arc<Mutex<Packager>>,
    pub collections: Collections,
    pub profiles: Profiles,
    /// Of a file, how far it is.
    pub progress: Option<Progress>,
    pub phase: Phase,
}

/// How far a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Segments come.
    Running,
    /// No more come; some are unfinished.
    Ending,
    /// The playlists say that they have ended.
    Over,
}

/// A transcoder with its machinery.
pub(crate) struct Transcoding {
    pub core: Transcoder,
    pub settings: TranscoderSettings,
    /// What is not with its broadcaster yet.
    pub outputs: BTreeMap<B256, Made>,
    /// Assignments whose tickets are held against the chain.
    pub tendered: BTreeSet<B256>,
    /// What is being made; stopping it ends its worker.
    pub under_way: BTreeMap<B256, AbortHandle>,
}

/// The output of one assignment.
pub(crate) struct Made {
    pub leaves: Vec<EncodedLeaf>,
    /// Leaves that an adversary made otherwise than the profile says.
    pub tampered: Vec<u32>,
}

/// Everything a running node has.
pub(crate) struct Node {
    pub me: Address,
    pub folder: PathBuf,
    pub domain: Domain,
    pub params: Params,
    pub state: Arc<RwLock<ChainState>>,
    pub checker: Arc<Checker>,
    pub outlet: Outlet,
    pub checks: Checks,
    /// Peers of operators with stake.
    pub staked: BTreeSet<PeerId>,
    pub signer: Arc<Signer>,
    pub queue: TxQueue,
    pub client: Client,
    pub winners: Winners,
    /// Whether the last block heard of was about the chain's head.
    pub live: bool,
    /// Whether the cores have been told what they saw before the start.
    pub recalled: bool,
    /// Why it must not go on, where it must not.
    pub ended: Option<Ended>,
    /// Block of the last warning that something could not be signed.
    pub unsigned_at: Option<u64>,
    pub network: Handle,
    pub directory: Directory,
    pub sources: Sources,
    pub blobs: Blobs,
    /// Of what this node publishes.
    pub leases: Leases,
    pub workers: Workers,
    pub keeper: Keeper,
    pub roles: u8,
    pub unborn: Option<Unborn>,
    pub publishing: Option<Publishing>,
    pub transcoding: Option<Transcoding>,
    pub verifying: Option<Verifier>,
    pub certifying: Option<Certifier>,
    pub shelf: WorkShelf,
    pub dues: Dues,
    pub seen_log: SeenLog,
    pub witness: Arc<Witness>,
    pub receipts: OwnReceipts,
    pub suspects: Suspects,
    pub events: mpsc::Sender<Event>,
    pub notices: mpsc::Sender<Notice>,
}

/// The next event. Whoever sends events lives as long as the node: a closed channel means that it has died.
async fn next(
    inbox: &mut mpsc::Receiver<Event>,
    network: &mut mpsc::Receiver<assay_p2p::Event>,
) -> Event {
    tokio::select! {
        event = inbox.recv() => event.unwrap_or(Event::Died("what the node works on")),
        event = network.recv() => event.map_or(Event::Died("the network"), Event::Network),
    }
}

impl Node {
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Event>,
        mut network: mpsc::Receiver<assay_p2p::Event>,
    ) -> Result<(), Ended> {
        while self.ended.is_none() {
            match next(&mut inbox, &mut network).await {
                Event::Chain(news) => self.on_chain(news).await,
                Event::Network(event) => self.on_network(event),
                Event::Verified(message) => self.on_verified(message).await,
                Event::Sealed(role, sealed) => self.on_sealed(role, sealed).await,
                Event::Unsigned(role, draft, why) => self.on_unsigned(role, draft, why).await,
                Event::Broadcaster(input) => self.drive_broadcaster(input).await,
                Event::Offer(offer) => self.on_offer(*offer).await,
                Event::Wanted => self.on_wanted().await,
                Event::SourceEnded => self.on_source_ended().await,
                Event::Publish(settings) => self.publish(*settings),
                Event::Unborn(unborn) => self.on_unborn(*unborn).await,
                Event::Overdue(seq) => self.skip_segment(seq, true),
                Event::Verifier(input) => self.drive_verifier(input).await,
                Event::Transcode(assignment, hash, broadcaster, tries) => {
                    self.transcode(assignment, hash, broadcaster, tries);
                }
                Event::Assigned(assignment, tickets) => self.on_assigned(assignment, tickets).await,
                Event::Tender(tender) => self.on_tender(tender).await,
                Event::Untendered(assignment) => self.on_untendered(&assignment),
                Event::WinnersWritten(change, result) => {
                    self.on_winners_written(change, result).await;
                }
                Event::Encoded(hash, output, input) => {
                    if let Some(transcoding) = &mut self.transcoding {
                        transcoding.under_way.remove(&hash);
                        transcoding.outputs.insert(hash, output);
                    }
                    self.drive_transcoder(*input).await;
                }
                Event::Listed(list, root) => self.on_listed(&list, root),
                Event::Opening(leaf, opening) => self.open_leaf(leaf, opening),
                Event::Failed(chore) => {
                    let block = self.now().block;
                    self.keeper.failed(*chore, block);
                }
                Event::Unredeemed(refusals) => self.on_unredeemed(refusals),
                Event::Unoffered(tickets) => self.winners.unoffered(&tickets),
                Event::Died(part) => {
                    tracing::error!("{part} has died: this node ends");
                    self.ended = Some(Ended::Died(part));
                }
                Event::Notice(notice) => self.tell(notice).await,
                Event::Announce => self.announce(),
                Event::Stop => break,
            }
        }
        self.close_playlists().await;
        self.network.shutdown().await;
        self.queue.shutdown().await;
        self.ended.map_or(Ok(()), Err)
    }

    /// Time as the cores see it.
    pub(crate) fn now(&self) -> Now {
        Now {
            block: self.read(|state| state.head),
        }
    }

    /// Reads the chain's picture.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&ChainState) -> T) -> T {
        look(
            &self
                .state
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    pub(crate) async fn tell(&self, notice: Notice) {
        // Nobody watching is no error.
        let _ = self.notices.send(notice).await;
    }

    async fn on_sealed(&mut self, role: Role, sealed: Box<Sealed>) {
        match role {
            Role::Broadcaster => {
                self.drive_broadcaster(broadcaster::Input::Signed(sealed))
                    .await
            }
            Role::Transcoder => {
                self.drive_transcoder(transcoder::Input::Signed(sealed))
                    .await
            }
            Role::Verifier => {
                match (&sealed.draft, sealed.seal) {
                    (Draft::Verdict(verdict), Seal::Bls(seal)) => {
                        self.show_own_verdict(verdict.clone(), seal);
                        self.tell(Notice::Signed(verdict.leaf())).await;
                    }
                    (Draft::Ticket(ticket), Seal::Bls(seal)) => {
                        self.show_own_ticket(ticket.epoch, seal)
                    }
                    _ => {}
                }
                self.drive_verifier(verifier::Input::Signed(sealed)).await;
            }
            Role::Certifier => self.drive_certifier(certify::Input::Signed(sealed)).await,
        }
    }

    /// Gives a draft back to its core, which asks again with the next block; says so once a block.
    async fn on_unsigned(&mut self, role: Role, draft: Box<Draft>, why: String) {
        let block = Some(self.now().block);
        if std::mem::replace(&mut self.unsigned_at, block) != block {
            let text = format!("not signed, tried again with the next block: {why}");
            self.tell(Notice::Warning(text)).await;
        }
        match role {
            Role::Broadcaster => {
                self.drive_broadcaster(broadcaster::Input::Unsigned(draft))
                    .await
            }
            Role::Transcoder => {
                self.drive_transcoder(transcoder::Input::Unsigned(draft))
                    .await
            }
            Role::Verifier => self.drive_verifier(verifier::Input::Unsigned(draft)).await,
            Role::Certifier => self.drive_certifier(certify::Input::Unsigned(draft)).await,
        }
    }

    /// Journals and signs on a blocking thread; the answer is an event. An assignment is dated by the head, so none is
    /// signed while the head is not known: its segment is assigned again later.
    pub(crate) fn sign(&self, role: Role, draft: Draft) {
        if role == Role::Broadcaster && !self.live {
            return tracing::warn!("nothing is assigned before the chain has been caught up with");
        }
        let (signer, events) = (self.signer.clone(), self.events.clone());
        tokio::spawn(async move {
            let copy = Box::new(draft.clone());
            let sealed = tokio::task::spawn_blocking(move || signer.seal(draft)).await;
            let event = match sealed {
                Ok(Ok(sealed)) => Event::Sealed(role, Box::new(sealed)),
                Ok(Err(e)) if e.may_pass() => Event::Unsigned(role, copy, e.to_string()),
                Ok(Err(e)) => Event::Notice(Notice::Warning(format!("not signed: {e}"))),
                Err(e) => Event::Unsigned(role, copy, format!("the signer failed: {e}")),
            };
            let _ = events.send(event).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_network_that_has_died_ends_the_node() {
        let (events, mut inbox) = mpsc::channel(1);
        let (network, mut from_network) = mpsc::channel(1);
        events.send(Event::Wanted).await.unwrap();
        let event = next(&mut inbox, &mut from_network).await;
        assert!(matches!(event, Event::Wanted));
        drop(network);
        let event = next(&mut inbox, &mut from_network).await;
        assert!(matches!(event, Event::Died("the network")));
    }
}
