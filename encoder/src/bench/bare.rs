//! rav1e alone: the same chunks on as many threads, its frames in memory before the clock starts.

use std::fs::File;
use std::io::BufReader;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use assay_chunk::{ChunkError, RenditionSettings, SourceFormat, context, encode_frames};
use assay_protocol::B256;
use assay_protocol::profile::Profiles;
use rav1e::prelude::{Context, Frame};

use crate::settings::{rendition_settings, source_format};
use crate::y4m::Reader;

use super::BenchError;
use super::clip::Clip;
use super::usage::{Meter, Usage};

/// rav1e keeps large arrays on the stack.
const STACK: usize = 16 << 20;

/// What rav1e alone took, and made.
#[derive(Clone, Debug)]
pub struct Bare {
    /// Time of encoding.
    pub usage: Usage,
    /// BLAKE3 of each chunk.
    pub hashes: Vec<B256>,
}

/// Encodes the clip at its own size with the settings of the top rendition of `profiles`, `threads` chunks at a time.
///
/// # Errors
/// A clip that cannot be read, or rav1e's.
pub fn encode(clip: &Clip, profiles: &Profiles, threads: usize) -> Result<Bare, BenchError> {
    let chunks = chunks(clip, profiles)?;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(chunks.len()));
    let meter = Meter::start();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let started = thread.spawn_scoped(scope, || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(chunk) = chunks.get(index) else {
                        break;
                    };
                    let frames = std::mem::take(&mut *lock(chunk));
                    let hash = one(frames, profiles);
                    lock(&done).push((index, hash));
                }
            });
            started.map_err(|e| BenchError::Library(format!("starting a thread: {e}")))?;
        }
        Ok::<_, BenchError>(())
    })?;
    let usage = meter.stop();
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    let hashes = done.into_iter().map(|(_, hash)| hash);
    Ok(Bare {
        usage,
        hashes: hashes.collect::<Result<_, _>>()?,
    })
}

/// A chunk's frames; taken when it is encoded, so that its memory is given back as a worker does.
type Chunk = Mutex<Vec<Frame<u8>>>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn chunks(clip: &Clip, profiles: &Profiles) -> Result<Vec<Chunk>, BenchError> {
    let unread = |source| BenchError::File {
        path: clip.raw.clone(),
        source,
    };
    let broken = |e: crate::y4m::Y4mError| BenchError::Library(e.to_string());
    let file = BufReader::new(File::open(&clip.raw).map_err(unread)?);
    let mut reader = Reader::new(file)
        .map_err(broken)?
        .ok_or_else(|| BenchError::Library("an empty clip".into()))?;
    // It makes empty frames of the right size.
    let (source, rendition) = settings(profiles)?;
    let context = context(1, &source, &rendition).map_err(library)?;
    let mut raw = Vec::new();
    let mut chunks = Vec::new();
    for (_, frames) in &clip.segments {
        for chunk in 0..profiles.chunks(*frames) {
            let mut of_chunk = Vec::new();
            for _ in profiles.frames_of(chunk, *frames) {
                raw.clear();
                if !reader.read_frame(&mut raw).map_err(broken)? {
                    let (found, needed) = (reader.frames() as u32, clip.frames());
                    return Err(BenchError::Short { found, needed });
                }
                of_chunk.push(frame(&context, &raw, profiles));
            }
            chunks.push(Mutex::new(of_chunk));
        }
    }
    Ok(chunks)
}

/// The top rendition's settings, as the chunk encoder takes them.
fn settings(profiles: &Profiles) -> Result<(SourceFormat, RenditionSettings), BenchError> {
    let rendition = profiles.renditions.first().map(rendition_settings);
    let rendition = rendition.ok_or_else(|| BenchError::Library("no rendition".into()))?;
    Ok((source_format(&profiles.source), rendition))
}

fn library(error: ChunkError) -> BenchError {
    BenchError::Library(error.to_string())
}

fn frame(context: &Context<u8>, raw: &[u8], profiles: &Profiles) -> Frame<u8> {
    let mut frame = context.new_frame();
    let planes = source_format(&profiles.source).planes();
    let mut rest = raw;
    for (plane, (width, height)) in frame.planes.iter_mut().zip(planes) {
        let (samples, after) = rest.split_at(width * height);
        rest = after;
        plane.copy_from_raw_u8(samples, width, 1);
    }
    frame
}

fn one(frames: Vec<Frame<u8>>, profiles: &Profiles) -> Result<B256, BenchError> {
    let (source, rendition) = settings(profiles)?;
    let encoded = encode_frames(frames, &source, &rendition).map_err(library)?;
    Ok(B256::from(*blake3::hash(&encoded.obus).as_bytes()))
}
