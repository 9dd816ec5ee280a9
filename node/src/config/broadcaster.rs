//! The `[broadcaster]` table: what is published, how, and where viewers find it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use assay_encoder::live::{Address as LiveAddress, AddressError};
use assay_encoder::package::Keep;
use assay_protocol::U256;
use serde::{Deserialize, Serialize};

/// Settings of a broadcaster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcasterConfig {
    /// The video: any file that FFmpeg reads; or a live stream: `rtmp://ADDRESS:PORT/APP` or `srt://ADDRESS:PORT`, where
    /// senders are awaited, or `http://…` or `https://…`, which is fetched.
    pub input: PathBuf,
    /// File with the key that a sender must know, made at the first start if it is not there. Default `stream.key`.
    #[serde(default = "default_key_file")]
    pub key_file: PathBuf,
    /// Where the playlist is written. Default `hls`.
    #[serde(default = "default_output")]
    pub output: PathBuf,
    /// The ladder: a preset's name or a TOML file, see `docs/profiles.md`. Default `ladder-720p`: what common players and
    /// lines need, of a source of any size.
    #[serde(default = "default_profile")]
    pub profile: String,
    /// Whether to begin again at its end. Default false.
    #[serde(default)]
    pub repeat: bool,
    /// Whether to publish no faster than the video plays. Default true: a stream is watched while it is made, and
    /// transcoders are not flooded.
    #[serde(default = "default_live")]
    pub live: bool,
    /// Segments unfinished at a time. Default 2: one being encoded while the next one is fetched. Of a live stream 16: those
    /// behind one that is waited for cannot wait, and half a minute is what a few silent transcoders take.
    #[serde(default)]
    pub in_flight: Option<usize>,
    /// How much of the stream the playlist has, in seconds; older segments are removed. Default of a live stream: 60; of a
    /// file: all of it.
    #[serde(default)]
    pub window_seconds: Option<u64>,
    /// Whether what left the window is kept, with a second playlist `archive.m3u8` that has everything. Default false.
    #[serde(default)]
    pub archive: bool,
    /// How long the playlist of a live stream waits for a segment since its last frame came in; then it gets a gap and
    /// goes on. Default 20: enough for a second transcoder where the first one refuses.
    #[serde(default = "default_patience")]
    pub patience_seconds: u64,
    /// Where viewers find the playlist, over HTTP. Default `127.0.0.1:8080`, for a proxy on this machine.
    #[serde(default)]
    pub serve: Option<SocketAddr>,
    /// File with the token that viewers must show. Default: none, everybody may watch.
    #[serde(default)]
    pub viewer_token_file: Option<PathBuf>,
    /// The job to publish in. Default: a job of the node's own, created at the first start and remembered.
    #[serde(default)]
    pub job: Option<u64>,
    /// Most wei paid per output pixel, for a job that is created. Default 100: about 0.025 ETH an hour of 360p at 30
    /// frames a second.
    #[serde(default = "default_price")]
    pub max_price_per_pixel: u64,
}

fn default_profile() -> String {
    "ladder-720p".into()
}

fn default_output() -> PathBuf {
    "hls".into()
}

const fn default_live() -> bool {
    true
}

fn default_key_file() -> PathBuf {
    "stream.key".into()
}

const fn default_patience() -> u64 {
    20
}

const fn default_price() -> u64 {
    100
}

impl BroadcasterConfig {
    /// A broadcaster of `input` with everything else by default.
    pub fn of(input: PathBuf) -> Self {
        Self {
            input,
            key_file: default_key_file(),
            output: default_output(),
            profile: default_profile(),
            repeat: false,
            live: default_live(),
            in_flight: None,
            window_seconds: None,
            archive: false,
            patience_seconds: default_patience(),
            serve: None,
            viewer_token_file: None,
            job: None,
            max_price_per_pixel: default_price(),
        }
    }

    /// The live source, if the input is one.
    ///
    /// # Errors
    /// An address that is none.
    pub fn live_source(&self) -> Result<Option<LiveAddress>, AddressError> {
        match self.is_live() {
            true => self.input.to_string_lossy().parse().map(Some),
            false => Ok(None),
        }
    }

    /// Whether the input is a live stream.
    pub fn is_live(&self) -> bool {
        LiveAddress::is_url(&self.input.to_string_lossy())
    }

    /// Segments unfinished at a time.
    pub fn in_flight(&self) -> usize {
        let usual = if self.is_live() { 16 } else { 2 };
        self.in_flight.unwrap_or(usual)
    }

    /// How much of the stream is kept.
    pub fn keep(&self) -> Keep {
        match self.window_seconds.or(self.is_live().then_some(60)) {
            None => Keep::All,
            Some(seconds) => Keep::Window {
                length: Duration::from_secs(seconds),
                archive: self.archive,
            },
        }
    }

    /// The job as the chain numbers it.
    pub fn job_id(&self) -> Option<U256> {
        self.job.map(U256::from)
    }
}
