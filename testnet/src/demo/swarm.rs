//! The nodes of a demonstration in one process, each with its own swarm, keys and journal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use assay_chain::anvil::Anvil;
use assay_chain::queue::QueueConfig;
use assay_encoder::Workers;
use assay_encoder::package::Keep;
use assay_node::{
    BlobFolder, BroadcasterSettings, Craft, Honest, JobChoice, Notice, Offer, Running, Settings,
    TranscoderSettings, start,
};
use assay_p2p::{Config, Multiaddr};
use assay_protocol::Address;
use assay_protocol::params::Params;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::folder::Folders;
use super::{DemoError, MORE_SEGMENTS, Options, PATIENCE};
use crate::cast::{Part, Player};
use crate::cheat::CheapChunks;
use crate::clip::Clip;
use crate::ledger::Ledger;
use crate::show::Show;
use crate::stage::Stage;

/// Segments that the broadcaster has under way at most; it is fed one at a time.
const IN_FLIGHT: usize = 2;
/// Notices of all nodes waiting to be counted.
const NOTICES: usize = 8_192;
/// Time without work after which the next segment is fed: what passes between a receipt, or an accusation, and the
/// workers that it sets to work.
const SETTLE: Duration = Duration::from_millis(400);
/// Time for the swarm to find itself.
const MESH_TIME: Duration = Duration::from_secs(15);

type Told = (Address, Instant, Notice);

/// The running nodes.
pub(crate) struct Swarm {
    nodes: Vec<Running>,
    told: mpsc::Receiver<Told>,
    segments: mpsc::Sender<Offer>,
    ended: Arc<AtomicBool>,
    workers: Workers,
}

impl Swarm {
    /// Starts the broadcaster, then everyone else with its address as the only one they know.
    pub(crate) async fn start(
        options: &Options,
        url: &str,
        stage: &Stage,
        players: &[Player],
        folders: &Folders,
        clip: &Clip,
        workers: &Workers,
    ) -> Result<Self, DemoError> {
        let (segments, feed) = mpsc::channel(1);
        let ended: Arc<AtomicBool> = Arc::default();
        let (tell, told) = mpsc::channel(NOTICES);
        let mut feed = Some(feed);
        let mut bootstrap: Vec<Multiaddr> = Vec::new();
        let mut nodes = Vec::new();
        for player in players
            .iter()
            .filter(|player| player.part != Part::Delegator)
        {
            let folder = folders.nodes.join(&player.name);
            let broadcaster = match (player.part, feed.take()) {
                (Part::Broadcaster, Some(segments)) => {
                    let io = |source| DemoError::Io {
                        path: folder.clone(),
                        source,
                    };
                    let blobs = BlobFolder::open(&folder.join("blobs")).map_err(io)?;
                    clip.store(&blobs).map_err(io)?;
                    let (job, output) = (JobChoice::Existing(stage.job), folders.hls.clone());
                    Some(BroadcasterSettings {
                        job,
                        in_flight: IN_FLIGHT,
                        segments,
                        ended: ended.clone(),
                        output,
                        keep: Keep::All,
                        patience: None,
                        progress: None,
                    })
                }
                (_, other) => {
                    feed = other;
                    None
                }
            };
            let transcoder = match player.part {
                Part::Transcoder { cheats } => {
                    let craft: Arc<dyn Craft> = if cheats {
                        Arc::new(CheapChunks::new(options.seed))
                    } else {
                        Arc::new(Honest)
                    };
                    Some(TranscoderSettings {
                        capacity: 4,
                        threads: 2,
                        craft,
                    })
                }
                _ => None,
            };
            let domain = stage.deployment.domain();
            let settings = Settings {
                folder,
                keys: player.keys.clone(),
                operator: player.address(),
                rpc: url.into(),
                queue: QueueConfig::default(),
                deployment: stage.deployment.clone(),
                p2p: Config {
                    bootstrap: bootstrap.clone(),
                    ..Config::new(domain.chain_id, domain.court)
                },
                sources: 1 << 30,
                workers: workers.clone(),
                transcoder,
                verifier: player.part == Part::Verifier,
                broadcaster,
            };
            let (running, mut notices) = start(settings).await?;
            let (tell, who) = (tell.clone(), player.address());
            tokio::spawn(async move {
                while let Some(notice) = notices.recv().await {
                    if tell.send((who, Instant::now(), notice)).await.is_err() {
                        return;
                    }
                }
            });
            if bootstrap.is_empty() {
                bootstrap = listening(&running).await;
            }
            nodes.push(running);
        }
        Ok(Self {
            nodes,
            told,
            segments,
            ended,
            workers: workers.clone(),
        })
    }

    /// Waits until the swarm has found itself: the broadcaster sees everyone.
    async fn meet(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < MESH_TIME {
            let mut least = usize::MAX;
            for node in &self.nodes {
                least = least.min(node.peers().await);
            }
            if least + 1 >= self.nodes.len().min(8) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Feeds the clip until it has been published and every cheater is slashed, then waits for the last reports. Says what
    /// was fed beside what became of it.
    pub(crate) async fn run(
        mut self,
        options: &Options,
        anvil: &Anvil,
        clip: &Clip,
        params: &Params,
        players: &[Player],
        show: &mut Show,
    ) -> (Fed, Ledger) {
        let cheaters: BTreeSet<Address> = players
            .iter()
            .filter(|player| player.part == Part::Transcoder { cheats: true })
            .map(Player::address)
            .collect();
        if !self.meet().await {
            show.line("warning: not all nodes have found each other yet");
        }
        // Records travel right after the connections.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let honest = players
            .iter()
            .any(|player| player.part == Part::Transcoder { cheats: false });
        let base = options.segments.unwrap_or(clip.len());
        let mut ledger = Ledger::default();
        let (mut fed, mut reel) = (Fed::default(), clip.reel());
        let (mut calm_since, mut last_done, mut last_round) = (Instant::now(), 0, 0);
        // Segments fed for a certificate's sake, and leaves accused before the last of them.
        let (mut extra, mut accused_before) = (0, None);
        let mut progress = (Progress::default(), Instant::now());
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            let caught = cheaters
                .iter()
                .all(|cheater| ledger.cases.values().any(|case| case.operator == *cheater));
            // A round in which too much was cheated is owed nothing: then a segment more in a round of its own. If it is
            // right its certificate is waited for; a later attempt may count for nothing, if a round began meanwhile.
            let promising = accused_before == Some(ledger.accused())
                && ledger.is_first(fed.segments().saturating_sub(1))
                && ledger.block <= certifiable(&ledger, params);
            let certified = !ledger.certified.is_empty() || promising;
            let more = fed.segments() < base || (!caught && fed.segments() < base + MORE_SEGMENTS);
            let another = honest && !certified && extra < CERTIFY_SEGMENTS;
            let due = more || (another && last_round < ledger.round.0);
            tokio::select! {
                biased;
                Some((who, at, notice)) = self.told.recv() => {
                    show.notice(who, &notice);
                    ledger.note(who, at, &notice);
                    show.progress(ledger.delivered.len() as u64, u64::from(base.max(fed.segments())));
                }
                _ = tick.tick() => {
                    // The next segment comes when this machine, which plays every node, has caught up: who checks the
                    // one before would wait for who encodes.
                    let done = finished(&ledger);
                    if done != last_done || self.workers.waiting() > 0 {
                        (calm_since, last_done) = (Instant::now(), done);
                    }
                    let calm = done >= fed.segments() as usize && calm_since.elapsed() > SETTLE;
                    if due && calm
                        && let Ok(place) = self.segments.try_reserve()
                        && let Some(offer) = reel.next().await
                    {
                        let source = offer.source.as_ref();
                        fed.frames.push(source.map_or(0, |source| source.frame_count));
                        accused_before = (!more).then(|| ledger.accused());
                        extra += u32::from(!more);
                        fed.sounds |= offer.sounds.iter().any(Option::is_some);
                        place.send(offer);
                        last_round = ledger.round.0;
                    }
                    let now = Progress::of(&ledger, fed.segments());
                    if now != progress.0 {
                        progress = (now, Instant::now());
                    }
                    if progress.1.elapsed() > PATIENCE {
                        let seconds = PATIENCE.as_secs();
                        fed.troubles.push(format!("given up after {seconds} s without progress"));
                        break;
                    }
                    if !more && !another && settled(&ledger, fed.segments(), params) {
                        break;
                    }
                }
            }
        }
        self.ended.store(true, Ordering::Release);
        drop(self.segments);
        // The chain stands still from here on: whatever it holds the nodes have told, and the report is compared with.
        for refused in [anvil.set_interval(0).await, anvil.drop_waiting().await] {
            if let Err(e) = refused {
                fed.troubles
                    .push(format!("the chain does not stand still: {e}"));
            }
        }
        let drained = Instant::now();
        while drained.elapsed() < DRAIN
            && let Ok(Some((who, at, notice))) = timeout(QUIET, self.told.recv()).await
        {
            ledger.note(who, at, &notice);
        }
        for node in self.nodes {
            let who = node.operator;
            if let Err(why) = node.stop().await {
                fed.troubles
                    .push(format!("the node of {who} had stopped: {why}"));
            }
        }
        while let Some((who, at, notice)) = self.told.recv().await {
            ledger.note(who, at, &notice);
        }
        (fed, ledger)
    }
}

/// Silence after which all nodes have read the last block: several of their polls.
const QUIET: Duration = Duration::from_millis(1_500);
/// Longest time to wait for that silence, which a chain that goes on would never let come.
const DRAIN: Duration = Duration::from_secs(20);
/// Segments fed beyond the wanted ones, at most, so that a round may be certified.
const CERTIFY_SEGMENTS: u32 = 8;
/// Blocks after the last deadline in which waiting for a certificate is no standstill.
const CERTIFY_PATIENCE: u64 = 60;

/// What the broadcaster was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fed {
    /// Frames of each segment, of repeated ones too.
    pub frames: Vec<u32>,
    /// Whether something is heard in one of them.
    pub sounds: bool,
    /// What went wrong with the machinery, in words.
    pub troubles: Vec<String>,
}

impl Fed {
    /// Number of segments.
    pub fn segments(&self) -> u32 {
        self.frames.len() as u32
    }
}

/// What grows while a demonstration goes on.
#[derive(Default, PartialEq)]
struct Progress {
    fed: u32,
    segments: usize,
    cases: (usize, usize),
    work: Duration,
    minted: usize,
    block: u64,
}

impl Progress {
    fn of(ledger: &Ledger, fed: u32) -> Self {
        Self {
            fed,
            segments: finished(ledger),
            cases: (ledger.cases.len(), ledger.open_cases()),
            work: ledger.encode_cpu + ledger.verify_cpu,
            minted: ledger.minted.len(),
            // Blocks are progress while a round's evidence is waited for, and not for ever.
            block: ledger.block.min(ledger.last_deadline + CERTIFY_PATIENCE),
        }
    }
}

/// Segments that were delivered, or that nobody delivered.
fn finished(ledger: &Ledger) -> usize {
    ledger.delivered.len() + ledger.gaps.len()
}

/// Nothing is under way: every segment done, every case closed and paid, every report in.
fn settled(ledger: &Ledger, fed: u32, params: &Params) -> bool {
    let done = finished(ledger) >= fed as usize;
    let reports = params.report_block(params.epoch(ledger.last_deadline)) + 2;
    let unpaid = ledger.cases.values().any(|case| case.unpaid(ledger.block));
    // The elections of the round after it must see the smaller stake.
    let executed = ledger.cases.values().filter_map(|case| case.executed).max();
    let seen = executed.is_none_or(|block| ledger.round.1 > block);
    let tickets = ledger.awaits_payments(ledger.block, params.evidence_blocks);
    done && ledger.open_cases() == 0
        && !unpaid
        && !tickets
        && seen
        && ledger.block >= reports
        && paid(ledger, params)
}

/// A round was certified and its work and duty paid; or the last round with work can be certified no more.
fn paid(ledger: &Ledger, params: &Params) -> bool {
    let duty = ledger.minted.keys().any(|(_, _, duty)| *duty);
    let work = ledger.minted.keys().any(|(_, _, duty)| !*duty);
    (duty && work) || ledger.block > certifiable(ledger, params)
}

/// Until when the last round with work can be certified.
fn certifiable(ledger: &Ledger, params: &Params) -> u64 {
    ledger.last_deadline
        + params.round_blocks
        + params.response_blocks
        + 2 * params.epoch_blocks
        + params.certify_blocks
}

async fn listening(node: &Running) -> Vec<Multiaddr> {
    for _ in 0..100 {
        let addresses = node.addresses().await;
        if !addresses.is_empty() {
            return addresses;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Vec::new()
}
