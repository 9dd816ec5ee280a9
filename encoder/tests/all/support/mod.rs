//! Clips made by FFmpeg, and the worker of this crate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use assay_encoder::y4m::{Header, write_frame};
use assay_encoder::{Limits, Probe, WorkerCommand, Workers, synth};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};

pub fn worker() -> WorkerCommand {
    WorkerCommand {
        program: env!("CARGO_BIN_EXE_assay-worker").into(),
        arguments: Vec::new(),
    }
}

pub fn workers(slots: usize) -> Workers {
    Workers::new(worker(), Limits::default(), slots)
}

pub fn rendition(width: u16, height: u16) -> Rendition {
    Rendition::plain(width, height, 10, 120)
}

/// A ladder of the source's size and half of it, in chunks of 15.
pub fn ladder(probe: &Probe) -> Profiles {
    let height = probe.height as u16;
    probe
        .profiles(15, &[height, (height / 2).max(16)], &rendition(0, 0))
        .unwrap()
}

/// Runs FFmpeg with `arguments`, split at blanks, and the output's path last.
pub fn ffmpeg(arguments: &str, output: &Path) {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(output);
    assert!(
        command.status().unwrap().success(),
        "ffmpeg {arguments} {}",
        output.display()
    );
}

/// A clip of `seconds` with the given size and encoder arguments.
pub fn clip(dir: &Path, name: &str, size: &str, seconds: u32, encoder: &str) -> PathBuf {
    let path = dir.join(name);
    let lavfi = format!("-f lavfi -i testsrc2=size={size}:rate=30:duration={seconds} {encoder}");
    ffmpeg(&lavfi, &path);
    path
}

/// Frames FFmpeg decodes from a whole file.
pub fn frames(path: &Path) -> u32 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-select_streams", "V:0"]);
    command
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    text.lines()
        .find_map(|l| l.trim_matches(',').parse().ok())
        .unwrap()
}

pub fn bytes(path: &Path) -> Arc<[u8]> {
    std::fs::read(path).unwrap().into()
}

/// Full size and half of it, in chunks of five.
pub fn profiles(width: u16, height: u16) -> Profiles {
    let colour = [2; 3];
    let source = SourceFormat {
        width,
        height,
        bit_depth: 8,
        full_range: false,
        colour,
        fps_num: 30,
        fps_den: 1,
    };
    Profiles {
        chunk_frames: 5,
        source,
        renditions: vec![rendition(width, height), rendition(width / 2, height / 2)],
    }
}

/// A Y4M clip.
pub fn raw(width: u32, height: u32, frames: u32) -> Arc<[u8]> {
    let header = Header {
        width,
        height,
        bit_depth: 8,
        fps: (30, 1),
        full_range: false,
    };
    let mut out = header.line().into_bytes();
    for index in 0..frames {
        write_frame(&mut out, &synth::frame(width, height, index)).unwrap();
    }
    out.into()
}

/// The worker with an argument that shows in the list of processes.
pub fn marked(mark: &str) -> WorkerCommand {
    WorkerCommand {
        arguments: vec![mark.into()],
        ..worker()
    }
}

/// Processes that have `mark` in their arguments.
pub fn running(mark: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let marked = entries.filter(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(mark)
    });
    marked
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
