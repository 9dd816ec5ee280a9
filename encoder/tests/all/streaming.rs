//! Leaves one by one: early, never before the source is known, each once, also when a worker dies in between.

use crate::support;

use std::future::ready;
use std::time::Instant;

use assay_encoder::{
    EncodeRequest, EncodedLeaf, Fault, Inspected, Limits, Priority, WorkerError, Workers,
};
use rustix::process::{Pid, Signal, kill_process};
use support::{marked, profiles, raw, running, workers};

#[tokio::test]
async fn leaves_come_as_they_are_done() {
    let workers = workers(1);
    let request = EncodeRequest::whole(raw(320, 180, 30), profiles(320, 180), 30, 1);
    let whole = workers.encode(&request, Priority::Sample).await.unwrap();
    let (started, mut times, mut leaves) = (Instant::now(), Vec::new(), Vec::new());
    let finished = workers.encode_each(&request, Priority::Sample, |source, leaf| {
        assert_eq!(source.frames_root, whole.source.frames_root);
        assert_eq!(source.chunk_roots, whole.source.chunk_roots);
        times.push(started.elapsed());
        leaves.push(leaf);
        ready(())
    });
    let finished = finished.await.unwrap();
    let total = started.elapsed();
    assert!(
        times[0] < total * 9 / 10,
        "the first leaf came after {:?}, the last after {total:?}",
        times[0]
    );
    assert!(finished.cpu() > finished.source.decode_cpu);
    leaves.sort_by_key(|leaf| leaf.leaf);
    assert_eq!(leaves, whole.leaves);
}

#[tokio::test]
async fn no_leaf_of_another_source() {
    for frame_count in [11, 13] {
        let request = EncodeRequest::whole(raw(64, 64, 12), profiles(64, 64), frame_count, 2);
        let workers = workers(1);
        let heard = workers.encode_each(&request, Priority::Sample, |_, leaf| {
            panic!(
                "leaf {} of a source with another number of frames",
                leaf.leaf
            );
            #[allow(unreachable_code)]
            ready(())
        });
        let error = heard.await.unwrap_err();
        assert!(
            matches!(error, WorkerError::Fault(Fault::FrameCount { .. })),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_worker_killed_in_between_costs_no_leaf_and_doubles_none() {
    let mark = "--killed-in-between";
    let workers = Workers::new(marked(mark), Limits::default(), 1);
    let mut request = EncodeRequest::whole(raw(320, 180, 30), profiles(320, 180), 30, 1);
    // Any order must be kept by the collected form.
    request.leaves.reverse();
    let whole = workers.encode(&request, Priority::Sample).await.unwrap();
    assert_eq!(whole.leaves.len(), 12);
    assert_eq!((whole.leaves[0].leaf, whole.leaves[11].leaf), (11, 0));

    let (mut killed, mut leaves) = (0, Vec::new());
    let heard = workers.encode_each(&request, Priority::Sample, |_: &Inspected, leaf| {
        if leaves.is_empty() {
            for process in running(mark) {
                let pid = Pid::from_raw(process as i32).unwrap();
                kill_process(pid, Signal::KILL).unwrap();
                killed += 1;
            }
        }
        leaves.push(leaf);
        ready(())
    });
    heard.await.unwrap();
    assert_eq!(killed, 1, "the worker was not there any more");
    leaves.sort_by_key(|leaf: &EncodedLeaf| std::cmp::Reverse(leaf.leaf));
    assert_eq!(leaves, whole.leaves);
}

#[tokio::test]
async fn a_worker_waits_for_who_takes_its_leaves() {
    let workers = workers(1);
    let request = EncodeRequest::whole(raw(64, 64, 12), profiles(64, 64), 12, 1);
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let task = tokio::spawn(async move {
        let give = |_: &Inspected, leaf: EncodedLeaf| {
            let sender = sender.clone();
            async move { sender.send(leaf.leaf).await.unwrap() }
        };
        workers.encode_each(&request, Priority::Sample, give).await
    });
    let mut heard = Vec::new();
    while let Some(leaf) = receiver.recv().await {
        assert!(!task.is_finished() || heard.len() >= 5);
        heard.push(leaf);
    }
    task.await.unwrap().unwrap();
    heard.sort_unstable();
    assert_eq!(heard, [0, 1, 2, 3, 4, 5]);
}
