//! What a running node says of itself in a file beside its journal: for launchers, health checks and people.

use std::path::{Path, PathBuf};

use assay_protocol::Address;
use serde::{Deserialize, Serialize};

/// Name of the file in the node's folder; it is there while the node runs, and after a crash.
pub const FILE: &str = "status.json";

/// A running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Its operator account.
    pub operator: Address,
    /// Its libp2p peer.
    pub peer: String,
    /// Addresses it listens on, with its peer id.
    pub addresses: Vec<String>,
    /// Peers it is connected with.
    pub peers: usize,
    /// The last block it has followed; 0 before the first.
    pub head: u64,
}

impl Status {
    /// Whether network and chain are both there.
    pub const fn is_ready(&self) -> bool {
        self.head > 0 && !self.addresses.is_empty()
    }

    /// Path in a node's folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Reads a node's file; `None` when there is none or it is no such file.
    pub fn read(folder: &Path) -> Option<Self> {
        let bytes = std::fs::read(Self::path(folder)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        crate::whole::write(&Self::path(folder), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_ready_with_a_network_and_a_chain() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Status::read(folder.path()), None);
        let mut status = Status {
            pid: 7,
            operator: Address::repeat_byte(1),
            peer: "12D3".into(),
            addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
            peers: 0,
            head: 0,
        };
        assert!(!status.is_ready());
        status.head = 3;
        assert!(status.is_ready());
        status.write(folder.path()).unwrap();
        assert_eq!(Status::read(folder.path()), Some(status));
        std::fs::write(Status::path(folder.path()), "{").unwrap();
        assert_eq!(Status::read(folder.path()), None);
    }
}
