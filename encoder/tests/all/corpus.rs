//! Odd profiles over odd pictures: the same bytes without SIMD and with the best there is.
//!
//! Case n is always the same one: a failing number is a test by itself, see [`case`].

use crate::support;

use std::sync::Arc;

use assay_encoder::y4m::{Header, write_frame};
use assay_encoder::{EncodeRequest, Priority, SimdLevel, Workers, settings};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use support::workers;

/// Cases of the long run.
const CASES: u64 = 600;
/// Every how manieth of them is in the short one.
const SLICE: usize = 60;

/// SplitMix64: what it gives depends on the case's number alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }
}

struct Case {
    profiles: Profiles,
    frames: u32,
    source: Arc<[u8]>,
}

fn case(number: u64) -> Case {
    let mut dice = Dice(number);
    // rav1e without SIMD at its slow presets is what takes the time.
    let speed = if dice.one_in(6) {
        dice.between(0, 5)
    } else {
        dice.between(6, 10)
    } as u8;
    let most = if speed < 6 { 40 } else { 96 };
    let mut side = || dice.between(16, most) as u16;
    let (width, height, across, down) = (side(), side(), side(), side());
    let frames = dice.between(2, if speed < 6 { 3 } else { 6 }) as u32;
    let bit_depth = if dice.one_in(2) { 8 } else { 10 };
    let frame_step = if dice.one_in(4) {
        dice.between(2, 3)
    } else {
        1
    } as u8;
    let chunk_frames = dice.between(1, 4) as u16 * u16::from(frame_step);
    let bitrate_kbps = if dice.one_in(3) {
        dice.between(1, 400)
    } else {
        0
    } as u16;
    let same_size = dice.one_in(4);
    let rendition = Rendition {
        width: if same_size { width } else { across },
        height: if same_size { height } else { down },
        speed,
        quantizer: if dice.one_in(5) {
            255
        } else {
            dice.between(1, 254) as u8
        },
        low_latency: dice.one_in(2),
        tile_cols_log2: dice.between(0, 2) as u8,
        tile_rows_log2: dice.between(0, 2) as u8,
        bitrate_kbps,
        frame_step,
    };
    let source = SourceFormat {
        width,
        height,
        bit_depth,
        full_range: dice.one_in(3),
        colour: if dice.one_in(2) { [1; 3] } else { [2; 3] },
        fps_num: dice.between(2, 60_000) as u32,
        fps_den: if dice.one_in(2) { 1_001 } else { 60 },
    };
    let content = dice.between(0, 6);
    let profiles = Profiles {
        chunk_frames,
        source,
        renditions: vec![rendition],
    };
    let source = picture(&source, frames, content, dice.roll());
    Case {
        profiles,
        frames,
        source,
    }
}

/// Y4M of one of seven kinds of content.
fn picture(format: &SourceFormat, frames: u32, content: u64, seed: u64) -> Arc<[u8]> {
    let (width, height) = (u32::from(format.width), u32::from(format.height));
    let header = Header {
        width,
        height,
        bit_depth: format.bit_depth,
        fps: (format.fps_num, format.fps_den),
        full_range: format.full_range,
    };
    let max = (1u64 << format.bit_depth) - 1;
    let mut noise = Dice(seed);
    let mut out = header.line().into_bytes();
    for index in 0..u64::from(frames) {
        let mut frame = Vec::new();
        let planes = [
            (width, height),
            (width.div_ceil(2), height.div_ceil(2)),
            (width.div_ceil(2), height.div_ceil(2)),
        ];
        for (plane, (w, h)) in planes.into_iter().enumerate() {
            for (y, x) in (0..u64::from(h)).flat_map(|y| (0..u64::from(w)).map(move |x| (y, x))) {
                let value = match content {
                    // Noise, a still one, and one that leaves black and white only.
                    0 => noise.roll(),
                    1 => Dice(seed ^ (y << 20) ^ x).roll(),
                    2 => max * (noise.roll() % 2),
                    // Flat, a flash to the next, and a ramp that moves by odd steps.
                    3 => seed + plane as u64 * 40,
                    4 => seed.rotate_left(8 * (index / 2) as u32),
                    5 => (3 * x + 2 * y + 7 * index) * (max / 255) / 2,
                    // Lines of one sample and blocks, as screens have them.
                    _ => max * (((x / 8 + y / 8 + index) % 3 == 0) ^ (x % 5 == index % 5)) as u64,
                } % (max + 1);
                frame.extend_from_slice(
                    &(value as u16).to_le_bytes()[..if max > 255 { 2 } else { 1 }],
                );
            }
        }
        write_frame(&mut out, &frame).unwrap();
    }
    out.into()
}

async fn compare(workers: &Workers, number: u64) {
    let case = case(number);
    case.profiles.validate().unwrap();
    settings::check(&case.profiles).unwrap();
    let encode = async |level| {
        let profiles = case.profiles.clone();
        let mut request = EncodeRequest::whole(case.source.clone(), profiles, case.frames, 1);
        (request.level, request.want_bytes) = (level, false);
        workers.encode(&request, Priority::Transcode).await
    };
    let (best, scalar) = tokio::join!(encode(None), encode(Some(SimdLevel::Scalar)));
    let describe = || format!("case {number}: {:?}", case.profiles);
    let best = best.unwrap_or_else(|e| panic!("{}: {e}", describe()));
    let scalar = scalar.unwrap_or_else(|e| panic!("{}: without SIMD: {e}", describe()));
    assert_eq!(best.leaves, scalar.leaves, "{}", describe());
    assert!(
        best.leaves.iter().all(|leaf| leaf.output_len > 0),
        "{}",
        describe()
    );
}

#[tokio::test]
async fn some_odd_profiles_over_odd_pictures() {
    let workers = workers(2);
    for number in (0..CASES).step_by(SLICE) {
        compare(&workers, number).await;
    }
}

#[tokio::test]
#[ignore = "minutes: scripts/nightly.sh"]
async fn six_hundred_odd_profiles_over_odd_pictures() {
    let (workers, started) = (workers(2), std::time::Instant::now());
    for number in 0..CASES {
        compare(&workers, number).await;
    }
    println!("{CASES} combinations agree after {:?}", started.elapsed());
}
