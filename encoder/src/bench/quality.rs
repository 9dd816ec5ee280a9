//! How near a coded video comes to the frames it was made of.

use std::path::Path;

use serde::Serialize;

use crate::ffmpeg;
use crate::tool;

use super::BenchError;

/// Luma of all frames together, as FFmpeg's filters have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Peak signal-to-noise ratio, dB, of the mean squared error over all frames.
    pub psnr_db: f64,
    /// Structural similarity, 0 to 1, mean over all frames.
    pub ssim: f64,
}

impl Quality {
    /// SSIM as dB, `-10 log10(1 - ssim)`: so that its curve is one.
    pub fn ssim_db(&self) -> f64 {
        -10.0 * (1.0 - self.ssim).log10()
    }
}

/// Decodes `coded` and holds it against `raw`, frame by frame.
///
/// # Errors
/// FFmpeg missing, a file it cannot read, or another number of frames than `frames`.
pub async fn compare(coded: &Path, raw: &Path, frames: u32) -> Result<Quality, BenchError> {
    let mut command = ffmpeg::command("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "info", "-nostats"]);
    command.arg("-i").arg(ffmpeg::local(coded));
    command.arg("-i").arg(ffmpeg::local(raw));
    // By number, because raw streams have no timestamps.
    let filters = "[0:v]settb=1/1000,setpts=N,split[a][b];[1:v]settb=1/1000,setpts=N,split[c][d];\
                   [a][c]psnr[e];[b][d]ssim[f]";
    command.args(["-lavfi", filters]);
    for output in ["[e]", "[f]"] {
        command.args([
            "-map",
            output,
            "-fps_mode",
            "passthrough",
            "-f",
            "null",
            "-",
        ]);
    }
    command.args(["-progress", "pipe:1"]);
    let said = tool::run(command).await?;
    let failed = |detail| BenchError::Failed {
        program: format!("ffmpeg, comparing {}", coded.display()),
        detail,
    };
    let words = String::from_utf8_lossy(&said.words);
    let progress = String::from_utf8_lossy(&said.output);
    let counted = progress
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("frame=")?.trim().parse::<u32>().ok());
    if !said.success {
        return Err(failed(ffmpeg::last_words(&said.words)));
    }
    if counted != Some(frames) {
        return Err(failed(format!(
            "{} frames, expected {frames}",
            counted.unwrap_or_default()
        )));
    }
    read(&words).ok_or_else(|| failed("no PSNR and SSIM in what it says".into()))
}

/// The summaries at the end of what FFmpeg says.
fn read(words: &str) -> Option<Quality> {
    let number = |line: &str, label: &str| {
        let (_, rest) = line.split_once(label)?;
        rest.split([' ', '(']).next()?.parse::<f64>().ok()
    };
    let mut lines = words.lines();
    let psnr = lines.clone().find(|l| l.contains("PSNR y:"))?;
    let ssim = lines.find(|l| l.contains("SSIM Y:"))?;
    Some(Quality {
        psnr_db: number(psnr, "PSNR y:")?,
        ssim: number(ssim, "SSIM Y:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let words = "[Parsed_psnr_4 @ 0x55d0] PSNR y:41.226017 u:44.9 v:45.3 average:42.1 min:39.9 max:45.6\n\
                     [Parsed_ssim_5 @ 0x55d1] SSIM Y:0.978125 (16.600495) U:0.98 (17.3) V:0.98 (17.6) All:0.97 (16.8)\n";
        let quality = read(words).unwrap();
        assert_eq!((quality.psnr_db, quality.ssim), (41.226017, 0.978125));
        assert!((quality.ssim_db() - 16.600495).abs() < 1e-3);
        assert_eq!(read("frame= 12"), None);
    }
}
