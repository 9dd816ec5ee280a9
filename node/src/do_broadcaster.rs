//! Carries out what the broadcaster's core wants.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use assay_encoder::package::{PackageError, Packager, most_bytes};
use assay_p2p::PeerId;
use assay_protocol::B256;
use assay_protocol::assignment::{SignedAssignment, SkipReason};
use assay_protocol::wire::{Answer, Gossip, OutputPart};
use assay_roles::broadcaster::{Broadcaster, Input, Output};

use crate::collect::Collection;
use crate::driver::{Event, Node, Phase, Publishing, Role, Unborn};
use crate::notice::Notice;
use crate::offers::Offers;

/// An electee that is not known cannot be sent anything, so the first segments of a network that is just starting would
/// be lost; but whoever is away must not hold the stream up either.
const GATHERING_BLOCKS: u64 = 10;

impl Node {
    /// Begins to publish once the chain has the job and its seed, and every transcoder that may be elected has said
    /// where it is, or has had time to.
    pub(crate) async fn begin_publishing(&mut self) {
        let Some(id) = self.unborn.as_ref().map(|unborn| unborn.job) else {
            return;
        };
        if !self.live {
            return;
        }
        let job = self.read(|state| state.jobs.get(&id).cloned());
        let round = self.read(|state| state.current().map(|(_, round)| round.transcoders.clone()));
        let (Some(job), Some(snapshot)) = (job, round) else {
            return;
        };
        let here = |operator| operator == self.me || self.directory.peer(operator).is_some();
        let complete = snapshot.candidates.iter().all(|c| here(c.operator));
        let now = self.now().block;
        if let Some(unborn) = &mut self.unborn
            && now < *unborn.waiting_since.get_or_insert(now) + GATHERING_BLOCKS
            && !complete
        {
            return;
        }
        let Some(Unborn { settings, .. }) = self.unborn.take() else {
            return;
        };
        let ready = self
            .signer
            .next_seq(id)
            .map_err(|e| e.to_string())
            .and_then(|seq| {
                let packager = Packager::open(&settings.output, &job.profiles, seq, settings.keep);
                Ok((seq, packager.map_err(|e| e.to_string())?))
            });
        let (first_seq, packager) = match ready {
            Ok(ready) => ready,
            Err(e) => {
                return self
                    .tell(Notice::Warning(format!("nothing can be published: {e}")))
                    .await;
            }
        };
        let frozen: BTreeSet<_> =
            self.read(|state| state.freezing().map(|case| case.operator).collect());
        let encoder_id = assay_encoder::encoder_id();
        let profiles = job.profiles.clone();
        let core = Broadcaster::new(
            self.params.clone(),
            job,
            encoder_id,
            settings.in_flight,
            first_seq,
        );
        self.publishing = Some(Publishing {
            core,
            offers: Offers::new(
                settings.segments,
                settings.ended,
                settings.patience,
                first_seq,
                self.events.clone(),
            ),
            packager: Arc::new(Mutex::new(packager)),
            collections: Default::default(),
            profiles,
            progress: settings.progress,
            phase: Phase::Running,
        });
        for operator in frozen {
            let input = Input::Frozen {
                operator,
                frozen: true,
            };
            self.drive_broadcaster(input).await;
        }
        let stopped = self.read(|state| state.is_stopped(encoder_id));
        self.drive_broadcaster(Input::Stopped(stopped)).await;
        self.drive_broadcaster(Input::Round(snapshot)).await;
    }

    pub(crate) async fn drive_broadcaster(&mut self, input: Input) {
        let now = self.now();
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        for output in publishing.core.handle(input, now) {
            self.do_broadcaster(output).await;
        }
        self.end_if_over().await;
    }

    /// The source has come to its end.
    pub(crate) async fn on_source_ended(&mut self) {
        if let Some(publishing) = &mut self.publishing
            && publishing.phase == Phase::Running
        {
            publishing.phase = Phase::Ending;
        }
        self.end_if_over().await;
    }

    /// Ends the playlists once the source has ended and nothing of it is under way: players stop asking for more.
    async fn end_if_over(&mut self) {
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        let idle = publishing.core.is_idle() && publishing.offers.is_empty();
        if publishing.phase == Phase::Ending && idle {
            publishing.phase = Phase::Over;
            let packager = publishing.packager.clone();
            self.write_playlists(packager, |p| p.finish().map(drop))
                .await;
            tracing::info!("everything is published: the playlists have their end");
        }
    }

    /// Notes that a segment is shown or given up.
    fn settle(&mut self, seq: u32) {
        let progress = self.publishing.as_mut().and_then(|p| p.progress.as_mut());
        if let Some(Err(e)) = progress.map(|progress| progress.settled(seq)) {
            tracing::warn!("how far the file is published cannot be noted: {e}");
        }
    }

    async fn do_broadcaster(&mut self, output: Output) {
        match output {
            Output::WantSegment => self.want_segment(),
            Output::Sign(draft) => self.sign(Role::Broadcaster, draft),
            Output::Publish(signed) => self.assign(*signed).await,
            Output::Quote {
                electee,
                assignment,
            } => self.ask_quote(electee, assignment),
            Output::Assign(signed, tickets) => self.hand_over(signed, tickets),
            Output::Collect(receipt) => {
                let hash = receipt.message.receipt.receipt.assignmentHash;
                let leaves = receipt.message.receipt.leaves.clone();
                if let Some(collection) = self
                    .publishing
                    .as_mut()
                    .and_then(|p| p.collections.get_mut(&hash))
                {
                    collection.expect(leaves);
                }
                self.store_if_complete(hash);
            }
            Output::Delivered { seq, transcoder } => {
                self.settle(seq);
                self.tell(Notice::Delivered { seq, transcoder }).await
            }
            Output::Gap { seq } => {
                self.settle(seq);
                if let Some(publishing) = &mut self.publishing {
                    publishing.collections.retain(|_, other| other.seq != seq);
                }
                self.skip_segment(seq, false);
                self.tell(Notice::Gap { seq }).await;
            }
            Output::Skipped { seq, skip } => {
                let why = match skip.reason {
                    SkipReason::Refused { .. } => "refused",
                    SkipReason::Frozen => "frozen",
                    SkipReason::Timeout => "silent",
                };
                self.tell(Notice::Skipped {
                    seq,
                    transcoder: skip.electee,
                    why,
                })
                .await;
            }
        }
    }

    async fn assign(&mut self, signed: SignedAssignment) {
        let a = &signed.assignment;
        let hash = self.domain.digest(a);
        if let Some(publishing) = &mut self.publishing {
            let most = most_bytes(&publishing.profiles, a.frameCount);
            let collection = Collection::new(a.seq, a.frameCount, a.transcoder, most);
            publishing.collections.retain(|_, other| other.seq != a.seq);
            publishing.collections.insert(hash, collection);
        }
        let notice = Notice::Assigned {
            seq: a.seq,
            attempt: a.attempt,
            transcoder: a.transcoder,
            leaves: a.leafCount,
            frames: a.frameCount,
            deadline: a.deadlineBlock,
        };
        self.tell(notice).await;
        let (peer, source, network) = (
            self.directory.peer(a.transcoder),
            a.sourceHash,
            self.network.clone(),
        );
        let outlet = self.outlet.clone();
        tokio::spawn(async move {
            network.allow_blob(source, peer);
            outlet.publish(&Gossip::Assignment(Box::new(signed)));
        });
    }

    /// A piece of output; only the electee may push. `None` when its receipt has not come yet.
    pub(crate) fn on_part(&mut self, peer: PeerId, part: OutputPart) -> Option<Answer> {
        let hash = part.assignment_hash;
        let collection = self
            .publishing
            .as_mut()
            .and_then(|p| p.collections.get_mut(&hash));
        let Some(collection) = collection else {
            return Some(Answer::Ignored);
        };
        // Its record may be newer than the one known here: no reason to think worse of it.
        if self.directory.peer(collection.transcoder) != Some(peer) {
            return Some(Answer::Ignored);
        }
        let answer = collection.part(part);
        self.store_if_complete(hash);
        answer
    }

    /// Packages a segment whose chunks are all there.
    fn store_if_complete(&mut self, assignment: B256) {
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        let Some(collection) = publishing.collections.get_mut(&assignment) else {
            return;
        };
        let Some(chunks) = collection.complete() else {
            return;
        };
        let (seq, frames) = (collection.seq, collection.frames);
        publishing.collections.remove(&assignment);
        let renditions = publishing.profiles.renditions.len();
        let (packager, events) = (publishing.packager.clone(), self.events.clone());
        tokio::spawn(async move {
            let packaged = packaging(packager, move |packager| {
                let per_rendition = chunks.len() / renditions.max(1);
                let renditions: Vec<_> = chunks
                    .chunks(per_rendition.max(1))
                    .map(<[_]>::to_vec)
                    .collect();
                packager.deliver(seq, frames, &renditions)
            });
            // One that comes after its gap is worth its pay, and nothing to viewers.
            if let Some(Err(e)) = packaged.await {
                let notice = Notice::Warning(format!("segment {seq} is not playable: {e}"));
                let _ = events.send(Event::Notice(notice)).await;
            }
            let stored = Event::Broadcaster(Input::Stored { assignment });
            let _ = events.send(stored).await;
        });
    }

    /// Lets the playlist go on without a segment; `late` if somebody may still deliver it.
    pub(crate) fn skip_segment(&self, seq: u32, late: bool) {
        let Some(packager) = self.publishing.as_ref().map(|p| p.packager.clone()) else {
            return;
        };
        let events = self.events.clone();
        tokio::spawn(async move {
            let skipped = packaging(packager, move |packager| {
                (!late || packager.awaits(seq)).then(|| packager.skip(seq))
            });
            let words = match skipped.await.flatten() {
                Some(Ok(())) if late => format!(
                    "segment {seq} is not there in time: the playlist has a gap in its place"
                ),
                Some(Err(e)) => format!("the playlist without segment {seq}: {e}"),
                Some(Ok(())) | None => return,
            };
            let _ = events.send(Event::Notice(Notice::Warning(words))).await;
        });
    }

    /// Leaves the playlists as viewers and the next start need them.
    pub(crate) async fn close_playlists(&self) {
        let Some(publishing) = &self.publishing else {
            return;
        };
        let packager = publishing.packager.clone();
        match Closing::of(publishing.phase, publishing.progress.is_some()) {
            Closing::End => {
                self.write_playlists(packager, |p| p.finish().map(drop))
                    .await
            }
            Closing::Flush => self.write_playlists(packager, Packager::flush).await,
            Closing::Leave => {}
        }
    }

    async fn write_playlists(
        &self,
        packager: Arc<Mutex<Packager>>,
        write: impl FnOnce(&mut Packager) -> Result<(), PackageError> + Send + 'static,
    ) {
        if let Some(Err(e)) = packaging(packager, write).await {
            self.tell(Notice::Warning(format!(
                "the playlist is not complete: {e}"
            )))
            .await;
        }
    }
}

/// What becomes of the playlists when the node stops.
#[derive(Debug, PartialEq, Eq)]
enum Closing {
    /// Nothing more comes.
    End,
    /// The stream goes on, but not with what waits.
    Flush,
    /// The next start goes on with the first segment that is not shown: what waits behind that comes again. Or they have ended.
    Leave,
}

impl Closing {
    fn of(phase: Phase, is_resumed: bool) -> Self {
        match phase {
            Phase::Over => Self::Leave,
            _ if is_resumed => Self::Leave,
            Phase::Running => Self::Flush,
            Phase::Ending => Self::End,
        }
    }
}

/// Writes playlists and segments beside the loop; `None` if that has panicked. Whoever tells the loop what came of it does so
/// without the lock, for which the loop may be waiting.
async fn packaging<T: Send + 'static>(
    packager: Arc<Mutex<Packager>>,
    work: impl FnOnce(&mut Packager) -> T + Send + 'static,
) -> Option<T> {
    let done = tokio::task::spawn_blocking(move || {
        work(&mut packager.lock().unwrap_or_else(PoisonError::into_inner))
    });
    done.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_no_playlist_that_goes_on() {
        let closing = |phase| [false, true].map(|is_resumed| Closing::of(phase, is_resumed));
        assert_eq!(closing(Phase::Running), [Closing::Flush, Closing::Leave]);
        assert_eq!(closing(Phase::Ending), [Closing::End, Closing::Leave]);
        assert_eq!(closing(Phase::Over), [Closing::Leave, Closing::Leave]);
    }
}
