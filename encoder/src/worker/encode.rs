//! Decoded frames to roots and leaves: chunks are encoded while later ones are still being decoded.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_chunk::{EncodedChunk, RenditionSettings, SourceFormat, encode_chunk};
use assay_protocol::B256;
use assay_protocol::frames::{ChunkHasher, segment_tree};
use assay_protocol::profile::Profiles;

use super::ahead::{Ahead, Chunk, bound};
use super::outlet::Outlet;
use super::permits::Permits;
use super::{cpu, decode};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::request::{EncodeJob, EncodedLeaf, Inspected, LeafRequest};
use crate::settings::{rendition_settings, source_format};

/// rav1e keeps large arrays on the stack.
const STACK: usize = 16 << 20;
/// Frames after which the parent is told how far decoding is: what it says of a worker that it has to kill.
const TOLD: u32 = 10;
/// Threads nobody needs more than.
const MAX_THREADS: u16 = 256;

/// Decodes and hashes; says on its way how far it is.
pub(super) fn inspect(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    outlet: &Outlet<impl Write + Send>,
) -> Result<Inspected, Fault> {
    hash(source, profiles, limits, None, outlet, |_, _| Ok(()))
}

/// Decodes, hashes and encodes; sends the source and each leaf on their way. Returns the CPU time of encoding.
pub(super) fn encode(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    ask: &EncodeJob,
    permits: &Permits,
    outlet: &Outlet<impl Write + Send>,
) -> Result<Duration, Fault> {
    let tasks = tasks(profiles, ask)?;
    let done = Done::default();
    let threads = usize::from(ask.threads.clamp(1, MAX_THREADS)).min(tasks.len().max(1));
    permits.add(1);
    let chunk = usize::from(profiles.chunk_frames) * profiles.frame_bytes();
    let ahead = Ahead::new(bound(threads, chunk, limits.memory));
    let (sender, receiver) = sync_channel::<(Task, Arc<Chunk>)>(tasks.len());
    let receiver = Mutex::new(receiver);
    let format = source_format(&profiles.source);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let thread = std::thread::Builder::new()
                .name("encode".into())
                .stack_size(STACK);
            thread
                .spawn_scoped(scope, || {
                    work(&receiver, &done, permits, outlet, &format, ask.want_bytes)
                })
                .map_err(|e| Fault::Worker(format!("starting a thread: {e}")))?;
        }
        let expected = ask.frame_count;
        let finished = |chunk, frames| {
            let asked = tasks.iter().filter(|task| task.chunk == chunk);
            give(&sender, &done, asked, || ahead.hold(frames))
        };
        let inspected = hash(source, profiles, limits, Some(expected), outlet, finished);
        drop(sender);
        let inspected = inspected?;
        let found = inspected.frame_count;
        if found != expected {
            return Err(Fault::FrameCount { found, expected });
        }
        outlet.source(inspected)
    })?;
    match lock(&done.fault).take() {
        Some(fault) => Err(fault),
        None => Ok(*lock(&done.cpu)),
    }
}

#[derive(Clone, Copy)]
struct Task {
    place: u32,
    leaf: u32,
    rendition: u8,
    chunk: u32,
    settings: RenditionSettings,
}

#[derive(Default)]
struct Done {
    fault: Mutex<Option<Fault>>,
    cpu: Mutex<Duration>,
}

// A panic is caught before it can leave a lock's value half written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tasks(profiles: &Profiles, ask: &EncodeJob) -> Result<Vec<Task>, Fault> {
    let format = source_format(&profiles.source);
    let (chunks, leaves) = (
        profiles.chunks(ask.frame_count),
        profiles.leaf_count(ask.frame_count).unwrap_or_default(),
    );
    let task = |(place, l): (u32, &LeafRequest)| {
        if l.leaf >= leaves {
            return Err(Fault::NoSuchLeaf {
                leaf: l.leaf,
                leaves,
            });
        }
        let settings = rendition_settings(&l.settings);
        settings
            .validate(&format)
            .map_err(|e| Fault::Profile(e.to_string()))?;
        let (rendition, chunk) = ((l.leaf / chunks) as u8, l.leaf % chunks);
        Ok(Task {
            place,
            leaf: l.leaf,
            rendition,
            chunk,
            settings,
        })
    };
    (0..).zip(&ask.leaves).map(task).collect()
}

/// Hashes every frame and hands each finished chunk on.
fn hash(
    source: &[u8],
    profiles: &Profiles,
    limits: &Limits,
    expected: Option<u32>,
    outlet: &Outlet<impl Write>,
    mut finished: impl FnMut(u32, Vec<Vec<u8>>) -> Result<(), Fault>,
) -> Result<Inspected, Fault> {
    let size = usize::from(profiles.chunk_frames);
    let started = cpu::thread();
    let (mut count, mut roots, mut hasher) = (0u32, Vec::<B256>::new(), ChunkHasher::new());
    let mut frames: Vec<Vec<u8>> = Vec::with_capacity(if expected.is_some() { size } else { 0 });
    let ffmpeg = decode::decode(source, profiles, limits, |frame| {
        count += 1;
        if let Some(expected) = expected.filter(|&e| count > e) {
            return Err(Fault::FrameCount {
                found: count,
                expected,
            });
        }
        if count.is_multiple_of(TOLD) {
            outlet.decoded(count)?;
        }
        hasher.update(&frame);
        if expected.is_some() {
            frames.push(frame);
        }
        if count.is_multiple_of(u32::from(profiles.chunk_frames)) {
            let chunk = roots.len() as u32;
            roots.push(std::mem::take(&mut hasher).finish());
            finished(chunk, std::mem::take(&mut frames))?;
        }
        Ok(())
    })?;
    if !count.is_multiple_of(u32::from(profiles.chunk_frames)) {
        let chunk = roots.len() as u32;
        roots.push(hasher.finish());
        finished(chunk, frames)?;
    }
    let frames_root = segment_tree(&roots).root();
    let decode_cpu = ffmpeg + cpu::thread().saturating_sub(started);
    Ok(Inspected {
        frame_count: count,
        chunk_roots: roots,
        frames_root,
        decode_cpu,
    })
}

fn give<'a, 'b>(
    sender: &SyncSender<(Task, Arc<Chunk<'b>>)>,
    done: &Done,
    tasks: impl Iterator<Item = &'a Task>,
    hold: impl FnOnce() -> Chunk<'b>,
) -> Result<(), Fault> {
    let mut tasks = tasks.peekable();
    if tasks.peek().is_none() {
        return Ok(());
    }
    let chunk = Arc::new(hold());
    for task in tasks {
        if let Some(fault) = lock(&done.fault).clone() {
            return Err(fault);
        }
        sender
            .send((*task, Arc::clone(&chunk)))
            .map_err(|_| Fault::Worker("the encoding threads are gone".into()))?;
    }
    Ok(())
}

fn work(
    receiver: &Mutex<Receiver<(Task, Arc<Chunk>)>>,
    done: &Done,
    permits: &Permits,
    outlet: &Outlet<impl Write>,
    format: &SourceFormat,
    want_bytes: bool,
) {
    loop {
        let permit = permits.take();
        let next = lock(receiver).recv();
        let Ok((task, chunk)) = next else { break };
        if lock(&done.fault).is_some() {
            // Keeps receiving, so that the sender never waits for a thread that has given up.
            continue;
        }
        let sent = caught(&task, &chunk, format).and_then(|encoded| {
            drop(chunk);
            outlet.leaf(task.place, leaf(&task, encoded, want_bytes))?;
            match permit.give_back() {
                true => outlet.fewer(),
                false => Ok(()),
            }
        });
        if let Err(fault) = sent {
            lock(&done.fault).get_or_insert(fault);
        }
    }
    *lock(&done.cpu) += cpu::thread();
}

fn caught(task: &Task, chunk: &Chunk, format: &SourceFormat) -> Result<EncodedChunk, Fault> {
    let views: Vec<&[u8]> = chunk.frames.iter().map(Vec::as_slice).collect();
    let result = catch_unwind(AssertUnwindSafe(|| {
        encode_chunk(&views, format, &task.settings)
    }));
    let failed = |detail, crashed| Fault::Encoder {
        leaf: task.leaf,
        detail,
        crashed,
    };
    match result {
        Ok(chunk) => chunk.map_err(|e| failed(e.to_string(), false)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Err(failed(
                format!("rav1e panicked: {}", text.unwrap_or_default()),
                true,
            ))
        }
    }
}

fn leaf(task: &Task, chunk: EncodedChunk, want_bytes: bool) -> EncodedLeaf {
    EncodedLeaf {
        leaf: task.leaf,
        rendition: task.rendition,
        chunk: task.chunk,
        output_hash: B256::from(*blake3::hash(&chunk.obus).as_bytes()),
        output_len: chunk.obus.len() as u32,
        units: chunk.units,
        bytes: want_bytes.then_some(chunk.obus),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{self, MAX_MESSAGE};
    use crate::reply::{Message, Reply};
    use crate::{synth, y4m};
    use assay_protocol::profile::{Rendition, SourceFormat};

    #[test]
    fn says_how_far_decoding_is() {
        let header = y4m::Header {
            width: 32,
            height: 32,
            bit_depth: 8,
            fps: (30, 1),
            full_range: false,
        };
        let mut source = header.line().into_bytes();
        for index in 0..25 {
            y4m::write_frame(&mut source, &synth::frame(32, 32, index)).unwrap();
        }
        let profiles = Profiles {
            chunk_frames: 15,
            source: SourceFormat {
                width: 32,
                height: 32,
                bit_depth: 8,
                full_range: false,
                colour: [2; 3],
                fps_num: 30,
                fps_den: 1,
            },
            renditions: vec![Rendition::plain(32, 32, 10, 120)],
        };
        let mut pipe = Vec::new();
        let outlet = Outlet::new(&mut pipe);
        let inspected = inspect(&source, &profiles, &Limits::default(), &outlet).unwrap();
        assert_eq!(
            (inspected.frame_count, inspected.chunk_roots.len()),
            (25, 2)
        );
        drop(outlet);
        let (mut pipe, mut told) = (pipe.as_slice(), Vec::new());
        while !pipe.is_empty() {
            let bytes = framing::read(&mut pipe, MAX_MESSAGE).unwrap();
            match postcard::from_bytes::<Message>(&bytes).unwrap() {
                Ok(Reply::Decoded(frames)) => told.push(frames),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, [10, 20]);
    }
}
