//! The child process in which all decoding and encoding happens: `assay worker`.
//!
//! One order on standard input. To a segment it answers on standard output: the source's roots, each leaf as it is done,
//! the end. A tool's output goes straight through, and so does a live stream to its input. Before it looks at a byte of
//! video the worker puts walls around itself ([`sandbox`]) and FFmpeg.
//!
//! Standard input stays open meanwhile, for permits to encode more at a time, and standard output is read: when either ends,
//! the parent is gone and the worker ends at once. FFmpeg ends with the worker, whatever it is doing: the kernel kills it ([`launch`]).

mod ahead;
pub(crate) mod cpu;
mod decode;
mod encode;
mod escape;
mod launch;
mod outlet;
mod permits;
mod tool;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use assay_protocol::profile::Profiles;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::fault::Fault;
use crate::ffmpeg;
use crate::framing::{self, MAX_MESSAGE};
use crate::limits::Limits;
use crate::reply::{Message, Reply};
use crate::request::{Job, ONE_LESS, ONE_MORE, Order};
use crate::sandbox::{self, Access};
use crate::settings;
use outlet::Outlet;
use permits::Permits;

/// Exit code when the parent went away.
const ORPHANED: i32 = 3;

/// Serves one order; the program's hidden `worker` command calls this and nothing else.
pub fn main() -> ExitCode {
    let end = match launch::asked() {
        Some(words) => Err(launch::become_it(&words)),
        None if escape::asked() => Ok(escape::reach_parent()),
        None => {
            assay_libm::pin();
            serve()
        }
    };
    end.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "worker: {error}");
        ExitCode::FAILURE
    })
}

fn serve() -> std::io::Result<ExitCode> {
    let invalid =
        |error: postcard::Error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    let mut stdin = std::io::stdin().lock();
    let order: Order =
        postcard::from_bytes(&framing::read(&mut stdin, MAX_MESSAGE)?).map_err(invalid)?;
    // All this before any thread or FFmpeg is started: they inherit it.
    cpu::open();
    match order {
        Order::Video(job) => {
            // A positive step needs no privilege.
            nice(job.niceness.into())?;
            let confined = confine(&job.limits, &decoding());
            let source = framing::read(&mut stdin, job.limits.max_source)?;
            drop(stdin);
            let permits = watch_parent()?;
            let outlet = Outlet::new(std::io::stdout());
            let last = confined.and_then(|()| answer(&job, &source, &permits, &outlet));
            outlet.end(&last).map_err(std::io::Error::other)?;
            Ok(ExitCode::SUCCESS)
        }
        Order::Tool(mut job) => {
            drop(stdin);
            job.access.run.push(job.program.clone().into());
            confine(&job.limits, &job.access).map_err(std::io::Error::other)?;
            tool::run(job)
        }
        Order::Escape(escape) => {
            drop(stdin);
            let access = Access {
                sockets: escape.sockets,
                ..decoding()
            };
            let walls = sandbox::enter(&access).map(|()| escape::attempt(&escape));
            let walls = walls.map_err(|e| Fault::Worker(format!("walls: {e}")));
            let outlet = Outlet::new(std::io::stdout());
            outlet
                .end(&walls.map(Reply::Walls))
                .map_err(std::io::Error::other)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What decoding a segment needs, whose bytes come through a pipe: FFmpeg, where there is one.
fn decoding() -> Access {
    Access {
        run: ffmpeg::find("ffmpeg".as_ref()).into_iter().collect(),
        ..Access::default()
    }
}

/// The permits that the parent adds to.
fn watch_parent() -> std::io::Result<Arc<Permits>> {
    let permits = Arc::new(Permits::default());
    let watch = std::thread::Builder::new().name("parent-watch".into());
    let added = Arc::clone(&permits);
    watch.spawn(move || end_with_parent(&added))?;
    Ok(permits)
}

fn end_with_parent(permits: &Permits) {
    let (mut stdin, mut byte) = (std::io::stdin().lock(), [0]);
    // Nothing else is ever sent: whatever ends this ends the worker.
    while matches!(stdin.read(&mut byte), Ok(1)) {
        match byte {
            [ONE_MORE] => permits.add(1),
            [ONE_LESS] => permits.ask(),
            _ => break,
        }
    }
    std::process::exit(ORPHANED);
}

/// As [`watch_parent`], where standard input carries a stream that may end before its parent.
fn watch_reader() -> std::io::Result<()> {
    let watch = std::thread::Builder::new().name("reader-watch".into());
    watch.spawn(end_with_reader).map(drop)
}

fn end_with_reader() {
    let stdout = std::io::stdout();
    // No event is asked for: a pipe that nobody reads any more is told all the same.
    let mut pipe = [PollFd::new(&stdout, PollFlags::empty())];
    while matches!(poll(&mut pipe, None), Err(Errno::INTR)) {}
    std::process::exit(ORPHANED);
}

/// Limits and walls.
fn confine(limits: &Limits, access: &Access) -> Result<(), Fault> {
    let set = |resource, value: u64, most: u64| {
        let limit = Rlimit {
            current: Some(value),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
            .map_err(|e| Fault::Worker(format!("limit {resource:?} to {value}: {e}")))
    };
    set(Resource::As, limits.memory, limits.memory)?;
    // The signal of the lower one says why it ends.
    let seconds = limits.cpu.as_secs().max(1);
    set(Resource::Cpu, seconds, seconds + 1)?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, access.largest, access.largest)?;
    sandbox::enter(access).map_err(|e| Fault::Worker(format!("walls: {e}")))
}

fn answer(
    job: &Job,
    source: &[u8],
    permits: &Permits,
    outlet: &Outlet<impl Write + Send>,
) -> Message {
    let profiles =
        Profiles::from_bytes(&job.profiles).map_err(|e| Fault::Profile(e.to_string()))?;
    settings::check(&profiles).map_err(|e| Fault::Profile(e.to_string()))?;
    let within = |what: &str, found: u64, max: u64| match found <= max {
        true => Ok(()),
        false => Err(Fault::Cap {
            what: what.to_owned(),
            found,
            max,
        }),
    };
    let pixels = u64::from(profiles.source.width) * u64::from(profiles.source.height);
    within(
        "luma samples of a source frame",
        pixels,
        job.limits.max_pixels,
    )?;
    let frames = job.encode.as_ref().map_or(0, |ask| ask.frame_count);
    within(
        "number of frames",
        frames.into(),
        job.limits.max_frames.into(),
    )?;
    let encode_cpu = match &job.encode {
        None => {
            outlet.source(encode::inspect(source, &profiles, &job.limits, outlet)?)?;
            Duration::ZERO
        }
        Some(ask) => {
            let raw = settings::chunk_bytes(&profiles, ask.frame_count);
            within("bytes of a chunk's frames", raw, job.limits.max_chunk())?;
            encode::encode(source, &profiles, &job.limits, ask, permits, outlet)?
        }
    };
    Ok(Reply::Done { encode_cpu })
}
