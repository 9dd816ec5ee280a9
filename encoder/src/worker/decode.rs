//! Source bytes to raw frames: Y4M natively, everything else through FFmpeg.

use std::io::{BufReader, Read, Write};
use std::time::Duration;

use assay_protocol::profile::{Profiles, SourceFormat};

use super::cpu;
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
    if let Some(header) = native(source, &profiles.source) {
        matches(&header, &profiles.source)?;
        let reader = Reader::new(source).map_err(undecodable)?;
        read_all(reader, profiles, limits, &mut each)?;
        return Ok(Duration::ZERO);
    }
    let before = cpu::children();
    through_ffmpeg(source, profiles, limits, &mut each)?;
    Ok(cpu::children().saturating_sub(before))
}

/// The header, when the source is Y4M of the profile's depth; anything else is FFmpeg's business.
fn native(source: &[u8], format: &SourceFormat) -> Option<Header> {
    let line = source
        .starts_with(y4m::MAGIC)
        .then(|| source.split(|&b| b == b'\n').next())??;
    Header::parse(line)
        .ok()
        .filter(|h| h.bit_depth == format.bit_depth)
}

fn undecodable(error: impl std::fmt::Display) -> Fault {
    Fault::Undecodable {
        detail: error.to_string(),
    }
}

fn matches(header: &Header, format: &SourceFormat) -> Result<(), Fault> {
    let found = (header.width, header.height, header.bit_depth);
    let expected = (
        u32::from(format.width),
        u32::from(format.height),
        format.bit_depth,
    );
    let text = |(w, h, d)| format!("{w}x{h} {d} bit");
    if found == expected {
        Ok(())
    } else {
        Err(Fault::SourceFormat {
            found: text(found),
            expected: text(expected),
        })
    }
}

fn read_all<R: std::io::BufRead>(
    reader: Option<Reader<R>>,
    profiles: &Profiles,
    limits: &Limits,
    each: &mut impl FnMut(Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let none = || Fault::NoFrames {
        detail: "the stream is empty".into(),
    };
    let mut reader = reader.ok_or_else(none)?;
    matches(reader.header(), &profiles.source)?;
    loop {
        let mut frame = Vec::with_capacity(profiles.frame_bytes());
        if !reader.read_frame(&mut frame).map_err(undecodable)? {
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
    if reader.frames() == 0 {
        Err(none())
    } else {
        Ok(())
    }
}

fn through_ffmpeg(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    each: &mut impl FnMut(Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut child = ffmpeg::decoder(&profiles.source, limits.max_pixels)
        .spawn()
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
        let read = match Reader::new(BufReader::with_capacity(1 << 18, stdout)) {
            Ok(reader) => read_all(reader, profiles, limits, each),
            Err(error) => Err(undecodable(error)),
        };
        if read.is_err() {
            let _ = child.kill();
        }
        let status = child
            .wait()
            .map_err(|e| Fault::Worker(format!("waiting for ffmpeg: {e}")))?;
        let detail = ffmpeg::last_words(&words.join().unwrap_or_default());
        match read {
            Err(Fault::NoFrames { .. }) => Err(Fault::NoFrames { detail }),
            Err(Fault::Undecodable { detail: found }) => Err(Fault::Undecodable {
                detail: format!("{found}; ffmpeg says: {detail}"),
            }),
            Err(fault) => Err(fault),
            Ok(()) if !status.success() => Err(Fault::Undecodable {
                detail: format!("ffmpeg: {status}: {detail}"),
            }),
            Ok(()) => Ok(()),
        }
    })
}
