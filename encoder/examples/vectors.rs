//! Writes the conformance vectors anew: `cargo run --release -p assay-encoder --example vectors -- encoder/vectors`,
//! after `cargo build --release -p assay-encoder --bin assay-worker`.
//!
//! Only a change of the pipeline, and so of its description, may change what this writes.

use std::error::Error;
use std::path::Path;

use assay_encoder::conformance::{Vector, compute};
use assay_encoder::{Limits, WorkerCommand, Workers, encoder_id};
use assay_protocol::B256;
use assay_protocol::profile::{Rendition, SourceFormat};

fn vector(
    size: (u16, u16),
    bit_depth: u8,
    frames: u32,
    chunk_frames: u16,
    renditions: Vec<Rendition>,
) -> Vector {
    let (width, height) = size;
    let colour = if bit_depth > 8 { [9, 16, 9] } else { [2; 3] };
    let source = SourceFormat {
        width,
        height,
        bit_depth,
        full_range: false,
        colour,
        fps_num: 30000,
        fps_den: 1001,
    };
    let (frames_root, leaves) = (B256::ZERO, Vec::new());
    Vector {
        encoder_id: encoder_id(),
        chunk_frames,
        frames,
        source,
        renditions,
        frames_root,
        leaves,
    }
}

fn all() -> [(&'static str, Vector); 4] {
    let r = Rendition {
        width: 192,
        height: 108,
        speed: 10,
        quantizer: 100,
        low_latency: false,
        tile_cols_log2: 0,
        tile_rows_log2: 0,
    };
    let half = Rendition {
        width: 96,
        height: 54,
        quantizer: 140,
        ..r
    };
    let tiles = Rendition {
        width: 256,
        height: 144,
        low_latency: true,
        tile_cols_log2: 1,
        tile_rows_log2: 1,
        ..r
    };
    let odd = Rendition {
        width: 77,
        height: 131,
        quantizer: 40,
        speed: 9,
        ..r
    };
    [
        ("basic", vector((192, 108), 8, 9, 6, vec![r, half])),
        (
            "ten_bit",
            vector(
                (128, 72),
                10,
                5,
                5,
                vec![Rendition {
                    width: 96,
                    height: 54,
                    speed: 8,
                    ..r
                }],
            ),
        ),
        (
            "tiles_low_latency",
            vector((192, 108), 8, 4, 4, vec![tiles]),
        ),
        (
            "odd_sizes",
            vector(
                (101, 67),
                8,
                6,
                6,
                vec![
                    odd,
                    Rendition {
                        width: 16,
                        height: 16,
                        quantizer: 255,
                        ..odd
                    },
                ],
            ),
        ),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let program = std::env::current_exe()?
        .with_file_name("../assay-worker")
        .canonicalize()?;
    let workers = Workers::new(
        WorkerCommand {
            program,
            arguments: Vec::new(),
        },
        Limits::default(),
        2,
    );
    let runtime = tokio::runtime::Runtime::new()?;
    for (name, mut vector) in all() {
        let encoded = runtime.block_on(compute(&workers, &vector, None))?;
        vector.frames_root = encoded.source.frames_root;
        vector.leaves = encoded.leaves.iter().map(|leaf| leaf.output_hash).collect();
        let text = serde_json::to_string_pretty(&vector)? + "\n";
        std::fs::write(Path::new(&folder).join(format!("{name}.json")), text)?;
    }
    Ok(())
}
