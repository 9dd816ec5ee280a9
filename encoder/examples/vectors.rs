//! Writes the conformance vectors anew: `cargo run --release -p assay-encoder --example vectors -- encoder/vectors`,
//! after `cargo build --release -p assay-encoder --bin assay-worker`.
//!
//! Only a change of the pipeline, and so of its description, may change what this writes. The files are compiled into
//! the crate: a vector that is new needs two empty ones first.

use std::error::Error;
use std::path::Path;

use assay_encoder::conformance::{Occasion, Vector, VectorLeaf, compute};
use assay_encoder::ladder::{Ladder, names};
use assay_encoder::{Limits, WorkerCommand, Workers, encoder_id};
use assay_protocol::B256;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};

/// Picture sizes, so that a preset has one of its own size and the next larger one.
const SIZES: [(u16, u16); 7] = [
    (256, 144),
    (426, 240),
    (640, 360),
    (854, 480),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
];

fn source(size: (u16, u16), bit_depth: u8, fps: (u32, u32)) -> SourceFormat {
    SourceFormat {
        width: size.0,
        height: size.1,
        bit_depth,
        full_range: false,
        colour: if bit_depth > 8 { [9, 16, 9] } else { [2; 3] },
        fps_num: fps.0,
        fps_den: fps.1,
    }
}

fn vector(occasion: Occasion, frames: u32, profiles: Profiles) -> Vector {
    Vector {
        encoder_id: encoder_id(),
        occasion,
        chunk_frames: profiles.chunk_frames,
        frames,
        source: profiles.source,
        renditions: profiles.renditions,
        frames_root: B256::ZERO,
        leaves: Vec::new(),
    }
}

fn small(
    size: (u16, u16),
    bit_depth: u8,
    frames: u32,
    chunk_frames: u16,
    renditions: Vec<Rendition>,
) -> Vector {
    let source = source(size, bit_depth, (30_000, 1_001));
    let profiles = Profiles {
        chunk_frames,
        source,
        renditions,
    };
    vector(Occasion::Start, frames, profiles)
}

fn for_start() -> Vec<(String, Vector)> {
    let r = Rendition::plain(192, 108, 10, 100);
    let size = |width, height| Rendition { width, height, ..r };
    let half = Rendition {
        quantizer: 140,
        ..size(96, 54)
    };
    let ten = Rendition {
        speed: 8,
        ..size(96, 54)
    };
    let tiles = Rendition {
        low_latency: true,
        tile_cols_log2: 1,
        tile_rows_log2: 1,
        ..size(256, 144)
    };
    let odd = Rendition {
        quantizer: 40,
        speed: 9,
        ..size(77, 131)
    };
    let least = Rendition {
        width: 16,
        height: 16,
        quantizer: 255,
        ..odd
    };
    let limited = Rendition {
        bitrate_kbps: 200,
        quantizer: 255,
        ..size(160, 90)
    };
    let slower = Rendition {
        bitrate_kbps: 40,
        quantizer: 220,
        frame_step: 2,
        low_latency: true,
        ..size(96, 54)
    };
    // Those that the others leave out: each decides in its own way.
    let every_speed = [0, 1, 2, 3, 4, 5, 6, 7].map(|speed| Rendition {
        speed,
        ..size(32, 32)
    });
    let every_speed = every_speed.to_vec();
    let mut full_range = small((48, 40), 8, 4, 4, vec![size(32, 32)]);
    full_range.source.full_range = true;
    [
        ("basic", small((192, 108), 8, 9, 6, vec![r, half])),
        ("ten_bit", small((128, 72), 10, 5, 5, vec![ten])),
        ("tiles_low_latency", small((192, 108), 8, 4, 4, vec![tiles])),
        ("odd_sizes", small((101, 67), 8, 6, 6, vec![odd, least])),
        ("bitrate", small((160, 90), 8, 13, 8, vec![limited, slower])),
        ("speeds", small((48, 40), 8, 3, 3, every_speed)),
        ("full_range", full_range),
    ]
    .map(|(name, vector)| (name.into(), vector))
    .into()
}

/// Eight bits at the preset's own size, ten bits from the next larger one; ladders from their top, at 60 frames a
/// second, so that frames are left out.
fn for_doctor(name: &str, bit_depth: u8) -> Result<(String, Vector), Box<dyn Error>> {
    let ladder = Ladder::load(name)?;
    let top = ladder.renditions.first().ok_or("no rendition")?.height;
    let own = SIZES.iter().position(|size| size.1 == top);
    let own = own.ok_or("no such size")?;
    let single = ladder.renditions.len() == 1;
    let (size, fps) = match (single, bit_depth) {
        (true, 8) => (SIZES[own], (30, 1)),
        (true, _) => (SIZES[own + 1], (25, 1)),
        (false, 8) => (SIZES[own], (60, 1)),
        (false, _) => (SIZES[own], (60_000, 1_001)),
    };
    // Noisy pictures make large files, and large pictures slow checks.
    let frames = match (single, top) {
        (_, ..=360) => 6,
        (false, _) | (true, ..=480) => 3,
        (true, _) => 2,
    };
    let profiles = ladder.profiles(source(size, bit_depth, fps), (size.0.into(), size.1.into()))?;
    let name = format!("presets/{name}_{bit_depth}");
    Ok((name, vector(Occasion::Doctor, frames, profiles)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let program = std::env::current_exe()?
        .with_file_name("../assay-worker")
        .canonicalize()?;
    let worker = WorkerCommand {
        program,
        arguments: Vec::new(),
    };
    let workers = Workers::new(worker, Limits::default(), 2);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut all = for_start();
    for name in names() {
        all.extend([for_doctor(name, 8)?, for_doctor(name, 10)?]);
    }
    for (name, mut vector) in all {
        let encoded = runtime.block_on(compute(&workers, &vector, None))?;
        vector.frames_root = encoded.source.frames_root;
        let mut bytes = Vec::new();
        for leaf in &encoded.leaves {
            bytes.extend_from_slice(leaf.bytes.as_deref().unwrap_or_default());
            vector.leaves.push(VectorLeaf {
                hash: leaf.output_hash,
                len: leaf.output_len,
            });
        }
        let path = Path::new(&folder).join(&name);
        let text = serde_json::to_string_pretty(&vector)? + "\n";
        std::fs::write(path.with_extension("json"), text)?;
        std::fs::write(path.with_extension("obus"), &bytes)?;
        println!(
            "{name}: {} leaves, {} bytes",
            vector.leaves.len(),
            bytes.len()
        );
    }
    Ok(())
}
