//! Computes every conformance vector in this very process, without a worker, and says which differ: for machines where
//! only the chunk encoder is built, see `scripts/compare-targets.sh`. The SIMD level is `RAV1E_CPU_TARGET`'s.
//!
//! `check FOLDER`, where FOLDER is `encoder/vectors`.

use std::error::Error;
use std::path::Path;

use assay_chunk::{RenditionSettings, SourceFormat, encode_chunk};
use serde_json::Value;

#[path = "../../src/synth/frame.rs"]
mod frame;

fn main() -> Result<(), Box<dyn Error>> {
    assay_libm::pin();
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let (mut leaves, mut wrong) = (0, 0);
    for folder in [folder.clone(), folder + "/presets"] {
        let mut files: Vec<_> = std::fs::read_dir(&folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        for path in files {
            let (all, bad) = compute(&path)?;
            (leaves, wrong) = (leaves + all, wrong + bad);
        }
    }
    println!("{leaves} leaves, {wrong} differ");
    std::process::exit(i32::from(wrong > 0));
}

/// The number of leaves, and of those that differ.
fn compute(path: &Path) -> Result<(usize, usize), Box<dyn Error>> {
    let vector: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let number = |value: &Value, field: &str| value[field].as_u64().unwrap_or_default();
    let source = &vector["source"];
    let format = SourceFormat {
        width: number(source, "width") as u16,
        height: number(source, "height") as u16,
        bit_depth: number(source, "bit_depth") as u8,
        full_range: source["full_range"] == true,
        colour: [0, 1, 2].map(|i: usize| source["colour"][i].as_u64().unwrap_or_default() as u8),
        fps_num: number(source, "fps_num") as u32,
        fps_den: number(source, "fps_den") as u32,
    };
    let (width, height) = (u32::from(format.width), u32::from(format.height));
    let frames = (0..number(&vector, "frames") as u32).map(|index| {
        let eight = frame::frame(width, height, index);
        if format.bit_depth > 8 {
            frame::widen(&eight)
        } else {
            eight
        }
    });
    let frames: Vec<Vec<u8>> = frames.collect();
    let (mut leaf, mut wrong) = (0, 0);
    for r in vector["renditions"].as_array().ok_or("no renditions")? {
        let settings = RenditionSettings {
            width: number(r, "width") as u16,
            height: number(r, "height") as u16,
            speed: number(r, "speed") as u8,
            quantizer: number(r, "quantizer") as u8,
            low_latency: r["low_latency"] == true,
            tile_cols_log2: number(r, "tile_cols_log2") as u8,
            tile_rows_log2: number(r, "tile_rows_log2") as u8,
            bitrate_kbps: number(r, "bitrate_kbps") as u16,
            frame_step: number(r, "frame_step") as u8,
        };
        for chunk in frames.chunks(number(&vector, "chunk_frames") as usize) {
            let views: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
            let found = encode_chunk(&views, &format, &settings)?.obus;
            let expected = &vector["leaves"][leaf];
            let hash = format!("0x{}", blake3::hash(&found).to_hex());
            if expected["hash"] != hash {
                println!(
                    "{}: leaf {leaf} is {hash}, expected {}",
                    path.display(),
                    expected["hash"]
                );
                wrong += 1;
            }
            leaf += 1;
        }
    }
    Ok((leaf, wrong))
}
