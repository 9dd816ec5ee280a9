//! What a broadcaster publishes, file or live stream, and where viewers find it.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_encoder::live::{AddressError, StreamKey};
use assay_encoder::{Ladder, Workers};
use assay_protocol::profile::Profiles;
use tokio::sync::mpsc;

use crate::blobs::BlobFolder;
use crate::clip::ClipError;
use crate::config::BroadcasterConfig;
use crate::live::LiveStream;
use crate::progress::Progress;
use crate::publish::{Pace, VideoFile};
use crate::serve::{Server, ViewerToken, Viewers};
use crate::settings::{JobChoice, Offer};

/// Where viewers are answered unless the configuration says otherwise.
const VIEWERS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Trouble with one segment, such as a full disk, may pass in this time.
const PAUSE: Duration = Duration::from_secs(10);
/// Random bytes in a stream key that the node makes; its hexadecimal digits fit SRT's passphrase.
const KEY_BYTES: usize = 16;

/// Why a publication cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// The input.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The live source or its key.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A file with a secret.
    #[error("{path}: {detail}", path = path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Viewers cannot be answered there.
    #[error("broadcaster.serve: {address} cannot be listened on: {source}")]
    Serve {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A publication that is about to begin.
pub(crate) enum Publication {
    File(Box<VideoFile>, Pace),
    Live(Box<LiveStream>),
}

impl Publication {
    /// Looks at a file and cuts it, or waits for a live stream; `folder` is the node's.
    pub async fn open(
        settings: &BroadcasterConfig,
        folder: &Path,
        workers: &Workers,
    ) -> Result<Self, PublicationError> {
        let ladder = Ladder::load(&settings.profile).map_err(ClipError::from)?;
        let Some(address) = settings.live_source()? else {
            let pace = Pace {
                repeat: settings.repeat,
                live: settings.live,
                pause: PAUSE,
            };
            let cut = folder.join("segments");
            let file = VideoFile::open(&settings.input, &ladder, workers, &cut).await?;
            return Ok(Self::File(Box::new(file), pace));
        };
        let key = match address.listens() {
            Some(_) => Some(stream_key(&settings.key_file)?),
            None => None,
        };
        address.check_key(key.as_ref())?;
        if key.is_some() {
            tracing::info!("the stream key is in {}", settings.key_file.display());
        }
        let stream = LiveStream::open(address, key, &ladder, workers, &folder.join("live")).await?;
        Ok(Self::Live(Box::new(stream)))
    }

    /// What it is transcoded to.
    pub fn profiles(&self) -> &Profiles {
        match self {
            Self::File(file, _) => &file.profiles,
            Self::Live(stream) => stream.profiles(),
        }
    }

    /// How long the playlist waits for a segment; for ever if it need not keep up.
    pub fn patience(&self, settings: &BroadcasterConfig) -> Option<Duration> {
        match self {
            Self::File(..) => None,
            Self::Live(_) => Some(Duration::from_secs(settings.patience_seconds)),
        }
    }

    /// How far it has been published in `job` into the folder `output`, if it is something that can be gone on with.
    pub fn progress(&self, output: &Path, job: &JobChoice) -> Option<Progress> {
        let Self::File(file, _) = self else {
            return None;
        };
        let job = match job {
            JobChoice::Existing(job) => format!("job {job}"),
            JobChoice::Own {
                profiles,
                max_price,
            } => format!("profiles {} at {max_price} wei", profiles.hash()),
        };
        Some(Progress::open(output, format!("{}, {job}", file.name())))
    }

    /// Publishes to the end; a file is begun behind the first `done` segments.
    pub async fn run(
        self,
        blobs: &BlobFolder,
        workers: &Workers,
        done: u64,
        offers: mpsc::Sender<Offer>,
    ) -> Result<(), ClipError> {
        match self {
            Self::File(file, pace) => file.run(blobs, workers, pace, done, offers).await,
            Self::Live(stream) => stream.run(blobs, workers, offers).await,
        }
    }
}

/// A listener for viewers. Without one that was asked for by name the node goes on: it is not all that it is for.
///
/// # Errors
/// An address of the configuration that is taken, or a token that is none.
pub(crate) async fn open_viewers(
    settings: &BroadcasterConfig,
) -> Result<Option<Server>, PublicationError> {
    let token = match &settings.viewer_token_file {
        None => None,
        Some(path) => {
            let token = secret(path)?;
            let bad = || PublicationError::Secret {
                path: path.clone(),
                detail: "a token has letters, digits and -_.~ and is not empty".into(),
            };
            Some(ViewerToken::new(&token).ok_or_else(bad)?)
        }
    };
    let secured = token.is_some();
    let viewers = Viewers {
        folder: settings.output.clone(),
        token,
    };
    let address = settings.serve.unwrap_or(VIEWERS);
    match Server::bind(address, viewers).await {
        Ok(server) => {
            let token = if secured { "?token=…" } else { "" };
            tracing::info!("viewers: {}{token}", server.url());
            Ok(Some(server))
        }
        Err(source) if settings.serve.is_some() => Err(PublicationError::Serve { address, source }),
        Err(e) => {
            tracing::warn!("viewers cannot be answered at {address}: {e}; set broadcaster.serve");
            Ok(None)
        }
    }
}

/// The key in a file, or a new one where there is no file.
fn stream_key(path: &Path) -> Result<StreamKey, PublicationError> {
    let fail = |detail: String| PublicationError::Secret {
        path: path.into(),
        detail,
    };
    if !path.exists() {
        let key = hex::encode(rand::random::<[u8; KEY_BYTES]>());
        let file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let written = file.and_then(|mut file| writeln!(file, "{key}"));
        written.map_err(|e| fail(e.to_string()))?;
    }
    StreamKey::new(&secret(path)?).ok_or_else(|| fail("there is no key in it".into()))
}

/// A file that others cannot read.
fn secret(path: &Path) -> Result<String, PublicationError> {
    let fail = |detail: String| PublicationError::Secret {
        path: path.into(),
        detail,
    };
    let meta = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(fail(format!(
            "others may read it (mode {mode:03o}, expected 600); type: chmod 600 {}",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream.key");
        let key = stream_key(&path).unwrap();
        assert!(key == stream_key(&path).unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = stream_key(&path).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}
