//! The vectors hold at every SIMD level this machine has, and a wrong one is noticed.

use crate::support;

use assay_encoder::SimdLevel;
use assay_encoder::conformance::{check, compute, vectors};
use support::workers;

#[tokio::test]
async fn this_machine_conforms() {
    let started = std::time::Instant::now();
    check(&workers(2)).await.unwrap();
    println!("{:?}", started.elapsed());
}

#[tokio::test]
async fn every_level_gives_the_same_bytes() {
    let workers = workers(2);
    for (name, vector) in vectors().unwrap() {
        for level in SimdLevel::ALL {
            let encoded = compute(&workers, &vector, Some(level)).await.unwrap();
            let hashes: Vec<_> = encoded.leaves.iter().map(|l| l.output_hash).collect();
            assert_eq!(hashes, vector.leaves, "{name} at {}", level.name());
            assert_eq!(encoded.source.frames_root, vector.frames_root, "{name}");
        }
    }
}

#[tokio::test]
async fn other_settings_give_other_bytes() {
    let workers = workers(2);
    let mut vector = vectors().unwrap().remove("basic").unwrap();
    vector.renditions[0].quantizer += 1;
    let encoded = compute(&workers, &vector, None).await.unwrap();
    assert_ne!(encoded.leaves[0].output_hash, vector.leaves[0]);
    assert_eq!(encoded.leaves[2].output_hash, vector.leaves[2]);
}
