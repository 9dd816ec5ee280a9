//! CPU time of scaling and encoding: `cargo run --release -p assay-chunk --features asm --example cost`.

use std::time::Instant;

use assay_chunk::{RenditionSettings, Scaler, SourceFormat, encode_chunk};

fn main() -> Result<(), assay_chunk::ChunkError> {
    let source = SourceFormat {
        width: 640,
        height: 360,
        bit_depth: 8,
        full_range: false,
        colour: [2; 3],
        fps_num: 30,
        fps_den: 1,
    };
    let frames: Vec<Vec<u8>> = (0..60).map(|i| frame(&source, i)).collect();
    for (width, height) in [(640, 360), (320, 180), (426, 240)] {
        let rendition = RenditionSettings {
            width,
            height,
            ..RenditionSettings::default()
        };
        let scaler = Scaler::new(&source, &rendition);
        let (begin, mut sum) = (Instant::now(), 0u64);
        for raw in &frames {
            let (luma, chroma) = raw.split_at(640 * 360);
            let planes = [luma, &chroma[..320 * 180], &chroma[320 * 180..]];
            for (index, plane) in planes.into_iter().enumerate() {
                scaler.plane(plane, index, |_, row: &[u8]| sum += u64::from(row[0]));
            }
        }
        println!(
            "{width}x{height}: scale {:.3} ms a frame ({sum})",
            begin.elapsed().as_secs_f64() * 1000.0 / 60.0
        );
        for chunk in [15, 60] {
            let begin = Instant::now();
            let mut bytes = 0;
            for frames in frames.chunks(chunk) {
                let views: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
                bytes += encode_chunk(&views, &source, &rendition)?.obus.len();
            }
            let fps = 60.0 / begin.elapsed().as_secs_f64();
            println!("{width}x{height}: chunks of {chunk}: {fps:.1} fps, {bytes} bytes");
        }
    }
    Ok(())
}

fn frame(source: &SourceFormat, index: usize) -> Vec<u8> {
    (0..source.frame_bytes())
        .map(|i| ((i + 7 * index) % 640 / 4 + (i / 640 + index) % 90 + (i * 7 % 13)) as u8)
        .collect()
}
