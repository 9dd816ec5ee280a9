//! The child process in which all decoding and encoding happens: `assay worker`.
//!
//! One request on standard input; on standard output the source's roots, each leaf as it is done, and the end. Standard
//! input stays open meanwhile: when it closes, the parent is gone and the worker ends at once, and FFmpeg with it,
//! whose pipes break.

mod ahead;
pub(crate) mod cpu;
mod decode;
mod encode;
mod outlet;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use assay_protocol::profile::Profiles;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::fault::Fault;
use crate::framing::{self, MAX_MESSAGE};
use crate::limits::Limits;
use crate::reply::{Message, Reply};
use crate::request::Job;
use crate::settings;
use outlet::Outlet;

/// Exit code when the parent went away.
const ORPHANED: i32 = 3;

/// Serves one request; the program's hidden `worker` command calls this and nothing else.
pub fn main() -> ExitCode {
    assay_libm::pin();
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> std::io::Result<()> {
    let invalid =
        |error: postcard::Error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    let mut stdin = std::io::stdin().lock();
    let job: Job =
        postcard::from_bytes(&framing::read(&mut stdin, MAX_MESSAGE)?).map_err(invalid)?;
    // Before any thread or FFmpeg is started: they inherit it. A positive step needs no privilege.
    nice(job.niceness.into())?;
    let source = framing::read(&mut stdin, job.limits.max_source)?;
    drop(stdin);
    std::thread::Builder::new()
        .name("parent-watch".into())
        .spawn(end_with_parent)?;
    let outlet = Outlet::new(std::io::stdout());
    let last = confine(&job.limits).and_then(|()| answer(&job, &source, &outlet));
    outlet.end(&last).map_err(std::io::Error::other)
}

fn end_with_parent() {
    let mut byte = [0];
    // Nothing more is ever sent: whatever ends this read ends the worker.
    let _ = std::io::stdin().lock().read(&mut byte);
    std::process::exit(ORPHANED);
}

fn confine(limits: &Limits) -> Result<(), Fault> {
    let set = |resource, value: u64| {
        let limit = Rlimit {
            current: Some(value),
            maximum: Some(value),
        };
        setrlimit(resource, limit)
            .map_err(|e| Fault::Worker(format!("limit {resource:?} to {value}: {e}")))
    };
    set(Resource::As, limits.memory)?;
    set(Resource::Cpu, limits.cpu.as_secs().max(1))?;
    set(Resource::Core, 0)
}

fn answer(job: &Job, source: &[u8], outlet: &Outlet<impl Write + Send>) -> Message {
    let profiles =
        Profiles::from_bytes(&job.profiles).map_err(|e| Fault::Profile(e.to_string()))?;
    settings::check(&profiles).map_err(|e| Fault::Profile(e.to_string()))?;
    let pixels = u64::from(profiles.source.width) * u64::from(profiles.source.height);
    if pixels > job.limits.max_pixels {
        let what = "luma samples of a source frame".to_owned();
        return Err(Fault::Cap {
            what,
            found: pixels,
            max: job.limits.max_pixels,
        });
    }
    let encode_cpu = match &job.encode {
        None => {
            outlet.source(encode::inspect(source, &profiles, &job.limits)?)?;
            Duration::ZERO
        }
        Some(ask) => encode::encode(source, &profiles, &job.limits, ask, outlet)?,
    };
    Ok(Reply::Done { encode_cpu })
}
