//! Workers under bad input, caps and crashes: clear answers, and the same bytes however they are asked.

use crate::support;

use std::sync::Arc;
use std::time::Duration;

use assay_encoder::{
    EncodeRequest, Fault, InspectRequest, Limits, Priority, SimdLevel, WorkerCommand, WorkerError,
    Workers,
};
use assay_protocol::assignment::RefusalReason;
use assay_protocol::profile::Profiles;
use support::{bytes, clip, profiles, raw, worker, workers};

async fn fault(source: Arc<[u8]>, profiles: Profiles) -> WorkerError {
    let request = InspectRequest { source, profiles };
    workers(1)
        .inspect(&request, Priority::Transcode)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn bad_sources_are_faults() {
    let no_video: Arc<[u8]> = vec![7u8; 5000].into();
    let error = fault(no_video, profiles(64, 64)).await;
    assert!(
        matches!(error, WorkerError::Fault(Fault::NoFrames { .. })),
        "{error:?}"
    );
    assert_eq!(error.reason(), RefusalReason::Undecodable);
    let error = fault(Arc::from([]), profiles(64, 64)).await;
    assert!(
        matches!(error, WorkerError::Fault(Fault::NoFrames { .. })),
        "{error:?}"
    );
    let error = fault(raw(32, 32, 2), profiles(64, 64)).await;
    assert!(
        matches!(error, WorkerError::Fault(Fault::SourceFormat { .. })),
        "{error:?}"
    );
    let whole = raw(64, 64, 3);
    let error = fault(whole[..whole.len() - 9].into(), profiles(64, 64)).await;
    assert!(
        error.to_string().contains("cut off inside frame 2"),
        "{error}"
    );
    let dir = tempfile::tempdir().unwrap();
    let other = clip(
        dir.path(),
        "other.mkv",
        "128x64",
        1,
        "-c:v libx264 -preset ultrafast",
    );
    let error = fault(bytes(&other), profiles(64, 64)).await;
    assert!(error.to_string().contains("128x64"), "{error}");
    // A playlist must not make FFmpeg open what it names.
    let list = format!("ffconcat version 1.0\nfile '{}'\n", other.display());
    let error = fault(list.into_bytes().into(), profiles(128, 64)).await;
    assert!(
        matches!(error, WorkerError::Fault(Fault::NoFrames { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn chunks_larger_than_memory_are_refused_before_a_frame_is_decoded() {
    let profiles = Profiles {
        chunk_frames: 160,
        ..profiles(8192, 4352)
    };
    let refused = async |frames| {
        let request = EncodeRequest::whole(raw(64, 64, 1), profiles.clone(), frames, 2);
        let answer = workers(1).encode(&request, Priority::Transcode).await;
        answer.unwrap_err().to_string()
    };
    let bytes = 160u64 * 8192 * 4352 * 3 / 2;
    let expected = format!(
        "bytes of a chunk's frames is {bytes}, at most {} allowed",
        2u64 << 30
    );
    assert_eq!(refused(200).await, expected);
    // The frames there are, not those that a chunk may have.
    assert!(refused(20).await.contains("decodes to 64x64"));
}

#[tokio::test]
async fn requests_that_do_not_fit_are_faults() {
    let (workers, source) = (workers(1), raw(64, 64, 7));
    let whole = EncodeRequest::whole(source.clone(), profiles(64, 64), 7, 2);
    assert_eq!(whole.leaves.len(), 4);
    let ask = async |request: &EncodeRequest| workers.encode(request, Priority::Sample).await;
    assert_eq!(
        ask(&whole)
            .await
            .unwrap()
            .leaves
            .iter()
            .map(|l| l.units.len())
            .collect::<Vec<_>>(),
        [5, 2, 5, 2]
    );
    for frame_count in [6, 8] {
        let request = EncodeRequest::whole(source.clone(), profiles(64, 64), frame_count, 1);
        let error = ask(&request).await.unwrap_err();
        assert!(
            matches!(error, WorkerError::Fault(Fault::FrameCount { .. })),
            "{error:?}"
        );
        assert_eq!(error.reason(), RefusalReason::FramesRootDiffers);
    }
    let mut wrong = whole.clone();
    wrong.leaves[1].leaf = 4;
    let error = ask(&wrong).await.unwrap_err();
    assert_eq!(
        error,
        WorkerError::Fault(Fault::NoSuchLeaf { leaf: 4, leaves: 4 })
    );
    let mut wrong = whole.clone();
    wrong.profiles.renditions[0].width = 64 * 17;
    let error = ask(&wrong).await.unwrap_err();
    assert!(error.to_string().contains("within 16 times"), "{error}");
    assert_eq!(error.reason(), RefusalReason::UnsupportedProfile);
    assert!(EncodeRequest::one(source, profiles(64, 64), 7, 4).is_none());
}

#[tokio::test]
async fn threads_levels_and_company_change_no_byte() {
    let (workers, source) = (workers(2), raw(96, 64, 12));
    let mut request = EncodeRequest::whole(source.clone(), profiles(96, 64), 12, 1);
    let expected = workers.encode(&request, Priority::Sample).await.unwrap();
    for (threads, level) in [
        (3, None),
        (1, Some(SimdLevel::Scalar)),
        (2, Some(SimdLevel::Sse41)),
    ] {
        (request.threads, request.level) = (threads, level);
        let found = workers.encode(&request, Priority::Sample).await.unwrap();
        assert_eq!(
            (&found.leaves, &found.source.chunk_roots),
            (&expected.leaves, &expected.source.chunk_roots)
        );
    }
    for leaf in 0..6 {
        let one = EncodeRequest::one(source.clone(), profiles(96, 64), 12, leaf).unwrap();
        let found = workers.encode(&one, Priority::Sample).await.unwrap();
        assert_eq!(
            found.protocol_leaves(),
            [expected.protocol_leaves()[leaf as usize]]
        );
    }
}

#[tokio::test]
async fn caps_hold() {
    let limited = |limits| Workers::new(worker(), limits, 1);
    let request = InspectRequest {
        source: raw(64, 64, 9),
        profiles: profiles(64, 64),
    };
    for limits in [
        Limits {
            max_frames: 8,
            ..Limits::default()
        },
        Limits {
            max_pixels: 64 * 63,
            ..Limits::default()
        },
        Limits {
            max_source: 1000,
            ..Limits::default()
        },
    ] {
        let error = limited(limits)
            .inspect(&request, Priority::Sample)
            .await
            .unwrap_err();
        assert!(
            matches!(error, WorkerError::Fault(Fault::Cap { .. })),
            "{error:?}"
        );
    }
    // 20 MB of address space is not enough to start encoding threads: an error or a crash, never a hang or an answer.
    let starved = Limits {
        memory: 20 << 20,
        ..Limits::default()
    };
    let whole = EncodeRequest::whole(raw(64, 64, 5), profiles(64, 64), 5, 1);
    assert!(
        limited(starved)
            .encode(&whole, Priority::Sample)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_crash_is_tried_once_more_without_simd() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("levels");
    let script = format!(
        "echo \"${{RAV1E_CPU_TARGET:-default}}\" >> {log}\n[ \"$RAV1E_CPU_TARGET\" = rust ] || kill -ABRT $$\nexec {worker}",
        log = log.display(),
        worker = worker().program.display()
    );
    let command = WorkerCommand {
        program: "sh".into(),
        arguments: vec!["-c".into(), script],
    };
    let whole = EncodeRequest::whole(raw(64, 64, 5), profiles(64, 64), 5, 1);
    let encoded = Workers::new(command, Limits::default(), 1)
        .encode(&whole, Priority::Sample)
        .await
        .unwrap();
    assert_eq!(encoded.leaves.len(), 2);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "default\nrust\n");

    let crash = WorkerCommand {
        program: "sh".into(),
        arguments: vec!["-c".into(), "echo boom >&2; kill -ABRT $$".into()],
    };
    let error = Workers::new(crash, Limits::default(), 1)
        .encode(&whole, Priority::Sample)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, WorkerError::Crashed { detail, .. } if detail.contains("boom")),
        "{error:?}"
    );
    assert_eq!(error.reason(), RefusalReason::EncoderFailed);
    let absent = WorkerCommand {
        program: "/nowhere/assay".into(),
        arguments: Vec::new(),
    };
    let error = Workers::new(absent, Limits::default(), 1)
        .encode(&whole, Priority::Sample)
        .await
        .unwrap_err();
    assert!(matches!(error, WorkerError::Start { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_are_shared_between_tasks() {
    let workers = workers(1);
    let tasks: Vec<_> = [
        Priority::Transcode,
        Priority::Sample,
        Priority::Accused,
        Priority::Transcode,
    ]
    .into_iter()
    .map(|priority| {
        let (workers, request) = (
            workers.clone(),
            EncodeRequest::whole(raw(64, 64, 6), profiles(64, 64), 6, 1),
        );
        tokio::spawn(async move { workers.encode(&request, priority).await })
    })
    .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().unwrap().leaves);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let cut = async {
        let found = assay_encoder::probe(std::path::Path::new("/nowhere"), &worker()).await?;
        assay_encoder::Segmenter::new(std::path::Path::new("/nowhere"), Duration::from_secs(2))
            .cut(&found, &worker())
            .await
    };
    assert!(tokio::spawn(cut).await.unwrap().is_err());
}
