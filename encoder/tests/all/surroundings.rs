//! Locale, time zone, environment, core and what memory held before change no byte; a ladder is decoded once.

use crate::support;

use std::os::unix::fs::PermissionsExt;

use assay_encoder::conformance::{compute, vectors};
use assay_encoder::{EncodeRequest, Limits, Priority, WorkerCommand, Workers};
use support::{bytes, clip, worker};

/// The worker, started by another program.
fn through(program: &str, arguments: &[&str]) -> Workers {
    let mut arguments: Vec<String> = arguments.iter().map(|&a| a.into()).collect();
    arguments.push(worker().program.display().to_string());
    let command = WorkerCommand {
        program: program.into(),
        arguments,
    };
    Workers::new(command, Limits::default(), 2)
}

#[tokio::test]
async fn surroundings_change_no_byte() {
    let surroundings: [(&str, &[&str]); 5] = [
        (
            "env",
            &[
                "LC_ALL=tr_TR.UTF-8",
                "LANG=ar_EG",
                "LC_NUMERIC=de_DE",
                "TZ=Asia/Kathmandu",
            ],
        ),
        (
            "env",
            &[
                "TZ=Pacific/Apia",
                "HOME=/nowhere",
                "RAYON_NUM_THREADS=7",
                "RUST_MIN_STACK=9000000",
            ],
        ),
        // Fresh and freed memory is filled with this: nothing may depend on what is found there.
        ("env", &["MALLOC_PERTURB_=165", "MALLOC_ARENA_MAX=1"]),
        ("env", &["MALLOC_PERTURB_=90", "MALLOC_TOP_PAD_=1"]),
        ("taskset", &["-c", "0"]),
    ];
    let vectors = vectors().unwrap();
    for (program, arguments) in surroundings {
        let workers = through(program, arguments);
        for name in ["ten_bit", "bitrate"] {
            let vector = &vectors[name];
            let encoded = compute(&workers, vector, None).await.unwrap();
            let hashes: Vec<_> = encoded.leaves.iter().map(|l| l.output_hash).collect();
            let expected: Vec<_> = vector.leaves.iter().map(|l| l.hash).collect();
            assert_eq!(hashes, expected, "{name} in {arguments:?}");
        }
    }
}

#[tokio::test]
async fn threads_change_no_byte_of_a_rate_controlled_ladder() {
    let vector = &vectors().unwrap()["bitrate"];
    for threads in [1, 2, 5] {
        let source = assay_encoder::conformance::input(vector);
        let request = EncodeRequest::whole(source, vector.profiles(), vector.frames, threads);
        let encoded = support::workers(1)
            .encode(&request, Priority::Sample)
            .await
            .unwrap();
        for (leaf, expected) in encoded.leaves.iter().zip(&vector.leaves) {
            assert_eq!(
                leaf.output_hash, expected.hash,
                "{threads} threads, leaf {}",
                leaf.leaf
            );
        }
    }
}

/// FFmpeg is started once for a segment, whatever the number of its renditions and chunks, and every frame is hashed once.
#[tokio::test]
async fn a_ladder_is_decoded_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = clip(
        dir.path(),
        "clip.mkv",
        "128x96",
        1,
        "-c:v libx264 -preset ultrafast -g 30",
    );
    let log = dir.path().join("starts");
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("ffmpeg"))
        .find(|path| path.is_file())
        .unwrap();
    let wrapper = dir.path().join("ffmpeg");
    let script = format!(
        "#!/bin/sh\necho start >> {}\nexec {} \"$@\"\n",
        log.display(),
        real.display()
    );
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
    let path_variable = format!(
        "PATH={}:{}",
        dir.path().display(),
        std::env::var("PATH").unwrap()
    );
    let workers = through("env", &[&path_variable]);

    let mut profiles = support::profiles(128, 96);
    let small = support::rendition(32, 32);
    profiles.renditions.extend([small; 4]);
    let request = EncodeRequest::whole(bytes(&path), profiles, 30, 2);
    let encoded = workers.encode(&request, Priority::Transcode).await.unwrap();
    assert_eq!(
        (encoded.leaves.len(), encoded.source.chunk_roots.len()),
        (36, 6)
    );
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
}
