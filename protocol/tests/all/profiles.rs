//! Profiles byte for byte: the examples of `vectors/profiles.json`, and strings that are none.

use alloy_primitives::Bytes;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use serde_json::json;

use crate::vectors::check;

fn examples() -> Vec<(&'static str, Profiles)> {
    let plain = Rendition::plain(1280, 720, 10, 100);
    let source = SourceFormat {
        width: 1920,
        height: 1080,
        bit_depth: 10,
        full_range: true,
        colour: [9, 16, 9],
        fps_num: 60_000,
        fps_den: 1_001,
    };
    let of = |renditions| Profiles {
        chunk_frames: 60,
        source,
        renditions,
    };
    let limited = Rendition {
        width: 640,
        height: 360,
        quantizer: 255,
        bitrate_kbps: 700,
        ..plain
    };
    let slow = Rendition {
        width: 256,
        height: 144,
        low_latency: true,
        tile_cols_log2: 1,
        tile_rows_log2: 2,
        bitrate_kbps: 65_535,
        frame_step: 4,
        ..plain
    };
    vec![
        ("constant quantizer, every frame", of(vec![plain])),
        ("bitrate", of(vec![plain, limited])),
        (
            "bitrate and every fourth frame",
            of(vec![plain, limited, slow]),
        ),
    ]
}

#[test]
fn bytes_are_the_committed_ones() {
    let value = |(name, p): (&str, Profiles)| json!({ "name": name, "fields": p, "profiles": Bytes::from(p.to_bytes()), "profilesHash": p.hash() });
    let all: Vec<_> = examples().into_iter().map(value).collect();
    check("profiles.json", &json!(all));
}

/// Whatever is changed in one byte is read as something else, or not at all.
#[test]
fn no_byte_is_without_meaning() {
    for (name, profiles) in examples() {
        let bytes = profiles.to_bytes();
        assert_eq!(
            Profiles::from_bytes(&bytes).as_ref(),
            Ok(&profiles),
            "{name}"
        );
        for at in 0..bytes.len() {
            for value in 0..=255u8 {
                let mut other = bytes.clone();
                other[at] = value;
                match Profiles::from_bytes(&other) {
                    Ok(read) => {
                        assert_eq!((read == profiles, read.to_bytes()), (other == bytes, other))
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}
