//! The integer scaler against FFmpeg's bicubic one, both held against the truth: a scene that is known at every point,
//! so that source and reference are the same picture, integrated over the samples of each size. No scaler made the reference.

use std::f64::consts::TAU;
use std::io::Write;
use std::process::{Command, Stdio};

use assay_chunk::{RenditionSettings, Sample, Scaler, SourceFormat};

/// How much worse than FFmpeg's a plane may be, in dB.
const MARGIN: f64 = 0.3;
/// Points in a sample, in each direction.
const POINTS: u32 = 3;

/// Brightness at a point of the unit square, 0 to 1: gratings up to the finest that the smallest size shows, discs with hard
/// edges, a slanted edge.
fn scene(u: f64, v: f64, plane: usize) -> f64 {
    let turn = plane as f64 * 0.7;
    let waves = (TAU * (4.0 * u + 3.0 * v) + turn).sin()
        + 0.6 * (TAU * (16.0 * u - 9.0 * v)).sin()
        + 0.4 * (TAU * 24.0 * u * v + turn).cos();
    let discs = [(0.3, 0.4, 0.15), (0.7, 0.6, 0.2), (0.55, 0.2, 0.05)];
    let inside = |(x, y, r): (f64, f64, f64)| (u - x).powi(2) + ((v - y) * 0.6).powi(2) < r * r;
    let edges = if discs.into_iter().any(inside) {
        0.25
    } else {
        0.0
    };
    let slant = if 0.83 * u + 0.31 * v > 0.8 { 0.12 } else { 0.0 };
    (0.4 + 0.07 * waves + edges + slant - turn * 0.1).clamp(0.0, 1.0)
}

/// A frame of the scene: each sample is the mean over its area; chroma lies on every other luma sample of a row.
fn frame(format: &SourceFormat) -> Vec<u8> {
    let (width, height) = (f64::from(format.width), f64::from(format.height));
    let max = f64::from((1u32 << format.bit_depth) - 1);
    let mut out = Vec::new();
    for (plane, (w, h)) in format.planes().into_iter().enumerate() {
        let step = if plane == 0 { 1.0 } else { 2.0 };
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            // Left-sited: the sample's area is centred on the luma sample's centre.
            let left = x as f64 * step - if plane == 0 { 0.0 } else { 0.5 };
            let mut sum = 0.0;
            for point in 0..POINTS * POINTS {
                let inner = |n: u32| (f64::from(n) + 0.5) / f64::from(POINTS) * step;
                let u = (left + inner(point % POINTS)) / width;
                let v = (y as f64 * step + inner(point / POINTS)) / height;
                sum += scene(u, v, plane);
            }
            let value = (sum / f64::from(POINTS * POINTS) * max).round() as u16;
            out.extend_from_slice(&value.to_le_bytes()[..format.sample_bytes()]);
        }
    }
    out
}

fn ours<T: Sample>(source: &SourceFormat, to: &SourceFormat, raw: &[u8]) -> Vec<u8> {
    let size = RenditionSettings {
        width: to.width,
        height: to.height,
        ..RenditionSettings::default()
    };
    let scaler = Scaler::new(source, &size);
    let (mut rest, mut out) = (raw, Vec::new());
    for (index, (w, h)) in source.planes().into_iter().enumerate() {
        let (plane, after) = rest.split_at(w * h * T::BYTES);
        rest = after;
        scaler.plane(plane, index, |_, row: &[T]| {
            for sample in row {
                out.extend_from_slice(&(sample.value() as u16).to_le_bytes()[..T::BYTES]);
            }
        });
    }
    out
}

fn ffmpegs(source: &SourceFormat, to: &SourceFormat, raw: &[u8]) -> Vec<u8> {
    let format = if source.bit_depth > 8 {
        "yuv420p10le"
    } else {
        "yuv420p"
    };
    let filter = format!(
        "scale={}:{}:flags=bicubic+accurate_rnd:in_h_chr_pos=0:out_h_chr_pos=0:in_v_chr_pos=128:out_v_chr_pos=128",
        to.width, to.height
    );
    let size = format!("{}x{}", source.width, source.height);
    let mut command = Command::new("ffmpeg");
    command.args([
        "-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", format,
    ]);
    command.args(["-s", &size, "-i", "-", "-vf", &filter]);
    command.args(["-f", "rawvideo", "-pix_fmt", format, "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let raw = raw.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&raw));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// PSNR of each plane in dB.
fn psnr(found: &[u8], truth: &[u8], format: &SourceFormat) -> [f64; 3] {
    assert_eq!(found.len(), truth.len());
    let bytes = format.sample_bytes();
    let values = |raw: &[u8]| -> Vec<f64> {
        let value = |b: &[u8]| f64::from(u16::from_le_bytes([b[0], *b.get(1).unwrap_or(&0)]));
        raw.chunks_exact(bytes).map(value).collect()
    };
    let (found, truth) = (values(found), values(truth));
    let max = f64::from((1u32 << format.bit_depth) - 1);
    let mut begin = 0;
    format.planes().map(|(w, h)| {
        let range = begin..begin + w * h;
        begin = range.end;
        let pairs = found[range.clone()].iter().zip(&truth[range]);
        let squares: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
        10.0 * (max * max * (w * h) as f64 / squares.max(1e-9)).log10()
    })
}

#[test]
fn as_good_as_ffmpegs_bicubic() {
    let sizes = [
        ((320, 180), (160, 90)),
        ((320, 180), (214, 120)),
        ((320, 180), (128, 72)),
        ((240, 136), (180, 101)),
        ((160, 90), (320, 180)),
        ((214, 120), (320, 180)),
        ((128, 72), (320, 180)),
        ((151, 103), (87, 125)),
    ];
    for (from, to) in sizes {
        for bit_depth in [8, 10] {
            let format = |(width, height)| SourceFormat {
                width,
                height,
                bit_depth,
                full_range: true,
                colour: [2; 3],
                fps_num: 30,
                fps_den: 1,
            };
            let (source, target) = (format(from), format(to));
            let (raw, truth) = (frame(&source), frame(&target));
            let ours = match bit_depth {
                8 => ours::<u8>(&source, &target, &raw),
                _ => ours::<u16>(&source, &target, &raw),
            };
            let ours = psnr(&ours, &truth, &target);
            let theirs = psnr(&ffmpegs(&source, &target, &raw), &truth, &target);
            println!("{from:?} to {to:?}, {bit_depth} bit: {ours:.2?} dB, FFmpeg {theirs:.2?} dB");
            for plane in 0..3 {
                assert!(
                    ours[plane] > theirs[plane] - MARGIN,
                    "{from:?} to {to:?}, {bit_depth} bit, plane {plane}: {:.2} dB, FFmpeg {:.2} dB",
                    ours[plane],
                    theirs[plane]
                );
            }
        }
    }
}
