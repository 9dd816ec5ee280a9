//! The demo's own clip: something that moves, made here and nowhere else.

mod frame;

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::ffmpeg;
use crate::input::InputError;
use crate::tool;
use crate::y4m::{Header, write_frame};
pub use frame::{frame, widen};

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
