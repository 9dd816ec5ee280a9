//! Locale, time zone, environment, core and what memory held before change no byte; a ladder is decoded once.

use crate::support;

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

/// Six renditions cost no more decoding than one: the source is decoded and hashed once for all of them.
#[tokio::test]
async fn a_ladder_is_decoded_once() {
    let dir = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset ultrafast -g 30";
    let path = clip(dir.path(), "clip.mkv", "640x360", 2, coded);
    let workers = support::workers(1);
    let mut decode = Vec::new();
    for more in [0, 5] {
        let mut profiles = support::profiles(640, 360);
        profiles.renditions.truncate(1);
        let small = support::rendition(64, 36);
        profiles.renditions[0] = small;
        profiles.renditions.extend(vec![small; more]);
        let leaves = profiles.leaf_count(60).unwrap() as usize;
        let request = EncodeRequest::whole(bytes(&path), profiles, 60, 1);
        let encoded = workers.encode(&request, Priority::Transcode).await.unwrap();
        assert_eq!(encoded.leaves.len(), leaves);
        decode.push(encoded.source.decode_cpu);
    }
    assert!(decode[1] < 3 * decode[0], "{decode:?}");
}
