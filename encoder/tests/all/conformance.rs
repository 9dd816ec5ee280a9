//! The vectors hold at every SIMD level this machine has, and a wrong one is noticed.

use crate::support;

use assay_encoder::SimdLevel;
use assay_encoder::conformance::{
    ConformanceError, Occasion, Vector, check, check_one, compute, vectors,
};
use assay_encoder::ladder::{Ladder, names};
use support::workers;

fn those(occasion: Occasion) -> impl Iterator<Item = (&'static str, Vector)> {
    let all = vectors().unwrap().into_iter();
    all.filter(move |(_, vector)| vector.occasion == occasion)
}

#[tokio::test]
async fn this_machine_conforms() {
    let started = std::time::Instant::now();
    check(&workers(2)).await.unwrap();
    println!("{:?}", started.elapsed());
}

#[tokio::test]
async fn every_level_gives_the_same_bytes() {
    let workers = workers(2);
    for (name, vector) in those(Occasion::Start) {
        for level in SimdLevel::ALL {
            check_one(&workers, name, &vector, Some(level))
                .await
                .unwrap();
        }
    }
}

/// A preset that is changed has vectors of settings that nobody uses any more.
#[test]
fn every_preset_has_vectors_of_its_settings() {
    let all = vectors().unwrap();
    for name in names() {
        let ladder = Ladder::load(name).unwrap();
        for bit_depth in [8, 10] {
            let vector = format!("presets/{name}_{bit_depth}");
            let found = all.get(vector.as_str()).expect(&vector);
            let source = found.source;
            assert_eq!(source.bit_depth, bit_depth, "{vector}");
            let shown = (source.width.into(), source.height.into());
            let expected = ladder.profiles(source, shown).unwrap();
            assert_eq!(found.profiles(), expected, "{vector}");
        }
    }
}

/// The small ones here; `assay doctor` and the nightly run compute all.
#[tokio::test]
async fn small_presets_give_their_bytes() {
    let workers = workers(2);
    let small = |vector: &Vector| vector.source.height <= 360 && vector.renditions.len() == 1;
    for (name, vector) in those(Occasion::Doctor).filter(|(_, vector)| small(vector)) {
        check_one(&workers, name, &vector, None).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn every_preset_gives_its_bytes_at_every_level() {
    let (workers, started) = (workers(2), std::time::Instant::now());
    for (name, vector) in those(Occasion::Doctor) {
        for pair in SimdLevel::ALL.chunks(2) {
            let run = |level| check_one(&workers, name, &vector, Some(level));
            tokio::try_join!(run(pair[0]), run(pair[1])).unwrap();
        }
    }
    println!(
        "every preset agrees at every level after {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn other_settings_give_other_bytes() {
    let workers = workers(2);
    let mut vector = vectors().unwrap().remove("basic").unwrap();
    vector.renditions[0].quantizer += 1;
    let encoded = compute(&workers, &vector, None).await.unwrap();
    assert_ne!(encoded.leaves[0].output_hash, vector.leaves[0].hash);
    assert_eq!(encoded.leaves[2].output_hash, vector.leaves[2].hash);
    let error = check_one(&workers, "basic", &vector, None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConformanceError::Differs { name: "basic", .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("leaf 0 (") && text.contains("in frame 0"),
        "{text}"
    );
}
