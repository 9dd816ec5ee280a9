//! What has been heard of an encoding, over both tries.

use std::future::Future;
use std::time::Duration;

use crate::fault::WorkerError;
use crate::request::{EncodedLeaf, Finished, Inspected, LeafRequest};

/// Hands on each leaf asked for exactly once, and none before the source.
///
/// The worker reads bytes of strangers, so its replies are checked rather than trusted.
pub(super) struct Progress<F> {
    /// Frames that this try has decoded at least.
    frames: u32,
    source: Option<Inspected>,
    /// What this try was asked, with its place in the request; none where the leaf has come.
    asked: Vec<Option<(usize, LeafRequest)>>,
    on_leaf: F,
}

impl<F, Fut> Progress<F>
where
    F: FnMut(usize, &Inspected, EncodedLeaf) -> Fut,
    Fut: Future<Output = ()>,
{
    /// `on_leaf` is given a leaf's place in `leaves`, the source and the leaf.
    pub(super) fn new(leaves: &[LeafRequest], on_leaf: F) -> Self {
        Self {
            frames: 0,
            source: None,
            asked: leaves.iter().copied().enumerate().map(Some).collect(),
            on_leaf,
        }
    }

    /// What a new try has to be asked: the leaves that have not come.
    pub(super) fn remaining(&mut self) -> Vec<LeafRequest> {
        self.frames = 0;
        self.asked.retain(Option::is_some);
        self.asked.iter().flatten().map(|&(_, leaf)| leaf).collect()
    }

    pub(super) fn decoded(&mut self, frames: u32) {
        self.frames = frames;
    }

    /// What is said of a worker that took longer than `wall`.
    pub(super) fn too_late(&self, wall: Duration) -> WorkerError {
        WorkerError::Timeout {
            wall,
            frames: self.frames,
            missing: self.missing(),
        }
    }

    /// Leaves that have not come.
    pub(super) fn missing(&self) -> usize {
        self.asked.iter().flatten().count()
    }

    pub(super) fn source(&mut self, source: Inspected) -> Result<(), WorkerError> {
        self.frames = source.frame_count;
        let roots = |s: &Inspected| (s.frame_count, s.frames_root, s.chunk_roots.len());
        match &self.source {
            Some(first) if roots(first) != roots(&source) => Err(WorkerError::Answer(
                "the source was decoded twice, to different frames".into(),
            )),
            _ => {
                self.source = Some(source);
                Ok(())
            }
        }
    }

    pub(super) async fn leaf(&mut self, place: u32, leaf: EncodedLeaf) -> Result<(), WorkerError> {
        let wrong = |what: &str| {
            let text = format!("leaf {} at place {place}: {what}", leaf.leaf);
            Err(WorkerError::Answer(text))
        };
        let Some(source) = &self.source else {
            return wrong("before the source");
        };
        let Some(asked) = self.asked.get_mut(place as usize) else {
            return wrong("no such place was asked for");
        };
        match asked.take_if(|(_, asked)| asked.leaf == leaf.leaf) {
            Some((place, _)) => {
                (self.on_leaf)(place, source, leaf).await;
                Ok(())
            }
            None => wrong("another one was asked for, or it has come already"),
        }
    }

    pub(super) fn finish(self, encode_cpu: Duration) -> Result<Finished, WorkerError> {
        let missing = self.missing();
        match self.source {
            Some(source) if missing == 0 => Ok(Finished { source, encode_cpu }),
            Some(_) => Err(WorkerError::Answer(format!("{missing} leaves are missing"))),
            None => Err(WorkerError::Answer("the source is missing".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::profile::Rendition;
    use std::future::ready;

    fn asked(leaf: u32) -> LeafRequest {
        let settings = Rendition::plain(64, 64, 10, 100);
        LeafRequest { leaf, settings }
    }

    fn encoded(leaf: u32) -> EncodedLeaf {
        EncodedLeaf {
            leaf,
            rendition: 0,
            chunk: leaf,
            output_hash: Default::default(),
            output_len: 0,
            units: Vec::new(),
            bytes: None,
        }
    }

    fn source(frame_count: u32) -> Inspected {
        Inspected {
            frame_count,
            chunk_roots: Vec::new(),
            frames_root: Default::default(),
            decode_cpu: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn each_leaf_comes_once_over_two_tries() {
        let mut heard = Vec::new();
        let leaves = [asked(3), asked(5), asked(8)];
        let mut progress = Progress::new(&leaves, |place, _: &Inspected, leaf: EncodedLeaf| {
            heard.push((place, leaf.leaf));
            ready(())
        });
        assert!(progress.leaf(1, encoded(5)).await.is_err(), "no source yet");
        progress.source(source(9)).unwrap();
        progress.leaf(1, encoded(5)).await.unwrap();
        assert!(progress.leaf(1, encoded(5)).await.is_err(), "twice");
        assert!(progress.leaf(0, encoded(8)).await.is_err(), "another one");
        assert!(progress.leaf(3, encoded(9)).await.is_err(), "not asked for");

        assert_eq!(progress.remaining(), [asked(3), asked(8)]);
        assert!(progress.source(source(7)).is_err(), "other frames");
        progress.source(source(9)).unwrap();
        progress.leaf(1, encoded(8)).await.unwrap();
        assert!(progress.leaf(1, encoded(8)).await.is_err(), "twice");
        progress.leaf(0, encoded(3)).await.unwrap();
        let finished = progress.finish(Duration::ZERO).unwrap();
        assert_eq!(finished.source, source(9));
        assert_eq!(heard, [(1, 5), (2, 8), (0, 3)]);
    }

    #[tokio::test]
    async fn a_worker_that_is_too_late_is_known_by_its_last_frame() {
        let wall = Duration::from_secs(9);
        let late = |frames, missing| WorkerError::Timeout {
            wall,
            frames,
            missing,
        };
        let mut progress = Progress::new(&[asked(1), asked(2)], |_, _: &Inspected, _| ready(()));
        assert_eq!(progress.too_late(wall), late(0, 2));
        progress.decoded(30);
        assert_eq!(progress.too_late(wall), late(30, 2));
        progress.source(source(36)).unwrap();
        progress.leaf(0, encoded(1)).await.unwrap();
        assert_eq!(progress.too_late(wall), late(36, 1));
        let words = progress.too_late(wall).to_string();
        assert!(
            words.contains("36 decoded frames, with 1 leaves"),
            "{words}"
        );
        assert_eq!(progress.remaining().len(), 1);
        assert_eq!(progress.too_late(wall), late(0, 1));
    }

    #[test]
    fn an_answer_is_whole() {
        let none = |_: usize, _: &Inspected, _: EncodedLeaf| ready(());
        assert!(Progress::new(&[], none).finish(Duration::ZERO).is_err());
        let mut progress = Progress::new(&[asked(1)], none);
        progress.source(source(1)).unwrap();
        assert!(progress.finish(Duration::ZERO).is_err());
    }
}
