//! The walls of the FFmpeg that receives: those of every worker, with the sockets of its source.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::LiveError;
use crate::child::{Group, WorkerCommand};
use crate::request::Feed;
use crate::sandbox::{Access, Sockets};
use crate::tool::{self, ToolError};

/// Address space of one FFmpeg: it copies, but it decodes first pictures, and of SRT and of what is fetched nobody caps their
/// size. The largest that can be published, 8192×4352, need less than 800 MB.
const MEMORY: u64 = 1 << 30;
/// CPU time of one FFmpeg, whatever it does with it; months of an ordinary stream.
const CPU: Duration = Duration::from_secs(24 * 3600);
/// What says whom to believe who somebody is, by library and distribution. Names are looked up by the proxy.
const TRUST: [&str; 8] = [
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/gnutls",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
];

/// Starts FFmpeg; what it may open follows from its sockets.
pub(super) async fn start(
    worker: &WorkerCommand,
    command: &Command,
    sockets: Sockets,
    feed: Feed,
) -> Result<Group, LiveError> {
    let read = match sockets {
        Sockets::None | Sockets::Udp => Vec::new(),
        Sockets::Proxy(_) => TRUST.map(PathBuf::from).into(),
    };
    let access = Access {
        read,
        sockets,
        ..Access::default()
    };
    let started = tool::start(worker, command, access, (MEMORY, CPU), feed).await;
    started.map_err(|error| {
        LiveError::Start(match error {
            ToolError::Start { source, .. } => source,
            ToolError::Worker { program, source } | ToolError::Pipe { program, source } => {
                io::Error::new(source.kind(), format!("{program}: {source}"))
            }
            ToolError::Timeout { .. } => io::ErrorKind::TimedOut.into(),
        })
    })
}
