//! What another decoder makes of a chunk looks like what went in: planes, depth, size and order are right.

use std::process::Command;

use assay_chunk::{ChunkError, EncodedChunk, RenditionSettings, SourceFormat, encode_chunk};
use assay_encoder::synth;
use assay_encoder::y4m::Reader;

const WIDTH: u32 = 192;
const HEIGHT: u32 = 106;
const FRAMES: u32 = 9;

fn source(bit_depth: u8) -> SourceFormat {
    let (width, height) = (WIDTH as u16, HEIGHT as u16);
    SourceFormat {
        width,
        height,
        bit_depth,
        full_range: false,
        colour: [1; 3],
        fps_num: 24,
        fps_den: 1,
    }
}

fn input(bit_depth: u8) -> Vec<Vec<u8>> {
    let frames = (0..FRAMES).map(|i| synth::frame(WIDTH, HEIGHT, i));
    frames
        .map(|f| if bit_depth > 8 { synth::widen(&f) } else { f })
        .collect()
}

fn encode(bit_depth: u8, settings: &RenditionSettings) -> Result<EncodedChunk, ChunkError> {
    let frames = input(bit_depth);
    let views: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    encode_chunk(&views, &source(bit_depth), settings)
}

/// Decodes with dav1d to frames of values.
fn decode(chunk: &EncodedChunk, settings: &RenditionSettings, bit_depth: u8) -> Vec<Vec<f64>> {
    let dir = tempfile::tempdir().unwrap();
    let (obu, y4m) = (dir.path().join("chunk.obu"), dir.path().join("out.y4m"));
    std::fs::write(&obu, &chunk.obus).unwrap();
    let status = Command::new("dav1d")
        .arg("-q")
        .arg("-i")
        .arg(&obu)
        .arg("-o")
        .arg(&y4m)
        .status()
        .unwrap();
    assert!(status.success());
    let bytes = std::fs::read(y4m).unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap().unwrap();
    let header = reader.header().clone();
    assert_eq!(
        (header.width, header.height),
        (settings.width.into(), settings.height.into())
    );
    assert_eq!(header.bit_depth, bit_depth);
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    while reader.read_frame(&mut frame).unwrap() {
        frames.push(values(&std::mem::take(&mut frame), bit_depth));
    }
    frames
}

fn values(frame: &[u8], bit_depth: u8) -> Vec<f64> {
    match bit_depth {
        8 => frame.iter().map(|&b| f64::from(b)).collect(),
        _ => frame
            .chunks(2)
            .map(|b| f64::from(u16::from_le_bytes([b[0], b[1]])) / 4.0)
            .collect(),
    }
}

fn psnr(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let error = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / error.max(1e-9)).log10()
}

#[test]
fn every_plane_of_every_frame_is_recognised() {
    let (width, height) = (WIDTH as u16, HEIGHT as u16);
    let plain = RenditionSettings {
        width,
        height,
        quantizer: 40,
        ..RenditionSettings::default()
    };
    let cases = [
        plain,
        RenditionSettings {
            low_latency: true,
            ..plain
        },
        RenditionSettings {
            tile_cols_log2: 1,
            tile_rows_log2: 1,
            ..plain
        },
        RenditionSettings { speed: 7, ..plain },
    ];
    for settings in cases {
        for bit_depth in [8, 10] {
            let chunk = encode(bit_depth, &settings).unwrap();
            assert_eq!(
                chunk,
                encode(bit_depth, &settings).unwrap(),
                "not even twice the same here"
            );
            let (found, expected) = (decode(&chunk, &settings, bit_depth), input(bit_depth));
            assert_eq!(
                (found.len(), chunk.units.len()),
                (expected.len(), expected.len())
            );
            for (index, (found, raw)) in found.iter().zip(&expected).enumerate() {
                let expected = values(raw, bit_depth);
                let (luma, chroma) = ((WIDTH * HEIGHT) as usize, (WIDTH * HEIGHT / 4) as usize);
                for plane in [
                    0..luma,
                    luma..luma + chroma,
                    luma + chroma..luma + 2 * chroma,
                ] {
                    let quality = psnr(&found[plane.clone()], &expected[plane.clone()]);
                    assert!(
                        quality > 30.0,
                        "frame {index}, {plane:?}, {bit_depth} bit, {settings:?}: {quality:.1} dB"
                    );
                }
            }
        }
    }
}

#[test]
fn the_ends_of_every_range_encode() {
    let small = RenditionSettings {
        width: 16,
        height: 16,
        ..RenditionSettings::default()
    };
    for settings in [
        RenditionSettings {
            quantizer: 1,
            ..small
        },
        RenditionSettings {
            quantizer: 255,
            ..small
        },
        RenditionSettings {
            width: 17,
            height: 1000,
            ..small
        },
        RenditionSettings {
            speed: 0,
            width: 64,
            height: 64,
            ..small
        },
        RenditionSettings {
            tile_cols_log2: 6,
            tile_rows_log2: 6,
            ..small
        },
    ] {
        let chunk = encode(8, &settings).unwrap();
        assert_eq!(
            decode(&chunk, &settings, 8).len(),
            FRAMES as usize,
            "{settings:?}"
        );
    }
}

#[test]
fn what_the_encoder_would_assert_on_is_refused_before() {
    let good = RenditionSettings {
        width: 64,
        height: 64,
        ..RenditionSettings::default()
    };
    for (settings, field) in [
        (RenditionSettings { width: 15, ..good }, "width"),
        (RenditionSettings { height: 0, ..good }, "height"),
        (
            RenditionSettings {
                height: 106 * 16 + 1,
                ..good
            },
            "height",
        ),
        (
            RenditionSettings {
                quantizer: 0,
                ..good
            },
            "quantizer",
        ),
        (RenditionSettings { speed: 11, ..good }, "speed"),
        (
            RenditionSettings {
                tile_cols_log2: 7,
                ..good
            },
            "tile columns log2",
        ),
    ] {
        match encode(8, &settings) {
            Err(ChunkError::Setting { field: found, .. }) => assert_eq!(found, field),
            other => unreachable!("{settings:?}: {other:?}"),
        }
    }
    let (raw, eight) = (input(8), source(8));
    let views: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
    let with = |source: SourceFormat| encode_chunk(&views, &source, &good);
    assert!(matches!(
        with(SourceFormat {
            bit_depth: 12,
            ..eight
        }),
        Err(ChunkError::Setting {
            field: "bit depth",
            ..
        })
    ));
    assert!(matches!(
        with(SourceFormat {
            bit_depth: 10,
            ..eight
        }),
        Err(ChunkError::FrameLength { index: 0, .. })
    ));
    assert!(matches!(
        with(SourceFormat {
            colour: [1, 13, 0],
            ..eight
        }),
        Err(ChunkError::Setting { .. })
    ));
    assert!(matches!(
        with(SourceFormat {
            fps_den: 0,
            ..eight
        }),
        Err(ChunkError::Setting { .. })
    ));
    assert!(matches!(
        encode_chunk(&[], &eight, &good),
        Err(ChunkError::NoFrames)
    ));
    // Samples beyond 10 bits, which only a broken decoder gives, are limited and not trusted.
    let wild = vec![0xffu8; source(10).frame_bytes()];
    assert!(encode_chunk(&[&wild, &wild], &source(10), &good).is_ok());
}
