//! Source bytes to raw frames: Y4M natively, everything else through FFmpeg.

use std::io::{BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use assay_protocol::profile::{Profiles, SourceFormat};

use super::{cpu, launch};
use crate::fault::Fault;
use crate::ffmpeg;
use crate::limits::Limits;
use crate::y4m::{self, Header, Reader};

/// FFmpeg's words that are kept.
const MAX_STDERR: u64 = 64 << 10;

/// Gives every decoded frame to `each`, in order; returns the CPU time of FFmpeg.
pub(super) fn decode(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    mut each: impl FnMut(Vec<u8>) -> Result<(), Fault>,
) -> Result<Duration, Fault> {
    if let Some(header) = native(source, &profiles.source)? {
        matches(&header, &profiles.source)?;
        let reader = Reader::new(source).map_err(|e| undecodable(0, e))?;
        read_all(reader, profiles, limits, &mut each)?;
        return Ok(Duration::ZERO);
    }
    let before = cpu::children();
    through_ffmpeg(source, profiles, limits, &mut each)?;
    Ok(cpu::children().saturating_sub(before))
}

/// The header, when the source is Y4M of the profile's depth; anything else is FFmpeg's business.
fn native(source: &[u8], format: &SourceFormat) -> Result<Option<Header>, Fault> {
    let line = y4m::first_line(source).map_err(|e| undecodable(0, e))?;
    let header = line.and_then(|line| Header::parse(line).ok());
    Ok(header.filter(|h| h.bit_depth == format.bit_depth))
}

fn undecodable(frames: u64, error: impl std::fmt::Display) -> Fault {
    Fault::Undecodable {
        frames,
        detail: error.to_string(),
    }
}

fn matches(header: &Header, format: &SourceFormat) -> Result<(), Fault> {
    let found = (header.width, header.height, header.bit_depth);
    let expected = (format.width.into(), format.height.into(), format.bit_depth);
    match found == expected {
        true => Ok(()),
        false => Err(another(found, format)),
    }
}

/// What is to come.
fn expected(format: &SourceFormat) -> Header {
    Header {
        width: format.width.into(),
        height: format.height.into(),
        bit_depth: format.bit_depth,
        fps: (format.fps_num, format.fps_den),
        full_range: format.full_range,
    }
}

fn another(found: (u32, u32, u8), format: &SourceFormat) -> Fault {
    let text = |(w, h, d)| format!("{w}x{h} {d} bit");
    let (width, height) = (format.width.into(), format.height.into());
    Fault::SourceFormat {
        found: text(found),
        expected: text((width, height, format.bit_depth)),
    }
}

fn read_all<R: std::io::BufRead>(
    reader: Option<Reader<R>>,
    profiles: &Profiles,
    limits: &Limits,
    each: &mut impl FnMut(Vec<u8>) -> Result<(), Fault>,
) -> Result<u64, Fault> {
    let none = || Fault::NoFrames {
        detail: "the stream is empty".into(),
    };
    let mut reader = reader.ok_or_else(none)?;
    matches(reader.header(), &profiles.source)?;
    loop {
        let mut frame = Vec::with_capacity(profiles.frame_bytes());
        let more = reader.read_frame(&mut frame);
        if !more.map_err(|e| undecodable(reader.frames(), e))? {
            break;
        }
        if reader.frames() > u64::from(limits.max_frames) {
            let what = "number of frames".to_owned();
            return Err(Fault::Cap {
                what,
                found: reader.frames(),
                max: limits.max_frames.into(),
            });
        }
        each(frame)?;
    }
    match reader.frames() {
        0 => Err(none()),
        frames => Ok(frames),
    }
}

fn through_ffmpeg(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    each: &mut impl FnMut(Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let decoder = ffmpeg::decoder(&profiles.source, limits.max_pixels);
    let mut child = launch::tied(&decoder)
        .and_then(|mut command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.stderr(Stdio::piped()).spawn()
        })
        .map_err(|e| Fault::NoFfmpeg(e.to_string()))?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Fault::Worker("ffmpeg has no pipes".into()));
    };
    std::thread::scope(|scope| {
        // FFmpeg may stop reading early; a broken pipe is its way to say so.
        scope.spawn(move || {
            let _ = stdin.write_all(source);
        });
        let words = scope.spawn(move || {
            let mut words = Vec::new();
            let mut stderr = stderr;
            let _ = (&mut stderr).take(MAX_STDERR).read_to_end(&mut words);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            words
        });
        let stdout = BufReader::with_capacity(1 << 18, stdout);
        let reader = match ffmpeg::bare(&profiles.source) {
            true => Ok(Some(Reader::bare(stdout, expected(&profiles.source)))),
            false => Reader::new(stdout),
        };
        let read = match reader {
            Ok(reader) => read_all(reader, profiles, limits, each),
            Err(error) => Err(undecodable(0, error)),
        };
        if read.is_err() {
            let _ = child.kill();
        }
        let status = child
            .wait()
            .map_err(|e| Fault::Worker(format!("waiting for ffmpeg: {e}")))?;
        let words = words.join().unwrap_or_default();
        let detail = ffmpeg::last_words(&words);
        match read {
            Err(Fault::NoFrames { .. }) => match ffmpeg::other_size(&words) {
                Some((width, height)) => {
                    let format = &profiles.source;
                    Err(another((width, height, format.bit_depth), format))
                }
                None => Err(Fault::NoFrames { detail }),
            },
            Err(Fault::Undecodable {
                frames,
                detail: found,
            }) => Err(undecodable(
                frames,
                format!("{found}; ffmpeg says: {detail}"),
            )),
            Err(fault) => Err(fault),
            Ok(frames) if !status.success() => {
                Err(undecodable(frames, format!("ffmpeg: {status}: {detail}")))
            }
            Ok(_) => Ok(()),
        }
    })
}
