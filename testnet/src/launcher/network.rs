//! Who takes part in a network that was started here: written by `up`, read by `status`.

use std::path::{Path, PathBuf};

use assay_protocol::Address;
use serde::{Deserialize, Serialize};

use super::LauncherError;

const FILE: &str = "network.json";

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Network {
    /// RPC of its chain.
    pub rpc: String,
    /// The seed of keys, randomness and cheat.
    pub seed: u64,
    /// Its nodes.
    pub operators: Vec<Operator>,
}

/// A node of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operator {
    /// For people and folders.
    pub name: String,
    /// `broadcaster`, `transcoder` or `verifier`.
    pub role: String,
    /// Its account.
    pub address: Address,
    /// Whether it is an adversary.
    pub cheats: bool,
}

impl Network {
    fn path(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    pub fn save(&self, dir: &Path) -> Result<(), LauncherError> {
        let path = Self::path(dir);
        let io = |source| LauncherError::Io {
            path: path.clone(),
            source,
        };
        let text = serde_json::to_string_pretty(self).map_err(|e| io(e.into()))?;
        std::fs::write(&path, text + "\n").map_err(io)
    }

    /// # Errors
    /// [`LauncherError::NoNetwork`] when nothing was started in `dir`.
    pub fn load(dir: &Path) -> Result<Self, LauncherError> {
        let path = Self::path(dir);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(LauncherError::NoNetwork(dir.into()));
            }
            Err(source) => return Err(LauncherError::Io { path, source }),
        };
        serde_json::from_slice(&bytes).map_err(|e| LauncherError::Content {
            path,
            reason: e.to_string(),
        })
    }
}
