use alloy_primitives::FixedBytes;
use assay_protocol::frames::{ChunkHasher, segment_tree};
use assay_protocol::merkle::{Tree, leaf_hash};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::Leaf;
use serde_json::json;

use super::{check, word};

#[test]
fn trees_leaves_and_profiles() {
    let trees: Vec<_> = [1u32, 2, 3, 5, 8, 13]
        .iter()
        .map(|count| {
            let payloads: Vec<_> = (0..*count).map(|i| word(&format!("payload {i}"))).collect();
            let tree = Tree::new(payloads.iter().map(|p| leaf_hash(p.as_slice())).collect());
            let paths: Vec<_> = (0..*count).map(|i| tree.path(i)).collect();
            json!({ "count": count, "payloads": payloads, "root": tree.root(), "paths": paths })
        })
        .collect();
    let leaf = Leaf {
        rendition: 1,
        chunk: 3,
        frames_root: word("chunk"),
        output_len: 70_000,
        output_hash: word("bytes"),
    };
    let samples: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
    let mut hasher = ChunkHasher::new();
    hasher.update(&samples);
    let chunk_root = hasher.finish();
    let roots = [chunk_root, word("chunk 1"), word("chunk 2")];
    let rendition = Rendition::plain(640, 360, 10, 100);
    let profiles = Profiles {
        chunk_frames: 15,
        source: SourceFormat {
            width: 1280,
            height: 720,
            bit_depth: 8,
            full_range: false,
            colour: [1, 1, 1],
            fps_num: 30_000,
            fps_den: 1_001,
        },
        renditions: vec![
            rendition,
            Rendition {
                width: 320,
                height: 180,
                ..rendition
            },
        ],
    };
    check(
        "merkle.json",
        &json!({
            "trees": trees,
            "leaf": leaf, "leafPacked": leaf.pack(), "leafHash": leaf.hash(),
            "samples": FixedBytes::<10_000>::from_slice(&samples), "chunkFramesRoot": chunk_root,
            "chunkRoots": roots, "segmentFramesRoot": segment_tree(&roots).root(),
            "profiles": alloy_primitives::Bytes::from(profiles.to_bytes()), "profilesHash": profiles.hash(),
            "profilesChunkFrames": profiles.chunk_frames, "profilesRenditions": profiles.renditions.len(),
        }),
    );
}
