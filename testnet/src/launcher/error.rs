//! Why a network of processes cannot be started, ended or described.

use std::path::PathBuf;

use assay_chain::ChainError;
use assay_chain::anvil::AnvilError;
use assay_chain::contracts::DeploymentFileError;
use assay_encoder::input::InputError;
use assay_node::KeyError;

use crate::cast::SizeError;
use crate::clip::ClipError;
use crate::stage::StageError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// Too few or too many.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// The video.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// No development chain.
    #[error(transparent)]
    Anvil(#[from] AnvilError),
    /// The chain failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain was not set up.
    #[error(transparent)]
    Stage(Box<StageError>),
    /// The deployment's file.
    #[error(transparent)]
    Deployment(#[from] DeploymentFileError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A libp2p key.
    #[error(transparent)]
    Identity(#[from] assay_p2p::IdentityError),
    /// The disk.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else's files.
    #[error("{} is not empty and was not made by `assay testnet`; name another folder with --dir", .0.display())]
    Foreign(PathBuf),
    /// The input would be removed before it is read.
    #[error("{input} lies in {dir}, which is emptied at the start; move it, or name another folder with --dir",
        input = input.display(), dir = dir.display())]
    Inside {
        /// The video.
        input: PathBuf,
        /// The network's folder.
        dir: PathBuf,
    },
    /// The nodes' configuration is a text file, and this is not text.
    #[error("{}: the nodes' configuration names the video, and this name is not UTF-8; rename the file", .0.display())]
    NotText(PathBuf),
    /// A network runs there.
    #[error("a network is up in {dir} ({name} runs); type: assay testnet down --dir {dir}", dir = dir.display())]
    AlreadyUp {
        /// The folder.
        dir: PathBuf,
        /// One of its processes.
        name: String,
    },
    /// Nothing was started there.
    #[error("{}: no network here; `assay testnet up` starts one", .0.display())]
    NoNetwork(PathBuf),
    /// A file of the folder that this program did not write so.
    #[error("{path}: {reason}; `assay testnet up` writes it anew", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Prepared for a chain that is gone.
    #[error("{dir} was prepared for another chain ({source}); remove it, or take another folder", dir = dir.display())]
    OtherChain {
        /// The folder.
        dir: PathBuf,
        /// What the chain said.
        source: ChainError,
    },
    /// A process does not start.
    #[error("{name} cannot be started: {source}")]
    Start {
        /// Which.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A process ended while the network was starting.
    #[error("{name} has ended; its last words in {log}: {words}", log = log.display())]
    Ended {
        /// Which.
        name: String,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        words: String,
    },
    /// Nodes that did not come up in time.
    #[error("not ready after {} s: {}; see {log}", super::READY_TIME.as_secs(), names.join(", "), log = log.display())]
    NotReady {
        /// Which.
        names: Vec<String>,
        /// Log of the first.
        log: PathBuf,
    },
    /// A process that does not go.
    #[error("{name} (process {pid}) cannot be ended: {reason}")]
    Stays {
        /// Which.
        name: String,
        /// Its process.
        pid: u32,
        /// Why.
        reason: String,
    },
    /// No free loopback port.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(std::io::Error),
}

impl From<StageError> for LauncherError {
    fn from(error: StageError) -> Self {
        Self::Stage(Box::new(error))
    }
}

impl From<InputError> for LauncherError {
    fn from(error: InputError) -> Self {
        Self::Clip(error.into())
    }
}

impl LauncherError {
    /// Whether the person who typed the command can mend it: exit code 2.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Size(_)
                | Self::Clip(_)
                | Self::Foreign(_)
                | Self::Inside { .. }
                | Self::NotText(_)
                | Self::AlreadyUp { .. }
                | Self::NoNetwork(_)
                | Self::OtherChain { .. }
                | Self::Anvil(AnvilError::NotFound { .. })
        )
    }
}
