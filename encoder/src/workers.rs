//! Runs requests in fresh child processes.

mod exchange;
mod progress;
mod walls;

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use crate::child::Group;
pub use crate::child::WorkerCommand;
use crate::fault::{Fault, WorkerError, leaf_count};
use crate::limits::Limits;
use crate::request::{
    EncodeJob, EncodeRequest, Encoded, EncodedLeaf, Finished, InspectRequest, Inspected, Job,
    Order, SimdLevel,
};
use crate::sandbox::{Sockets, Walls};
use crate::settings::chunk_bytes;
pub use crate::slots::Priority;
use crate::slots::{Slot, Slots};
use exchange::{exchange, reply};
use progress::Progress;

/// A port at which nobody listens (RFC 1078).
const NOBODY: u16 = 1;
/// Requests that may wait in each priority.
const MAX_WAITING: usize = 1024;

/// Handle to the worker processes of this program; clones share slots.
#[derive(Clone)]
pub struct Workers {
    command: Arc<WorkerCommand>,
    limits: Limits,
    slots: Slots,
    /// Whether workers give way to more urgent ones and to other programs.
    nice: bool,
}

impl Workers {
    /// At most `slots` chunks at a time in all workers, and as many more for accused leaves.
    pub fn new(command: WorkerCommand, limits: Limits, slots: usize) -> Self {
        Self {
            command: Arc::new(command),
            limits,
            slots: Slots::new(slots, MAX_WAITING),
            nice: true,
        }
    }

    /// The same, but all as nice as this process: what is measured must not give way to what it is compared with.
    pub fn for_measurement(self) -> Self {
        Self {
            nice: false,
            ..self
        }
    }

    /// The same with slots of its own, so many.
    pub(crate) fn with_slots(&self, slots: usize) -> Self {
        Self {
            slots: Slots::new(slots, MAX_WAITING),
            ..self.clone()
        }
    }

    fn niceness(&self, priority: Priority) -> u8 {
        if self.nice { priority.niceness() } else { 0 }
    }

    /// Requests that run or wait, over all clones and priorities.
    pub fn waiting(&self) -> usize {
        self.slots.busy()
    }

    /// How its workers are started.
    pub fn command(&self) -> &WorkerCommand {
        &self.command
    }

    /// Has a worker try to break out, and says what it could not do.
    ///
    /// # Errors
    /// When no worker could be started, or it gave no answer.
    pub async fn walls(&self) -> Result<Walls, WorkerError> {
        self.walls_with(Sockets::None).await
    }

    /// The same of the process that fetches live streams, which reaches a proxy.
    ///
    /// # Errors
    /// As [`walls`](Self::walls).
    pub async fn walls_of_receivers(&self) -> Result<Walls, WorkerError> {
        self.walls_with(Sockets::Proxy(NOBODY)).await
    }

    async fn walls_with(&self, sockets: Sockets) -> Result<Walls, WorkerError> {
        let (escape, listener) = walls::escape(sockets).await?;
        let mut child = self.start(None)?;
        let wall = self.limits.wall;
        let late = |_| WorkerError::Timeout {
            wall,
            frames: 0,
            missing: 0,
        };
        let order = Order::Escape(escape);
        let answer = tokio::time::timeout(wall, reply(&mut child.0, &order));
        let answer = answer.await.map_err(late)??;
        walls::heard(answer, listener).await
    }

    /// Decodes a segment and hashes its frames.
    ///
    /// # Errors
    /// What the worker found, or what became of it. Dropping the future kills the worker and its FFmpeg.
    pub async fn inspect(
        &self,
        request: &InspectRequest,
        priority: Priority,
    ) -> Result<Inspected, WorkerError> {
        let job = Order::Video(Job {
            limits: self.limits,
            niceness: self.niceness(priority),
            profiles: request.profiles.to_bytes(),
            encode: None,
        });
        let mut slot = self.slots.acquire(priority).await?;
        let mut progress = Progress::new(&[], |_, _: &Inspected, _| ready(()));
        let cpu = self
            .run(&job, &request.source, None, &mut slot, &mut progress)
            .await?;
        Ok(progress.finish(cpu)?.source)
    }

    /// Decodes a segment, hashes its frames and encodes the leaves asked for.
    ///
    /// # Errors
    /// As [`encode_each`](Self::encode_each).
    pub async fn encode(
        &self,
        request: &EncodeRequest,
        priority: Priority,
    ) -> Result<Encoded, WorkerError> {
        let mut leaves = vec![None; request.leaves.len()];
        let finished = self.encode_placed(request, priority, |place, _, leaf| {
            leaves[place] = Some(leaf);
            ready(())
        });
        let Finished { source, encode_cpu } = finished.await?;
        Ok(Encoded {
            source,
            leaves: leaves.into_iter().flatten().collect(),
            encode_cpu,
        })
    }

    /// As [`encode`](Self::encode), but hands each leaf on as soon as it is done, in any order.
    ///
    /// `on_leaf` is called once for each leaf asked for, with the roots of the whole source, which are known before the
    /// first leaf is handed on; the worker waits while the future that it returns does. When the request fails, leaves
    /// already handed on stay good.
    ///
    /// A crash is tried once more without SIMD, which an upstream assertion has been seen to depend on; the second try
    /// is asked for the missing leaves only.
    ///
    /// # Errors
    /// What the worker found, or what became of it. Dropping the future kills the worker and its FFmpeg.
    pub async fn encode_each<F, Fut>(
        &self,
        request: &EncodeRequest,
        priority: Priority,
        mut on_leaf: F,
    ) -> Result<Finished, WorkerError>
    where
        F: FnMut(&Inspected, EncodedLeaf) -> Fut,
        Fut: Future<Output = ()>,
    {
        let on_leaf = |_, source: &Inspected, leaf| on_leaf(source, leaf);
        self.encode_placed(request, priority, on_leaf).await
    }

    async fn encode_placed<F, Fut>(
        &self,
        request: &EncodeRequest,
        priority: Priority,
        on_leaf: F,
    ) -> Result<Finished, WorkerError>
    where
        F: FnMut(usize, &Inspected, EncodedLeaf) -> Fut,
        Fut: Future<Output = ()>,
    {
        // No leaf is asked for of a segment that may not have so many, and nothing would be the answer.
        leaf_count(&request.profiles, request.frame_count)?;
        let mut progress = Progress::new(&request.leaves, on_leaf);
        let pictures = request.leaves.iter().map(|leaf| &leaf.settings);
        let largest = pictures.max_by_key(|r| u32::from(r.width) * u32::from(r.height));
        let room = largest.map_or(1, |r| {
            let depth = request.profiles.source.bit_depth;
            let chunk = chunk_bytes(&request.profiles, request.frame_count);
            self.limits.encoders(r.width, r.height, depth, chunk)
        });
        let threads = request.threads.min(room.try_into().unwrap_or(u16::MAX));
        let mut slot = self.slots.acquire(priority).await?;
        let job = |leaves, slot: &mut Slot| {
            // What a first try had is not the second's.
            slot.held.can_use(1);
            while slot.changes.try_recv().is_ok() {}
            Order::Video(Job {
                limits: self.limits,
                niceness: self.niceness(priority),
                profiles: request.profiles.to_bytes(),
                encode: Some(EncodeJob {
                    frame_count: request.frame_count,
                    leaves,
                    threads,
                    want_bytes: request.want_bytes,
                }),
            })
        };
        let (source, level, scalar) = (&request.source, request.level, Some(SimdLevel::Scalar));
        let first = job(request.leaves.clone(), &mut slot);
        let mut cpu = self
            .run(&first, source, level, &mut slot, &mut progress)
            .await;
        if level != scalar && cpu.as_ref().is_err_and(WorkerError::worth_scalar) {
            let second = job(progress.remaining(), &mut slot);
            cpu = self
                .run(&second, source, scalar, &mut slot, &mut progress)
                .await;
        }
        progress.finish(cpu?)
    }

    async fn run<F, Fut>(
        &self,
        order: &Order,
        source: &[u8],
        level: Option<SimdLevel>,
        slot: &mut Slot,
        progress: &mut Progress<F>,
    ) -> Result<Duration, WorkerError>
    where
        F: FnMut(usize, &Inspected, EncodedLeaf) -> Fut,
        Fut: Future<Output = ()>,
    {
        if source.len() as u64 > self.limits.max_source {
            let (found, max) = (source.len() as u64, self.limits.max_source);
            return Err(Fault::Cap {
                what: "length of the source in bytes".into(),
                found,
                max,
            }
            .into());
        }
        let mut child = self.start(level)?;
        let wall = self.limits.wall;
        let answer = exchange(&mut child.0, order, source, slot, progress);
        let answer = tokio::time::timeout(wall, answer).await;
        answer.unwrap_or_else(|_| Err(progress.too_late(wall)))
    }

    fn start(&self, level: Option<SimdLevel>) -> Result<Group, WorkerError> {
        let failed = |e: std::io::Error| WorkerError::Start {
            program: self.command.program.display().to_string(),
            detail: e.to_string(),
        };
        self.command.start(level).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::profile::{Profiles, Rendition, SourceFormat};

    fn few() -> Workers {
        let command = WorkerCommand {
            program: "none".into(),
            arguments: Vec::new(),
        };
        Workers::new(command, Limits::default(), 1)
    }

    #[tokio::test]
    async fn slots_of_its_own_are_as_many_as_asked_for() {
        for (workers, expected) in [(few().with_slots(8), 8), (few(), 1)] {
            let mut slot = workers.slots.acquire(Priority::Transcode).await.unwrap();
            slot.held.can_use(9);
            slot.changes.close();
            let more = std::iter::from_fn(|| slot.changes.try_recv().ok()).count();
            assert_eq!(1 + more, expected);
        }
    }

    #[tokio::test]
    async fn a_segment_of_too_many_leaves_is_not_answered_with_none() {
        let profiles = Profiles {
            chunk_frames: 1,
            source: SourceFormat::plain(64, 64, 30),
            renditions: vec![Rendition::plain(64, 64, 10, 100); 16],
        };
        let whole = EncodeRequest::whole(Arc::from([]), profiles, 60, 1);
        let refused = few().encode(&whole, Priority::Transcode).await.unwrap_err();
        let found = matches!(
            refused,
            WorkerError::Fault(Fault::Leaves { leaves: 960, .. })
        );
        assert!(found, "{refused}");
    }
}
