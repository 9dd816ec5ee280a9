//! Y4M, cut without FFmpeg: every frame is a key frame.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use super::packets::{Micros, length};
use super::{Segment, timing};
use crate::input::InputError;
use crate::y4m::{Reader, Y4mError, write_frame};

/// Writes segments of `target` frames, or of fewer where they would have more than `most` bytes.
pub(super) fn cut(
    path: &Path,
    dir: &Path,
    target: u32,
    fps: (u32, u32),
    most: u64,
) -> Result<Vec<Segment>, InputError> {
    let at = |frame: u32| length((f64::from(frame) * timing::frame(fps)) as Micros);
    let open = |source| InputError::Open {
        path: path.to_owned(),
        source,
    };
    let input = BufReader::with_capacity(1 << 20, File::open(path).map_err(open)?);
    let none = || InputError::NoFrames {
        path: path.to_owned(),
        detail: "the stream has no frame".into(),
    };
    let mut reader = Reader::new(input)
        .map_err(|e| not(path, e))?
        .ok_or_else(none)?;
    let (header, mut frame, mut segments) =
        (reader.header().line(), Vec::new(), Vec::<Segment>::new());
    let room = most.saturating_sub(header.len() as u64);
    let room = room / reader.header().stored_frame_bytes();
    let target = u64::from(target).min(room).max(1) as u32;
    let mut out: Option<BufWriter<File>> = None;
    let mut count = 0;
    loop {
        frame.clear();
        if !reader.read_frame(&mut frame).map_err(|e| not(path, e))? {
            break;
        }
        if count % target == 0 {
            let (seq, name) = (
                count / target,
                dir.join(format!("segment-{:05}", count / target)),
            );
            let failed = |source| InputError::Write {
                path: name.clone(),
                source,
            };
            if let Some(mut done) = out.take() {
                done.flush().map_err(failed)?;
            }
            let mut file = BufWriter::new(File::create(&name).map_err(failed)?);
            file.write_all(header.as_bytes()).map_err(failed)?;
            out = Some(file);
            segments.push(Segment {
                seq,
                path: name,
                first_frame: count,
                frames: 0,
                start: at(count),
                zero: 0,
                duration: Duration::ZERO,
                times: Vec::new(),
            });
        }
        if let (Some(out), Some(segment)) = (&mut out, segments.last_mut()) {
            segment.frames += 1;
            segment.duration = at(count + 1) - segment.start;
            write_frame(out, &frame).map_err(|source| InputError::Write {
                path: segment.path.clone(),
                source,
            })?;
        }
        count += 1;
    }
    if let (Some(mut out), Some(segment)) = (out, segments.last()) {
        out.flush().map_err(|source| InputError::Write {
            path: segment.path.clone(),
            source,
        })?;
    }
    if segments.is_empty() {
        Err(none())
    } else {
        Ok(segments)
    }
}

fn not(path: &Path, error: Y4mError) -> InputError {
    let path = path.to_owned();
    match error {
        Y4mError::Io(source) => InputError::Open { path, source },
        Y4mError::CutOff {
            frame,
            found,
            expected,
        } => InputError::CutOff {
            path,
            place: format!("inside frame {frame}"),
            detail: format!("{found} of its {expected} bytes are there"),
        },
        other => InputError::NotVideo {
            path,
            detail: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::y4m::Header;

    #[test]
    fn no_segment_has_more_bytes_than_a_source_may() {
        let folder = tempfile::tempdir().unwrap();
        let header = Header {
            width: 16,
            height: 16,
            bit_depth: 8,
            fps: (5, 1),
            full_range: false,
        };
        let mut bytes = header.line().into_bytes();
        for _ in 0..10 {
            write_frame(&mut bytes, &vec![7; header.frame_bytes()]).unwrap();
        }
        let path = folder.path().join("in.y4m");
        std::fs::write(&path, bytes).unwrap();
        for (most, expected) in [
            (u64::MAX, vec![10]),
            (1_300, vec![3, 3, 3, 1]),
            (1, vec![1; 10]),
        ] {
            let segments = cut(&path, folder.path(), 10, (5, 1), most).unwrap();
            let frames: Vec<_> = segments.iter().map(|segment| segment.frames).collect();
            assert_eq!(frames, expected);
            let size = |segment: &Segment| std::fs::metadata(&segment.path).unwrap().len();
            assert!(most == 1 || segments.iter().all(|segment| size(segment) <= most));
        }
    }
}
