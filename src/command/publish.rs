//! `assay publish`: a broadcaster's node for one input.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use assay_node::config::BroadcasterConfig;
use assay_node::{Config, Honest};

use super::{USAGE, fail, node};

/// Options of `assay publish`. They override the `[broadcaster]` table of the node's file, which may be missing.
#[derive(clap::Args)]
pub struct Arguments {
    /// A video file that FFmpeg reads. Default: what the node's file says.
    #[arg(value_name = "FILE", conflicts_with = "live")]
    input: Option<PathBuf>,
    /// A live stream instead: rtmp://ADDRESS:PORT/APP or srt://ADDRESS:PORT to wait for a sender there, http(s)://… to
    /// fetch one. Addresses with a secret are better off in the environment or the node's file.
    #[arg(long, value_name = "URL", env = "ASSAY_LIVE", hide_env_values = true)]
    live: Option<String>,
    /// File with the key that a sender must know; made if it is not there.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Begin again at the file's end.
    #[arg(long)]
    repeat: bool,
    /// Where viewers find the playlist over HTTP [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    serve: Option<SocketAddr>,
    /// Folder of the playlists [default: hls beside the node's file].
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Keep everything of a live stream, with a second playlist archive.m3u8.
    #[arg(long)]
    archive: bool,
    #[command(flatten)]
    pub node: node::Arguments,
}

/// Runs until it is told to stop: what was published is still watched, fetched and checked.
pub async fn run(arguments: Arguments) -> ExitCode {
    // What is typed is relative to where it is typed, and not to the node's file.
    let absolute = |path: Option<PathBuf>| path.map(std::path::absolute).transpose();
    let paths = absolute(arguments.input).and_then(|input| {
        let key_file = absolute(arguments.key_file)?;
        Ok((input, key_file, absolute(arguments.output)?))
    });
    let (input, key_file, output) = match paths {
        Ok(paths) => paths,
        Err(e) => {
            let advice = "type this in a folder that is there, or name whole paths";
            return fail(format!("a path cannot be completed: {e}; {advice}"), USAGE);
        }
    };
    let input = arguments.live.map(PathBuf::from).or(input);
    node::run_changed(arguments.node, Arc::new(Honest), |config: &mut Config| {
        match (&mut config.broadcaster, input) {
            (Some(settings), Some(input)) => settings.input = input,
            (None, Some(input)) => config.broadcaster = Some(BroadcasterConfig::of(input)),
            // The file's own input, or an error that says that there is none.
            (Some(_), None) => {}
            (None, None) => config.broadcaster = Some(BroadcasterConfig::of(PathBuf::new())),
        }
        if let Some(settings) = &mut config.broadcaster {
            settings.repeat |= arguments.repeat;
            settings.archive |= arguments.archive;
            settings.serve = arguments.serve.or(settings.serve);
            settings.output = output.unwrap_or_else(|| settings.output.clone());
            settings.key_file = key_file.unwrap_or_else(|| settings.key_file.clone());
        }
    })
    .await
}
