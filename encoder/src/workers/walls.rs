//! What a worker is dared to do.

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::fault::WorkerError;
use crate::reply::Reply;
use crate::request::Escape;
use crate::sandbox::{Sockets, Walls};

/// What every system has and everyone may read or start.
const FILE: &str = "/etc/passwd";
const PROGRAM: &str = "/bin/sh";

/// Who called has done so by now; this is for the runtime to notice.
const MOMENT: Duration = Duration::from_millis(10);

/// The dare, and the listener that must hear nothing.
pub(super) async fn escape(sockets: Sockets) -> Result<(Escape, TcpListener), WorkerError> {
    let failed = |e: std::io::Error| WorkerError::Answer(format!("a loopback port: {e}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let escape = Escape {
        file: PathBuf::from(FILE),
        folder: std::env::temp_dir(),
        port: listener.local_addr().map_err(failed)?.port(),
        program: PathBuf::from(PROGRAM),
        sockets,
    };
    Ok((escape, listener))
}

/// The worker's word, but for what was heard here.
pub(super) async fn heard(reply: Reply, listener: TcpListener) -> Result<Walls, WorkerError> {
    let Reply::Walls(walls) = reply else {
        return Err(WorkerError::Answer("an answer to another question".into()));
    };
    let called = tokio::time::timeout(MOMENT, listener.accept()).await;
    Ok(Walls {
        network: walls.network && called.is_err(),
        ..walls
    })
}
