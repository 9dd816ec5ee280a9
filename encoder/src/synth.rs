//! The demo's own clip: something that moves, made here and nowhere else.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::ffmpeg;
use crate::input::InputError;
use crate::tool;
use crate::y4m::{Header, write_frame};

/// Width of the clip.
pub const WIDTH: u32 = 640;
/// Height of the clip.
pub const HEIGHT: u32 = 360;
/// Frames a second of the clip.
pub const FPS: u32 = 30;

/// Writes a moving clip of `seconds`, 640×360, 30 frames a second: H.264 in Matroska with a key frame every two seconds
/// where this FFmpeg has libx264, Y4M otherwise or when the name ends in `.y4m`.
pub async fn moving_clip(path: &Path, seconds: u32) -> Result<(), InputError> {
    let raw = path.extension().is_some_and(|e| e == "y4m");
    if !raw && encoded(path, seconds).await? {
        return Ok(());
    }
    let owned = path.to_owned();
    let write = move || -> std::io::Result<()> {
        let header = header();
        let mut out = BufWriter::new(std::fs::File::create(&owned)?);
        out.write_all(header.line().as_bytes())?;
        for index in 0..seconds * FPS {
            write_frame(&mut out, &frame(WIDTH, HEIGHT, index))?;
        }
        out.flush()
    };
    let failed = |source| InputError::Write {
        path: path.to_owned(),
        source,
    };
    tokio::task::spawn_blocking(write)
        .await
        .map_err(|e| failed(std::io::Error::other(e)))?
        .map_err(failed)
}

fn header() -> Header {
    Header {
        width: WIDTH,
        height: HEIGHT,
        bit_depth: 8,
        fps: (FPS, 1),
        full_range: false,
    }
}

async fn encoded(path: &Path, seconds: u32) -> Result<bool, InputError> {
    let mut command = ffmpeg::command("ffmpeg");
    let picture = format!("testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS}:duration={seconds}");
    let group = (2 * FPS).to_string();
    command.args([
        "-nostdin",
        "-hide_banner",
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        &picture,
    ]);
    command.args([
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-flags", "+cgop",
    ]);
    command.args([
        "-g",
        &group,
        "-keyint_min",
        &group,
        "-sc_threshold",
        "0",
        "-f",
        "matroska",
    ]);
    command.arg(ffmpeg::local(path));
    Ok(tool::run(command).await?.success)
}

/// One 8-bit 4:2:0 frame by an integer formula: a drifting gradient, a turning checkerboard of slow noise and a box that
/// bounces. Frozen: the conformance vectors are made of it.
pub fn frame(width: u32, height: u32, index: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity((width * height * 3 / 2) as usize);
    let bounce = |range: u32, step: u32| {
        let at = index.wrapping_mul(step) % (2 * range).max(1);
        at.min((2 * range).saturating_sub(at))
    };
    let (side, left, top) = (
        height / 4,
        bounce(width - height / 4, 5),
        bounce(height - height / 4, 3),
    );
    for y in 0..height {
        for x in 0..width {
            let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
            let gradient = (x + 2 * y + 3 * index) / 4 % 160 + 40;
            let grain =
                (x / 2).wrapping_mul(73) ^ (y / 2).wrapping_mul(151) ^ (index / 4).wrapping_mul(19);
            let texture = if (x / 32 + y / 32 + index / 16).is_multiple_of(2) {
                grain % 24
            } else {
                0
            };
            out.push(if inside {
                220 - (grain % 8) as u8
            } else {
                (gradient + texture) as u8
            });
        }
    }
    for plane in 0..2 {
        for y in 0..height.div_ceil(2) {
            for x in 0..width.div_ceil(2) {
                let value = if plane == 0 { x + index } else { y + 2 * index };
                out.push((value / 3 % 96 + 80) as u8);
            }
        }
    }
    out
}

/// An 8-bit frame as 10 bits, little-endian: `4·v + (i mod 4)` for sample i, so that the low bits carry something.
pub fn widen(frame: &[u8]) -> Vec<u8> {
    frame
        .iter()
        .enumerate()
        .flat_map(|(i, &v)| (4 * u16::from(v) + (i % 4) as u16).to_le_bytes())
        .collect()
}
