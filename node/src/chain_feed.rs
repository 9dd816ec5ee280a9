//! Follows the chain: keeps the shared picture true and tells the loop what has changed.
//!
//! A block is told only after its events, with the snapshots they call for, are in the picture: nothing is ever
//! signed for a block whose round is not known.

use std::sync::{Arc, RwLock, RwLockWriteGuard};
use std::time::Duration;

use assay_chain::ChainError;
use assay_chain::client::Client;
use assay_chain::events::{
    BrokerLog, JobLog, Log, LogEntry, OperatorLog, RosterLog, RoundsLog, WorkLog,
};
use assay_chain::views::Role;
use assay_chain::watcher::{Event as ChainEvent, Watcher, WatcherConfig};
use assay_protocol::B256;
use assay_protocol::profile::Profiles;
use assay_protocol::rules::Job;
use tokio::sync::mpsc;

use crate::authority::Tenure;
use crate::chain_state::{ChainState, Posted, Round};
use crate::driver::Event;

mod court;
mod news;

pub(crate) use news::ChainNews;

/// Pause between two looks for a new block: short against a block of one second, cheap on loopback.
const POLL: Duration = Duration::from_millis(100);
/// Pause before a read that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Blocks behind the chain's head at which a node still takes part.
const LAG_BLOCKS: u64 = 2;
/// Depth to which a reorganisation is followed; the watcher remembers no more blocks.
pub(crate) const REORG_BLOCKS: u64 = 256;

pub(crate) struct Feed {
    client: Client,
    state: Arc<RwLock<ChainState>>,
    events: mpsc::Sender<Event>,
}

impl Feed {
    /// Reads the deployment's history, then follows the head until the loop ends.
    ///
    /// # Errors
    /// When the chain is away at the start.
    pub(crate) async fn start(
        client: Client,
        first_block: u64,
        state: Arc<RwLock<ChainState>>,
        events: mpsc::Sender<Event>,
    ) -> Result<(), ChainError> {
        let config = WatcherConfig {
            from: Some(first_block),
            poll: POLL,
            ..WatcherConfig::default()
        };
        let watcher = Watcher::start(&client, config).await?;
        let died = events.clone();
        let feed = Self {
            client,
            state,
            events,
        };
        let following = tokio::spawn(feed.run(watcher));
        tokio::spawn(async move {
            let _ = following.await;
            // Where the loop has ended first nobody hears this.
            let _ = died.send(Event::Died("what follows the chain")).await;
        });
        Ok(())
    }

    async fn run(mut self, mut watcher: Watcher) {
        while let Some(event) = watcher.next().await {
            match event {
                ChainEvent::Block(block, logs) => {
                    if self.on_block(block.number, logs).await.is_err() {
                        return;
                    }
                }
                ChainEvent::Past { to, logs } => {
                    if self.on_block(to, logs).await.is_err() {
                        return;
                    }
                }
                ChainEvent::Reorg { ancestor } => {
                    self.write().rewind(ancestor);
                    if self.tell(ChainNews::Rewound(ancestor)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, ChainState> {
        self.state
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn tell(&self, news: ChainNews) -> Result<(), Closed> {
        self.events
            .send(Event::Chain(news))
            .await
            .map_err(|_| Closed)
    }

    async fn on_block(&mut self, number: u64, logs: Vec<LogEntry>) -> Result<(), Closed> {
        let mut news = Vec::new();
        for entry in logs {
            news.extend(self.on_log(entry).await);
        }
        news.extend(self.seeds(number).await);
        // Asked anew: while history was read, the chain went on.
        let tip = self.client.head().await;
        let synced = {
            let mut state = self.write();
            state.head = number;
            state.settle(number.saturating_sub(REORG_BLOCKS));
            if let Ok(tip) = tip {
                state.synced = tip.number <= number + LAG_BLOCKS;
            }
            state.synced
        };
        for item in news {
            self.tell(item).await?;
        }
        self.tell(ChainNews::Block(number, synced)).await
    }

    async fn on_log(&mut self, entry: LogEntry) -> Option<ChainNews> {
        let block = entry.block;
        match entry.what {
            Log::Rounds(RoundsLog::RoundOpened { round, block }) => {
                let opened = patiently(|| self.read_round(round, block)).await;
                self.write().add_round(round, opened);
                Some(ChainNews::Round(round))
            }
            Log::Operators(OperatorLog::SignerSet {
                operator,
                signer,
                from_round,
            }) => {
                let tenure = Tenure {
                    signer,
                    from_round,
                    block,
                };
                self.write().authority.choose(operator, tenure);
                None
            }
            Log::Jobs(JobLog::JobCreated {
                job,
                broadcaster,
                max_price_per_pixel,
                seed_block,
                profiles,
                ..
            }) => {
                match Profiles::from_bytes(&profiles) {
                    Ok(profiles) => {
                        let job = Job {
                            id: job,
                            broadcaster,
                            profiles,
                            max_price: max_price_per_pixel,
                            seed: B256::ZERO,
                            seed_block,
                        };
                        let posted = Posted {
                            job,
                            created: block,
                        };
                        self.write().posted.insert(posted.job.id, posted);
                    }
                    Err(e) => tracing::warn!("job {job} is not usable: {e}"),
                }
                None
            }
            Log::Court(log) => self.on_court(log, block).await,
            Log::Contests(log) => self.on_contests(log, block),
            Log::Challenges(log) => self.on_challenges(log, block),
            Log::Broker(BrokerLog::TicketRedeemed {
                recipient,
                ticket,
                paid,
                burned,
                ..
            }) => Some(ChainNews::TicketPaid {
                ticket,
                recipient,
                paid: paid.0,
                burned: burned.0,
                block,
            }),
            Log::Broker(BrokerLog::TicketSkipped { ticket }) => {
                Some(ChainNews::TicketSkipped(ticket))
            }
            Log::Roster(RosterLog::AbsenceNoted { round, positions }) => Some(ChainNews::Absent {
                round,
                positions,
                block,
            }),
            Log::Roster(RosterLog::Jailed {
                role: Role::Verifier,
                operator,
            }) => Some(ChainNews::Jailed(operator, block)),
            Log::Roster(RosterLog::Released {
                role: Role::Verifier,
                operator,
            }) => Some(ChainNews::Released(operator, block)),
            Log::Work(WorkLog::RoundCertified {
                round,
                claims_root,
                total_pixels,
                duties,
                ..
            }) => Some(ChainNews::Certified {
                round,
                claims_root,
                pixels: total_pixels,
                duties,
                block,
            }),
            Log::Work(WorkLog::WorkPaid {
                round,
                transcoder,
                amount,
                ..
            }) => Some(ChainNews::Minted {
                round,
                operator: transcoder,
                duty: false,
                amount,
                block,
            }),
            Log::Work(WorkLog::DutyPaid {
                round,
                verifier,
                amount,
            }) => Some(ChainNews::Minted {
                round,
                operator: verifier,
                duty: true,
                amount,
                block,
            }),
            Log::Work(log) => {
                self.write().rolls.note(&log, block);
                None
            }
            _ => None,
        }
    }

    async fn read_round(&self, round: u64, opened_at: u64) -> Result<Round, ChainError> {
        let transcoders = self.client.snapshot(Role::Transcoder, round).await?;
        let verifiers = self.client.verifiers(round).await?;
        Ok(Round {
            opened_at,
            transcoders,
            verifiers,
        })
    }

    async fn seeds(&self, number: u64) -> Vec<ChainNews> {
        let mut news = Vec::new();
        let due = self.write().unseeded(number);
        for id in due {
            match self.client.job_seed(id).await {
                Ok(Some(seed)) => {
                    news.push(ChainNews::Job(id));
                    self.write().seed(id, seed);
                }
                Err(ChainError::Revert { revert, .. }) if revert.is("ValueGone") => {
                    tracing::warn!("job {id} is not usable: nobody wrote its seed down in time");
                    if let Some(posted) = self.write().posted.remove(&id) {
                        news.push(ChainNews::JobGone {
                            job: id,
                            broadcaster: posted.job.broadcaster,
                        });
                    }
                }
                Ok(None) | Err(_) => {}
            }
        }
        news
    }
}

/// The loop has ended.
struct Closed;

/// Reads until the chain answers: without a round's snapshot nothing can go on.
async fn patiently<T, F: Future<Output = Result<T, ChainError>>>(read: impl Fn() -> F) -> T {
    loop {
        match read().await {
            Ok(value) => return value,
            Err(e) => tracing::warn!("the chain does not answer: {e}"),
        }
        tokio::time::sleep(RETRY).await;
    }
}
